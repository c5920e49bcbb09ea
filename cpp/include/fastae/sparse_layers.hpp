#pragma once

#include <vector>

#include "fastae/scratch.hpp"
#include "fastae/side_layers.hpp"

namespace fastae {

/// First and last layer for sparse rows, whose cost per row grows with the values that are not
/// zero. Same numbers as the dense layers give, but for rounding, for outputs without activation
/// and squared errors.
///
/// A row x' is z + s: z, the same for all rows, is what zeros become when they are scaled, and s is
/// sparse. So x' W = z W + s W. Of the outputs r = D h + c, none is computed (Vincent, de
/// Brebisson, Bouthillier 2015, "Efficient exact gradient update for training deep networks with
/// very large sparse targets"): with Q = D^T D, which costs n_features * width^2 per mini-batch,
/// and c' = c - z,
///
///   |r - x'|^2 = h Q h + 2 h D^T c' + |c'|^2 - 2 s (D h + c') + |s|^2
///   its derivative by h / 2 = Q h + D^T c' - D^T s
///   its derivative by D / 2, summed over rows = D (sum h h^T) + c' (sum h)^T - sum s h^T.
class SparseLayers : public SideLayers {
  public:
    SparseLayers(const SplitNetwork& split, const Objective& objective, const RowsView& X,
                 const Scaling& scaling, Index batch_size, int team);

    /// True if such a network and objective can be trained this way, and it pays.
    static bool suits(const Network& network, const Objective& objective, double max_w2,
                      const RowsView& X, Index batch_size);

    void gather(int thread, const Batch& batch, const Weights& weights) override;
    void add_inputs(Range rows, int part_begin, int part_end, const Batch& batch,
                    const Weights& weights, const PartMatrix& z) const override;
    void prepare_outputs(int thread, const Weights& weights) override;
    void differentiate(int thread, const Batch& batch, const Weights& weights,
                       const PartMatrix& h) override;
    void push_away(Index, float) override {}  // suits() knows no anomalies
    void add_deltas(Range rows, int part_begin, int part_end,
                    const PartMatrix& delta) const override;
    void update(int thread, const SolverOptions& options, const StepConstants& constants, Index n,
                const Weights& weights, const PartMatrix& h, const PartMatrix& delta) override;
    double error(Index row) const override { return errors_[static_cast<std::size_t>(row)]; }
    double n_errors() const override { return static_cast<double>(split_.n_output_units()); }

  private:
    /// One thread's own.
    struct Worker {
        AlignedBuffer<float> gram;         ///< (width, stride): sum of h h^T over the rows
        AlignedBuffer<float> weighted;     ///< (batch_size, stride): rows times their weights
        AlignedBuffer<float> gradient;     ///< (kBlock, stride)
        AlignedBuffer<float> sums;         ///< (stride)
        std::vector<Index> first;          ///< (n_features + 1): of a column's entries
        std::vector<SparseEntry> entries;  ///< by columns; `column` is the row of the mini-batch
    };
    static constexpr int kSlices = 8;  ///< sums over features are taken in so many parts
    static constexpr Index kBlock = 64;

    Range slice(int s) const;
    void multiply_slice(int s, const Weights& weights);
    void sort_by_columns(Worker& worker, Range columns, Index n) const;
    double row_error(Index row, float weight, const Weights& weights, const float* h,
                     float* by_h) const;
    void add_rows(Worker& worker, Index n, const PartMatrix& h) const;
    template <class Rule>
    void update_outputs(Worker& worker, const StepConstants& constants, Range features, Index n,
                        const Weights& weights) const;
    template <class Rule>
    void update_inputs(Worker& worker, const StepConstants& constants, Range features, Index n,
                       const Weights& weights, const PartMatrix& delta) const;
    const SparseEntry* entries(Index row) const { return entries_.data() + row * most_entries_; }
    /// A copy of a row of a matrix, all columns one behind the other.
    void copy_row(const PartMatrix& matrix, Index row, float* out) const;

    const SplitNetwork& split_;
    const Objective& objective_;
    const RowsView& X_;
    const Scaling& scaling_;
    const int team_;
    const Index n_features_;
    const Index width_;                 ///< of the last hidden layer
    const Index stride_;                ///< of rows of the last hidden layer's width, whole lines
    Index most_entries_ = 0;            ///< of a row
    std::vector<float> zeros_;          ///< z
    bool has_offset_ = false;           ///< z is not 0
    std::vector<SparseEntry> entries_;  ///< (batch_size, most_entries)
    std::vector<Index> n_entries_;      ///< (batch_size)
    std::vector<float> weights_;        ///< (batch_size): of the rows in the mean
    std::vector<float> row_weights_;    ///< (batch_size)
    AlignedBuffer<float> products_[kSlices];  ///< Q, D^T c', and z W of the slices of the features
    double squares_[kSlices] = {};            ///< |c'|^2
    AlignedBuffer<float> product_;            ///< Q and D^T c'
    AlignedBuffer<float> by_h_, h_;           ///< (batch_size, stride)
    std::vector<double> errors_;
    std::vector<Worker> workers_;
};

}  // namespace fastae
