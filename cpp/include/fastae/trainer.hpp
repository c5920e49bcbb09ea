#pragma once

#include <functional>
#include <vector>

#include "fastae/minibatch.hpp"

namespace fastae {

struct TrainOptions {
    SolverOptions solver;
    Index batch_size = 32;
    std::uint64_t seed = 0;
    Index first_epoch = 0;  ///< epoch e visits the rows in an order that depends on seed and e only
    Index n_epochs = 1;
    double samples_done = 0;  ///< before this call: annealing goes on from here
    /// Before this call: Adam's bias correction goes on from here, and so does the decay of the
    /// state that ADADELTA leaves behind when batch_size is 1; such state is of no use to other
    /// batch sizes.
    double steps_done = 0;
    Parallel parallel = Parallel::kDeterministic;
    int n_threads = 1;
};

enum class TrainStatus { kOk, kStopped, kDiverged };

struct TrainResult {
    std::vector<double> mse;      ///< per complete epoch: mean of (r - x')^2 as seen while training
    std::vector<double> seconds;  ///< per complete epoch
    Index samples = 0;
    Index steps = 0;
    TrainStatus status = TrainStatus::kOk;
};

/// Called in the calling thread with the rows trained on so far, about every 50 ms; true stops the
/// training after the current mini-batch. May throw.
using Tick = std::function<bool(Index samples)>;

/// Trains for options.n_epochs epochs, updating the weights and the optimiser's state in place.
///
///   weights  params (network.size()), slots (n_slots, slot_stride); both are usable after any
///            return, early ones too
///   X        (n, d), read in place
///
/// kDeterministic: mini-batches one after another. Threads share each: its rows in the forward and
/// backward passes, the weights in the update; the result is the same for any n_threads.
/// kHogwild: see hogwild.hpp.
TrainResult train(const Network& network, const Weights& weights, const RowsView& X,
                  const Scaling& scaling, const TrainOptions& options, const Tick& tick);

}  // namespace fastae
