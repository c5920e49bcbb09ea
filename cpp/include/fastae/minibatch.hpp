#pragma once

#include <vector>

#include "fastae/layer.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/parallel.hpp"
#include "fastae/rows.hpp"
#include "fastae/scratch.hpp"
#include "fastae/weights.hpp"

namespace fastae {

/// Activations and deltas of one mini-batch; the constructor allocates, nothing else does.
///
/// Objective: mean over the rows of 1/2 sum_j (r_j - x'_j)^2, plus the penalties.
class MiniBatch {
  public:
    MiniBatch(const Network& network, Index batch_size);

    /// Forward and backward pass of rows range.begin .. range.end - 1 of a mini-batch of n rows.
    ///
    ///   order  (n) which rows of X
    ///
    /// Rows are independent, so threads may share one mini-batch, each with its own range.
    void forward_backward(const float* params, const RowsView& X, const Scaling& scaling,
                          const std::uint32_t* order, Index n, Range range);

    /// Adds the gradient over all n rows, through the optimiser's rule, to the weights of tasks
    /// range.begin .. range.end - 1. Every task owns its weights.
    void apply_gradient(const SolverOptions& options, const StepConstants& constants, Index n,
                        Range range, const Weights& weights) const;

    /// Sum over the first n rows, in order, of sum_j (r_j - x'_j)^2.
    double squared_error(Index n) const;

    Index n_tasks() const { return static_cast<Index>(tasks_.size()); }
    /// The tasks of thread `part` of `parts`: nearly equal numbers of weights.
    Range tasks_of(int part, int parts) const;

  private:
    /// A block of rows and columns of one layer's weights, or (n_cols == 0) its biases.
    struct Task {
        Index layer, row, n_rows, col, n_cols;
        Index cost_before;  ///< weights in all tasks before this one
    };

    void forward(const float* params, Index begin, Index n);
    void output_delta(Index begin, Index n, float row_weight);
    void backward(const float* params, Index begin, Index n);
    template <class Rule>
    void apply_tasks(const StepConstants& constants, Index n, Range range,
                     const Weights& weights) const;
    template <class Rule>
    void update_weights(const StepConstants& constants, Index n, const Task& task,
                        const Weights& weights) const;
    template <class Rule>
    void update_biases(const StepConstants& constants, Index n, const Layer& layer,
                       const float* delta, Index stride, const Weights& weights) const;

    float* h(Index layer, Index row) {
        const auto l = static_cast<std::size_t>(layer);
        return h_[l].data() + row * strides_[l];
    }
    float* delta(Index layer, Index row) {
        const auto l = static_cast<std::size_t>(layer);
        return delta_[l].data() + row * strides_[l];
    }

    const Network& network_;
    std::vector<Index> strides_;               ///< of h_[l] and delta_[l]
    std::vector<AlignedBuffer<float>> h_;      ///< [l] (batch_size, width(l)): after l layers
    std::vector<AlignedBuffer<float>> delta_;  ///< [l] dObjective / dz of layer l - 1's output
    std::vector<double> squared_error_;        ///< (batch_size)
    std::vector<Task> tasks_;
};

}  // namespace fastae
