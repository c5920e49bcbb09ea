#pragma once

// Vectors as wide as the registers of this build, from the compilers' vector extensions: one
// source for SSE, AVX2, AVX-512 and NEON. Intrinsics appear only where the extensions have no
// operation (square root and its reciprocal).

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

#include "fastae/types.hpp"

namespace fastae {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T>
inline constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T>
struct VecTypes {
    using Int = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    typedef T Vec __attribute__((vector_size(kVectorBytes)));
    typedef T Unaligned __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
    typedef Int IntVec __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vec = typename VecTypes<T>::Vec;
template <class T>
using IntVec = typename VecTypes<T>::IntVec;
typedef std::uint32_t UintVec __attribute__((vector_size(kVectorBytes)));  ///< as many as floats

/// The scalar type of a vector type.
template <class V>
using Element = std::decay_t<decltype(std::declval<V&>()[0])>;

template <class T>
inline Vec<T> load(const T* p) {
    return *reinterpret_cast<const typename VecTypes<T>::Unaligned*>(p);
}

/// Loads weights, stored as float, as T.
template <class T>
inline Vec<T> load_weights(const float* p) {
    if constexpr (std::is_same_v<T, float>) {
        return load(p);
    } else {
        typedef float Half
            __attribute__((vector_size(kVectorBytes / 2), aligned(alignof(float)), may_alias));
        return __builtin_convertvector(*reinterpret_cast<const Half*>(p), Vec<T>);
    }
}

/// Loads a vector of floats or of T as T.
template <class T, class S>
inline Vec<T> load_as(const S* p) {
    if constexpr (std::is_same_v<T, S>) {
        return load(p);
    } else {
        return load_weights<T>(p);
    }
}

/// Loads a vector that other threads may be writing: exactly one read of every element, which the
/// compiler may neither repeat nor split into a second use of the memory operand.
inline Vec<float> load_shared(const float* p) {
    return *reinterpret_cast<const volatile VecTypes<float>::Unaligned*>(p);
}

template <class T>
inline void store(T* p, Vec<T> v) {
    *reinterpret_cast<typename VecTypes<T>::Unaligned*>(p) = v;
}

template <class T>
inline Vec<T> splat(T x) {
    return Vec<T>{} + x;  // exact: only -0 would become +0
}

/// The larger of v and lo, but NaN where v is NaN.
template <class T>
inline Vec<T> at_least(Vec<T> v, T lo) {
    return v < lo ? splat(lo) : v;
}

/// The smaller of v and hi, but NaN where v is NaN.
template <class T>
inline Vec<T> at_most(Vec<T> v, T hi) {
    return v > hi ? splat(hi) : v;
}

inline Vec<float> sqrt(Vec<float> v) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX__)
    return (Vec<float>)_mm256_sqrt_ps((__m256)v);
#elif defined(__SSE2__)
    return (Vec<float>)_mm_sqrt_ps((__m128)v);
#else
    for (int i = 0; i < kLanes<float>; ++i) v[i] = std::sqrt(v[i]);
    return v;
#endif
}

/// 1 / sqrt(v) for positive normal v, relative error below 2^-14 = 6.1e-5: the machine's estimate
/// where it is that good (AVX-512), the estimate and one Newton step (4e-7) where it is coarser,
/// and a division where there is none.
inline Vec<float> rsqrt(Vec<float> v) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_rsqrt14_ps((__m512)v);
#elif defined(__SSE2__)
#if defined(__AVX__)
    const Vec<float> y = (Vec<float>)_mm256_rsqrt_ps((__m256)v);
#else
    const Vec<float> y = (Vec<float>)_mm_rsqrt_ps((__m128)v);
#endif
    return y + y * (0.5f - (0.5f * v * y) * y);
#else
    return 1.0f / sqrt(v);
#endif
}

namespace detail {

template <class T, int kGroup, bool kHigh, int... kLane>
inline Vec<T> gather_groups(Vec<T> a, Vec<T> b, std::integer_sequence<int, kLane...>) {
    constexpr int half = kGroup / 2;
    constexpr int groups = kLanes<T> / kGroup;
    return __builtin_shufflevector(
        a, b,
        ((kLane / half < groups ? (kLane / half) * kGroup
                                : kLanes<T> + (kLane / half - groups) * kGroup) +
         kLane % half + (kHigh ? half : 0))...);
}

/// Halves every group of kGroup lanes of a, then of b, by adding its upper to its lower half.
template <class T, int kGroup>
inline Vec<T> fold(Vec<T> a, Vec<T> b) {
    const auto lanes = std::make_integer_sequence<int, kLanes<T>>{};
    return gather_groups<T, kGroup, false>(a, b, lanes) +
           gather_groups<T, kGroup, true>(a, b, lanes);
}

template <class T, int kGroup, int kCount>
inline Vec<T> fold_all(const Vec<T>* v) {
    if constexpr (kGroup == 1) {
        return v[0];
    } else if constexpr (kCount == 1) {
        const Vec<T> folded = fold<T, kGroup>(v[0], v[0]);
        return fold_all<T, kGroup / 2, 1>(&folded);
    } else {
        Vec<T> folded[kCount / 2];
        for (int i = 0; i < kCount / 2; ++i) folded[i] = fold<T, kGroup>(v[2 * i], v[2 * i + 1]);
        return fold_all<T, kGroup / 2, kCount / 2>(folded);
    }
}

}  // namespace detail

/// Lane i of the result is the sum of the lanes of v[i], i < kCount (a power of two, at most
/// kLanes). Every sum is taken over the same tree, whatever kCount and i.
template <class T, int kCount>
inline Vec<T> sums(const Vec<T>* v) {
    static_assert(kCount >= 1 && kCount <= kLanes<T> && (kCount & (kCount - 1)) == 0);
    return detail::fold_all<T, kLanes<T>, kCount>(v);
}

/// Sum of the lanes, over the tree of sums().
template <class T>
inline T sum(Vec<T> v) {
    return sums<T, 1>(&v)[0];
}

}  // namespace fastae
