#include "fastae/objective.hpp"
#include "helpers.hpp"
#include "plain_objective.hpp"

namespace fastae::objective_test {

float derivative(const Objective& objective, float e) {
    return with_loss(objective, [&](auto loss) -> float { return loss.derivative(splat(e))[0]; });
}

using Formula = std::tuple<Loss, double>;  // and its parameter

class EveryLoss : public ::testing::TestWithParam<Formula> {
  protected:
    Objective objective() const {
        Objective result;
        std::tie(result.loss, result.loss_parameter) = GetParam();
        return result;
    }
};
INSTANTIATE_TEST_SUITE_P(Formulas, EveryLoss,
                         ::testing::Values(Formula(Loss::kSquared, 0), Formula(Loss::kAbsolute, 0),
                                           Formula(Loss::kHuber, 0.25), Formula(Loss::kHuber, 2),
                                           Formula(Loss::kQuantile, 0.1),
                                           Formula(Loss::kQuantile, 0.75)));

TEST_P(EveryLoss, DerivativeEqualsFiniteDifferences) {
    const auto [kind, parameter] = GetParam();
    const double step = 1e-6;
    for (double e = -3.00005; e < 3; e += 0.0137) {  // never within a step of 0
        const double slope =
            (plain::loss(kind, parameter, e + step) - plain::loss(kind, parameter, e - step)) /
            (2 * step);
        EXPECT_NEAR(derivative(objective(), static_cast<float>(e)), slope, 1e-6) << e;
    }
}

TEST_P(EveryLoss, NoErrorIsNoSlope) {
    EXPECT_EQ(derivative(objective(), 0.0f), 0.0f);
    EXPECT_EQ(derivative(objective(), -0.0f), 0.0f);
}

TEST_P(EveryLoss, EveryLaneIsTreatedAlike) {
    Uniform uniform(2);
    Vec<float> e;
    for (int i = 0; i < kLanes<float>; ++i) e[i] = static_cast<float>(uniform(-3, 3));
    const Objective options = objective();
    const auto slopes = with_loss(options, [&](auto loss) { return loss.derivative(e); });
    for (int i = 0; i < kLanes<float>; ++i) EXPECT_EQ(slopes[i], derivative(options, e[i]));
}

TEST(QuantileLoss, IsLeastAtTheQuantile) {
    // Of 0 .. 99, the constant r at which the slopes cancel.
    Objective objective;
    objective.loss = Loss::kQuantile;
    for (const double quantile : {0.1, 0.5, 0.9}) {
        objective.loss_parameter = quantile;
        const auto slope = [&](float r) {
            float total = 0;
            for (int x = 0; x < 100; ++x) {
                total += derivative(objective, r - static_cast<float>(x));
            }
            return total;
        };
        const auto best = static_cast<float>(100 * quantile) - 0.5f;
        EXPECT_LT(slope(best - 1), -0.5f);
        EXPECT_GT(slope(best + 1), 0.5f);
    }
}

class Corrupt : public ::testing::Test {
  protected:
    static constexpr Index kN = 100;

    /// Columns first .. first + n - 1 of a row of kN.
    static RowMatrix<float> seen(const Objective& objective, NoiseKey key, Index first = 0,
                                 Index n = kN) {
        const RowMatrix<float> in = random_matrix(1, padded(kN), 3);
        RowMatrix<float> out(1, padded(n));
        corrupt(objective, key, first, n, in.data() + first, out.data());
        return out.leftCols(n);
    }

