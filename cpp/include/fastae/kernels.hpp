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
inline constexpr int kDotRows = 3, kDotCols = 4;
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

/// The first of as few nearly equal parts of n as there are if none is larger than `most`: 12 in
/// parts of 5 at most are 4 + 4 + 4, not 5 + 5 + 2.
constexpr Index equal_part(Index n, Index most) {
    const Index parts = std::max<Index>((n + most - 1) / most, 1);
    return (n + parts - 1) / parts;
}

/// Columns of the next of equally wide panels over the n_cols columns that are left.
template <class T>
constexpr Index panel_width(Index n_cols) {
    return equal_part(n_cols / kLanes<T>, kOuterVecs) * kLanes<T>;
}

/// Rows of the next of equal blocks of weights over the n_rows rows that are left: a panel of a
/// block stays in the L2 cache while all rows of the batch pass over it.
constexpr Index block_rows(Index n_rows) { return equal_part(n_rows, 256); }

/// A stretch of the columns that contract sums over, with the weights of these columns; n_cols
/// counts the padding, a multiple of kPad.
template <class T>
struct Piece {
    const T* in;  ///< (n, n_cols)
    Index in_stride;
    const float* w;  ///< (n_rows, n_cols)
    Index w_stride;
    Index n_cols;
};

/// A stretch of the narrower side, whose sum expand takes: (n, n_rows).
template <class T>
struct Stretch {
    const T* in;
    Index stride;
    Index n_rows;
};

