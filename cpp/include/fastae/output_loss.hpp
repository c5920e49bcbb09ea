#pragma once

#include <vector>

#include "fastae/batch.hpp"
#include "fastae/network.hpp"
#include "fastae/part_matrix.hpp"
#include "fastae/scratch.hpp"
#include "fastae/side_layers.hpp"

namespace fastae {

/// Where the forward pass of a mini-batch ends and the backward pass begins: errors of its rows,
/// and the derivatives of the objective by the last layer's pre-activations.
class OutputLoss {
  public:
    OutputLoss(const Network& network, const Objective& objective, Index batch_size, int team);

    /// The first output that has a target of its own.
    Index first_target() const { return n_outputs_ - objective_.n_targets; }

    /// True if the derivatives of some of a row's columns depend on others.
    bool needs_whole_rows(const Batch& batch) const {
        return objective_.classes || batch.table.anomalous;
    }

    /// From pre-activations to derivatives, in place; notes the rows' errors. The padding becomes
    /// 0.
    ///
    ///   rows, part_begin, part_end  the caller's rows of the mini-batch and parts of their columns
    ///   target  (batch.n, n_outputs)  what the outputs should be, NaN where that is not known; the
    ///           columns of a class are not read
    ///   z       (batch.n, n_outputs)
    ///   side    outputs beside these, whose errors count as well if a row is an anomaly; or null
    void differentiate(int thread, Range rows, int part_begin, int part_end, const Batch& batch,
                       const PartMatrix& target, const PartMatrix& z, SideLayers* side = nullptr);

    /// Of the first n rows, added up in order.
    Errors errors(Index n) const;

  private:
    Errors part_of_row(float row_weight, const float* target, float* z, Columns columns,
                       Index used) const;
    double elementwise(Index n, float weight, const float* target, float* z) const;
    double classes(int thread, Index row, const Batch& batch, const PartMatrix& z);
    void push_away(Index row, float weight, const PartMatrix& z, SideLayers* side);
    Errors& error_of(int part, Index row) {
        return errors_[static_cast<std::size_t>(part * batch_size_ + row)];
    }

    const Objective& objective_;
    const Activation activation_;
    const Index n_outputs_;
    const Index batch_size_;
    AlignedBuffer<float> logits_;  ///< (team, padded(n_targets)) a page apart
    std::vector<Errors> errors_;   ///< (kParts, batch_size)
};

}  // namespace fastae
