#include "fastae/column_stats.hpp"
#include "helpers.hpp"

namespace fastae::column_stats_test {

/// Rows: mean, minimum, maximum, variance.
using Stats = RowMatrix<double>;

template <class T>
Stats stats_of(const RowMatrix<T>& X, int n_threads = 1, const float* weights = nullptr) {
    Stats stats(4, X.cols());
    column_stats(view_of(X), weights, stats.row(0).data(), stats.row(1).data(), stats.row(2).data(),
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

TEST(WeightedColumnStats, WholeWeightsAreRepetitions) {
    const auto X = random_matrix<double>(12000, 3, 1, -3, 5);
    Uniform uniform(2);
    std::vector<float> counts;
    std::vector<Index> copies;
    for (Index i = 0; i < X.rows(); ++i) {
        counts.push_back(static_cast<float>(std::floor(uniform(0, 4))));
        copies.insert(copies.end(), static_cast<std::size_t>(counts.back()), i);
    }
    RowMatrix<double> repeated(static_cast<Index>(copies.size()), 3);
    for (std::size_t i = 0; i < copies.size(); ++i) {
        repeated.row(static_cast<Index>(i)) = X.row(copies[i]);
    }
    expect_close(stats_of(X, 1, counts.data()), two_passes(repeated));
    for (float& count : counts) count *= 0.125f;  // only their ratios count
    const Stats stats = stats_of(X, 1, counts.data());
    expect_close(stats, two_passes(repeated));
    for (const int n_threads : {2, 3, 4}) {
        EXPECT_TRUE(same_bits(stats_of(X, n_threads, counts.data()), stats));
    }
}

TEST(WeightedColumnStats, OfEqualWeightsAreThoseOfNone) {
    const auto X = random_matrix<double>(9000, 3, 1, -3, 5);
    const std::vector<float> ones(9000, 1.0f), thirds(9000, 1.0f / 3);
    EXPECT_TRUE(same_bits(stats_of(X, 1, ones.data()), stats_of(X)));
    expect_close(stats_of(X, 1, thirds.data()), two_passes(X));
}

TEST(WeightedColumnStats, RowsOfWeightZeroAreNotThere) {
    auto X = random_matrix<double>(9000, 3, 1, -3, 5);
    RowMatrix<double> kept(6000, 3);
    std::vector<float> weights(9000);
    for (Index i = 0, n = 0; i < 9000; ++i) {
        weights[static_cast<std::size_t>(i)] = i % 3 == 0 ? 0.0f : 1.0f;
        if (i % 3 == 0) {
            X.row(i).setConstant(i % 2 ? 1e300 : std::numeric_limits<double>::quiet_NaN());
        } else {
            kept.row(n++) = X.row(i);
        }
    }
    EXPECT_TRUE(same_bits(stats_of(X, 2, weights.data()), stats_of(kept)));
}

TEST(WeightedColumnStats, OneRowHasNoVariance) {
    const auto X = random_matrix<double>(10, 2, 1);
    std::vector<float> weights(10, 0.0f);
    weights[7] = 0.3f;
    const Stats stats = stats_of(X, 3, weights.data());
    for (Index j = 0; j < 2; ++j) {
        for (Index k = 0; k < 3; ++k) EXPECT_EQ(stats(k, j), X(7, j));
        EXPECT_EQ(stats(3, j), 0);
    }
}

}  // namespace fastae::column_stats_test
