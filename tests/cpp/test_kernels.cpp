#include "fastae/kernels.hpp"
#include "helpers.hpp"

namespace fastae::kernels_test {

using plain::Matrix;
using plain::product;

Index whole(Index n) { return (n + kPad - 1) / kPad * kPad; }

/// (n, d) random numbers in rows of `stride`, zeros behind them.
template <class T>
RowMatrix<T> padded_rows(Index n, Index d, Index stride, std::uint64_t seed) {
    RowMatrix<T> X = RowMatrix<T>::Zero(n, stride);
    X.leftCols(d) = random_matrix<T>(n, d, seed);
    return X;
}

/// Weights (n_rows, n_cols), inputs to both products, and their results in double precision.
template <class T>
struct Case {
    Case(Index rows_in, Index rows_of_weights, Index cols_of_weights)
        : n(rows_in),
          n_rows(rows_of_weights),
          n_cols(cols_of_weights),
          cols(whole(n_cols)),
          stride(padded(n_cols)),
          narrow_stride(padded(n_rows)),
          w(padded_rows<float>(n_rows, n_cols, stride, 1)),
          init(padded_rows<float>(1, n_cols, stride, 2)),
          narrow(padded_rows<T>(n, n_rows, narrow_stride, 3)),
          wide(padded_rows<T>(n, n_cols, stride, 4)) {}

    RowMatrix<T> expand(Index row, Index count, bool with_init) const {
        RowMatrix<T> out = RowMatrix<T>::Constant(count, stride, kUntouched);
        const Stretch<T> in{narrow.row(row).data(), narrow_stride, n_rows};
        fastae::expand(count, &in, 1, cols, w.data(), stride, with_init ? init.data() : nullptr,
                       out.data(), stride);
        return out;
    }

    RowMatrix<T> contract(Index row, Index count) const {
        RowMatrix<T> out = RowMatrix<T>::Constant(count, narrow_stride, kUntouched);
        const Piece<T> piece{wide.row(row).data(), stride, w.data(), stride, cols};
        fastae::contract(count, n_rows, &piece, 1, out.data(), narrow_stride);
        return out;
    }

    void check_expand() const {
        const Matrix W = w.template cast<double>(),
                     in = narrow.leftCols(n_rows).template cast<double>();
        for (const bool with_init : {false, true}) {
            const Matrix start = with_init * init.template cast<double>().replicate(n, 1);
            const Matrix size = product(in.cwiseAbs(), W.cwiseAbs()) + start.cwiseAbs();
            const RowMatrix<T> out = expand(0, n, with_init);
            ASSERT_TRUE(near(out.template cast<double>(), (product(in, W) + start).leftCols(cols),
                             size * sum_rounding<T>(n_rows)));
            ASSERT_TRUE((out.rightCols(stride - cols).array() == kUntouched).all());
            for (Index b = 0; b < n; ++b) {
                ASSERT_TRUE(same_bits<T>(expand(b, 1, with_init), out.row(b))) << "row " << b;
            }
        }
    }

    void check_contract() const {
        const Matrix W = w.template cast<double>(), in = wide.template cast<double>();
        const Matrix size = product(in.cwiseAbs(), W.cwiseAbs().transpose());
        const RowMatrix<T> out = contract(0, n);
        ASSERT_TRUE(near(out.template cast<double>(), product(in, W.transpose()),
                         size * sum_rounding<T>(n_cols)));
        ASSERT_TRUE((out.rightCols(narrow_stride - n_rows).array() == kUntouched).all());
        for (Index b = 0; b < n; ++b) {
            ASSERT_TRUE(same_bits<T>(contract(b, 1), out.row(b))) << "row " << b;
        }
    }

    static constexpr T kUntouched = -99;
    Index n, n_rows, n_cols, cols, stride, narrow_stride;
    RowMatrix<float> w, init;
    RowMatrix<T> narrow, wide;
};

template <class T>
class Kernels : public ::testing::Test {};
using Elements = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Kernels, Elements);

// Every pair of sizes, the third one near and far.
template <class Check>
void on_all_shapes(Check&& check) {
    for (const Index a : kSizes) {
        for (const Index b : kSizes) {
            check(a, b, 17);
            check(a, 6, b);
            check(9, a, b);
        }
    }
}

TYPED_TEST(Kernels, ExpandEqualsEigenAndEachRowAlone) {
    on_all_shapes([](Index n, Index n_rows, Index n_cols) {
        SCOPED_TRACE(::testing::Message() << n << " x " << n_rows << " x " << n_cols);
        Case<TypeParam>(n, n_rows, n_cols).check_expand();
    });
}

TYPED_TEST(Kernels, ContractEqualsEigenAndEachRowAlone) {
    on_all_shapes([](Index n, Index n_rows, Index n_cols) {
        SCOPED_TRACE(::testing::Message() << n << " x " << n_rows << " x " << n_cols);
        Case<TypeParam>(n, n_rows, n_cols).check_contract();
    });
}

TYPED_TEST(Kernels, LongRowsWork) {
    for (const Index n_rows : {255, 256, 257, 600}) {
        SCOPED_TRACE(::testing::Message() << n_rows << " x 33");
        Case<TypeParam>(7, n_rows, 33).check_expand();
    }
    for (const Index n_cols : {1000, 1024, 1025, 1040, 2047, 2049, 3100, 5000}) {
        for (const Index n_rows : {1, 3, 6}) {
            SCOPED_TRACE(::testing::Message() << n_rows << " x " << n_cols);
            Case<TypeParam>(7, n_rows, n_cols).check_contract();
            Case<TypeParam>(7, n_rows, n_cols).check_expand();
        }
    }
}

