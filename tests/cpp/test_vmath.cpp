#include <limits>

#include "fastae/vmath.hpp"
#include "helpers.hpp"

namespace fastae::vmath_test {

/// The next wider type, for references.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

template <class T>
class Vmath : public ::testing::Test {
  protected:
    static constexpr T kEps = std::numeric_limits<T>::epsilon();
    static constexpr T kInf = std::numeric_limits<T>::infinity();

    /// Calls check(x, f(x), exact(x)) for n points from low to high.
    template <class F, class Exact, class Check>
    static void on_grid(double low, double high, F f, Exact exact, Check check, int n = 100000) {
        for (int first = 0; first < n; first += kLanes<T>) {
            Vec<T> x;
            for (int i = 0; i < kLanes<T>; ++i) {
                x[i] = static_cast<T>(low + (high - low) * (first + i) / (n + kLanes<T>));
            }
            const Vec<T> y = f(x);
            for (int i = 0; i < kLanes<T>; ++i)
                check(x[i], y[i], exact(static_cast<Wide<T>>(x[i])));
        }
    }

    /// Largest relative error of f on a grid, and on one that is fine near zero.
    template <class F, class Exact>
    static double relative_error(double low, double high, F f, Exact exact) {
        double worst = 0;
        const auto check = [&](T x, T y, Wide<T> expected) {
            const double error = expected == 0
                                     ? std::abs(static_cast<double>(y))
                                     : std::abs(static_cast<double>((y - expected) / expected));
            if (!(error <= worst)) worst = error;
            EXPECT_FALSE(std::isnan(error)) << x;
        };
        on_grid(low, high, f, exact, check);
        for (double scale = 1; scale > 1e-30; scale /= 30) {
            on_grid(std::max(low, -1.0) * scale, std::min(high, 1.0) * scale, f, exact, check,
                    5000);
        }
        return worst;
    }
};
using Elements = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Vmath, Elements);

TYPED_TEST(Vmath, Expm1IsAccurate) {
    const double limit = detail::ExpConstants<TypeParam>::kLimit;
    const double error = this->relative_error(
        -limit, limit, [](auto x) { return expm1<TypeParam>(x); },
        [](auto x) { return std::expm1(x); });
    EXPECT_LT(error, 2.5 * this->kEps);
}

TYPED_TEST(Vmath, Expm1StaysFiniteBeyondItsLimits) {
    using T = TypeParam;
    const T limit = detail::ExpConstants<T>::kLimit;
    const T top = expm1<T>(splat(limit))[0];
    EXPECT_TRUE(std::isfinite(top));
    for (const T x : {limit + 1, T(1e5), std::numeric_limits<T>::max(), this->kInf}) {
        EXPECT_EQ(expm1<T>(splat(x))[0], top) << x;
        EXPECT_EQ(expm1<T>(splat(-x))[0], T(-1)) << -x;
    }
    EXPECT_EQ(expm1<T>(splat(T(0)))[0], T(0));
}

TYPED_TEST(Vmath, TanhIsAccurate) {
    const double error = this->relative_error(
        -25, 25, [](auto x) { return tanh(x); }, [](auto x) { return std::tanh(x); });
    EXPECT_LT(error, (std::is_same_v<TypeParam, float> ? 3e-7 : 1e-15));
}

TYPED_TEST(Vmath, TanhIsOddAndAtMostOne) {
    using T = TypeParam;
    const auto none = [](auto x) { return x; };
    const auto check = [&](T x, T y, auto) {
        EXPECT_LE(std::abs(y), T(1)) << x;
        const T mirrored = tanh(splat(-x))[0];
        // double: by another formula on the other side.
        const T allowed = std::is_same_v<T, float> ? T(0) : 4 * this->kEps * std::abs(y);
        EXPECT_NEAR(mirrored, -y, allowed) << x;
    };
    this->on_grid(0, 30, [](auto x) { return tanh(x); }, none, check);
    this->on_grid(0, 1e-3, [](auto x) { return tanh(x); }, none, check, 5000);
    for (const T x : {T(100), T(1e30), this->kInf}) {
        EXPECT_NEAR(tanh(splat(x))[0], T(1), 2 * this->kEps);
        EXPECT_NEAR(tanh(splat(-x))[0], T(-1), 2 * this->kEps);
        EXPECT_LE(std::abs(tanh(splat(x))[0]), T(1));
        EXPECT_LE(std::abs(tanh(splat(-x))[0]), T(1));
    }
}

