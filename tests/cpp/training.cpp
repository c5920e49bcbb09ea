#include "training.hpp"

namespace fastae {

TrainOptions options_of(Solver solver, double rate, Index batch_size, Index n_samples) {
    TrainOptions options;
    options.solver.solver = solver;
    options.solver.learning_rate = rate;
    options.batch_size = batch_size;
    options.n_samples = n_samples;
    options.seed = 42;
    return options;
}

std::vector<TrainOptions> all_solvers(Index batch_size, Index n_samples) {
    std::vector<TrainOptions> all{options_of(Solver::kAdadelta, 1, batch_size, n_samples),
                                  options_of(Solver::kAdam, 0.01, batch_size, n_samples),
                                  options_of(Solver::kSgd, 0.05, batch_size, n_samples),
                                  options_of(Solver::kSgd, 0.01, batch_size, n_samples)};
    all[2].solver.annealing = 1e-3;
    all[3].solver.momentum = 0.8;
    for (TrainOptions& options : all) options.solver.l1 = options.solver.l2 = 1e-4;
    return all;
}

std::vector<TrainOptions> all_with_everything(Index batch_size, Index n_samples, Index n_layers) {
    std::vector<TrainOptions> all = all_solvers(batch_size, n_samples);
    const Schedule schedules[] = {Schedule::kCosine, Schedule::kOneCycle, Schedule::kInverseScaling,
                                  Schedule::kOneCycle};
    const Loss losses[] = {Loss::kHuber, Loss::kQuantile, Loss::kAbsolute, Loss::kSquared};
    for (std::size_t i = 0; i < all.size(); ++i) {
        SolverOptions& solver = all[i].solver;
        solver.schedule = schedules[i];
        solver.samples_total = 1.5 * static_cast<double>(n_samples);
        solver.max_w2 = 0.6;
        for (Index l = 0; l < n_layers; ++l) {
            solver.layer_rates.push_back(l == 1 ? 0 : 1 + static_cast<double>(l) / 2);
        }
        Objective& objective = all[i].objective;
        objective.loss = losses[i];
        objective.loss_parameter = 0.3;
        objective.input_dropout = 0.1;
        objective.input_noise = 0.2;
        objective.hidden_dropout.assign(static_cast<std::size_t>(n_layers - 1), 0.25);
        objective.sparsity_beta = 0.1;
        objective.average_activation = 0.05;
    }
    all[3].solver.momentum_start = 0.3;
    all[3].solver.momentum_ramp = 0.7 * static_cast<double>(n_samples);
    all[3].solver.dampening = true;
    return all;
}

TrainResult run(TestModel& model, const RowMatrix<float>& X, const TrainOptions& options,
                const Tick& tick, const float* weights) {
    const RowsView view = view_of(X);
    const Scaling scaling = model.scaling();
    return train(model.network, model.weights(options.solver, options.objective),
                 {view, scaling, weights}, options, tick);
}

std::vector<double> errors_of(const TrainResult& result) {
    std::vector<double> errors;
    for (const EpochPart& part : result.parts) errors.push_back(part.errors.reconstruction);
    return errors;
}

TestModel small_model(std::uint64_t seed) {
    return TestModel({13, 20, 4, 13}, {Activation::kTanh, Activation::kElu, Activation::kIdentity},
                     seed);
}

}  // namespace fastae