TYPED_TEST(Kernels, AnOutputDoesNotDependOnItsNeighbours) {
    // The same row of weights gives the same bits in any position among others.
    using T = TypeParam;
    for (const Index n_cols : {5, 33, 100, 1100}) {
        const Case<T> all(6, 13, n_cols);
        const RowMatrix<T> expected = all.contract(0, 6);
        for (Index r = 0; r < all.n_rows; ++r) {
            RowMatrix<T> out(6, 1);
            const Piece<T> piece{all.wide.data(), all.stride, all.w.row(r).data(), all.stride,
                                 all.cols};
            contract<T>(6, 1, &piece, 1, out.data(), 1);
            EXPECT_TRUE(same_bits<T>(out, expected.col(r))) << "row " << r << " of weights";
        }
    }
}

TYPED_TEST(Kernels, StretchesOfTheNarrowSideAreOneSum) {
    using T = TypeParam;
    for (const Index n_rows : {2, 40, 300, 700}) {
        const Case<T> all(6, n_rows, 100);
        for (const Index cut : {Index{1}, n_rows / 2, n_rows - 1}) {
            const Stretch<T> in[] = {{all.narrow.data(), all.narrow_stride, cut},
                                     {all.narrow.data() + cut, all.narrow_stride, n_rows - cut}};
            RowMatrix<T> out(6, all.stride);
            expand(6, in, 2, all.cols, all.w.data(), all.stride, all.init.data(), out.data(),
                   all.stride);
            const RowMatrix<T> expected = all.expand(0, 6, true);
            for (Index b = 0; b < 6; ++b) {
                EXPECT_TRUE(same_bits<T>(out.row(b).data(), expected.row(b).data(), all.cols));
            }
        }
    }
}

TYPED_TEST(Kernels, PiecesOfTheColumnsAreOneSum) {
    using T = TypeParam;
    for (const Index n_cols : {32, 400, 1024, 2600}) {  // the last: more than one tile's columns
        const Case<T> all(6, 13, n_cols);
        for (const Index cut : {Index{0}, Index{16}, n_cols / 32 * 16, all.cols}) {
            const Piece<T> pieces[] = {{all.wide.data(), all.stride, all.w.data(), all.stride, cut},
                                       {all.wide.data() + cut, all.stride, all.w.data() + cut,
                                        all.stride, all.cols - cut}};
            RowMatrix<T> out(6, 13);
            contract(6, 13, pieces, 2, out.data(), 13);
            const Matrix W = all.w.template cast<double>(), in = all.wide.template cast<double>();
            const Matrix size = product(in.cwiseAbs(), W.cwiseAbs().transpose());
            EXPECT_TRUE(near(out.template cast<double>(), product(in, W.transpose()),
                             size * sum_rounding<T>(n_cols)));
        }
    }
}

TEST(Contract, OfNoColumnsIsZero) {
    const RowMatrix<float> none(2, 0);
    const Piece<float> piece{none.data(), 0, none.data(), 0, 0};
    RowMatrix<float> out = RowMatrix<float>::Constant(2, 3, 7);
    contract(2, 3, &piece, 1, out.data(), 3);
    EXPECT_TRUE((out.array() == 0).all());
}

TEST(PanelWidth, IsEvenAndNoWiderThanATile) {
    for (Index vectors = 1; vectors < 40; ++vectors) {
        Index least = kOuterVecs, most = 0, n_panels = 0;
        for (Index left = vectors * kLanes<float>; left > 0; ++n_panels) {
            const Index width = panel_width<float>(left);
            EXPECT_EQ(width % kLanes<float>, 0);
            least = std::min(least, width / kLanes<float>);
            most = std::max(most, width / kLanes<float>);
            left -= width;
        }
        EXPECT_EQ(n_panels, (vectors + kOuterVecs - 1) / kOuterVecs);
        EXPECT_LE(most, kOuterVecs);
        EXPECT_LE(most - least, 1);
    }
}

TEST(GradientTile, EqualsEigen) {
    constexpr Index stride = 272;
    for (const Index n : kSizes) {
        const RowMatrix<float> narrow = random_matrix(n, stride, 1);
        const RowMatrix<float> wide = random_matrix(n, stride, 2);
        for (int rows = 1; rows <= kOuterRows; ++rows) {
            for (Index cols = kLanes<float>; cols <= kPanel<float>; cols += kLanes<float>) {
                SCOPED_TRACE(::testing::Message() << n << ", " << rows << " x " << cols);
                RowMatrix<float> out =
                    RowMatrix<float>::Constant(kOuterRows, kPanel<float>, -99.0f);
                gradient_tile(n, rows, cols, narrow.data() + 3, stride, wide.data() + 16, stride,
                              out.data());
                const Matrix a = narrow.middleCols(3, rows).transpose().cast<double>();
                const Matrix b = wide.middleCols(16, cols).cast<double>();
                ASSERT_TRUE(near(out.cast<double>(), product(a, b),
                                 product(a.cwiseAbs(), b.cwiseAbs()) * sum_rounding<float>(n)));
                ASSERT_TRUE((out.bottomRows(kOuterRows - rows).array() == -99).all());
                ASSERT_TRUE((out.rightCols(kPanel<float> - cols).array() == -99).all());
            }
        }
    }
}

}  // namespace fastae::kernels_test