TYPED_TEST(Vmath, LogisticIsAccurate) {
    const double error = this->relative_error(
        -80, 80, [](auto x) { return logistic<TypeParam>(x); },
        [](auto x) { return 1 / (1 + std::exp(-x)); });
    EXPECT_LT(error, 4 * this->kEps);
}

TYPED_TEST(Vmath, LogisticHasItsLimits) {
    using T = TypeParam;
    EXPECT_EQ(logistic<T>(splat(T(0)))[0], T(0.5));
    for (const T x : {T(1e3), T(1e30), this->kInf}) {
        EXPECT_EQ(logistic<T>(splat(x))[0], T(1));
        EXPECT_NEAR(logistic<T>(splat(-x))[0], T(0), 1e-37);
        EXPECT_GE(logistic<T>(splat(-x))[0], T(0));
    }
}

TYPED_TEST(Vmath, NanStaysInItsLane) {
    using T = TypeParam;
    for (int lane = 0; lane < kLanes<T>; ++lane) {
        Vec<T> x = splat(T(0.5));
        x[lane] = std::numeric_limits<T>::quiet_NaN();
        for (const Vec<T> y : {expm1<T>(x), tanh(x), logistic<T>(x)}) {
            for (int i = 0; i < kLanes<T>; ++i) EXPECT_EQ(std::isnan(y[i]), i == lane) << i;
        }
    }
}

/// Largest error of f against exact at n points from low to high.
template <class F, class Exact>
double largest_error(double low, double high, int n, F f, Exact exact) {
    double worst = 0;
    for (int first = 0; first < n; first += kLanes<float>) {
        Vec<float> x;
        for (int i = 0; i < kLanes<float>; ++i) {
            x[i] = static_cast<float>(low + (high - low) * (first + i) / (n + kLanes<float>));
        }
        const Vec<float> y = f(x);
        for (int i = 0; i < kLanes<float>; ++i) {
            const double error = exact(static_cast<double>(x[i]), static_cast<double>(y[i]));
            if (!(error <= worst)) worst = error;
        }
    }
    return worst;
}

TEST(VmathLog, IsAccurate) {
    const auto error = [](double x, double y) {
        return std::abs(y - std::log(x)) / std::max(1.0, std::abs(std::log(x)));
    };
    const auto log_of = [](Vec<float> x) { return log(x); };
    for (int exponent = -126; exponent < 127; ++exponent) {
        const double low = std::ldexp(1.0, exponent);
        EXPECT_LT(largest_error(low, 2 * low, 20000, log_of, error), 2e-7) << low;
    }
    EXPECT_LT(largest_error(0x1p-25, 1, 1000000, log_of, error), 2e-7);
}

TEST(VmathLog, OfOneIsZeroAndOfLessIsNegative) {
    EXPECT_EQ(log(splat(1.0f))[0], 0.0f);
    EXPECT_LT(log(splat(1 - 0x1p-24f))[0], 0.0f);
    EXPECT_GT(log(splat(1 + 0x1p-23f))[0], 0.0f);
}

TEST(VmathCosTurns, IsAccurate) {
    const auto error = [](double u, double y) {
        return std::abs(y - std::cos(2 * std::acos(-1.0) * u));
    };
    const auto cos_of = [](Vec<float> u) { return cos_turns(u); };
    EXPECT_LT(largest_error(0, 1, 1000000, cos_of, error), 3e-7);
    EXPECT_LT(largest_error(0, 1e-6, 10000, cos_of, error), 3e-7);
    EXPECT_LT(largest_error(1 - 0x1p-18, 1, 10000, cos_of, error), 3e-7);
    EXPECT_NEAR(cos_turns(splat(1.0f))[0], 1, 3e-7);
}

}  // namespace fastae::vmath_test
