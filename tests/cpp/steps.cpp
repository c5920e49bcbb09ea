#include "steps.hpp"

#include <numeric>

namespace fastae {

Order rows_in_order(Index n) {
    Order order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0u);
    return order;
}

std::vector<SolverOptions> all_rules(double learning_rate) {
    std::vector<SolverOptions> all(4);
    all[0].solver = Solver::kAdadelta;
    all[1].solver = Solver::kAdam;
    all[2].solver = all[3].solver = Solver::kSgd;
    all[3].momentum = 0.9;
    for (SolverOptions& options : all) {
        options.learning_rate = learning_rate;
        options.l1 = options.l2 = 0.01;
    }
    return all;
}

double batch_step(TestModel& model, const RowMatrix<float>& X, const Order& order,
                  const Setting& setting, int team) {
    const auto n = static_cast<Index>(order.size());
    const PartedModel parted(model, setting.solver);
    MiniBatch batch(parted.layout, setting.objective, setting.solver.max_w2, n, team);
    const RowsView view = view_of(X);
    const Scaling scaling = model.scaling();
    const TrainingTable table{view, scaling, setting.weights()};
    const Batch rows{table, order.data(), n, setting.noise, setting.samples};
    const StepConstants constants(setting.solver, setting.samples, 0);
    on_team(team, [&](int thread) {
        batch.forward_backward(thread, parted.weights(), rows);
        batch.apply_gradient(thread, setting.solver, constants, n, parted.weights());
    });
    parted.unpack();
    return batch.errors(n).reconstruction;
}

double online_steps(TestModel& model, const RowMatrix<float>& X, const Order& order,
                    const Setting& setting, int team, double decay_period) {
    const PartedModel parted(model, setting.solver);
    Exchange exchange(parted.layout, setting.solver.max_w2, team);
    std::vector<std::unique_ptr<OnlineWorker>> workers;
    for (int thread = 0; thread < team; ++thread) {
        workers.push_back(std::make_unique<OnlineWorker>(parted.layout, setting.objective, exchange,
                                                         thread, parted.weights()));
    }
    double errors[kParts] = {};
    const RowsView view = view_of(X);
    const Scaling scaling = model.scaling();
    const TrainingTable table{view, scaling, setting.weights()};
    on_team(team, [&](int thread) {
        OnlineWorker& worker = *workers[static_cast<std::size_t>(thread)];
        for (std::size_t i = 0; i < order.size(); ++i) {
            const auto step = static_cast<double>(i);
            const Batch row{table, order.data() + i, 1, setting.noise, setting.samples + step};
            const StepConstants constants(setting.solver, row.samples, step, decay_period);
            worker.train(setting.solver, constants, row, parted.weights());
        }
        worker.take_squared_error(errors);
        worker.store_averages(parted.weights());
    });
    parted.unpack();
    return std::accumulate(errors, errors + kParts, 0.0);
}

SolverOptions large_steps() {
    SolverOptions sgd;
    sgd.solver = Solver::kSgd;
    sgd.learning_rate = 64;
    return sgd;
}

plain::Net gradient_of_step(const TestModel& before, const TestModel& after) {
    plain::Net step = before.net();
    step.add(-1, after.net());
    plain::Net result = step;
    result.add(1 / large_steps().learning_rate - 1, step);
    return result;
}

plain::Task task_of(const Network& network, const RowMatrix<float>& X, const Order& order,
                    const Setting& setting) {
    const Objective& objective = setting.objective;
    const auto n = static_cast<Index>(order.size());
    plain::Task task;
    task.target.resize(n, X.cols());
    task.weights = plain::Vector::Ones(n);
    const Index stride = padded(X.cols());
    RowMatrix<float> target = RowMatrix<float>::Zero(n, stride), seen(n, stride);
    for (Index i = 0; i < n; ++i) {
        const std::uint32_t row = order[static_cast<std::size_t>(i)];
        target.row(i).head(X.cols()) = X.row(row);
        corrupt(objective, setting.noise.key(row, 0), 0, X.cols(), target.row(i).data(),
                seen.row(i).data());
        if (!setting.row_weights.empty()) task.weights[i] = setting.row_weights[row];
    }
    task.target = target.leftCols(X.cols()).cast<double>();
    task.seen = seen.leftCols(X.cols()).cast<double>();
    task.factors.resize(static_cast<std::size_t>(network.n_layers()));
    for (Index l = 1; l < network.n_layers(); ++l) {
        plain::Matrix& factors = task.factors[static_cast<std::size_t>(l)];
        factors.resize(n, network.width(l));
        for (Index i = 0; i < n; ++i) {
            const NoiseKey key = setting.noise.key(order[static_cast<std::size_t>(i)], l);
            for (Index j = 0; j < factors.cols(); ++j) {
                factors(i, j) = objective.dropout(l).factors(key, j)[0];
            }
        }
    }
    task.loss = objective.loss;
    task.loss_parameter = objective.loss_parameter;
    task.sparsity_beta = objective.sparsity_beta;
    task.average_activation = objective.average_activation;
    return task;
}

std::vector<NamedObjective> all_objectives() {
    std::vector<NamedObjective> all;
    const auto add = [&](std::string name) -> Objective& {
        all.push_back({std::move(name), {}});
        return all.back().objective;
    };
    add("squared");
    add("absolute").loss = Loss::kAbsolute;
    Objective& huber = add("huber");
    huber.loss = Loss::kHuber, huber.loss_parameter = 0.4;
    Objective& quantile = add("quantile");
    quantile.loss = Loss::kQuantile, quantile.loss_parameter = 0.8;
    add("input_dropout").input_dropout = 0.3;
    add("input_noise").input_noise = 0.2;
    add("hidden_dropout").hidden_dropout = {0.4};
    Objective& sparse = add("sparse");
    sparse.sparsity_beta = 0.7, sparse.average_activation = 0.1;
    add("weighted");
    all.back().weighted = true;
    Objective everything;
    everything.loss = Loss::kHuber, everything.loss_parameter = 0.4;
    everything.input_dropout = 0.2;
    everything.input_noise = 0.3;
    everything.hidden_dropout = {0.3};
    everything.sparsity_beta = 0.5;
    everything.average_activation = -0.2;
    all.push_back({"everything", everything, true});
    return all;
}

Setting fitted(const NamedObjective& named, const Network& network, Index n_rows,
               const SolverOptions& solver) {
    Setting setting{solver, named.objective};
    std::vector<double>& dropout = setting.objective.hidden_dropout;
    if (!dropout.empty()) {
        const double first = dropout[0];
        dropout.clear();
        for (Index l = 1; l < network.n_layers(); ++l) {
            dropout.push_back(first / static_cast<double>(l));
        }
    }
    if (named.weighted) {
        Uniform uniform(77);
        for (Index i = 0; i < n_rows; ++i) {
            setting.row_weights.push_back(static_cast<float>(uniform(0.1, i % 5 ? 1.0 : 5.0)));
        }
    }
    return setting;
}

}  // namespace fastae
