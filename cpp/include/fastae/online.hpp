#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include "fastae/batch.hpp"
#include "fastae/max_norm.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/parallel.hpp"

namespace fastae {

/// Where a team of threads that work on the same observation swap numbers.
///
/// Sums over the columns of a layer are taken per part and then over the parts in order. So the
/// result does not depend on how many threads share the parts.
class Exchange {
  public:
    /// max_w2: see MaxNorm, or infinity; team_size: threads that take part.
    Exchange(const PartedLayout& layout, double max_w2, int team_size)
        : team(team_size),
          stride_(layout.network().widest() + kPage),
          shared_(2 * kParts * stride_),
          barrier_(team_size) {
        if (!std::isinf(max_w2)) max_norm_ = std::make_unique<MaxNorm>(layout, max_w2);
    }

    /// Memory for part `part` in this turn: (widest). Turns alternate between two memories, so
    /// a fast thread cannot overwrite what a slow one is still reading.
    float* memory(int turn, int part) {
        return shared_.data() + ((turn % 2) * kParts + part) * stride_;
    }

    void wait(int thread) { barrier_.wait(thread); }

    /// Null if the weights into a unit are not limited.
    MaxNorm* max_norm() { return max_norm_.get(); }

    const int team;

  private:
    const Index stride_;
    AlignedBuffer<float> shared_;
    SpinBarrier barrier_;
    std::unique_ptr<MaxNorm> max_norm_;
};

/// One thread's share in training on one observation at a time (mini-batches of one).
///
/// It owns some parts of every layer: their weights, their biases and the optimiser's state of both
/// stay in its core's cache. It computes activations and deltas of its columns, and receives
/// through the exchange what it needs of the others': sums over all columns, and vectors that are
/// the narrow side of the next layer. A worker alone (team of 1) owns everything. Weights are in
/// the parted layout.
class OnlineWorker {
  public:
    /// weights: whose averages the worker goes on from; alone in its team, it updates them in
    /// place.
    OnlineWorker(const PartedLayout& layout, const Objective& objective, Exchange& exchange,
                 int thread, const Weights& weights);

    /// Forward, backward and update for one observation, in place; every thread of the team calls
    /// it with the same arguments.
    void train(const SolverOptions& options, const StepConstants& constants, const Batch& row,
               const Weights& weights);

    /// Writes the average activations that this thread is in charge of.
    void store_averages(const Weights& weights) const;

    /// The columns of X that train() reads: where the other threads' are of no use, its own.
    Range read_columns() const;

    /// Adds the sum of (r_j - x'_j)^2 since the last call to total[part] of this thread's parts.
    void take_squared_error(double* total);

  private:
    Columns own_columns(Index width) const {
        if (first_part_ == end_part_) return {0, 0};
        return {column_part(width, first_part_).begin, column_part(width, end_part_ - 1).end};
    }
    /// The columns of h[layer] and delta[layer] that this thread computes, whole lines.
    Columns computed_columns(Index layer) const;
    void gather(const Batch& row);
    void forward(const float* params, const Batch& row);
    void contract_columns(Index l, const float* params);
    void expand_columns(Index l, const float* params);
    void drop_units(Index layer, float* units, Columns columns, const Batch& row) const;
    void average_activations(const Batch& row);
    void output_delta(float row_weight);
    template <class Rule>
    void backward(const SolverOptions& options, const StepConstants& constants, const Batch& row,
                  const Weights& weights);
    void hidden_delta(Index layer, Columns columns, const Batch& row);
    void limit_norms(const SolverOptions& options, double steps, const Weights& weights);
    template <class Rule>
    void update_layer(const StepConstants& constants, Index l, const Weights& weights);
    template <class Rule>
    void update_biases(const StepConstants& constants, Index l, const Weights& weights);

    /// Completes v (n), of which this thread has its own columns.
    void share_columns(float* v, Index n);
    /// v[i] = sum over parts of what their owners wrote to the exchange's memory, i < n.
    void sum_parts(float* v, Index n);

    const float* target() const { return objective_.keeps_inputs() ? target_ : h_.front(); }

    const PartedLayout& layout_;
    const Network& network_;
    const Objective& objective_;
    Exchange& exchange_;
    const int first_part_, end_part_;
    const int thread_;
    int turn_ = 0;
    AlignedBuffer<float> memory_;  ///< of the vectors below, a page away from other threads'
    std::vector<float*> h_;        ///< [l] (width(l)): after l layers
    std::vector<float*> delta_;    ///< [l] (width(l))
    float* target_ = nullptr;      ///< (n_inputs), if it is not h_[0]
    float* averages_ = nullptr;    ///< (hidden_offset(n_layers)): of the columns computed here
    float* push_ = nullptr;        ///< beta * (average - its target)
    double squared_error_[kParts] = {};
};

}  // namespace fastae
