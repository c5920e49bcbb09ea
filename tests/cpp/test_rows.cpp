#include <limits>

#include "fastae/rows.hpp"
#include "helpers.hpp"

namespace fastae::rows_test {

constexpr DType kDTypes[] = {DType::kBool,   DType::kInt8,    DType::kUint8,  DType::kInt16,
                             DType::kUint16, DType::kInt32,   DType::kUint32, DType::kInt64,
                             DType::kUint64, DType::kFloat32, DType::kFloat64};

/// Writes a number as an element of dtype; returns the size of one.
Index put(DType dtype, double value, void* at) {
    const auto as = [&](auto zero) -> Index {
        const auto element = static_cast<decltype(zero)>(value);
        std::memcpy(at, &element, sizeof element);
        return sizeof element;
    };
    switch (dtype) {
        case DType::kBool:
            return as(false);
        case DType::kInt8:
            return as(std::int8_t{});
        case DType::kUint8:
            return as(std::uint8_t{});
        case DType::kInt16:
            return as(std::int16_t{});
        case DType::kUint16:
            return as(std::uint16_t{});
        case DType::kInt32:
            return as(std::int32_t{});
        case DType::kUint32:
            return as(std::uint32_t{});
        case DType::kInt64:
            return as(std::int64_t{});
        case DType::kUint64:
            return as(std::uint64_t{});
        case DType::kFloat32:
            return as(float{});
        default:
            return as(double{});
    }
}

/// A table in memory of its own, laid out as the steps, in elements, say.
struct Stored {
    Stored(const RowMatrix<double>& X, DType dtype, Index row_step, Index col_step) {
        const Index n = X.rows(), d = X.cols();
        const Index row_span = (n - 1) * row_step, col_span = (d - 1) * col_step;
        const Index origin = -(std::min<Index>(row_span, 0) + std::min<Index>(col_span, 0));
        double first;
        const Index size = put(dtype, 0, &first);
        const Index n_elements = 1 + std::abs(row_span) + std::abs(col_span);
        memory_.reset(new char[static_cast<std::size_t>(n_elements * size)]());
        char* const data = memory_.get() + origin * size;
        for (Index i = 0; i < n; ++i) {
            for (Index j = 0; j < d; ++j) {
                put(dtype, X(i, j), data + (i * row_step + j * col_step) * size);
            }
        }
        view = {data, dtype, n, d, row_step * size, col_step * size};
    }

    RowsView view;

  private:
    std::unique_ptr<char[]> memory_;
};

class Rows : public ::testing::TestWithParam<DType> {
  protected:
    static constexpr Index kN = 11, kD = 19;

    Rows() : X_(kN, kD) {
        Uniform uniform(5);
        for (Index i = 0; i < X_.size(); ++i) X_.data()[i] = number(uniform);
        for (Index j = 0; j < kD; ++j) {
            shift_.push_back(uniform(-50, 50));
            scale_.push_back(uniform(0.1, 3));
        }
    }

    /// A number that the type can hold.
    static double number(Uniform& uniform) {
        switch (GetParam()) {
            case DType::kBool:
                return std::floor(uniform(0, 2));
            case DType::kFloat64:
                return uniform(-100, 100);
            case DType::kFloat32:
                return static_cast<float>(uniform(-100, 100));
            case DType::kUint8:
            case DType::kUint16:
            case DType::kUint32:
            case DType::kUint64:
                return std::floor(uniform(0, 256));
            default:
                return std::floor(uniform(-128, 128));
        }
    }

    /// Gathers n rows and compares them with the formula; looks for writes outside.
    template <class To>
    void check(const RowsView& view, const std::vector<std::uint32_t>& order, Index first,
               Index n) {
        const Scaling scaling(shift_.data(), scale_.data(), kD);
        constexpr Index stride = 32;
        constexpr To untouched = -77;
        std::vector<To> out(static_cast<std::size_t>((n + 1) * stride), untouched);
        const std::uint32_t* const chosen = order.empty() ? nullptr : order.data();
        gather_rows(view, scaling, chosen, first, n, out.data(), stride);
        for (Index i = 0; i <= n; ++i) {
            for (Index j = 0; j < stride; ++j) {
                double expected = static_cast<double>(untouched), tolerance = 0;
                if (i < n && j < kD) {
                    const auto k = static_cast<std::size_t>(j);
                    const Index row = chosen ? static_cast<Index>(chosen[i]) : first + i;
                    expected = (X_(row, j) - shift_[k]) * scale_[k];
                    tolerance = 300 * std::numeric_limits<To>::epsilon() * scale_[k];
                }
                const auto at = static_cast<std::size_t>(i * stride + j);
                ASSERT_NEAR(static_cast<double>(out[at]), expected, tolerance) << i << ", " << j;
            }
        }
    }

