#pragma once

#include <vector>

#include "fastae/activation.hpp"
#include "fastae/network.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/parallel.hpp"
#include "fastae/rows.hpp"
#include "fastae/scratch.hpp"
#include "fastae/weights.hpp"

namespace fastae {

/// Where a team of threads that work on the same observation swap numbers.
///
/// The columns of every layer are cut into at most kGroups fixed groups; sums over columns are
/// taken per group and then over the groups in order. So the result does not depend on how many
/// threads share the groups.
class Exchange {
  public:
    static constexpr int kGroups = 4;

    /// widest: the largest padded width; team_size: threads that take part.
    Exchange(Index widest, int team_size)
        : team(team_size), stride_(widest), shared_(2 * kGroups * widest) {}

    /// Memory for group `group` in this turn: (widest). Turns alternate between two memories, so
    /// a fast thread cannot overwrite what a slow one is still reading.
    float* memory(int turn, int group) {
        return shared_.data() + ((turn % 2) * kGroups + group) * stride_;
    }

    void wait() { barrier_.wait(team); }

    const int team;

  private:
    const Index stride_;
    AlignedBuffer<float> shared_;
    SpinBarrier barrier_;
};

/// One thread's part in training on one observation at a time (mini-batches of one).
///
/// It owns some groups of columns of every layer: their weights, their biases and the optimiser's
/// state of both stay in its core's cache. It computes activations and deltas of its columns, and
/// receives through the exchange what it needs of the others': sums over all columns, and vectors
/// that are the narrow side of the next layer. A worker alone (team of 1) owns everything.
class OnlineWorker {
  public:
    OnlineWorker(const Network& network, Exchange& exchange, int thread);

    /// Forward, backward and update for one observation, in place; every thread of the team calls
    /// it with the same arguments.
    void train(const SolverOptions& options, const StepConstants& constants, const RowsView& X,
               const Scaling& scaling, std::uint32_t row, const Weights& weights);

    /// Adds the sum of (r_j - x'_j)^2 since the last call to total[group] of this thread's groups.
    void take_squared_error(double* total);

  private:
    static Columns group_columns(Index width, int group) {
        return column_part(width, group, Exchange::kGroups);
    }
    Columns own_columns(Index width) const;
    void forward(const float* params);
    void output_delta();
    template <class Rule>
    void backward(const StepConstants& constants, const Weights& weights);
    template <class Rule>
    void update_layer(const StepConstants& constants, Index l, const Weights& weights);
    template <class Rule>
    void update_biases(const StepConstants& constants, Index l, const Weights& weights);

    /// Completes v (n), of which this thread has its own columns.
    void share_columns(float* v, Index n);
    /// v[i] = sum over groups of what their owners wrote to the exchange's memory, i < n.
    void sum_groups(float* v, Index n);

    const Network& network_;
    Exchange& exchange_;
    const int first_group_, end_group_;
    const bool leader_;  ///< updates biases of narrow sides, which all threads read
    int turn_ = 0;
    std::vector<AlignedBuffer<float>> h_;      ///< [l] (width(l)): after l layers
    std::vector<AlignedBuffer<float>> delta_;  ///< [l] (width(l))
    double squared_error_[Exchange::kGroups] = {};
};

}  // namespace fastae