namespace detail {

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

/// out[m * out_stride + n * lanes] = start[m * start_stride + n * lanes]
///                                   + sum_k scalars[m * m_stride + k * k_stride]
///                                         * vectors[k * v_stride + n * lanes],  k < n_terms;
/// start may be out itself, or null for zeros.
template <class T, class S, int M, int N>
inline __attribute__((always_inline)) void outer_tile(Index n_terms, const T* scalars,
                                                      Index m_stride, Index k_stride,
                                                      const float* vectors, Index v_stride,
                                                      const S* start, Index start_stride, T* out,
                                                      Index out_stride) {
    Vec<T> acc[M][N];
    for (int m = 0; m < M; ++m) {
        for (int n = 0; n < N; ++n) {
            acc[m][n] = start ? load_as<T>(start + m * start_stride + n * kLanes<T>) : Vec<T>{};
        }
    }
    for (Index k = 0; k < n_terms; ++k) {
        Vec<T> v[N];
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) v[n] = load_as<T>(vectors + k * v_stride + n * kLanes<T>);
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

/// outer_tile over all of n rows and n_cols <= kPanel columns.
template <class T, class S>
inline void outer_panel(Index n, Index n_cols, Index n_terms, const T* scalars, Index m_stride,
                        Index k_stride, const float* vectors, Index v_stride, const S* start,
                        Index start_stride, T* out, Index out_stride) {
    with_constant<kOuterVecs>(static_cast<int>(n_cols / kLanes<T>), [&](auto N) {
        for (Index b = 0; b < n; b += kOuterRows) {
            const int rows = static_cast<int>(std::min<Index>(kOuterRows, n - b));
            with_constant<kOuterRows>(rows, [&](auto M) {
                outer_tile<T, S, M(), N()>(n_terms, scalars + b * m_stride, m_stride, k_stride,
                                           vectors, v_stride,
                                           start ? start + b * start_stride : nullptr, start_stride,
                                           out + b * out_stride, out_stride);
            });
        }
    });
}

/// out[m * out_stride + n] (+)= sum_c in[m * in_stride + c] * w[n * w_stride + c], c over the
/// columns of all pieces.
template <class T, int M, int N>
inline __attribute__((always_inline)) void dot_tile(const Piece<T>* pieces, int n_pieces,
                                                    Index first_m, Index first_n, bool add, T* out,
                                                    Index out_stride) {
    Vec<T> acc[M * N] = {};
    for (int piece = 0; piece < n_pieces; ++piece) {
        const Piece<T> at = pieces[piece];
        const T* in = at.in + first_m * at.in_stride;
        const float* w = at.w + first_n * at.w_stride;
        for (Index c = 0; c < at.n_cols; c += kLanes<T>) {
            Vec<T> x[M];
#pragma GCC unroll 8
            for (int m = 0; m < M; ++m) x[m] = load(in + m * at.in_stride + c);
#pragma GCC unroll 8
            for (int n = 0; n < N; ++n) {
                const Vec<T> v = load_weights<T>(w + n * at.w_stride + c);
#pragma GCC unroll 8
                for (int m = 0; m < M; ++m) acc[m * N + n] += x[m] * v;
            }
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

}  // namespace detail

/// Expands to the wider side.
///
///   in    stretches of (n, n_rows of the stretch), one behind the other
///   w     (n_rows, n_cols)  stride w_stride; n_cols counts the padding, a multiple of kPad
///   init  (n_cols) or null  start of every sum: the bias
///   out   (n, n_cols)   stride out_stride
template <class T>
void expand(Index n, const Stretch<T>* in, int n_stretches, Index n_cols, const float* w,
            Index w_stride, const float* init, T* out, Index out_stride) {
    for (Index c = 0, width = 0; c < n_cols; c += width) {
        width = panel_width<T>(n_cols - c);
        Index row = 0;  // of w
        for (int s = 0; s < n_stretches; ++s) {
            for (Index r = 0, n_rows = 0; r < in[s].n_rows; r += n_rows) {
                n_rows = block_rows(in[s].n_rows - r);
                const auto panel = [&](auto* start, Index start_stride) {
                    detail::outer_panel(n, width, n_rows, in[s].in + r, in[s].stride, 1,
                                        w + row * w_stride + c, w_stride, start, start_stride,
                                        out + c, out_stride);
                };
                if (row == 0) {
                    panel(init ? init + c : nullptr, 0);
                } else {
                    panel(out + c, out_stride);
                }
                row += n_rows;
            }
        }
        for (Index b = 0; row == 0 && b < n; ++b) {  // a sum of nothing
            for (Index i = c; i < c + width; ++i) {
                out[b * out_stride + i] = init ? static_cast<T>(init[i]) : T(0);
            }
        }
    }
}

namespace detail {

/// out (+)= the sum over the columns of all pieces, tile by tile.
template <class T>
void contract_tiles(Index n, Index n_rows, const Piece<T>* pieces, int n_pieces, bool add, T* out,
                    Index out_stride) {
    if (n == 1) {  // one row alone: many columns at a time, to cover the latency
        constexpr int cols_at_once = kLanes<T>;
        for (Index r = 0; r < n_rows; r += cols_at_once) {
            const int cols = static_cast<int>(std::min<Index>(cols_at_once, n_rows - r));
            with_constant<cols_at_once>(cols, [&](auto N) {
                dot_tile<T, 1, N()>(pieces, n_pieces, 0, r, add, out + r, 0);
            });
        }
        return;
    }
    for (Index r = 0; r < n_rows; r += kDotCols) {
        const int cols = static_cast<int>(std::min<Index>(kDotCols, n_rows - r));
        with_constant<kDotCols>(cols, [&](auto N) {
            for (Index b = 0; b < n; b += kDotRows) {
                const int rows = static_cast<int>(std::min<Index>(kDotRows, n - b));
                with_constant<kDotRows>(rows, [&](auto M) {
                    dot_tile<T, M(), N()>(pieces, n_pieces, b, r, add, out + b * out_stride + r,
                                          out_stride);
                });
            }
        });
    }
}

}  // namespace detail

/// Contracts to the narrower side.
///
///   pieces  the columns, zero in their padding; their order and lengths decide how sums round
///   out     (n, n_rows)  stride out_stride
template <class T>
void contract(Index n, Index n_rows, const Piece<T>* pieces, int n_pieces, T* out,
              Index out_stride) {
    Index total = 0;
    for (int p = 0; p < n_pieces; ++p) total += pieces[p].n_cols;
    if (total <= kDotBlock) {
        detail::contract_tiles(n, n_rows, pieces, n_pieces, false, out, out_stride);
        return;
    }
    bool add = false;
    for (int p = 0; p < n_pieces; ++p) {
        Piece<T> block = pieces[p];
        const Index width = equal_part(pieces[p].n_cols / kPad, kDotBlock / kPad) * kPad;
        for (Index c = 0; c < pieces[p].n_cols; c += width) {
            block.in = pieces[p].in + c;
            block.w = pieces[p].w + c;
            block.n_cols = std::min(width, pieces[p].n_cols - c);
            detail::contract_tiles(n, n_rows, &block, 1, add, out, out_stride);
            add = true;
        }
    }
}

/// The gradient of one tile of weights, n_rows rows (at most kOuterRows) and n_cols columns (at
/// most kPanel).
///
///   narrow  (n, n_rows)  activations or deltas of the narrower side
///   wide    (n, n_cols)  those of the wider side
///   out     (n_rows, kPanel)
inline void gradient_tile(Index n, Index n_rows, Index n_cols, const float* narrow,
                          Index narrow_stride, const float* wide, Index wide_stride, float* out) {
    const float* zeros = nullptr;
    detail::outer_panel(n_rows, n_cols, n, narrow, 1, narrow_stride, wide, wide_stride, zeros, 0,
                        out, kPanel<float>);
}

}  // namespace fastae