    RowMatrix<double> X_;
    std::vector<double> shift_, scale_;
};
INSTANTIATE_TEST_SUITE_P(DTypes, Rows, ::testing::ValuesIn(kDTypes));

TEST_P(Rows, AnyStorageIsReadInPlace) {
    // C, Fortran, both reversed, every second row and third column, reversed rows of Fortran.
    const std::pair<Index, Index> steps[] = {{kD, 1},         {1, kN},  {-kD, -1},  {-1, -kN},
                                             {2 * 3 * kD, 3}, {-1, kN}, {kD + 5, 1}};
    const std::vector<std::uint32_t> order{4, 0, 10, 4, 7, 1, 2, 10};
    for (const auto& [row_step, col_step] : steps) {
        SCOPED_TRACE(::testing::Message() << "steps " << row_step << ", " << col_step);
        const Stored stored(X_, GetParam(), row_step, col_step);
        check<float>(stored.view, {}, 0, kN);
        check<float>(stored.view, {}, 3, 5);
        check<float>(stored.view, order, 0, 8);
        check<double>(stored.view, {}, 2, 9);
        check<double>(stored.view, order, 0, 8);
    }
}

TEST_P(Rows, OneColumnAndOneRowWork) {
    const Stored stored(X_, GetParam(), kD, 1);
    RowsView cell = stored.view;
    cell.n_rows = cell.n_cols = 1;
    const Scaling scaling(shift_.data(), scale_.data(), 1);
    double out = 0;
    gather_rows(cell, scaling, nullptr, 0, 1, &out, 1);
    EXPECT_NEAR(out, (X_(0, 0) - shift_[0]) * scale_[0], 1e-13);
}

TEST_P(Rows, SomeColumnsAloneAreThoseOfAll) {
    const Stored stored(X_, GetParam(), kD, 1);
    const Scaling scaling(shift_.data(), scale_.data(), kD);
    const auto check_type = [&](auto untouched) {
        using T = decltype(untouched);
        constexpr Index stride = 9;
        std::vector<T> all(kN * kD), some(kN * stride, untouched);
        gather_rows(stored.view, scaling, nullptr, 0, kN, all.data(), kD);
        gather_rows(stored.view, scaling, nullptr, 0, kN, some.data(), stride, Range{3, 10});
        for (Index i = 0; i < kN; ++i) {
            for (Index j = 0; j < stride; ++j) {
                const T expected =
                    j < 7 ? all[static_cast<std::size_t>(i * kD + 3 + j)] : untouched;
                EXPECT_EQ(some[static_cast<std::size_t>(i * stride + j)], expected);
            }
        }
    };
    check_type(-77.0f);
    check_type(-77.0);
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

TEST(RowsPrecision, TheShiftIsTakenOffBeforeDigitsAreLost) {
    EXPECT_EQ(shifted<float>(1e9 + 0.25, 1e9), 0.25f);
    EXPECT_EQ(shifted<float>(std::int32_t{2000000001}, 2e9), 1.0f);
    EXPECT_EQ(shifted<float>(std::uint32_t{4000000001}, 4e9), 1.0f);
    EXPECT_EQ(shifted<float>(std::int64_t{1} << 52 | 1, 4503599627370496.0), 1.0f);
    EXPECT_EQ(shifted<float>(std::uint64_t{1} << 52 | 1, 4503599627370496.0), 1.0f);
    EXPECT_EQ(shifted<double>(1e9f, 1e9 - 0.25), 0.25);
    // No float is the shift.
    EXPECT_EQ(shifted<float>(16777216.0f, 16777215.5), 0.5f);
    EXPECT_NEAR(shifted<float>(1000.0f, 999.9999), 1e-4f, 1e-9f);
    EXPECT_NEAR(shifted<float>(std::uint8_t{200}, 199.99999), 1e-5f, 1e-10f);
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

}  // namespace fastae::rows_test
