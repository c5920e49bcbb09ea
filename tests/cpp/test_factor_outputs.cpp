#include <algorithm>
#include <cmath>
#include <limits>

#include "fastae/factor_outputs.hpp"
#include "helpers.hpp"

namespace fastae::factor_outputs_test {

template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();

/// One factor, behind another of 3 levels.
Factors second_of(Index n_levels, CategoricalLoss loss) {
    Factors factors;
    factors.n_numbers = 2;
    factors.first_level = {0, 3, 3 + n_levels};
    factors.weights = {1, 1};
    factors.loss = loss;
    return factors;
}

/// Numbers wherever they lie, with NaN, which nobody is to look at, around them.
template <class T>
class Surrounded {
  public:
    Surrounded(const plain::Vector& values, Index offset)
        : offset_(offset), buffer_(values.size() + 2 * kPad + offset) {
        std::fill_n(buffer_.data(), values.size() + 2 * kPad + offset, kNan<T>);
        for (Index k = 0; k < values.size(); ++k) {
            buffer_.data()[offset + k] = static_cast<T>(values[k]);
        }
    }
    const T* data() const { return buffer_.data() + offset_; }

  private:
    const Index offset_;
    AlignedBuffer<T> buffer_;
};

template <class T>
class FactorLoss : public ::testing::Test {};
using Floats = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FactorLoss, Floats);

TYPED_TEST(FactorLoss, EqualsDoublePrecision) {
    using T = TypeParam;
    constexpr double kEpsilon = std::numeric_limits<T>::epsilon();
    for (Index n = 1; n <= 70; ++n) {
        const Factors entropy = second_of(n, CategoricalLoss::kCrossEntropy);
        const Factors squared = second_of(n, CategoricalLoss::kSquared);
        for (const double size : {0.01, 1.0, 10.0, 60.0}) {
            const plain::Vector values =
                random_matrix<float>(n, 1, static_cast<std::uint64_t>(n), -size, size)
                    .template cast<double>();
            const Surrounded<T> z(values, n % 7);
            const double largest = values.maxCoeff();
            const plain::Vector powers = (values.array() - largest).exp();
            const double log_total = std::log(powers.sum()) + largest;
            for (const Index code : {Index{0}, n / 2, n - 1}) {
                const auto level = static_cast<std::int32_t>(code);
                const auto width = static_cast<double>(n);
                EXPECT_NEAR(factor_loss(entropy, 1, z.data(), level), log_total - values[code],
                            (4 + width + 2 * size) * kEpsilon);
                plain::Vector e = values;
                e[code] -= 1;
                EXPECT_NEAR(factor_loss(squared, 1, z.data(), level), e.squaredNorm(),
                            4 * kEpsilon * (1 + e.squaredNorm()));
            }
        }
    }
}

TYPED_TEST(FactorLoss, OfHugeLogitsTheLargestIsCertain) {
    using T = TypeParam;
    for (const Index n : {2, 5, 16, 40}) {
        const Factors factors = second_of(n, CategoricalLoss::kCrossEntropy);
        for (const double large : {1e3, 1e10, 1e29, 3e38}) {
            plain::Vector values = plain::Vector::Zero(n);
            values[1] = large;
            if (n > 2) values[n - 1] = -large;
            const Surrounded<T> z(values, 1);
            EXPECT_EQ(factor_loss(factors, 1, z.data(), 1), 0);
            EXPECT_NEAR(factor_loss(factors, 1, z.data(), 0), large, 1e-6 * large);
        }
    }
}

TYPED_TEST(FactorLoss, OneLevelIsNoEntropy) {
    using T = TypeParam;
    const Factors factors = second_of(1, CategoricalLoss::kCrossEntropy);
    for (const double value : {0.0, 1.0, -80.0, 1e29, -3e38}) {
        const Surrounded<T> z(plain::Vector::Constant(1, value), 0);
        EXPECT_EQ(factor_loss(factors, 1, z.data(), 0), 0) << value;
    }
}

TYPED_TEST(FactorLoss, OfEqualLogitsIsThatOfAGuess) {
    using T = TypeParam;
    for (const Index n : {1, 3, 16, 50}) {
        const Factors factors = second_of(n, CategoricalLoss::kCrossEntropy);
        for (const double value : {0.0, 1e10, -1e10}) {
            const Surrounded<T> z(plain::Vector::Constant(n, value), 2);
            // Beside 1e10, floats leave no place for ln n.
            EXPECT_NEAR(factor_loss(factors, 1, z.data(), 0), std::log(static_cast<double>(n)),
                        std::abs(value) > 0 ? 1e-5 : 1e-6);
        }
    }
}

template <class T>
class MostLikelyLevel : public ::testing::Test {};
TYPED_TEST_SUITE(MostLikelyLevel, Floats);

TYPED_TEST(MostLikelyLevel, IsTheFirstOfTheLargest) {
    using T = TypeParam;
    for (const auto loss : {CategoricalLoss::kCrossEntropy, CategoricalLoss::kSquared}) {
        for (const Index n : kSizes) {
            const Factors factors = second_of(n, loss);
            for (Index first = 0; first < n; ++first) {
                plain::Vector values = plain::Vector::Constant(n, -2);
                values[first] = -1;
                if (first + 1 < n) values[n - 1] = -1;
                const Surrounded<T> z(values, n % 5);
                EXPECT_EQ(most_likely_level(factors, 1, z.data()), first);
            }
        }
    }
}

TYPED_TEST(MostLikelyLevel, OfNoneIsUnknown) {
    const Factors factors = second_of(0, CategoricalLoss::kCrossEntropy);
    const TypeParam nothing = 0;
    EXPECT_EQ(most_likely_level(factors, 1, &nothing), -1);
}

TEST(UnitWeights, AreThoseOfTheFirstLayer) {
    // Wider than its inputs, and narrower: the layer lies the one way and the other.
    for (const Index hidden : {3, 9, 16, 17, 40}) {
        for (const bool marks : {false, true}) {
            Factors factors = second_of(5, CategoricalLoss::kCrossEntropy);
            factors.marks_missing = marks;
            const Index n_units = 3 + 5 + 2 + (marks ? 2 : 0);
            ASSERT_EQ(factors.n_input_units(), n_units);
            const TestModel model =
                TestModel::deep({2 + n_units, hidden, 4}, Activation::kTanh, Activation::kIdentity);
            const UnitWeights units(model.network, model.params.data(), factors);
            const plain::Net net = model.net();
            for (Index u = 0; u < n_units; ++u) {
                for (Index o = 0; o < hidden; ++o) {
                    EXPECT_EQ(units.row(u)[o], net.W[0](2 + u, o));
                }
                for (Index o = hidden; o < whole_lines(hidden); ++o) {
                    EXPECT_EQ(units.row(u)[o], 0);
                }
            }
        }
    }
}

TEST(Factors, EveryCodeHasItsUnit) {
    Factors factors = second_of(5, CategoricalLoss::kCrossEntropy);
    factors.marks_missing = true;
    EXPECT_EQ(factors.unit(0, 0), 0);
    EXPECT_EQ(factors.unit(0, 2), 2);
    EXPECT_EQ(factors.unit(1, 0), 3);
    EXPECT_EQ(factors.unit(1, 4), 7);
    EXPECT_EQ(factors.unit(0, -1), 8);
    EXPECT_EQ(factors.unit(1, std::numeric_limits<std::int32_t>::min()), 9);
    EXPECT_EQ(factors.mark(0), 10);
    EXPECT_EQ(factors.mark(1), 11);
    EXPECT_EQ(factors.n_input_units(), 12);
}

}  // namespace fastae::factor_outputs_test
