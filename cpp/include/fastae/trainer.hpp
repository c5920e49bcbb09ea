#pragma once

#include <functional>
#include <vector>

#include "fastae/minibatch.hpp"

namespace fastae {

struct TrainOptions {
    SolverOptions solver;
    Objective objective;
    Index batch_size = 32;  ///< 1: the state of ADADELTA is that of online training, see below
    std::uint64_t seed = 0;
    /// Epoch e visits the rows in an order, and sees a noise, that depend on seed and e only.
    Index first_epoch = 0;
    Index first_row = 0;  ///< so many rows of the first epoch are done: whole mini-batches
    Index n_samples = 0;  ///< rows to train on, over any number of epochs, up to whole mini-batches
    double samples_done = 0;  ///< before this call: annealing goes on from here
    /// Before this call: Adam's bias correction goes on from here, and so does the decay of the
    /// state that ADADELTA leaves behind when batch_size is 1; such state is of no use to other
    /// batch sizes.
    double steps_done = 0;
    Parallel parallel = Parallel::kDeterministic;
    int n_threads = 1;

    /// One observation at a time has kernels of its own, for plain autoencoders.
    bool is_online() const { return batch_size == 1 && objective.is_plain(); }
};

enum class TrainStatus { kOk, kStopped, kDiverged };

/// What was trained on of one epoch.
struct EpochPart {
    Index rows;
    Errors errors;
    double seconds;
};

struct TrainResult {
    std::vector<EpochPart> parts;  ///< one per epoch; the first and the last may be incomplete
    Index samples = 0;
    Index steps = 0;
    TrainStatus status = TrainStatus::kOk;
};

/// Called in the calling thread with the rows trained on so far in this call, about every 50 ms;
/// true stops the training after the current mini-batch. May throw.
using Tick = std::function<bool(Index samples)>;

/// Trains on options.n_samples rows, updating the weights and the optimiser's state in place. To
/// train in several calls gives the same weights as in one, bit for bit (kDeterministic).
///
///   weights  params (network.size()), slots (n_slots, slot_stride), averages; all are usable after
///            any return, early ones too
///   table    X (n, d), read in place; at least one row has a weight above 0
///
/// kDeterministic: mini-batches one after another. Threads share each: its rows in the forward and
/// backward passes, the weights in the update; the result is the same for any n_threads.
/// kHogwild: see hogwild.hpp.
TrainResult train(const Network& network, const Weights& weights, const TrainingTable& table,
                  const TrainOptions& options, const Tick& tick);

}  // namespace fastae
