#include <limits>

#include "fastae/rows.hpp"
#include "helpers.hpp"

namespace fastae {
namespace {

/// A table of T in memory that is laid out as the steps, in elements, say.
template <class T>
struct Stored {
    Stored(const RowMatrix<T>& X, Index row_step, Index col_step) {
        const Index n = X.rows(), d = X.cols();
        const Index row_span = (n - 1) * row_step, col_span = (d - 1) * col_step;
        const Index origin = -(std::min<Index>(row_span, 0) + std::min<Index>(col_span, 0));
        memory_.reset(
            new T[static_cast<std::size_t>(1 + std::abs(row_span) + std::abs(col_span))]());
        for (Index i = 0; i < n; ++i) {
            for (Index j = 0; j < d; ++j) memory_[origin + i * row_step + j * col_step] = X(i, j);
        }
        const Index size = sizeof(T);
        view = {memory_.get() + origin, dtype_of<T>(), n, d, row_step * size, col_step * size};
    }

    RowsView view;

  private:
    std::unique_ptr<T[]> memory_;
};

template <class T>
class Rows : public ::testing::Test {
  protected:
    static constexpr Index kN = 11, kD = 19;

    Rows() : X_(kN, kD) {
        Uniform uniform(5);
        const double low = std::is_signed_v<T> ? -100 : 0;
        for (Index i = 0; i < X_.size(); ++i) {
            X_.data()[i] = static_cast<T>(uniform(low, std::is_same_v<T, bool> ? 2 : 127));
        }
        for (Index j = 0; j < kD; ++j) {
            shift_.push_back(uniform(-50, 50));
            scale_.push_back(uniform(0.1, 3));
        }
    }

    /// Gathers n rows and compares them with the formula; looks for writes outside.
    template <class To>
    void check(const RowsView& view, const std::vector<std::uint32_t>* order, Index first,
               Index n) {
        const Scaling scaling(shift_.data(), scale_.data(), kD);
        constexpr Index stride = 32;
        constexpr To untouched = -77;
        RowMatrix<To> out = RowMatrix<To>::Constant(n + 1, stride, untouched);
        gather_rows(view, scaling, order ? order->data() : nullptr, first, n, out.data(), stride);
        for (Index i = 0; i < n; ++i) {
            const Index row =
                order ? static_cast<Index>((*order)[static_cast<std::size_t>(i)]) : first + i;
            for (Index j = 0; j < kD; ++j) {
                const auto k = static_cast<std::size_t>(j);
                const double expected = (static_cast<double>(X_(row, j)) - shift_[k]) * scale_[k];
                const double eps = std::numeric_limits<To>::epsilon();
                ASSERT_NEAR(out(i, j), expected, 300 * eps * scale_[k]) << i << ", " << j;
            }
            for (Index j = kD; j < stride; ++j) ASSERT_EQ(out(i, j), untouched);
        }
        for (Index j = 0; j < stride; ++j) ASSERT_EQ(out(n, j), untouched);
    }

    RowMatrix<T> X_;
    std::vector<double> shift_, scale_;
};
using Sources =
    ::testing::Types<bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                     std::uint32_t, std::int64_t, std::uint64_t, float, double>;
TYPED_TEST_SUITE(Rows, Sources);

TYPED_TEST(Rows, AnyStorageIsReadInPlace) {
    constexpr Index n = this->kN, d = this->kD;
    // C, Fortran, both reversed, every second row and third column, reversed rows of Fortran.
    const std::pair<Index, Index> steps[] = {{d, 1},         {1, n},  {-d, -1},  {-1, -n},
                                             {2 * 3 * d, 3}, {-1, n}, {d + 5, 1}};
    const std::vector<std::uint32_t> order{4, 0, 10, 4, 7, 1, 2, 10};
    for (const auto& [row_step, col_step] : steps) {
        SCOPED_TRACE(::testing::Message() << "steps " << row_step << ", " << col_step);
        const Stored<TypeParam> stored(this->X_, row_step, col_step);
        this->template check<float>(stored.view, nullptr, 0, n);
        this->template check<float>(stored.view, nullptr, 3, 5);
        this->template check<float>(stored.view, &order, 0, 8);
        this->template check<double>(stored.view, nullptr, 2, 9);
        this->template check<double>(stored.view, &order, 0, 8);
    }
}

TYPED_TEST(Rows, OneColumnAndOneRowWork) {
    const Stored<TypeParam> stored(this->X_, this->kD, 1);
    RowsView cell = stored.view;
    cell.n_rows = cell.n_cols = 1;
    const Scaling scaling(this->shift_.data(), this->scale_.data(), 1);
    double out = 0;
    gather_rows(cell, scaling, nullptr, 0, 1, &out, 1);
    EXPECT_EQ(out, (static_cast<double>(this->X_(0, 0)) - this->shift_[0]) * this->scale_[0]);
}

/// One cell, shifted.
template <class To, class T>
To shifted(T value, double shift) {
    const RowMatrix<T> X = RowMatrix<T>::Constant(1, 1, value);
    const double one = 1;
    To out{};
    gather_rows(view_of(X), Scaling(&shift, &one, 1), nullptr, 0, 1, &out, 1);
    return out;
}

TEST(RowsPrecision, WideSourcesAreShiftedBeforeTheyAreRounded) {
    EXPECT_EQ(shifted<float>(1e9 + 0.25, 1e9), 0.25f);
    EXPECT_EQ(shifted<float>(std::int32_t{2000000001}, 2e9), 1.0f);
    EXPECT_EQ(shifted<float>(std::uint32_t{4000000001}, 4e9), 1.0f);
    EXPECT_EQ(shifted<float>(std::int64_t{1} << 52 | 1, 4503599627370496.0), 1.0f);
    EXPECT_EQ(shifted<float>(std::uint64_t{1} << 52 | 1, 4503599627370496.0), 1.0f);
    EXPECT_EQ(shifted<double>(1e9f, 1e9 - 0.25), 0.25);
}

TEST(RowsPrecision, ExtremesOfEveryIntegerAreRead) {
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::int8_t>::min(), 0), -128);
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::uint8_t>::max(), 0), 255);
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::int16_t>::min(), 0), -32768);
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::uint16_t>::max(), 0), 65535);
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::int32_t>::min(), 0), -2147483648.0);
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::uint32_t>::max(), 0), 4294967295.0);
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::int64_t>::min(), 0), -0x1p63);
    EXPECT_EQ(shifted<double>(std::numeric_limits<std::uint64_t>::max(), 0), 0x1p64);
}

TEST(RowsPrecision, NanAndInfinityPass) {
    EXPECT_TRUE(std::isnan(shifted<float>(std::numeric_limits<double>::quiet_NaN(), 1)));
    EXPECT_TRUE(std::isinf(shifted<double>(std::numeric_limits<float>::infinity(), 1)));
}

TEST(RowsPrecision, TypesThatFloatsCannotHoldNeedDouble) {
    for (const DType dtype :
         {DType::kFloat64, DType::kInt32, DType::kUint32, DType::kInt64, DType::kUint64}) {
        EXPECT_TRUE(needs_double(dtype));
    }
    for (const DType dtype : {DType::kBool, DType::kInt8, DType::kUint8, DType::kInt16,
                              DType::kUint16, DType::kFloat32}) {
        EXPECT_FALSE(needs_double(dtype));
    }
}

}  // namespace
}  // namespace fastae
