#pragma once

// The three products of a fully connected layer, on weights stored as rows along the narrower
// side of the layer and columns (vectors) along its wider side:
//
//   expand    out[b, c] = init[c] + sum_r in[b, r] * W[r, c]     to the wider side
//   contract  out[b, r] = sum_c in[b, c] * W[r, c]               to the narrower side
//   gradient  G[r, c]   = sum_b narrow[b, r] * wide[b, c]
//
// Every element is one chain of fused multiply-adds in a fixed order (contract: one chain per
// lane, and one fixed tree over the lanes), whatever tile it falls into: so a row gives the same
// bits alone, in any batch and with any number of threads.

#include <algorithm>

#include "fastae/simd.hpp"

namespace fastae {

// Tile shapes: as many accumulators as the registers hold beside the operands, and enough to
// cover the latency of the multiply-add (4 cycles, two a cycle).
#if defined(__AVX512F__)
inline constexpr int kOuterRows = 5, kOuterVecs = 5;
inline constexpr int kDotRows = 4, kDotCols = 4;
#elif defined(__AVX__)
inline constexpr int kOuterRows = 6, kOuterVecs = 2;
inline constexpr int kDotRows = 4, kDotCols = 2;
#elif defined(__aarch64__)
inline constexpr int kOuterRows = 6, kOuterVecs = 4;
inline constexpr int kDotRows = 4, kDotCols = 4;
#else
inline constexpr int kOuterRows = 4, kOuterVecs = 2;
inline constexpr int kDotRows = 4, kDotCols = 2;
#endif

/// Columns of one panel of the expand and gradient products.
template <class T>
inline constexpr Index kPanel = kOuterVecs * kLanes<T>;

/// Longest stretch of columns that contract sums before it folds the lanes: two tiles' operands
/// of this length fit into the L1 cache.
inline constexpr Index kDotBlock = 1024;

namespace detail {

/// acc[m][n] = init[n] + sum_k scalars[m * m_stride + k * k_stride] * vectors[k * v_stride + n],
/// k < n_terms; stored at out[m * out_stride + n * lanes].
template <class T, class S, int M, int N>
inline __attribute__((always_inline)) void outer_tile(Index n_terms, const T* scalars,
                                                      Index m_stride, Index k_stride,
                                                      const S* vectors, Index v_stride,
                                                      const float* init, T* out, Index out_stride) {
    Vec<T> acc[M][N];
    for (int n = 0; n < N; ++n) {
        const Vec<T> start = init ? load_weights<T>(init + n * kLanes<T>) : Vec<T>{};
        for (int m = 0; m < M; ++m) acc[m][n] = start;
    }
    for (Index k = 0; k < n_terms; ++k) {
        Vec<T> v[N];
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
            if constexpr (std::is_same_v<S, float>) {
                v[n] = load_weights<T>(vectors + k * v_stride + n * kLanes<T>);
            } else {
                v[n] = load(vectors + k * v_stride + n * kLanes<T>);
            }
        }
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) {
            const T s = scalars[m * m_stride + k * k_stride];
#pragma GCC unroll 8
            for (int n = 0; n < N; ++n) acc[m][n] += v[n] * s;
        }
    }
    for (int m = 0; m < M; ++m) {
        for (int n = 0; n < N; ++n) store(out + m * out_stride + n * kLanes<T>, acc[m][n]);
    }
}

/// out[m * out_stride + n] (+)= sum_c in[m * in_stride + c] * w[n * w_stride + c], c < n_cols.
template <class T, int M, int N>
inline __attribute__((always_inline)) void dot_tile(Index n_cols, const T* in, Index in_stride,
                                                    const float* w, Index w_stride, bool add,
                                                    T* out, Index out_stride) {
    Vec<T> acc[M * N] = {};
    for (Index c = 0; c < n_cols; c += kLanes<T>) {
        Vec<T> x[M];
#pragma GCC unroll 8
        for (int m = 0; m < M; ++m) x[m] = load(in + m * in_stride + c);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
            const Vec<T> v = load_weights<T>(w + n * w_stride + c);
#pragma GCC unroll 8
            for (int m = 0; m < M; ++m) acc[m * N + n] += x[m] * v;
        }
    }
    constexpr int total = M * N;
    constexpr int group = total < kLanes<T> ? (total <= 1   ? 1
                                               : total <= 2 ? 2
                                               : total <= 4 ? 4
                                               : total <= 8 ? 8
                                                            : 16)
                                            : kLanes<T>;
    T folded[(total + group - 1) / group * group];
    for (int first = 0; first < total; first += group) {
        Vec<T> part[group];
        for (int i = 0; i < group; ++i) part[i] = first + i < total ? acc[first + i] : Vec<T>{};
        const Vec<T> s = sums<T, group>(part);
        for (int i = 0; i < group; ++i) folded[first + i] = s[i];
    }
    for (int m = 0; m < M; ++m) {
        for (int n = 0; n < N; ++n) {
            T& target = out[m * out_stride + n];
            target = add ? target + folded[m * N + n] : folded[m * N + n];
        }
    }
}

