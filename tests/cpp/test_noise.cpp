#include <limits>

#include "fastae/noise.hpp"
#include "helpers.hpp"

namespace fastae::noise_test {

constexpr int kWidth = kLanes<float>;

struct Place {
    std::uint64_t seed = 42, epoch = 3;
    std::uint32_t row = 7;
    Index layer = 2;
    Index column = 0;
    std::uint32_t stream = 0;

    NoiseKey key() const { return Noise{seed, epoch}.key(row, layer); }
    UintVec bits() const { return random_bits(key(), column, stream); }
};

// From an independent program in Python's integers.
TEST(RandomBits, AreTheSameOnEveryMachine) {
    const auto bits_of = [](const Place& place) {
        std::vector<std::uint32_t> bits;
        for (const auto& [column, stream] : std::vector<std::pair<Index, std::uint32_t>>{
                 {0, 0}, {1, 0}, {16, 0}, {0, 1}, {783, 1}}) {
            bits.push_back(random_bits(place.key(), column, stream)[0]);
        }
        return bits;
    };
    EXPECT_EQ(bits_of({0, 0, 0, 0}), (std::vector<std::uint32_t>{0x2cb46a27, 0xce4279dc, 0x1049e273,
                                                                 0x24ee67ec, 0x2d199743}));
    EXPECT_EQ(
        bits_of({42, 3, 7, 2}),
        (std::vector<std::uint32_t>{0x38de92c9, 0x2107ef50, 0x30ed5cbb, 0x297c05ac, 0x86200a8}));
    const Place last{~std::uint64_t{0}, 1000000, ~std::uint32_t{0}, 9};
    EXPECT_EQ(bits_of(last), (std::vector<std::uint32_t>{0xf0b61297, 0x8062461e, 0xd7178610,
                                                         0x56e291a8, 0x3273acc}));
}

TEST(RandomBits, AreThoseOfTheColumnWhereverAVectorStarts) {
    const NoiseKey key = Place{}.key();
    const Dropout dropout(0.5);
    const auto expect_equal = [](auto start, auto alone, int lane) {
        EXPECT_EQ(start[lane], alone[0]);
    };
    for (Index first = 0; first < 100; ++first) {
        for (int i = 0; i < kWidth; ++i) {
            expect_equal(random_bits(key, first), random_bits(key, first + i), i);
            expect_equal(random_bits(key, first, 1), random_bits(key, first + i, 1), i);
            expect_equal(random_uniform(key, first), random_uniform(key, first + i), i);
            expect_equal(random_normal(key, first), random_normal(key, first + i), i);
            expect_equal(dropout.factors(key, first), dropout.factors(key, first + i), i);
        }
    }
}

/// How to get from one place to its neighbour.
struct Neighbour {
    const char* name;
    Place (*of)(Place);
};
std::ostream& operator<<(std::ostream& out, const Neighbour& neighbour) {
    return out << neighbour.name;
}

const Neighbour kNeighbours[] = {
    {"column", [](Place p) { return ++p.column, p; }},
    {"row", [](Place p) { return ++p.row, p; }},
    {"layer", [](Place p) { return ++p.layer, p; }},
    {"epoch", [](Place p) { return ++p.epoch, p; }},
    {"seed", [](Place p) { return ++p.seed, p; }},
    {"stream", [](Place p) { return ++p.stream, p; }},
};

class Neighbours : public ::testing::TestWithParam<Neighbour> {
  protected:
    static constexpr int kCalls = 1 << 16;
    static constexpr double kN = static_cast<double>(kCalls) * kWidth;

