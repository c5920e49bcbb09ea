#pragma once

// Vectorised elementary functions, for float and double. NaN in gives NaN out.

#include <limits>

#include "fastae/simd.hpp"

namespace fastae {

namespace detail {

template <class T>
struct ExpConstants;

// e^r - 1 on |r| <= ln(2)/2 by its Taylor series, whose remainder is below half an ulp at these
// degrees; ln(2) in two parts (Cody & Waite 1980) so that k * kLn2High is exact.
template <>
struct ExpConstants<float> {
    static constexpr int kDegree = 7;
    static constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float kLn2High = 0.693359375f;
    static constexpr float kLn2Low = -2.12194440e-4f;
    static constexpr float kLimit = 87.0f;
    static constexpr int kMantissaBits = 23;
    static constexpr int kBias = 127;
};
template <>
struct ExpConstants<double> {
    static constexpr int kDegree = 13;
    static constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double kLn2High = 6.93147180369123816490e-01;
    static constexpr double kLn2Low = 1.90821492927058770002e-10;
    static constexpr double kLimit = 708.0;
    static constexpr int kMantissaBits = 52;
    static constexpr int kBias = 1023;
};

constexpr double inverse_factorial(int n) { return n <= 1 ? 1.0 : inverse_factorial(n - 1) / n; }

template <class T, int kTerm>
inline Vec<T> expm1_series(Vec<T> r) {
    if constexpr (kTerm == ExpConstants<T>::kDegree) {
        return splat(static_cast<T>(inverse_factorial(kTerm)));
    } else {
        return expm1_series<T, kTerm + 1>(r) * r + static_cast<T>(inverse_factorial(kTerm));
    }
}

}  // namespace detail

/// e^x - 1 to about 2 ulp, x limited to +-87 (float) or +-708 (double).
template <class T>
inline Vec<T> expm1(Vec<T> x) {
    using C = detail::ExpConstants<T>;
    x = at_most(at_least(x, -C::kLimit), C::kLimit);
    const Vec<T> shifted = x * static_cast<T>(1.44269504088896340736) + C::kRound;
    const Vec<T> k = shifted - C::kRound;
    const Vec<T> r = (x - k * C::kLn2High) - k * C::kLn2Low;
    const IntVec<T> exponent = (IntVec<T>)shifted - (IntVec<T>)splat(C::kRound) + C::kBias;
    const Vec<T> power = (Vec<T>)(exponent << C::kMantissaBits);  // 2^k
    const Vec<T> series = r * detail::expm1_series<T, 1>(r);
    return power * series + (power - static_cast<T>(1));
}

/// tanh(x). float: a rational function, odd of degree 9 over even of degree 8, fitted by us for
/// least relative error on [-8, 8] (6.5e-9) and constant beyond; with rounding the relative and
/// the absolute error are below 3e-7. double: (e^2x - 1) / (e^2x + 1), relative error below 1e-15.
inline Vec<float> tanh(Vec<float> x) {
    x = at_most(at_least(x, -8.0f), 8.0f);
    const Vec<float> u = x * x;
    Vec<float> p = u * 1.5230336621457316e-08f + 2.1894630683180953e-05f;
    p = p * u + 3.5715970386527864e-03f;
    p = p * u + 1.3444497432923360e-01f;
    p = p * u + 9.9999999361227500e-01f;
    Vec<float> q = u * 8.5224221066068850e-07f + 3.4112897944215596e-04f;
    q = q * u + 2.6164440053006773e-02f;
    q = q * u + 4.6777824770603854e-01f;
    q = q * u + 1.0f;
    return x * p / q;
}

inline Vec<double> tanh(Vec<double> x) {
    const Vec<double> e = expm1<double>(at_most(at_least(x, -20.0), 20.0) * 2.0);
    return e / (e + 2.0);
}

/// 1 / (1 + e^-x).
template <class T>
inline Vec<T> logistic(Vec<T> x) {
    return static_cast<T>(1) / (expm1<T>(-x) + static_cast<T>(2));
}

/// ln(x) of positive normal floats, relative to max(1, |ln(x)|) to about 2e-7: x = m 2^e with m in
/// [sqrt(1/2), sqrt(2)), and ln(m) = 2 artanh(s), s = (m - 1) / (m + 1), by its Taylor series.
inline Vec<float> log(Vec<float> x) {
    const IntVec<float> bits = (IntVec<float>)x;
    const IntVec<float> half_root = IntVec<float>{} + 0x3f3504f3;  // of 1/2
    const IntVec<float> exponent = (bits - half_root) >> 23;
    const Vec<float> m = (Vec<float>)(bits - (exponent << 23));
    const Vec<float> s = (m - 1.0f) / (m + 1.0f);
    const Vec<float> u = s * s;
    Vec<float> series = u * (1.0f / 9) + 1.0f / 7;
    series = series * u + 1.0f / 5;
    series = series * u + 1.0f / 3;
    series = series * u + 1.0f;
    return (s + s) * series + __builtin_convertvector(exponent, Vec<float>) * 0.69314718056f;
}

/// cos(2 pi u) for 0 <= u < 1, absolute error below 3e-7: minus the sine of 2 pi (1/4 - |u - 1/2|),
/// an angle of at most pi / 2, by its Taylor series.
inline Vec<float> cos_turns(Vec<float> u) {
    const Vec<float> t = u - 0.5f;
    const Vec<float> w = (0.25f - (t < 0.0f ? -t : t)) * 6.28318530718f;
    const Vec<float> v = w * w;
    Vec<float> series = v * (-1.0f / 39916800) + 1.0f / 362880;
    series = series * v - 1.0f / 5040;
    series = series * v + 1.0f / 120;
    series = series * v - 1.0f / 6;
    series = series * v + 1.0f;
    return -w * series;
}

}  // namespace fastae
