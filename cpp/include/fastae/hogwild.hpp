#pragma once

#include "fastae/parted.hpp"
#include "fastae/split_network.hpp"
#include "fastae/trainer.hpp"

namespace fastae::hogwild {

/// Lock-free parallel SGD after Niu et al. (2011): each thread takes mini-batches of its own and
/// updates the weights that all share, with no lock; of two simultaneous updates of one weight one
/// may be lost, and a forward pass may see a mixture of older and newer weights.
///
/// ADADELTA's accumulators and momentum are shared like the weights; each element is read exactly
/// once per update (see load_shared), so that a concurrent write cannot make an accumulator
/// negative. Adam's moments are private to each thread: sharing them spoils the quality most.
/// Not reproducible with more than one thread. Layers thaw (SolverOptions::thaw_steps) in each
/// thread when it has done its share of the steps.
///
///   split  of which the layout's network is the dense one, or null
TrainResult train(const PartedLayout& layout, const Weights& weights, const TrainingTable& table,
                  const TrainOptions& options, const SplitNetwork* split, const Tick& tick);

}  // namespace fastae::hogwild
