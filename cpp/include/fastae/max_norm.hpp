#pragma once

#include <vector>

#include "fastae/optimiser.hpp"
#include "fastae/parted.hpp"
#include "fastae/simd.hpp"

namespace fastae {

/// Limits the sum of the squared weights into every unit (Srivastava et al. 2014): where it is more
/// than max_w2, the unit's weights are divided by the root of the excess. Biases are left alone.
///
/// A pass over all weights has two halves. Threads that share it call both with parts of their own,
/// and wait for each other in between and afterwards. Sums are taken per part and then over the
/// parts, so the result does not depend on who does what.
class MaxNorm {
  public:
    /// The constructor allocates, nothing else does.
    MaxNorm(const PartedLayout& layout, double max_w2);

    /// Adds up the squares of the weights in these parts; params in the parted layout.
    void add_up(int first_part, int end_part, const float* params);
    /// Scales the weights in these parts, of layers that are trained in the step after `steps`
    /// steps.
    void limit(int first_part, int end_part, float* params, const SolverOptions& options,
               double steps) const;

  private:
    Index offset(Index layer, int part) const;
    float total(Index layer, Index unit) const;
    Vec<float> factors(Vec<float> sum) const;

    const PartedLayout& layout_;
    const float max_w2_;
    std::vector<Index>
        offsets_;  ///< (n_layers, kParts): of sums of the units that the part touches
    AlignedBuffer<float> sums_;
};

}  // namespace fastae
