#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "fastae/level_candidates.hpp"
#include "helpers.hpp"

namespace fastae::level_candidates_test {

Factors factors_of(const std::vector<Index>& n_levels, Index full_levels, Index n_sampled) {
    Factors factors;
    for (const Index n : n_levels) {
        factors.first_level.push_back(factors.n_levels() + n);
        factors.weights.push_back(1);
    }
    factors.full_levels = full_levels;
    factors.n_sampled = n_sampled;
    return factors;
}

/// A table without numbers, whose rows have random codes, about one in five unknown.
class Table {
  public:
    Table(const Factors& factors, Index n, std::uint64_t seed = 1) : factors_(factors), n_(n) {
        Uniform uniform(seed);
        for (Index i = 0; i < n; ++i) {
            order_.push_back(static_cast<std::uint32_t>(i));
            for (Index f = 0; f < factors.n_factors(); ++f) {
                const double u = uniform(0, 1);
                const auto levels = static_cast<double>(factors.n_levels(f));
                const bool known = uniform(0, 1) < 0.8;
                codes_.push_back(known ? static_cast<std::int32_t>(u * levels) : -1);
            }
        }
        table_.factors = &factors_;
        table_.codes = codes_.data();
    }
    Table(const Table&) = delete;

    /// Rows first .. first + n - 1.
    Batch batch(Index first, Index n, Noise noise = {3, 2}) const {
        return {table_, order_.data() + first, n, noise, 0};
    }
    std::int32_t code(Index row, Index f) const {
        return codes_[static_cast<std::size_t>(row * factors_.n_factors() + f)];
    }