/// Calls f with std::integral_constant<int, i>, where 1 <= i <= kMax.
template <int kMax, class F>
inline __attribute__((always_inline)) void with_constant(int i, F&& f) {
    if constexpr (kMax == 1) {
        f(std::integral_constant<int, 1>{});
    } else if (i == kMax) {
        f(std::integral_constant<int, kMax>{});
    } else {
        with_constant<kMax - 1>(i, f);
    }
}

}  // namespace detail

/// Expands to the wider side.
///
///   in    (n, n_rows)   stride in_stride
///   w     (n_rows, n_cols)  stride w_stride; n_cols counts the padding, a multiple of kPad
///   init  (n_cols) or null  start of every sum: the bias
///   out   (n, n_cols)   stride out_stride
template <class T>
void expand(Index n, Index n_rows, Index n_cols, const T* in, Index in_stride, const float* w,
            Index w_stride, const float* init, T* out, Index out_stride) {
    for (Index c = 0; c < n_cols; c += kPanel<T>) {
        const int vecs = static_cast<int>(std::min<Index>(kOuterVecs, (n_cols - c) / kLanes<T>));
        detail::with_constant<kOuterVecs>(vecs, [&](auto N) {
            for (Index b = 0; b < n; b += kOuterRows) {
                const int rows = static_cast<int>(std::min<Index>(kOuterRows, n - b));
                detail::with_constant<kOuterRows>(rows, [&](auto M) {
                    detail::outer_tile<T, float, M(), N()>(
                        n_rows, in + b * in_stride, in_stride, 1, w + c, w_stride,
                        init ? init + c : nullptr, out + b * out_stride + c, out_stride);
                });
            }
        });
    }
}

/// Contracts to the narrower side.
///
///   in   (n, n_cols)  stride in_stride; zero in the padding
///   w    (n_rows, n_cols)  stride w_stride; n_cols counts the padding, a multiple of kPad
///   out  (n, n_rows)  stride out_stride
template <class T>
void contract(Index n, Index n_rows, Index n_cols, const T* in, Index in_stride, const float* w,
              Index w_stride, T* out, Index out_stride) {
    if (n_cols == 0) return;
    // Equal blocks: 1,040 columns are 2 x 520, not 1,024 and a stub.
    const Index n_blocks = (n_cols + kDotBlock - 1) / kDotBlock;
    const Index block = (n_cols / kPad + n_blocks - 1) / n_blocks * kPad;
    for (Index c = 0; c < n_cols; c += block) {
        const Index width = std::min(block, n_cols - c);
        if (n == 1) {  // one row alone: many columns at a time, to cover the latency
            constexpr int cols_at_once = kLanes<T>;
            for (Index r = 0; r < n_rows; r += cols_at_once) {
                const int cols = static_cast<int>(std::min<Index>(cols_at_once, n_rows - r));
                detail::with_constant<cols_at_once>(cols, [&](auto N) {
                    detail::dot_tile<T, 1, N()>(width, in + c, 0, w + r * w_stride + c, w_stride,
                                                c > 0, out + r, 0);
                });
            }
            continue;
        }
        for (Index r = 0; r < n_rows; r += kDotCols) {
            const int cols = static_cast<int>(std::min<Index>(kDotCols, n_rows - r));
            detail::with_constant<kDotCols>(cols, [&](auto N) {
                for (Index b = 0; b < n; b += kDotRows) {
                    const int rows = static_cast<int>(std::min<Index>(kDotRows, n - b));
                    detail::with_constant<kDotRows>(rows, [&](auto M) {
                        detail::dot_tile<T, M(), N()>(width, in + b * in_stride + c, in_stride,
                                                      w + r * w_stride + c, w_stride, c > 0,
                                                      out + b * out_stride + r, out_stride);
                    });
                }
            });
        }
    }
}

/// The gradient of one tile of weights, rows r .. r + n_rows - 1 (n_rows <= kOuterRows) and n_cols
/// columns from c (a multiple of the lanes, at most kPanel).
///
///   narrow  (n, ...)  activations or deltas of the narrower side, from its column r
///   wide    (n, ...)  those of the wider side, from its column c
///   out     (n_rows, kPanel)
inline void gradient_tile(Index n, int n_rows, Index n_cols, const float* narrow,
                          Index narrow_stride, const float* wide, Index wide_stride, float* out) {
    const int vecs = static_cast<int>(n_cols / kLanes<float>);
    detail::with_constant<kOuterVecs>(vecs, [&](auto N) {
        detail::with_constant<kOuterRows>(n_rows, [&](auto M) {
            detail::outer_tile<float, float, M(), N()>(n, narrow, 1, narrow_stride, wide,
                                                       wide_stride, nullptr, out, kPanel<float>);
        });
    });
}

}  // namespace fastae
