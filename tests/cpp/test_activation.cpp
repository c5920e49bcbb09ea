#include <limits>

#include "fastae/activation.hpp"
#include "helpers.hpp"

namespace fastae::activation_test {

template <class T>
T forward(Activation kind, T z) {
    return with_activation(kind, [&](auto f) -> T { return f.forward(splat(z))[0]; });
}

template <class T>
T derivative(Activation kind, T h) {
    return with_activation(kind, [&](auto f) -> T { return f.derivative(splat(h))[0]; });
}

class EveryActivation : public ::testing::TestWithParam<Activation> {};
INSTANTIATE_TEST_SUITE_P(Kinds, EveryActivation, ::testing::ValuesIn(kActivations),
                         ::testing::PrintToStringParamName());

TEST_P(EveryActivation, ForwardIsTheFunction) {
    for (double z = -12; z <= 12; z += 0.0137) {
        const float rounded = static_cast<float>(z);
        EXPECT_NEAR(forward(GetParam(), rounded), plain::activate(GetParam(), rounded),
                    4e-7 * std::max(1.0, std::abs(z)));
        EXPECT_NEAR(forward(GetParam(), z), plain::activate(GetParam(), z),
                    1e-15 * std::max(1.0, std::abs(z)));
    }
}

TEST_P(EveryActivation, DerivativeEqualsFiniteDifferences) {
    const double step = 1e-5;
    for (double z = -12.005; z <= 12; z += 0.0137) {  // never within a step of relu's corner
        const double slope =
            (plain::activate(GetParam(), z + step) - plain::activate(GetParam(), z - step)) /
            (2 * step);
        EXPECT_NEAR(derivative(GetParam(), forward(GetParam(), z)), slope, 1e-9) << z;
        const float rounded = static_cast<float>(z);
        EXPECT_NEAR(derivative(GetParam(), forward(GetParam(), rounded)), slope, 1e-6) << z;
    }
}

TEST_P(EveryActivation, NanComesThrough) {
    EXPECT_TRUE(std::isnan(forward(GetParam(), std::numeric_limits<float>::quiet_NaN())));
    EXPECT_TRUE(std::isnan(forward(GetParam(), std::numeric_limits<double>::quiet_NaN())));
}

TEST_P(EveryActivation, EveryLaneIsTreatedAlike) {
    with_activation(GetParam(), [&](auto f) {
        Uniform uniform(2);  // a constant would be folded, with other roundings
        Vec<float> z;
        for (int i = 0; i < kLanes<float>; ++i) z[i] = static_cast<float>(uniform(-3, 3));
        const Vec<float> h = f.forward(z);
        const Vec<float> slope = f.derivative(h);
        for (int i = 0; i < kLanes<float>; ++i) {
            EXPECT_EQ(h[i], forward<float>(GetParam(), z[i]));
            EXPECT_EQ(slope[i], derivative<float>(GetParam(), h[i]));
        }
    });
}

TEST(Activation, CornersHaveOneSide) {
    EXPECT_EQ(derivative(Activation::kRelu, 0.0f), 0.0f);
    EXPECT_EQ(derivative(Activation::kElu, 0.0f), 1.0f);
    EXPECT_EQ(forward(Activation::kRelu, 0.0f), 0.0f);
    EXPECT_EQ(forward(Activation::kElu, 0.0f), 0.0f);
}

TEST(Activation, SaturatedOutputsHaveNoNegativeSlope) {
    for (const float z : {-1e30f, -100.0f, -9.0f, -8.0f, 8.0f, 9.0f, 100.0f, 1e30f}) {
        for (const Activation kind : {Activation::kTanh, Activation::kLogistic, Activation::kElu}) {
            EXPECT_GE(derivative(kind, forward(kind, z)), 0.0f) << kind << " at " << z;
        }
    }
}

}  // namespace fastae::activation_test
