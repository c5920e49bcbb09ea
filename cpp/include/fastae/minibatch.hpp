#pragma once

#include <vector>

#include "fastae/layer.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/parallel.hpp"
#include "fastae/rows.hpp"
#include "fastae/scratch.hpp"
#include "fastae/weights.hpp"

namespace fastae {

/// One mini-batch, and a team of threads that trains on it together.
///
/// Objective: mean over the rows of 1/2 sum_j (r_j - x'_j)^2, plus the penalties.
///
/// The columns of every layer's wider side are cut into kParts fixed parts. Sums over columns are
/// taken per part and then over the parts in order, sums over rows in the order of the rows; so
/// the result does not depend on the size of the team. Threads of an even team own one part each
/// (half of the weights, which stay in their core's cache) and share its rows; in an odd team
/// every thread computes both parts of its own rows.
///
/// The constructor allocates, nothing else does. Every thread of the team calls the same
/// functions with the same arguments but its own number.
class MiniBatch {
  public:
    static constexpr int kParts = 2;

    MiniBatch(const Network& network, Index batch_size, int team = 1);

    /// Forward and backward pass of n rows.
    ///
    ///   order  (n) which rows of X
    void forward_backward(int thread, const float* params, const RowsView& X,
                          const Scaling& scaling, const std::uint32_t* order, Index n);

    /// Passes the gradient over n rows through the optimiser's rule to the thread's share of the
    /// weights. No thread may begin it before all have returned from forward_backward, nor go on
    /// to the next mini-batch before all have returned from it; both wait for that themselves.
    void apply_gradient(int thread, const SolverOptions& options, const StepConstants& constants,
                        Index n, const Weights& weights);

    /// Sum over the first n rows, in order, of sum_j (r_j - x'_j)^2.
    double squared_error(Index n) const;

    /// Waits for the whole team.
    void wait() { barrier_.wait(team_); }

  private:
    /// A block of rows and columns of one layer's weights, or (columns empty) its biases.
    struct Task {
        Index layer, row, n_rows;
        Columns columns;
        Index cost_before;  ///< weights in all tasks before this one
    };
    /// What one thread does, and what it knows of the vectors that the team has just written.
    struct Share {
        int part_begin, part_end;
        Range rows;            ///< it computes its parts of these rows
        Range finished_rows;   ///< of these it adds up the parts
        bool by_rows = false;  ///< the last vectors were written by finished_rows, not by parts
        bool pending = false;  ///< and other threads may not have written theirs yet
    };

    static Columns part_columns(Index width, int part) { return column_part(width, part, kParts); }
    Columns own_columns(const Share& share, Index width) const;
    Share share_of(int thread, Index n) const;
    void written(Share& share, bool by_rows) const;
    void need_all(Share& share);
    void need_own_columns(Share& share);

    void forward(Share& share, const float* params);
    void backward(Share& share, const float* params, Index n);
    void expand_columns(Share& share, const Layer& layer, const float* params, const float* in,
                        Index in_stride, const float* init, float* out, Index out_stride);
    void contract_parts(Share& share, const Layer& layer, const float* params, const float* in,
                        Index in_stride);
    const float* add_parts(const Layer& layer, Index row);
    void output_delta(Share& share, bool by_rows, float row_weight);
    void output_delta_rows(Range rows, int part, float row_weight);
    Range tasks_of(int thread) const;
    template <class Rule>
    void apply_tasks(const StepConstants& constants, Index n, Range range, const Weights& weights);
    template <class Rule>
    void update_weights(const StepConstants& constants, Index n, const Task& task,
                        const Weights& weights) const;
    template <class Rule>
    void update_biases(const StepConstants& constants, Index n, Index layer,
                       const Weights& weights) const;

    float* h(Index layer, Index row) const {
        const auto l = static_cast<std::size_t>(layer);
        return h_[l] + row * strides_[l];
    }
    /// Deltas of the outputs take the place of the outputs.
    float* delta(Index layer, Index row) const {
        const auto l = static_cast<std::size_t>(layer);
        return (layer == network_.n_layers() ? h_[l] : delta_[l]) + row * strides_[l];
    }
    float* part_sums(int part, Index row) const {
        return part_sums_ + (part * batch_size_ + row) * part_stride_;
    }

    const Network& network_;
    const Index batch_size_;
    const int team_;
    SpinBarrier barrier_;
    AlignedBuffer<float> memory_;        ///< all that the pointers below point to
    std::vector<Index> strides_;         ///< of h_[l] and delta_[l]
    std::vector<float*> h_;              ///< [l] (batch_size, width(l)): after l layers
    std::vector<float*> delta_;          ///< [l] dObjective / dz of what made h_[l]
    float* part_sums_ = nullptr;         ///< (kParts, batch_size, part_stride_)
    Index part_stride_ = 0;              ///< the widest narrow side
    std::vector<double> squared_error_;  ///< (kParts, batch_size)
    std::vector<Task> tasks_;
};

}  // namespace fastae
