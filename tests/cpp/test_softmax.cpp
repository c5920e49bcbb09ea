#include <cmath>
#include <limits>

#include "fastae/softmax.hpp"
#include "helpers.hpp"
#include "plain.hpp"

namespace fastae::softmax_test {

constexpr double kEpsilon = std::numeric_limits<float>::epsilon();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Made {
    plain::Vector slopes;
    double loss;
};

/// Behind the logits lies something that is not to be looked at, and more that is not to change.
Made softmax_delta_of(const plain::Vector& logits, Index target, float weight) {
    const Index n = logits.size();
    AlignedBuffer<float> z(whole_lines(n) + kPad);
    std::fill_n(z.data(), whole_lines(n) + kPad, kNan);
    for (Index j = 0; j < n; ++j) z.data()[j] = static_cast<float>(logits[j]);
    const double loss = softmax_delta(n, target, weight, z.data());
    for (Index j = 0; j < kPad; ++j) EXPECT_TRUE(std::isnan(z.data()[whole_lines(n) + j]));
    plain::Vector slopes(n);
    for (Index j = 0; j < n; ++j) slopes[j] = z.data()[j];
    return {slopes, loss};
}

TEST(SoftmaxDelta, EqualsDoublePrecision) {
    for (Index n = 1; n <= 70; ++n) {
        for (const double size : {0.01, 1.0, 10.0, 60.0}) {
            const plain::Vector logits =
                random_matrix(n, 1, static_cast<std::uint64_t>(n), -size, size).cast<double>();
            const double largest = logits.maxCoeff();
            const plain::Vector powers = (logits.array() - largest).exp();
            const double total = powers.sum();
            for (const Index target : {Index{0}, n / 2, n - 1}) {
                const auto made = softmax_delta_of(logits, target, 0.75f);
                plain::Vector expected = powers / total;
                expected[target] -= 1;
                const auto width = static_cast<double>(n);
                // Every power is off by half an epsilon, whatever its size.
                EXPECT_TRUE(near(made.slopes, 0.75 * expected, (4 + width) * kEpsilon)) << n;
                EXPECT_NEAR(made.slopes.sum(), 0, (4 + width) * kEpsilon);
                EXPECT_NEAR(made.loss, std::log(total) + largest - logits[target],
                            (4 + width + 2 * size) * kEpsilon);
            }
        }
    }
}

TEST(SoftmaxDelta, OneClassIsNoLoss) {
    for (const double logit : {0.0, 1.0, -80.0, 1e5, -1e5, 1e29, -1e29, 3e38}) {
        const Made made = softmax_delta_of(plain::Vector::Constant(1, logit), 0, 2);
        EXPECT_EQ(made.slopes[0], 0) << logit;
        EXPECT_EQ(made.loss, 0) << logit;
    }
}

TEST(SoftmaxDelta, OfHugeLogitsTheLargestIsCertain) {
    for (const double large : {1e3, 1e10, 1e29, 3e38}) {
        for (const Index n : {2, 5, 16, 40}) {
            plain::Vector logits = plain::Vector::Zero(n);
            logits[1] = large;
            if (n > 2) logits[n - 1] = -large;
            const Made right = softmax_delta_of(logits, 1, 2);
            EXPECT_TRUE((right.slopes.array() == 0).all()) << large;
            EXPECT_EQ(right.loss, 0);
            const Made wrong = softmax_delta_of(logits, 0, 2);
            plain::Vector expected = plain::Vector::Zero(n);
            expected[0] = -2;
            expected[1] = 2;
            EXPECT_EQ((wrong.slopes - expected).norm(), 0) << large;
            EXPECT_NEAR(wrong.loss, static_cast<double>(static_cast<float>(large)), 1e-6 * large);
        }
    }
}

TEST(SoftmaxDelta, OfHugeNegativeLogitsTheLargestIsCertain) {
    plain::Vector logits = plain::Vector::Constant(5, -9e29);
    logits[2] = -8e29;
    EXPECT_EQ(softmax_delta_of(logits, 2, 1).loss, 0);
    EXPECT_EQ(softmax_delta_of(logits, 2, 1).slopes.norm(), 0);
}

TEST(SoftmaxDelta, EqualLogitsShareAlike) {
    for (const double logit : {0.0, 1e20, -1e20}) {
        for (const Index n : {1, 3, 16, 50}) {
            const double share = 1 / static_cast<double>(n);
            plain::Vector expected = plain::Vector::Constant(n, share);
            expected[n - 1] -= 1;
            const Made made = softmax_delta_of(plain::Vector::Constant(n, logit), n - 1, 1);
            EXPECT_TRUE(near(made.slopes, expected, kEpsilon));
            EXPECT_NEAR(made.loss, -std::log(share), 1e-6);
        }
    }
}

TEST(SoftmaxDelta, WhatIsNotANumberIsSeenInTheLoss) {
    for (const float odd : {kNan, std::numeric_limits<float>::infinity()}) {
        for (Index n : {1, 3, 17}) {
            for (Index at = 0; at < n; ++at) {
                plain::Vector logits = plain::Vector::Zero(n);
                logits[at] = odd;
                EXPECT_FALSE(std::isfinite(softmax_delta_of(logits, 0, 1).loss))
                    << at << " of " << n;
            }
        }
    }
}

TEST(SoftmaxDelta, AWeightOf0IsNoSlope) {
    const plain::Vector logits = random_matrix(20, 1, 1).cast<double>();
    EXPECT_EQ(softmax_delta_of(logits, 3, 0).slopes.norm(), 0);
}

}  // namespace fastae::softmax_test
