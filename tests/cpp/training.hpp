#pragma once

// Whole trainings, with the trainer around them.

#include "fastae/trainer.hpp"
#include "helpers.hpp"

namespace fastae {

TrainOptions options_of(Solver solver, double rate, Index batch_size, Index n_samples);

/// ADADELTA, Adam, and SGD annealed and with momentum; with penalties.
std::vector<TrainOptions> all_solvers(Index batch_size, Index n_samples);

/// The same with everything that can be asked for, for a network of so many layers.
std::vector<TrainOptions> all_with_everything(Index batch_size, Index n_samples, Index n_layers);

/// Goes on where the options and the model say; weights: (X.rows()) or null.
TrainResult run(TestModel& model, const RowMatrix<float>& X, const TrainOptions& options,
                const Tick& tick = {}, const float* weights = nullptr);

/// Sums of the squared errors of the epochs, or of their parts.
std::vector<double> errors_of(const TrainResult& result);

/// Three layers of both orientations.
TestModel small_model(std::uint64_t seed = 1);

}  // namespace fastae
