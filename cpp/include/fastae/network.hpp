#pragma once

#include <vector>

#include "fastae/types.hpp"

namespace fastae {

/// Where one layer lives in the flat buffer of parameters.
///
/// Its weights are n_rows x n_cols, rows along the narrower side of the layer and columns along
/// the wider one: W[i, o] (input i, output o) is at [i, o], or at [o, i] if fan_in_is_wide.
struct Layer {
    Index fan_in;
    Index fan_out;
    Activation activation;
    bool fan_in_is_wide;
    Index n_rows;
    Index n_cols;
    Index stride;         ///< distance between rows; the padding holds zeros, always
    Index weight_offset;  ///< of the first weight, in floats
    Index bias_offset;    ///< of padded(fan_out) floats

    /// n_cols rounded up to whole vectors of any build.
    Index padded_cols() const { return whole_lines(n_cols); }
};

/// Columns begin .. end - 1 of a layer's wider side, whole 64-byte lines.
struct Columns {
    Index begin, end;
    Index count() const { return end - begin; }
};

/// Layers of a fully connected network of the given widths (inputs first), and the number of
/// floats that their parameters take, biases behind the weights of their layer.
class Network {
  public:
    Network(const std::vector<Index>& widths, const std::vector<Activation>& activations);

    const std::vector<Layer>& layers() const { return layers_; }
    Index n_layers() const { return static_cast<Index>(layers_.size()); }
    Index size() const { return size_; }
    Index n_inputs() const { return layers_.front().fan_in; }
    Index n_outputs() const { return layers_.back().fan_out; }
    /// Width after `layer` layers: 0 = inputs.
    Index width(Index layer) const {
        return layer == 0 ? n_inputs() : layers_[static_cast<std::size_t>(layer - 1)].fan_out;
    }
    /// Where the numbers of h[layer]'s units begin in a buffer of numbers per hidden unit, layers
    /// one behind the other in whole lines; with layer = n_layers(), the size of such a buffer.
    Index hidden_offset(Index layer) const {
        Index offset = 0;
        for (Index l = 1; l < layer; ++l) offset += whole_lines(width(l));
        return offset;
    }
    /// The largest padded width.
    Index widest() const;
    /// Multiply-adds of one forward pass of one row.
    Index n_weights() const;

  private:
    std::vector<Layer> layers_;
    Index size_ = 0;
};

}  // namespace fastae
