#include <limits>

#include "fastae/simd.hpp"
#include "helpers.hpp"

namespace fastae::simd_test {

template <class T>
class Simd : public ::testing::Test {
  protected:
    static constexpr int kN = kLanes<T>;

    /// Numbers of very different sizes, so that the order of a sum shows in its last bits.
    Vec<T> random() {
        Vec<T> v;
        for (int i = 0; i < kN; ++i)
            v[i] = static_cast<T>(uniform_(-1, 1) * std::exp(uniform_(-5, 5)));
        return v;
    }

    Uniform uniform_{7};
};
using Elements = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Simd, Elements);

/// The tree that sums() promises: the upper half is added to the lower one until one is left.
template <class T>
T tree_sum(Vec<T> v) {
    for (int half = kLanes<T> / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) v[i] = v[i] + v[i + half];
    }
    return v[0];
}

template <class T, int kCount, class Make>
void check_sums(Make&& make) {
    Vec<T> v[kCount];
    for (auto& vector : v) vector = make();
    const Vec<T> result = sums<T, kCount>(v);
    for (int i = 0; i < kCount; ++i) {
        EXPECT_EQ(result[i], tree_sum<T>(v[i])) << "vector " << i << " of " << kCount;
        EXPECT_EQ(result[i], sum<T>(v[i])) << "vector " << i << " of " << kCount;
    }
    if constexpr (2 * kCount <= kLanes<T>) check_sums<T, 2 * kCount>(make);
}

TYPED_TEST(Simd, SumsFollowOneTreeForEveryCount) {
    for (int repeat = 0; repeat < 20; ++repeat) {
        check_sums<TypeParam, 1>([this] { return this->random(); });
    }
}

TYPED_TEST(Simd, SumAddsEveryLaneOnce) {
    for (int lane = 0; lane < this->kN; ++lane) {
        Vec<TypeParam> v{};
        v[lane] = 3;
        EXPECT_EQ(sum<TypeParam>(v), TypeParam(3)) << "lane " << lane;
    }
}

TYPED_TEST(Simd, LoadAndStoreWorkAtEveryAddress) {
    using T = TypeParam;
    constexpr int n = this->kN;
    T source[3 * n];
    for (int i = 0; i < 3 * n; ++i) source[i] = static_cast<T>(i);
    for (int start = 0; start <= 2 * n; ++start) {
        T target[3 * n];
        std::fill(target, target + 3 * n, T(-1));
        store(target + start, load(source + start));
        for (int i = 0; i < 3 * n; ++i) {
            EXPECT_EQ(target[i], i >= start && i < start + n ? source[i] : T(-1)) << i;
        }
    }
}

TYPED_TEST(Simd, LoadWeightsWidensFloats) {
    float source[2 * this->kN];
    for (int i = 0; i < 2 * this->kN; ++i) source[i] = 0.1f * static_cast<float>(i);
    for (int start = 0; start <= this->kN; ++start) {
        const Vec<TypeParam> v = load_weights<TypeParam>(source + start);
        for (int i = 0; i < this->kN; ++i)
            EXPECT_EQ(v[i], static_cast<TypeParam>(source[start + i]));
    }
}

TYPED_TEST(Simd, LimitsKeepNan) {
    using T = TypeParam;
    constexpr T nan = std::numeric_limits<T>::quiet_NaN();
    constexpr T inf = std::numeric_limits<T>::infinity();
    const T values[] = {nan, -inf, -2, -1, 0, 1, 2, inf};
    for (const T value : values) {
        for (int lane = 0; lane < this->kN; ++lane) {
            Vec<T> v = splat(T(0.5));
            v[lane] = value;
            const Vec<T> low = at_least(v, T(-1));
            const Vec<T> high = at_most(v, T(1));
            if (value != value) {
                EXPECT_TRUE(low[lane] != low[lane] && high[lane] != high[lane]);
            } else {
                EXPECT_EQ(low[lane], std::max(value, T(-1)));
                EXPECT_EQ(high[lane], std::min(value, T(1)));
            }
            const int other = (lane + 1) % this->kN;
            EXPECT_EQ(low[other], T(0.5));
            EXPECT_EQ(high[other], T(0.5));
        }
    }
}

TEST(SimdFloat, LoadSharedReadsEveryElement) {
    constexpr int n = kLanes<float>;
    float source[2 * n];
    for (int i = 0; i < 2 * n; ++i) source[i] = static_cast<float>(i);
    for (int start = 0; start <= n; ++start) {
        const Vec<float> v = load_shared(source + start);
        for (int i = 0; i < n; ++i) EXPECT_EQ(v[i], source[start + i]);
    }
}

TEST(SimdFloat, SqrtIsCorrectlyRounded) {
    const float special[] = {0.0f,
                             1.0f,
                             4.0f,
                             std::numeric_limits<float>::denorm_min(),
                             std::numeric_limits<float>::max(),
                             std::numeric_limits<float>::infinity()};
    for (const float x : special) EXPECT_EQ(sqrt(splat(x))[0], std::sqrt(x));
    Uniform uniform(3);
    for (int i = 0; i < 20000; ++i) {
        const float x = static_cast<float>(std::exp2(uniform(-126, 127)));
        EXPECT_EQ(sqrt(splat(x))[i % kLanes<float>], std::sqrt(x)) << x;
    }
    const float root = sqrt(splat(-1.0f))[0];
    EXPECT_TRUE(root != root);
}

TEST(SimdFloat, ReciprocalRootIsAsAccurateAsStated) {
    double worst = 0;
    for (double exponent = -125.9; exponent < 127; exponent += 0.0013) {
        const float x = static_cast<float>(std::exp2(exponent));
        const double exact = 1 / std::sqrt(static_cast<double>(x));
        const Vec<float> y = rsqrt(splat(x));
        for (int i = 0; i < kLanes<float>; ++i) worst = std::max(worst, std::abs(y[i] / exact - 1));
    }
    EXPECT_LT(worst, std::ldexp(1.0, -14));
}

}  // namespace fastae::simd_test
