#pragma once

// The forward pass of one layer over a block of rows, on the network's own layout. Activations are
// (n, padded width) row-major; their padding is zero on entry and on return.

#include "fastae/activation.hpp"
#include "fastae/kernels.hpp"
#include "fastae/network.hpp"

namespace fastae {

/// Zeroes columns width .. whole vectors of each row.
template <class T>
inline void zero_padding(Index n, Index width, T* rows, Index stride) {
    const Index padded_width = whole_lines(width);
    for (Index b = 0; b < n && padded_width > width; ++b) {
        std::memset(rows + b * stride + width, 0,
                    static_cast<std::size_t>(padded_width - width) * sizeof(T));
    }
}

/// Zeroes NaN: a missing input is the column's mean. n values, of whole lines that are ours.
template <class T>
inline void fill_missing(Index n, T* x) {
    for (Index j = 0; j < n; j += kLanes<T>) {
        const Vec<T> v = load(x + j);
        store(x + j, v == v ? v : Vec<T>{});
    }
}

/// z = h W + b without the activation.
///
///   params  the network's flat buffer
///   in      (n, fan_in)   stride in_stride
///   z       (n, fan_out)  stride z_stride
template <class T>
void layer_preactivation(const Layer& layer, const float* params, Index n, const T* in,
                         Index in_stride, T* z, Index z_stride) {
    const float* w = params + layer.weight_offset;
    const float* bias = params + layer.bias_offset;
    if (!layer.fan_in_is_wide) {
        const Stretch<T> narrow{in, in_stride, layer.n_rows};
        expand(n, &narrow, 1, layer.padded_cols(), w, layer.stride, bias, z, z_stride);
        return;
    }
    const Piece<T> piece{in, in_stride, w, layer.stride, layer.padded_cols()};
    contract(n, layer.n_rows, &piece, 1, z, z_stride);
    for (Index b = 0; b < n; ++b) {
        T* row = z + b * z_stride;
        for (Index o = 0; o < layer.fan_out; o += kLanes<T>) {
            store(row + o, load(row + o) + load_weights<T>(bias + o));
        }
    }
}

/// h = activation(h); h (n, width), stride h_stride.
template <class T>
void activate(Activation activation, Index n, Index width, T* h, Index h_stride) {
    with_activation(activation, [&](auto f) {
        for (Index b = 0; b < n; ++b) {
            T* row = h + b * h_stride;
            for (Index o = 0; o < width; o += kLanes<T>) {
                store(row + o, f.forward(load(row + o)));
            }
        }
    });
    zero_padding(n, width, h, h_stride);  // forward(0) need not be 0
}

/// h = activation(h W + b), same shapes.
template <class T>
void layer_forward(const Layer& layer, const float* params, Index n, const T* in, Index in_stride,
                   T* h, Index h_stride) {
    layer_preactivation(layer, params, n, in, in_stride, h, h_stride);
    activate(layer.activation, n, layer.fan_out, h, h_stride);
}

}  // namespace fastae
