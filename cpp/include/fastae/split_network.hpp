#pragma once

#include "fastae/network.hpp"
#include "fastae/weights.hpp"

namespace fastae {

/// A network whose first and last layer have units that few rows use at a time, taken apart for
/// training: a dense network without these units, and a row of weights for each of them, so that
/// what belongs to one unit lies together ("side" buffer).
///
///   inputs   [numbers | units]            a unit's row: its weights to the first hidden layer
///   outputs  [numbers | units | targets]  its weights from the last one, then a line with its bias
///
/// The dense network is [numbers] -> hidden layers -> [numbers | targets].
class SplitNetwork {
  public:
    /// The whole network has at least one hidden layer; n_output_units may be 0.
    SplitNetwork(const Network& whole, Index n_numbers, Index n_input_units, Index n_output_units);

    const Network& dense() const { return dense_; }
    Index n_input_units() const { return n_input_units_; }
    Index n_output_units() const { return n_output_units_; }
    Index input_stride() const { return input_stride_; }
    Index output_stride() const { return output_stride_; }
    /// Where unit `unit`'s row begins in the side buffer.
    Index input_row(Index unit) const { return unit * input_stride_; }
    Index output_row(Index unit) const {
        return n_input_units_ * input_stride_ + unit * output_stride_;
    }
    /// Of an output's bias in its row.
    Index bias() const { return output_stride_ - kPad; }
    /// Floats of the side buffer.
    Index side_size() const {
        return n_input_units_ * input_stride_ + n_output_units_ * output_stride_;
    }

    /// Copies parameters and n_slots slots of the whole network, in its own layout, to the dense
    /// one's, in its own layout, and to the side buffer; or back.
    void take_apart(const Weights& whole, const Weights& parts, int n_slots) const;
    void put_together(const Weights& parts, const Weights& whole, int n_slots) const;

  private:
    template <class Copy>
    void for_each_dense(Copy&& copy) const;
    template <class Copy>
    void for_each_side(Copy&& copy) const;

    const Network& whole_;
    Index n_numbers_, n_input_units_, n_output_units_;
    Index n_output_numbers_;  ///< 0 if the numbers are not reconstructed
    Network dense_;
    Index input_stride_, output_stride_;
};

}  // namespace fastae
