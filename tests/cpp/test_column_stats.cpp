#include "fastae/column_stats.hpp"
#include "helpers.hpp"

namespace fastae::column_stats_test {

/// Rows: mean, minimum, maximum, variance.
using Stats = RowMatrix<double>;

template <class T>
Stats stats_of(const RowMatrix<T>& X, int n_threads = 1) {
    Stats stats(4, X.cols());
    column_stats(view_of(X), stats.row(0).data(), stats.row(1).data(), stats.row(2).data(),
                 stats.row(3).data(), n_threads);
    return stats;
}

/// In two passes, in long double.
template <class T>
Stats two_passes(const RowMatrix<T>& X) {
    Stats stats(4, X.cols());
    const long double n = static_cast<long double>(X.rows());
    for (Index j = 0; j < X.cols(); ++j) {
        long double mean = 0, squares = 0;
        for (Index i = 0; i < X.rows(); ++i) mean += static_cast<long double>(X(i, j)) / n;
        for (Index i = 0; i < X.rows(); ++i) {
            const long double gap = static_cast<long double>(X(i, j)) - mean;
            squares += gap * gap;
        }
        stats(0, j) = static_cast<double>(mean);
        stats(1, j) = static_cast<double>(X.col(j).minCoeff());
        stats(2, j) = static_cast<double>(X.col(j).maxCoeff());
        stats(3, j) = static_cast<double>(squares / n);
    }
    return stats;
}

void expect_close(const Stats& actual, const Stats& expected) {
    for (Index j = 0; j < expected.cols(); ++j) {
        const double spread = expected(2, j) - expected(1, j);
        // Means are rounded to doubles; a method that squares the offset would lose it squared.
        const double lost = 1e-15 * std::abs(expected(0, j)) / std::max(spread, 1e-300);
        EXPECT_NEAR(actual(0, j), expected(0, j),
                    1e-13 * spread + 1e-15 * std::abs(expected(0, j)));
        EXPECT_EQ(actual(1, j), expected(1, j));
        EXPECT_EQ(actual(2, j), expected(2, j));
        EXPECT_NEAR(actual(3, j), expected(3, j), (1e-11 + lost) * expected(3, j));
    }
}

TEST(ColumnStats, EqualTwoPassesForEverySize) {
    // Both sides of the chunks and blocks that they are taken in.
    for (const Index n : {1, 2, 63, 64, 65, 4095, 4096, 4097, 9000}) {
        for (const Index d : {1, 3, 17}) {
            SCOPED_TRACE(::testing::Message() << n << " x " << d);
            const auto X = random_matrix<double>(n, d, 1, -3, 5);
            expect_close(stats_of(X), two_passes(X));
            const RowMatrix<float> narrow = X.cast<float>();
            expect_close(stats_of(narrow), two_passes(narrow));
        }
    }
}

TEST(ColumnStats, LargeOffsetsLoseNoDigits) {
    for (const double offset : {1e6, -1e9, 1e12}) {
        RowMatrix<double> X = random_matrix<double>(10000, 3, 1);
        X.array() += offset;
        expect_close(stats_of(X), two_passes(X));
    }
}

TEST(ColumnStats, ATrendLosesNoDigits) {
    // Every chunk has its own mean, far from the others'.
    RowMatrix<double> X = random_matrix<double>(20000, 2, 1);
    for (Index i = 0; i < X.rows(); ++i) X.row(i).array() += static_cast<double>(i);
    expect_close(stats_of(X), two_passes(X));
}

TEST(ColumnStats, ConstantColumnsHaveNoVariance) {
    const RowMatrix<double> X = RowMatrix<double>::Constant(5000, 2, 0.1);
    const Stats stats = stats_of(X);
    for (Index j = 0; j < 2; ++j) {
        for (Index k = 0; k < 3; ++k) EXPECT_EQ(stats(k, j), 0.1);
        EXPECT_EQ(stats(3, j), 0);
    }
}

TEST(ColumnStats, AnyNumberOfThreadsGivesTheSameBits) {
    const auto X = random_matrix<double>(20000, 5, 1);
    const Stats alone = stats_of(X, 1);
    for (const int n_threads : {2, 3, 4, 8}) EXPECT_TRUE(same_bits(stats_of(X, n_threads), alone));
}

TEST(ColumnStats, IntegersAreExact) {
    const RowMatrix<std::int32_t> X = random_matrix<std::int32_t>(5000, 4, 1, -2e9, 2e9);
    expect_close(stats_of(X), two_passes(X));
    const RowMatrix<std::uint8_t> bytes = random_matrix<std::uint8_t>(5000, 4, 1, 0, 256);
    expect_close(stats_of(bytes), two_passes(bytes));
}

}  // namespace fastae::column_stats_test
