#pragma once

#include "fastae/network.hpp"
#include "fastae/rows.hpp"

namespace fastae {

// Everything below reads the rows chunk by chunk, needs scratch for one chunk per thread, and gives
// the same bits whatever n_threads and however the rows are divided over calls. T, the type of the
// arithmetic, is float or double; the weights are float. `missing` says what NaN in X means; with
// kNone it makes all numbers of its row NaN.
//
// With `factors` the network's inputs and outputs are those that Factors describes; X and the
// scaling are its numbers, d of them. A factor's error is its weight times its loss, and counts as
// Factors::n_errors in the mean; one that is not known has none.

/// Row errors: mse[i] = 1/d * sum_j (r[i, j] - x'[i, j])^2 in scaled units; the mean over the known
/// cells if missing ones are ignored, and 0 where there is none.
///
///   X      (n, d)
///   order  (n_rows) which rows of X, or null: all, and n_rows is n
///   params (network.size())  mse  (n_rows)
template <class T>
void row_mse(const Network& network, const float* params, const RowsView& X,
             const std::uint32_t* order, Index n_rows, const Scaling& scaling, Missing missing,
             double* mse, int n_threads, const FactorTable* factors = nullptr);

/// Squared errors (r - x')^2 per cell, in scaled units, then those of factors: errors (n, d +
/// n_factors), C-contiguous. NaN for missing cells that are ignored.
template <class T>
void feature_errors(const Network& network, const float* params, const RowsView& X,
                    const Scaling& scaling, Missing missing, T* errors, int n_threads,
                    const FactorTable* factors = nullptr);

/// Reconstructions r / scale + shift in the units of X: out (n, d), C-contiguous; and the most
/// likely level of each factor: codes (n, n_factors).
template <class T>
void reconstruct(const Network& network, const float* params, const RowsView& X,
                 const Scaling& scaling, Missing missing, T* out, int n_threads,
                 const FactorTable* factors = nullptr, std::int32_t* codes = nullptr);

/// Activations after n_layers layers, 0 <= n_layers <= L (0: the scaled inputs; with factors, 0 <
/// n_layers < L): out (n, network.width(n_layers)), C-contiguous.
template <class T>
void activations(const Network& network, const float* params, const RowsView& X,
                 const Scaling& scaling, Missing missing, Index n_layers, T* out, int n_threads,
                 const FactorTable* factors = nullptr);

/// Runs layers first_layer .. L - 1 on codes H (n, network.width(first_layer)), and takes the
/// outputs back to the input's units: out and codes as in reconstruct.
template <class T>
void decode(const Network& network, const float* params, const RowsView& H, const Scaling& scaling,
            Index first_layer, T* out, int n_threads, const Factors* factors = nullptr,
            std::int32_t* codes = nullptr);

}  // namespace fastae
