#pragma once

#include "fastae/types.hpp"

namespace fastae {

/// The parameters that training changes, and the optimiser's state beside them.
struct Weights {
    float* params;      ///< (network.size())
    float* slots;       ///< (n_slots, slot_stride)
    Index slot_stride;  ///< at least network.size(), whole lines
    /// Average activation of every hidden unit (network.hidden_offset(n_layers)); null if the
    /// objective does not ask for it.
    float* averages = nullptr;
    /// Of units that have rows of weights of their own (see SplitNetwork): (side_size), and
    /// (n_slots, side_size) state; null without such units.
    float* side = nullptr;
    float* side_slots = nullptr;
    Index side_size = 0;
};

}  // namespace fastae
