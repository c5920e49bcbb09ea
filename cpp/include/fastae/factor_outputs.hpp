#pragma once

#include <vector>

#include "fastae/factors.hpp"
#include "fastae/network.hpp"
#include "fastae/scratch.hpp"

namespace fastae {

/// The weights from the units of factors to the first hidden layer, copied so that those of one
/// unit lie together: (n_input_units, stride).
class UnitWeights {
  public:
    UnitWeights(const Network& network, const float* params, const Factors& factors);

    const float* row(Index unit) const { return rows_.data() + unit * stride_; }

  private:
    Index stride_;
    AlignedBuffer<float> rows_;
};

/// The loss of factor f, as Factors describes it.
///
///   z     (n_levels(f))  its outputs: logits, or numbers to be compared with 0 and 1
///   code  its level
///   T     float or double
template <class T>
double factor_loss(const Factors& factors, Index f, const T* z, std::int32_t code);

/// The level whose output is largest, the first of equal ones; -1 if there is none.
template <class T>
std::int32_t most_likely_level(const Factors& factors, Index f, const T* z);

}  // namespace fastae