    /// Calls check(place) for places that differ in everything.
    template <class Check>
    static void on_places(Check&& check) {
        for (std::uint32_t i = 0; i < kCalls; ++i) {
            check(Place{i % 4, i / 4 % 8, i / 32 % 64, i / 2048 % 4, i / 8192 * 32, i % 2});
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Of, Neighbours, ::testing::ValuesIn(kNeighbours),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(Neighbours, AreUncorrelated) {
    double uniform = 0, normal = 0;
    on_places([&](const Place& place) {
        const Place next = GetParam().of(place);
        const NoiseKey a = place.key(), b = next.key();
        const Vec<float> u = random_uniform(a, place.column, place.stream) - 0.5f;
        const Vec<float> v = random_uniform(b, next.column, next.stream) - 0.5f;
        uniform += static_cast<double>(sum<float>(u * v));
        normal += static_cast<double>(
            sum<float>(random_normal(a, place.column) * random_normal(b, next.column)));
    });
    EXPECT_LT(std::abs(uniform * 12), 5 * std::sqrt(kN));
    if (std::string("stream") == GetParam().name) return;  // a normal number takes both
    EXPECT_LT(std::abs(normal), 5 * std::sqrt(kN));
}

TEST_P(Neighbours, EveryBitDiffersHalfOfTheTime) {
    std::vector<int> differs(32, 0);
    on_places([&](const Place& place) {
        const UintVec changed = place.bits() ^ GetParam().of(place).bits();
        for (int i = 0; i < kWidth; ++i) {
            for (std::size_t bit = 0; bit < 32; ++bit) differs[bit] += changed[i] >> bit & 1;
        }
    });
    for (const int count : differs) EXPECT_LT(std::abs(count - kN / 2), 5 * std::sqrt(kN) / 2);
}

/// Calls check(key) for n keys of neighbouring rows.
template <class Check>
void on_rows(std::uint32_t n, Check&& check) {
    for (std::uint32_t row = 0; row < n; ++row) check(Noise{5, 1}.key(row, 0));
}

TEST(RandomBits, EveryBitIsSetHalfOfTheTime) {
    constexpr int kRows = 1 << 14, kColumns = 64;
    std::vector<int> set(32, 0);
    on_rows(kRows, [&](NoiseKey key) {
        for (Index c = 0; c < kColumns; c += kWidth) {
            const UintVec bits = random_bits(key, c);
            for (int i = 0; i < kWidth; ++i) {
                for (std::size_t bit = 0; bit < 32; ++bit) set[bit] += bits[i] >> bit & 1;
            }
        }
    });
    const double n = 1.0 * kRows * kColumns;
    for (const int count : set) EXPECT_LT(std::abs(count - n / 2), 5 * std::sqrt(n) / 2);
}

TEST(RandomUniform, IsUniform) {
    constexpr int kRows = 1 << 14, kColumns = 64, kBins = 1024;
    std::vector<int> counts(kBins, 0);
    double total = 0, squares = 0;
    on_rows(kRows, [&](NoiseKey key) {
        for (Index c = 0; c < kColumns; c += kWidth) {
            const Vec<float> u = random_uniform(key, c);
            for (int i = 0; i < kWidth; ++i) {
                const double x = u[i];
                ++counts.at(static_cast<std::size_t>(x * kBins));
                total += x - 0.5;
                squares += (x - 0.5) * (x - 0.5);
            }
        }
    });
    const double n = 1.0 * kRows * kColumns;
    EXPECT_LT(std::abs(total / n), 5 * std::sqrt(1 / (12 * n)));
    EXPECT_LT(std::abs(squares / n - 1.0 / 12), 5 * std::sqrt(1 / (180 * n)));
    double chi_square = 0;
    for (const int count : counts) chi_square += std::pow(count - n / kBins, 2) / (n / kBins);
    EXPECT_LT(std::abs(chi_square - (kBins - 1)), 5 * std::sqrt(2.0 * kBins));
}

TEST(RandomUniform, IsInsideTheInterval) {
    // Keys whose bits at column 0 are all 0 and all 1 (inverted by hand).
    const NoiseKey none{0, 0}, all{0, 0xd5f9efc4u};
    ASSERT_EQ(random_bits(none, 0)[0], 0u);
    ASSERT_EQ(random_bits(all, 0)[0], ~0u);
    EXPECT_EQ(random_uniform(none, 0)[0], 0x1p-24f);
    EXPECT_LT(random_uniform(all, 0)[0], 1.0f);
    for (const NoiseKey key : {none, all}) EXPECT_LT(std::abs(random_normal(key, 0)[0]), 6.0f);
}

TEST(RandomNormal, HasTheMomentsAndTailsOfOne) {
    constexpr int kRows = 1 << 15, kColumns = 64;
    constexpr double n = 1.0 * kRows * kColumns;
    double moments[5] = {}, tails[5] = {};
    on_rows(kRows, [&](NoiseKey key) {
        for (Index c = 0; c < kColumns; c += kWidth) {
            const Vec<float> x = random_normal(key, c);
            for (int i = 0; i < kWidth; ++i) {
                for (int k = 1; k <= 4; ++k) {
                    moments[k] += std::pow(static_cast<double>(x[i]), k) / n;
                    tails[k] += std::abs(x[i]) > static_cast<float>(k);
                }
            }
        }
    });
    const double expected[5] = {1, 0, 1, 0, 3}, variance[5] = {0, 1, 2, 15, 96};
    for (int k = 1; k <= 4; ++k) {
        EXPECT_LT(std::abs(moments[k] - expected[k]), 5 * std::sqrt(variance[k] / n)) << k;
        const double share = std::erfc(k / std::sqrt(2.0));
        EXPECT_LT(std::abs(tails[k] - share * n), 5 * std::sqrt(share * n)) << k;
    }
}

TEST(DropoutFactors, AreZeroOrTheInverseOfTheShareThatIsKept) {
    constexpr int kRows = 1 << 12, kColumns = 64;
    constexpr double n = 1.0 * kRows * kColumns;
    for (const double p : {0.001, 0.1, 0.5, 0.8, 0.99}) {
        const Dropout dropout(p);
        EXPECT_TRUE(dropout.active());
        const auto kept = static_cast<float>(1 / (1 - p));
        EXPECT_NEAR(dropout.undo() * kept, 1, 2e-7);
        double dropped = 0;
        on_rows(kRows, [&](NoiseKey key) {
            for (Index c = 0; c < kColumns; c += kWidth) {
                const Vec<float> factors = dropout.factors(key, c);
                for (int i = 0; i < kWidth; ++i) {
                    ASSERT_TRUE(factors[i] == 0 || factors[i] == kept) << factors[i];
                    dropped += factors[i] == 0;
                }
            }
        });
        EXPECT_LT(std::abs(dropped - p * n), 5 * std::sqrt(p * (1 - p) * n)) << p;
    }
}

TEST(DropoutFactors, WithoutDropoutAreOne) {
    const Dropout none(0);
    EXPECT_FALSE(none.active());
    EXPECT_EQ(none.undo(), 1.0f);
    for (const float factor : {none.factors({1, 2}, 0)[0], none.factors({0, 0}, 0)[0]}) {
        EXPECT_EQ(factor, 1.0f);
    }
}

}  // namespace fastae::noise_test
