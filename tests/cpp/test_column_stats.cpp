#include "fastae/column_stats.hpp"
#include "helpers.hpp"

namespace fastae::column_stats_test {

/// Rows: mean, minimum, maximum, variance.
using Stats = RowMatrix<double>;

template <class T>
Stats stats_of(const RowMatrix<T>& X, int n_threads = 1, const float* weights = nullptr) {
    Stats stats(4, X.cols());
    RowMatrix<double> count(1, X.cols());
    const double all =
        column_stats(view_of(X), weights, stats.row(0).data(), stats.row(1).data(),
                     stats.row(2).data(), stats.row(3).data(), count.data(), n_threads);
    EXPECT_TRUE((count.array() == all).all());
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

/// Statistics and counts of a table with NaN; the weights of all rows come last.
struct Known {
    Stats stats;
    RowMatrix<double> count;
    double all;

    explicit Known(const RowMatrix<double>& X, int n_threads = 1, const float* weights = nullptr)
        : stats(4, X.cols()), count(1, X.cols()) {
        all = column_stats(view_of(X), weights, stats.row(0).data(), stats.row(1).data(),
                           stats.row(2).data(), stats.row(3).data(), count.data(), n_threads);
    }
};

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// NaN in every third value of column 0, the first and the last 5000 of columns 1 and 2, and all of
/// column 3; column 4 is complete.
RowMatrix<double> with_gaps(RowMatrix<double> X) {
    const Index n = X.rows(), half = std::min<Index>(5000, n / 2);
    for (Index i = 0; i < n; i += 3) X(i, 0) = kNan;
    X.col(1).head(half).setConstant(kNan);
    X.col(2).tail(half).setConstant(kNan);
    X.col(3).setConstant(kNan);
    return X;
}

/// The values of column j that are not NaN.
RowMatrix<double> known_values(const RowMatrix<double>& X, Index j) {
    RowMatrix<double> known(X.rows(), 1);
    Index n = 0;
    for (Index i = 0; i < X.rows(); ++i) {
        if (!std::isnan(X(i, j))) known(n++, 0) = X(i, j);
    }
    return known.topRows(n);
}

TEST(ColumnStatsOfGaps, EqualThoseOfTheKnownValues) {
    for (const Index n : {2, 63, 65, 4095, 4097, 9000, 15000}) {
        const RowMatrix<double> X = with_gaps(random_matrix<double>(n, 5, 1, -3, 5));
        const Known made(X);
        EXPECT_EQ(made.all, static_cast<double>(n));
        for (const Index j : {0, 1, 2, 4}) {
            SCOPED_TRACE(::testing::Message() << n << " rows, column " << j);
            const RowMatrix<double> known = known_values(X, j);
            EXPECT_EQ(made.count(0, j), static_cast<double>(known.rows()));
            expect_close(made.stats.col(j), two_passes(known));
        }
        EXPECT_TRUE((made.stats.col(3).array() == 0).all());
        EXPECT_EQ(made.count(0, 3), 0);
        for (const int n_threads : {2, 3, 4}) {
            EXPECT_TRUE(same_bits(Known(X, n_threads).stats, made.stats));
        }
    }
}

TEST(ColumnStatsOfGaps, WeightZeroIsNotThereAndWholeWeightsAreRepetitions) {
    const RowMatrix<double> X = with_gaps(random_matrix<double>(12000, 5, 1, -3, 5));
    std::vector<float> weights(12000);
    RowMatrix<double> repeated(12000, 5);  // weights 0, 1, 2 in turn
    for (Index i = 0; i < 12000; ++i) {
        weights[static_cast<std::size_t>(i)] = static_cast<float>(i % 3);
        repeated.row(i) = X.row(i % 3 == 1 ? i : i / 3 * 3 + 2);
    }
    const Known made(X, 2, weights.data()), expected(repeated);
    EXPECT_EQ(made.all, 12000);
    EXPECT_TRUE(same_bits(made.count, expected.count));
    expect_close(made.stats, expected.stats);
}

TEST(ColumnStatsOfGaps, ACompleteColumnCountsAllToTheLastBit) {
    const RowMatrix<double> X = with_gaps(random_matrix<double>(9000, 5, 1));
    const std::vector<float> thirds(9000, 1.0f / 3);
    const Known made(X, 2, thirds.data());
    EXPECT_EQ(made.count(0, 4), made.all);
    EXPECT_LT(made.count(0, 0), made.all);
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