    const RowMatrix<float> in_ = random_matrix(1, padded(kN), 3).leftCols(kN);
    const NoiseKey key_ = Noise{42, 3}.key(7, 0);
};

TEST_F(Corrupt, NothingAskedForChangesNothing) {
    EXPECT_FALSE(Objective().corrupts_input());
    EXPECT_TRUE(same_bits(seen({}, key_), in_));
}

TEST_F(Corrupt, DropoutMultipliesByItsFactors) {
    Objective objective;
    objective.input_dropout = 0.4;
    EXPECT_TRUE(objective.corrupts_input());
    const RowMatrix<float> out = seen(objective, key_);
    const Dropout dropout(0.4);
    for (Index j = 0; j < kN; ++j) EXPECT_EQ(out(0, j), in_(0, j) * dropout.factors(key_, j)[0]);
}

TEST_F(Corrupt, NoiseHasItsDeviationAndDropoutComesAfterIt) {
    Objective noisy, both;
    noisy.input_noise = both.input_noise = 0.3;
    both.input_dropout = 0.25;
    EXPECT_TRUE(noisy.corrupts_input());
    const Dropout dropout(0.25);
    double total = 0, squares = 0;
    constexpr std::uint32_t kRows = 2000;
    for (std::uint32_t row = 0; row < kRows; ++row) {
        const NoiseKey key = Noise{42, 3}.key(row, 0);
        const RowMatrix<float> with_noise = seen(noisy, key), with_both = seen(both, key);
        for (Index j = 0; j < kN; ++j) {
            const double noise = with_noise(0, j) - in_(0, j);
            total += noise;
            squares += noise * noise;
            ASSERT_EQ(with_both(0, j), with_noise(0, j) * dropout.factors(key, j)[0]);
        }
    }
    const double n = 1.0 * kRows * kN;
    EXPECT_LT(std::abs(total / n), 5 * 0.3 / std::sqrt(n));
    EXPECT_LT(std::abs(squares / n / 0.09 - 1), 5 * std::sqrt(2 / n));
}

TEST_F(Corrupt, NoiseAndDropoutAreIndependent) {
    Objective noisy;
    noisy.input_noise = 1;
    const Dropout dropout(0.5);
    double together = 0, magnitudes = 0;
    constexpr std::uint32_t kRows = 2000;
    for (std::uint32_t row = 0; row < kRows; ++row) {
        const NoiseKey key = Noise{42, 3}.key(row, 0);
        const RowMatrix<float> noise = seen(noisy, key) - in_;
        for (Index j = 0; j < kN; ++j) {
            const double kept = dropout.factors(key, j)[0] - 1;  // -1 or 1
            together += kept * noise(0, j);
            magnitudes += kept * (noise(0, j) * noise(0, j) - 1);
        }
    }
    EXPECT_LT(std::abs(together), 5 * std::sqrt(1.0 * kRows * kN));
    EXPECT_LT(std::abs(magnitudes), 5 * std::sqrt(2.0 * kRows * kN));
}

TEST_F(Corrupt, AnyCutOfTheColumnsGivesTheSameBits) {
    Objective both;
    both.input_noise = 0.3;
    both.input_dropout = 0.25;
    const RowMatrix<float> whole = seen(both, key_);
    for (const Index first : {16, 48, 64}) {
        for (const Index n : {Index{16}, Index{32}, kN - first}) {
            const RowMatrix<float> part = seen(both, key_, first, n);
            EXPECT_TRUE(same_bits<float>(part, whole.middleCols(first, n)));
        }
    }
}

TEST(ActivationAverage, SharesMakeAMeanAndThenForget) {
    EXPECT_EQ(ActivationAverage::share(1, 0), 1.0f);
    EXPECT_EQ(ActivationAverage::share(32, 0), 1.0f);
    EXPECT_EQ(ActivationAverage::share(5000, 0), 1.0f);
    EXPECT_EQ(ActivationAverage::share(1, 3), 0.25f);
    EXPECT_EQ(ActivationAverage::share(10, 30), 0.25f);
    EXPECT_EQ(ActivationAverage::share(1, 999), 0.001f);
    EXPECT_EQ(ActivationAverage::share(1, 1e9), 0.001f);
    EXPECT_EQ(ActivationAverage::share(250, 1e9), 0.25f);
    EXPECT_EQ(ActivationAverage::share(2000, 1e9), 1.0f);
}

}  // namespace fastae::objective_test
