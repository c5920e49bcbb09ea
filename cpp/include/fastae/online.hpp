#pragma once

#include <vector>

#include "fastae/activation.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/parallel.hpp"
#include "fastae/parted.hpp"
#include "fastae/rows.hpp"
#include "fastae/scratch.hpp"

namespace fastae {

/// Where a team of threads that work on the same observation swap numbers.
///
/// Sums over the columns of a layer are taken per part and then over the parts in order. So the
/// result does not depend on how many threads share the parts.
class Exchange {
  public:
    /// widest: the largest padded width; team_size: threads that take part.
    Exchange(Index widest, int team_size)
        : team(team_size),
          stride_(widest + kPage),
          shared_(2 * kParts * stride_),
          barrier_(team_size) {}

    /// Memory for part `part` in this turn: (widest). Turns alternate between two memories, so
    /// a fast thread cannot overwrite what a slow one is still reading.
    float* memory(int turn, int part) {
        return shared_.data() + ((turn % 2) * kParts + part) * stride_;
    }

    void wait(int thread) { barrier_.wait(thread); }

    const int team;

  private:
    const Index stride_;
    AlignedBuffer<float> shared_;
    SpinBarrier barrier_;
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
    OnlineWorker(const PartedLayout& layout, Exchange& exchange, int thread);

    /// Forward, backward and update for one observation, in place; every thread of the team calls
    /// it with the same arguments.
    void train(const SolverOptions& options, const StepConstants& constants, const RowsView& X,
               const Scaling& scaling, std::uint32_t row, const Weights& weights);

    /// The columns of X that train() reads: where the other threads' are of no use, its own.
    Range read_columns() const;

    /// Adds the sum of (r_j - x'_j)^2 since the last call to total[part] of this thread's parts.
    void take_squared_error(double* total);

  private:
    Columns own_columns(Index width) const {
        if (first_part_ == end_part_) return {0, 0};
        return {column_part(width, first_part_).begin, column_part(width, end_part_ - 1).end};
    }
    void forward(const float* params);
    void contract_columns(Index l, const float* params);
    void expand_columns(Index l, const float* params);
    void output_delta();
    template <class Rule>
    void backward(const StepConstants& constants, const Weights& weights);
    template <class Rule>
    void update_layer(const StepConstants& constants, Index l, const Weights& weights);
    template <class Rule>
    void update_biases(const StepConstants& constants, Index l, const Weights& weights);

    /// Completes v (n), of which this thread has its own columns.
    void share_columns(float* v, Index n);
    /// v[i] = sum over parts of what their owners wrote to the exchange's memory, i < n.
    void sum_parts(float* v, Index n);

    const PartedLayout& layout_;
    const Network& network_;
    Exchange& exchange_;
    const int first_part_, end_part_;
    const int thread_;
    int turn_ = 0;
    AlignedBuffer<float> memory_;  ///< of the vectors below, a page away from other threads'
    std::vector<float*> h_;        ///< [l] (width(l)): after l layers
    std::vector<float*> delta_;    ///< [l] (width(l))
    double squared_error_[kParts] = {};
};

}  // namespace fastae