  private:
    const Factors& factors_;
    Index n_;
    std::vector<std::uint32_t> order_;
    std::vector<std::int32_t> codes_;
    RowsView view_{nullptr, DType::kFloat32, n_, 0, 0, 0};
    Scaling scaling_{nullptr, nullptr, 0};
    TrainingTable table_{view_, scaling_};
};

std::vector<Index> levels_of(const LevelCandidates& candidates) {
    std::vector<Index> levels;
    for (Index c = 0; c < candidates.size(); ++c) levels.push_back(candidates.level(c));
    return levels;
}

TEST(LevelCandidates, OfFactorsWithFewLevelsAreAll) {
    const Factors factors = factors_of({3, 0, 7, 1}, 7, 2);
    const Table table(factors, 20);
    LevelCandidates candidates(factors, 5);
    for (const Index first : {0, 7}) {
        candidates.choose(table.batch(first, 5));
        std::vector<Index> all(11);
        std::iota(all.begin(), all.end(), 0);
        EXPECT_EQ(levels_of(candidates), all);
        for (Index f = 0; f < 4; ++f) {
            const LevelCandidates::Segment& segment = candidates.segment(f);
            EXPECT_EQ(segment.begin, factors.first(f));
            EXPECT_EQ(segment.n, factors.n_levels(f));
            EXPECT_EQ(segment.n_drawn, segment.n);
            for (std::int32_t code = 0; code < factors.n_levels(f); ++code) {
                EXPECT_EQ(candidates.position(f, code), code);
            }
        }
    }
    EXPECT_EQ(candidates.capacity(), 11);
    EXPECT_EQ(candidates.widest(), 7);
}

TEST(LevelCandidates, OfSquaredErrorsAreAll) {
    Factors factors = factors_of({300}, 10, 5);
    factors.loss = CategoricalLoss::kSquared;
    LevelCandidates candidates(factors, 5);
    candidates.choose(Table(factors, 5).batch(0, 5));
    EXPECT_EQ(candidates.size(), 300);
}

/// Sampled factors between others, in batches of many draws and of few.
class Sampled : public ::testing::TestWithParam<std::tuple<Index, Index>> {
  protected:
    const Index n_sampled_ = std::get<0>(GetParam());
    const Index batch_size_ = std::get<1>(GetParam());
    const Factors factors_ = factors_of({4, 90, 3, 50, 11}, 10, n_sampled_);
    const Table table_{factors_, 64};
    LevelCandidates candidates_{factors_, batch_size_};
};
INSTANTIATE_TEST_SUITE_P(Draws, Sampled,
                         ::testing::Combine(::testing::Values(1, 8, 1000),
                                            ::testing::Values(1, 5, 64)));

TEST_P(Sampled, SegmentsFollowEachOtherAndHoldTheirFactorsLevelsOnce) {
    for (Index first = 0; first + batch_size_ <= 64; first += batch_size_) {
        candidates_.choose(table_.batch(first, batch_size_));
        const std::vector<Index> levels = levels_of(candidates_);
        EXPECT_EQ(std::set<Index>(levels.begin(), levels.end()).size(), levels.size());
        EXPECT_LE(candidates_.size(), candidates_.capacity());
        Index end = 0;
        for (const Index f : {0, 2, 1, 3, 4}) {  // sampled ones are behind the others
            const LevelCandidates::Segment& segment = candidates_.segment(f);
            EXPECT_EQ(segment.begin, end);
            EXPECT_GE(segment.n_drawn, 1);
            EXPECT_LE(segment.n_drawn, factors_.is_sampled(f) ? n_sampled_ : segment.n);
            EXPECT_LE(segment.n_drawn, segment.n);
            EXPECT_LE(segment.n, candidates_.widest());
            end += segment.n;
            for (Index c = segment.begin; c < end; ++c) {
                EXPECT_GE(candidates_.level(c), factors_.first(f));
                EXPECT_LT(candidates_.level(c), factors_.first(f + 1));
            }
        }
        EXPECT_EQ(end, candidates_.size());
    }
}

TEST_P(Sampled, TheLevelsOfAllRowsAreThere) {
    for (Index first = 0; first + batch_size_ <= 64; first += batch_size_) {
        candidates_.choose(table_.batch(first, batch_size_));
        std::set<Index> own;
        for (Index b = first; b < first + batch_size_; ++b) {
            for (Index f = 0; f < factors_.n_factors(); ++f) {
                if (table_.code(b, f) < 0) continue;
                const Index position = candidates_.position(f, table_.code(b, f));
                const LevelCandidates::Segment& segment = candidates_.segment(f);
                ASSERT_GE(position, 0);
                ASSERT_LT(position, segment.n);
                const Index level = candidates_.level(segment.begin + position);
                EXPECT_EQ(level, factors_.first(f) + table_.code(b, f));
                own.insert(level);
            }
        }
        for (const Index f : {1, 3, 4}) {  // and what was not drawn is some row's own
            const LevelCandidates::Segment& segment = candidates_.segment(f);
            for (Index k = segment.n_drawn; k < segment.n; ++k) {
                EXPECT_EQ(own.count(candidates_.level(segment.begin + k)), 1u);
            }
        }
    }
}

TEST_P(Sampled, TheSameBatchHasTheSameOnes) {
    const Batch batch = table_.batch(0, batch_size_);
    candidates_.choose(batch);
    const std::vector<Index> levels = levels_of(candidates_);
    const std::vector<float> weights(candidates_.log_weights(1),
                                     candidates_.log_weights(1) + candidates_.segment(1).n_drawn);
    candidates_.choose(table_.batch(64 - batch_size_, batch_size_, {8, 8}));
    candidates_.choose(batch);
    EXPECT_EQ(levels_of(candidates_), levels);
    EXPECT_TRUE(
        same_bits(weights.data(), candidates_.log_weights(1), static_cast<Index>(weights.size())));
}

TEST(LevelCandidates, DependOnSeedEpochAndFirstRow) {
    const Factors factors = factors_of({1000, 1000}, 10, 20);
    const Table table(factors, 10);
    LevelCandidates candidates(factors, 2);
    std::set<std::vector<Index>> seen;
    for (const Batch& batch : {table.batch(0, 2), table.batch(1, 2), table.batch(0, 2, {3, 3}),
                               table.batch(0, 2, {4, 2})}) {
        candidates.choose(batch);
        std::vector<Index> drawn[2];
        for (const Index f : {0, 1}) {
            const LevelCandidates::Segment& segment = candidates.segment(f);
            for (Index k = 0; k < segment.n_drawn; ++k) {
                drawn[f].push_back(candidates.level(segment.begin + k) - factors.first(f));
            }
            EXPECT_TRUE(seen.insert(drawn[f]).second);  // factors differ, too
        }
    }
    // Of the rows behind the first, nothing is drawn.
    candidates.choose(table.batch(0, 1));
    const Index n_drawn = candidates.segment(0).n_drawn;
    const std::vector<Index> alone(levels_of(candidates));
    candidates.choose(table.batch(0, 2));
    EXPECT_EQ(candidates.segment(0).n_drawn, n_drawn);
    const std::vector<Index> both(levels_of(candidates));
    EXPECT_TRUE(std::equal(alone.begin(), alone.begin() + n_drawn, both.begin()));
}

/// Mean over many batches of every level's weight, 0 where it was not drawn.
std::vector<double> mean_weights(const Factors& factors, Index f, Index n_batches) {
    const Table table(factors, 1);
    LevelCandidates candidates(factors, 1);
    std::vector<double> mean(static_cast<std::size_t>(factors.n_levels(f)));
    for (Index epoch = 0; epoch < n_batches; ++epoch) {
        candidates.choose(table.batch(0, 1, {1, static_cast<std::uint64_t>(epoch)}));
        const LevelCandidates::Segment& segment = candidates.segment(f);
        for (Index k = 0; k < segment.n_drawn; ++k) {
            const Index code = candidates.level(segment.begin + k) - factors.first(f);
            mean[static_cast<std::size_t>(code)] +=
                std::exp(static_cast<double>(candidates.log_weights(f)[k])) /
                static_cast<double>(n_batches);
        }
    }
    return mean;
}

/// A level is drawn n_sampled times in a batch with probability p: its weight is 1 on average, and
/// its variance at most 1 / (n_sampled p).
void expect_unbiased(const Factors& factors, Index f) {
    constexpr Index kBatches = 20000;
    const std::vector<double> mean = mean_weights(factors, f, kBatches);
    double total = 0;
    for (Index k = 0; k < factors.n_levels(f); ++k) {
        total += factors.frequencies.empty()
                     ? 1.0
                     : factors.frequencies[static_cast<std::size_t>(factors.first(f) + k)];
    }
    for (Index k = 0; k < factors.n_levels(f); ++k) {
        const auto i = static_cast<std::size_t>(k);
        const auto at = static_cast<std::size_t>(factors.first(f) + k);
        const double p = (factors.frequencies.empty() ? 1.0 : factors.frequencies[at]) / total;
        const double variance = 1 / (static_cast<double>(factors.n_sampled * kBatches) * p);
        EXPECT_NEAR(mean[i], 1, 5 * std::sqrt(variance)) << k;
    }
}

TEST(LevelCandidates, WeightsStandForAllLevelsOnAverage) {
    expect_unbiased(factors_of({30}, 10, 1), 0);
    expect_unbiased(factors_of({4, 30, 20}, 10, 7), 1);
    expect_unbiased(factors_of({4, 30, 20}, 10, 7), 2);
}

TEST(LevelCandidates, WeightsMakeUpForFrequencies) {
    for (const Index n_sampled : {1, 7}) {
        Factors factors = factors_of({12, 30}, 11, n_sampled);
        for (Index k = 0; k < factors.n_levels(); ++k) {
            factors.frequencies.push_back(5.0 / static_cast<double>(1 + k % 12));
        }
        expect_unbiased(factors, 0);
        expect_unbiased(factors, 1);
    }
}

TEST(LevelCandidates, FrequentLevelsAreDrawnMoreOften) {
    Factors factors = factors_of({20}, 10, 2);
    for (Index k = 0; k < 20; ++k) factors.frequencies.push_back(k == 4 ? 81 : 1);
    const Table table(factors, 1);
    LevelCandidates candidates(factors, 1);
    Index found = 0;
    for (std::uint64_t epoch = 0; epoch < 2000; ++epoch) {
        candidates.choose(table.batch(0, 1, {1, epoch}));
        const LevelCandidates::Segment& segment = candidates.segment(0);
        for (Index k = 0; k < segment.n_drawn; ++k) found += candidates.level(k) == 4;
    }
    EXPECT_NEAR(static_cast<double>(found) / 2000, 1 - 0.19 * 0.19, 0.02);
}

TEST(LevelCandidates, AllDrawsOfOneLevelAreOneCandidate) {
    Factors factors = factors_of({20}, 10, 50);
    for (Index k = 0; k < 20; ++k) factors.frequencies.push_back(k == 7 ? 1 : 1e-30);
    const Table table(factors, 1, 4);
    LevelCandidates candidates(factors, 1);
    candidates.choose(table.batch(0, 1));
    EXPECT_EQ(candidates.segment(0).n_drawn, 1);
    EXPECT_EQ(candidates.level(0), 7);
    EXPECT_EQ(candidates.log_weights(0)[0], 0);
}

}  // namespace fastae::level_candidates_test
