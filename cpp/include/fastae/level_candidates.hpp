#pragma once

#include <cstdint>
#include <vector>

#include "fastae/batch.hpp"
#include "fastae/factors.hpp"

namespace fastae {

/// The levels whose outputs a mini-batch computes: all of a factor with few levels; of one with
/// many a random sample, and its rows' own.
class LevelCandidates {
  public:
    /// Candidates of one factor: `begin .. begin + n - 1`; the first n_drawn (all, if the factor is
    /// not sampled) may be wrong answers of any row, the rest are the own levels of some.
    struct Segment {
        Index begin, n_drawn, n;
    };

    LevelCandidates(const Factors& factors, Index batch_size);

    /// Draws those of a mini-batch, by its noise and first row. Allocates nothing.
    void choose(const Batch& batch);

    Index size() const { return static_cast<Index>(levels_.size()); }
    Index capacity() const { return capacity_; }
    /// The most candidates of one factor.
    Index widest() const { return widest_; }
    /// Among all factors' levels.
    Index level(Index candidate) const { return levels_[static_cast<std::size_t>(candidate)]; }
    const Segment& segment(Index f) const { return segments_[static_cast<std::size_t>(f)]; }
    /// -ln(expected draws) of the drawn ones of a sampled factor, to be added to their logits.
    const float* log_weights(Index f) const {
        return log_weights_.data() + segment(f).begin - first_sampled_;
    }
    /// Which of its factor's candidates level `code` is.
    Index position(Index f, std::int32_t code) const {
        if (!factors_.is_sampled(f)) return code;
        return position_[static_cast<std::size_t>(factors_.first(f) + code)] - segment(f).begin;
    }

  private:
    Index add(Index level);
    void draw(Index f, const Batch& batch);

    const Factors& factors_;
    Index capacity_ = 0, widest_ = 0;
    Index first_sampled_ = 0;  ///< candidates before it are those of factors that are not sampled
    std::vector<Index> levels_;
    std::vector<Segment> segments_;
    std::vector<float> log_weights_;   ///< of candidates from first_sampled on
    std::vector<double> cumulative_;   ///< (n_levels): of the probabilities within a factor
    std::vector<Index> position_;      ///< (n_levels): the candidate that a level is ...
    std::vector<std::uint64_t> seen_;  ///< ... if it was chosen in this turn
    std::vector<Index> draws_;         ///< (candidates from first_sampled on)
    std::uint64_t turn_ = 0;
};

}  // namespace fastae
