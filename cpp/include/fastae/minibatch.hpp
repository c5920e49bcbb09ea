#pragma once

#include <memory>
#include <vector>

#include "fastae/batch.hpp"
#include "fastae/max_norm.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/output_loss.hpp"
#include "fastae/parallel.hpp"
#include "fastae/part_matrix.hpp"
#include "fastae/scratch.hpp"
#include "fastae/side_layers.hpp"

namespace fastae {

/// One mini-batch, and a team of threads that trains on it together.
///
/// Sums over the columns of a wider side are taken per half (two parts) and then over the halves,
/// sums over rows in the order of the rows; so the result does not depend on the size of the team.
/// Threads of an even team own one half each (half of the weights, which stay in their core's
/// cache) and share its rows; in an odd team, and where there are few columns, every thread
/// computes both halves of its own rows.
///
/// The constructor allocates, nothing else does. Every thread of the team calls the same
/// functions with the same arguments but its own number. Weights are in the parted layout.
class MiniBatch {
  public:
    static constexpr int kHalves = 2;
    static constexpr int kPartsPerHalf = kParts / kHalves;

    /// side: what becomes of units that the layout's network does not have, or null.
    MiniBatch(const PartedLayout& layout, const Objective& objective, double max_w2,
              Index batch_size, int team = 1, std::unique_ptr<SideLayers> side = nullptr);

    /// Forward and backward pass of at most batch_size rows. weights.averages are brought up to
    /// date on the way, nothing else of the weights changes.
    void forward_backward(int thread, const Weights& weights, const Batch& rows);

    /// Passes the gradient over n rows through the optimiser's rule to the thread's share of the
    /// weights. No thread may begin it before all have returned from forward_backward, nor go on
    /// to the next mini-batch before all have returned from it; both wait for that themselves.
    /// Meanwhile it fetches the rows of the next mini-batch into the caches.
    void apply_gradient(int thread, const SolverOptions& options, const StepConstants& constants,
                        Index n, const Weights& weights, const NextRows& next = {});

    /// Of the first n rows, added up in order.
    Errors errors(Index n) const;

    /// Waits for the whole team.
    void wait(int thread) { barrier_.wait(thread); }

  private:
    /// A block of rows and columns of one part of one layer's weights, or (n_rows 0) its biases.
    struct Task {
        Index layer;
        int part;
        Index row, n_rows;
        Index column, n_columns;  ///< from the part's first; at most a panel
        Index cost_before;        ///< weights in all tasks before this one
    };
    /// Rows per task: small enough to balance 16 threads on one narrow layer.
    static constexpr Index kTaskRows = kOuterRows * 5;
    /// What one thread does, and what it knows of the matrices that the team has just written.
    struct Share {
        int thread;
        int half_begin, half_end;
        Range rows;            ///< it computes its halves of these rows
        Range finished_rows;   ///< of these it adds up the halves
        bool by_rows = false;  ///< the last matrix was written by finished_rows, not by halves
        bool pending = false;  ///< and other threads may not have written theirs yet

        int part_begin() const { return by_rows ? 0 : half_begin * kPartsPerHalf; }
        int part_end() const { return by_rows ? kParts : half_end * kPartsPerHalf; }
        Range written_rows() const { return by_rows ? finished_rows : rows; }
    };

    void place_matrices();
    void add_tasks();
    int column_groups() const;
    Share share_of(int thread, Index n) const;
    void need_all(Share& share);
    void need_own_columns(Share& share);

    void gather(Share& share, const Batch& rows);
    void forward(Share& share, const Weights& weights, const Batch& rows);
    void average_activations(Share& share, float* averages, const Batch& rows);
    void backward(Share& share, const Weights& weights, const Batch& rows);
    void expand_columns(Share& share, Index layer, const float* params, const PartMatrix& in,
                        bool with_bias, const PartMatrix& out);
    void contract_columns(Share& share, Index layer, const float* params, const PartMatrix& in,
                          bool with_bias, const PartMatrix& out);
    void activate(const Share& share, Index layer);
    void drop_units(const Share& share, Index layer, const PartMatrix& units, const Batch& rows);
    void add_sparsity(const Share& share, Index layer, const Batch& rows);
    void scale_by_derivative(const Share& share, Index layer);
    void spoil(NoiseKey key, Index first, Index n, float* x) const;
    void gather_targets(const Share& share, const Batch& rows);
    void output_delta(Share& share, const Batch& rows);
    void limit_norms(int thread, const SolverOptions& options, double steps,
                     const Weights& weights);
    /// What the network is to reconstruct.
    const PartMatrix& target() const { return own_target_ ? target_ : h_.front(); }
    Range tasks_of(int thread) const;
    Range gathered_columns(const Share& share) const;
    template <class Rule>
    void update_weights(const StepConstants& constants, Index n, const Task& task,
                        const Weights& weights) const;
    template <class Rule>
    void update_biases(const StepConstants& constants, Index n, const Task& task,
                       const Weights& weights) const;

    float* half_sums(int half, Index row) const { return half_sums_[half] + row * sums_stride_; }

    const PartedLayout& layout_;
    const Network& network_;
    const Objective& objective_;
    const bool own_target_;  ///< the outputs are not compared with h_[0]
    const Index batch_size_;
    const int team_;
    const bool prefetch_;  ///< the weights do not stay in the caches of the cores
    SpinBarrier barrier_;
    AlignedBuffer<float> memory_;     ///< all that the matrices and half_sums_ point to
    std::vector<PartMatrix> h_;       ///< [l] after l layers
    std::vector<PartMatrix> delta_;   ///< [l] dObjective / dz of what made h_[l]; the last is h_[L]
    float* half_sums_[kHalves] = {};  ///< (batch_size, sums_stride_)
    Index sums_stride_ = 0;           ///< the widest narrow side
    PartMatrix target_;               ///< (batch_size, n_outputs), if not h_[0]
    AlignedBuffer<float> push_;       ///< by hidden unit: beta * (average activation - its target)
    std::unique_ptr<MaxNorm> max_norm_;
    OutputLoss output_loss_;
    std::unique_ptr<SideLayers> side_;
    std::vector<Task> tasks_;  ///< by parts
    Index first_task_[kParts + 1] = {};
};

}  // namespace fastae
