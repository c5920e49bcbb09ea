#include <algorithm>
#include <numeric>

#include "fastae/rng.hpp"
#include "helpers.hpp"

namespace fastae::rng_test {

std::vector<std::uint32_t> shuffled(std::size_t n, std::uint64_t seed, std::uint64_t epoch) {
    std::vector<std::uint32_t> order(n);
    shuffle_rows(seed, epoch, order);
    return order;
}

// From an independent program in Python's integers.
TEST(Rng, NumbersAreTheSameOnEveryMachine) {
    Rng first(0, 0), second(42, 7);
    for (const std::uint64_t expected :
         {0xA577782BC52A9F5Au, 0xB485244380E590BEu, 0x5176985D86CFF511u}) {
        EXPECT_EQ(first.next(), expected);
    }
    for (const std::uint64_t expected :
         {0x3A2CC4384EF877F7u, 0x584EA09C5C418A5Du, 0x7344487F4005E993u}) {
        EXPECT_EQ(second.next(), expected);
    }
}

TEST(ShuffleRows, OrdersAreTheSameOnEveryMachine) {
    EXPECT_EQ(shuffled(10, 42, 0), (std::vector<std::uint32_t>{6, 0, 9, 1, 8, 3, 5, 7, 2, 4}));
    EXPECT_EQ(shuffled(10, 42, 1), (std::vector<std::uint32_t>{0, 1, 8, 9, 2, 6, 4, 5, 3, 7}));
    EXPECT_EQ(shuffled(5, ~std::uint64_t{0}, 3), (std::vector<std::uint32_t>{2, 4, 1, 3, 0}));
}

TEST(ShuffleRows, IsAPermutation) {
    for (const std::size_t n : {0u, 1u, 2u, 3u, 10u, 1000u}) {
        for (std::uint64_t seed = 0; seed < 5; ++seed) {
            std::vector<std::uint32_t> order = shuffled(n, seed, 3), expected(n);
            std::iota(expected.begin(), expected.end(), 0u);
            std::sort(order.begin(), order.end());
            EXPECT_EQ(order, expected);
        }
    }
}

TEST(ShuffleRows, DependsOnSeedAndEpochOnly) {
    std::vector<std::uint32_t> used = shuffled(50, 9, 9);  // what was there before is no matter
    shuffle_rows(1, 2, used);
    EXPECT_EQ(used, shuffled(50, 1, 2));
    EXPECT_NE(shuffled(50, 1, 2), shuffled(50, 2, 1));
    EXPECT_NE(shuffled(50, 1, 2), shuffled(50, 1, 3));
    EXPECT_NE(shuffled(50, 0, 0), shuffled(50, 0, 1));
    EXPECT_NE(shuffled(50, 0, 0), shuffled(50, 1, 0));
}

/// Sum of (count - mean)^2 / mean.
double chi_square(const std::vector<int>& counts) {
    const double mean =
        std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
    double total = 0;
    for (const int count : counts) total += (count - mean) * (count - mean) / mean;
    return total;
}

TEST(ShuffleRows, EveryRowComesToEveryPlaceEquallyOften) {
    constexpr std::size_t n = 10;
    std::vector<int> counts(n * n, 0);
    for (std::uint64_t epoch = 0; epoch < 20000; ++epoch) {
        const auto order = shuffled(n, 5, epoch);
        for (std::size_t i = 0; i < n; ++i) ++counts[i * n + order[i]];
    }
    EXPECT_LT(chi_square(counts), 145);  // 81 degrees of freedom: exceeded once in 10^5
    EXPECT_GT(chi_square(counts), 40);   // as rarely below: too even is not random either
}

TEST(ShuffleRows, AllOrdersOfFourRowsAreEquallyLikely) {
    std::vector<int> counts(256, 0);
    for (std::uint64_t seed = 0; seed < 24000; ++seed) {
        const auto o = shuffled(4, seed, 7);
        ++counts[o[0] * 64 + o[1] * 16 + o[2] * 4 + o[3]];
    }
    counts.erase(std::remove(counts.begin(), counts.end(), 0), counts.end());
    EXPECT_EQ(counts.size(), 24u);
    EXPECT_LT(chi_square(counts), 65);  // 23 degrees of freedom
}

TEST(Rng, BelowIsUniform) {
    for (const std::uint64_t bound : {1u, 2u, 7u, 100u}) {
        Rng rng(3, bound);
        std::vector<int> counts(bound, 0);
        for (int i = 0; i < 50000; ++i) ++counts.at(rng.below(bound));
        const double freedom = static_cast<double>(bound - 1);
        EXPECT_LE(chi_square(counts), freedom + 5 * std::sqrt(2 * freedom + 1));
    }
}

TEST(Rng, StreamsDiffer) {
    std::vector<std::uint64_t> first;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        for (std::uint64_t stream = 0; stream < 30; ++stream)
            first.push_back(Rng(seed, stream).next());
    }
    std::sort(first.begin(), first.end());
    EXPECT_EQ(std::unique(first.begin(), first.end()), first.end());
}

}  // namespace fastae::rng_test
