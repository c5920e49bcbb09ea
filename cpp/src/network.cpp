#include "fastae/network.hpp"

#include <algorithm>
#include <cassert>

namespace fastae {

Network::Network(const std::vector<Index>& widths, const std::vector<Activation>& activations) {
    assert(widths.size() >= 2 && activations.size() + 1 == widths.size());
    for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        Layer layer{};
        layer.fan_in = widths[l];
        layer.fan_out = widths[l + 1];
        layer.activation = activations[l];
        layer.fan_in_is_wide = layer.fan_in > layer.fan_out;
        layer.n_rows = std::min(layer.fan_in, layer.fan_out);
        layer.n_cols = std::max(layer.fan_in, layer.fan_out);
        layer.stride = padded(layer.n_cols);
        layer.weight_offset = size_;
        layer.bias_offset = size_ + layer.n_rows * layer.stride;
        size_ = layer.bias_offset + padded(layer.fan_out);
        layers_.push_back(layer);
    }
}

Index Network::widest() const {
    Index widest = padded(n_inputs());
    for (const Layer& layer : layers_) widest = std::max(widest, padded(layer.fan_out));
    return widest;
}

Index Network::n_weights() const {
    Index n = 0;
    for (const Layer& layer : layers_) n += layer.fan_in * layer.fan_out;
    return n;
}

}  // namespace fastae
