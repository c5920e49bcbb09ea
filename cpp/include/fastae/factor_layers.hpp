#pragma once

#include <vector>

#include "fastae/level_candidates.hpp"
#include "fastae/scratch.hpp"
#include "fastae/side_layers.hpp"

namespace fastae {

/// First and last layer of factors: a row adds the weights of its active units to the first hidden
/// layer, and its last one is compared with its levels. Weights of units that no row of a
/// mini-batch touches stay as they are, state and penalties included ("lazy" Adam).
class FactorLayers : public SideLayers {
  public:
    FactorLayers(const SplitNetwork& split, const Objective& objective, const Factors& factors,
                 Index batch_size, int team);

    void gather(int thread, const Batch& batch, const Weights& weights) override;
    void add_inputs(Range rows, int part_begin, int part_end, const Batch& batch,
                    const Weights& weights, const PartMatrix& z) const override;
    void prepare_outputs(int thread, const Weights& weights) override;
    void differentiate(int thread, const Batch& batch, const Weights& weights,
                       const PartMatrix& h) override;
    void push_away(Index row, float factor) override;
    void add_deltas(Range rows, int part_begin, int part_end,
                    const PartMatrix& delta) const override;
    void update(int thread, const SolverOptions& options, const StepConstants& constants, Index n,
                const Weights& weights, const PartMatrix& h, const PartMatrix& delta) override;
    double error(Index row) const override { return errors_[static_cast<std::size_t>(row)]; }
    double n_errors() const override;

  private:
    void activate_units(Index row, const Batch& batch);
    double row_error(int thread, Index row, const Batch& batch);
    double cross_entropy(Index f, float weight, const LevelCandidates::Segment& segment, Index own,
                         float* scratch, float* z) const;
    double squared_errors(float weight, Index n, Index own, float* scratch, float* z) const;
    template <class Rule>
    void update_outputs(const StepConstants& constants, Range candidates, Index n,
                        const Weights& weights, const PartMatrix& h) const;
    template <class Rule>
    void update_inputs(int thread, const StepConstants& constants, Index n, const Weights& weights,
                       const PartMatrix& delta);
    /// Of an active unit: dropout makes up for what it switches off.
    float unit_value(Index unit) const { return unit < factors_.mark(0) ? kept_ : 1.0f; }
    float* logits(Index row) { return logits_.data() + row * logits_stride_; }
    const std::uint32_t* active(Index row) const { return active_.data() + row * most_active_; }

    const SplitNetwork& split_;
    const Objective& objective_;
    const Factors& factors_;
    const int team_;
    const Activation activation_;
    const float kept_;
    const Index most_active_;            ///< units of a row
    std::vector<std::uint32_t> active_;  ///< (batch_size, most_active)
    std::vector<Index> n_active_;        ///< (batch_size)
    LevelCandidates candidates_;
    AlignedBuffer<float> rows_;    ///< (candidates, output_stride): the weights of these levels
    AlignedBuffer<float> biases_;  ///< (candidates)
    Index logits_stride_;
    AlignedBuffer<float> logits_;  ///< (batch_size, candidates), then derivatives by them
    Index h_stride_;
    AlignedBuffer<float> by_h_;  ///< (batch_size, h_stride): derivatives by h
    std::vector<double> errors_;
    Index scratch_stride_;
    AlignedBuffer<float> scratch_;                     ///< per thread, a page apart
    std::vector<std::vector<std::uint64_t>> touched_;  ///< per thread: (unit, row), sorted
};

}  // namespace fastae
