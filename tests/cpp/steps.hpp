#pragma once

// Steps of mini-batches and of online training without the trainer around them.

#include "fastae/minibatch.hpp"
#include "fastae/online.hpp"
#include "helpers.hpp"
#include "plain_objective.hpp"

namespace fastae {

using Order = std::vector<std::uint32_t>;

/// Rows 0 .. n - 1.
Order rows_in_order(Index n);

/// What steps are taken on besides the rows.
struct Setting {
    SolverOptions solver{};
    Objective objective{};
    std::vector<float> row_weights{};  ///< by row of the table, or empty
    double samples = 0;                ///< rows trained on before
    Noise noise{42, 3};

    const float* weights() const { return row_weights.empty() ? nullptr : row_weights.data(); }
};

/// ADADELTA, Adam, and SGD without and with momentum; with penalties.
std::vector<SolverOptions> all_rules(double learning_rate);

/// One step on these rows of X as one mini-batch, by a team; returns the sum of their weighted
/// squared errors.
double batch_step(TestModel& model, const RowMatrix<float>& X, const Order& order,
                  const Setting& setting, int team = 1);

/// Steps on one row after another, by a team; returns the same.
double online_steps(TestModel& model, const RowMatrix<float>& X, const Order& order,
                    const Setting& setting, int team = 1, double decay_period = 1);

/// Plain gradient descent at a rate, a power of two, so large that the weights' rounding is small
/// beside the steps.
SolverOptions large_steps();

/// The gradient, from the step that large_steps() made.
plain::Net gradient_of_step(const TestModel& before, const TestModel& after);

/// The same rows, as double-precision arithmetic sees them: with the noise and the masks of
/// (setting.noise, row, layer). The table is taken as it is, without scaling.
plain::Task task_of(const Network& network, const RowMatrix<float>& X, const Order& order,
                    const Setting& setting);

struct NamedObjective {
    std::string name;
    Objective objective;  ///< hidden_dropout holds the first layer's probability
    bool weighted = false;
};
inline std::ostream& operator<<(std::ostream& out, const NamedObjective& named) {
    return out << named.name;
}

/// Everything that an objective can ask for, one by one and together.
std::vector<NamedObjective> all_objectives();

/// The objective with probabilities for every hidden layer of a network; for weighted ones with
/// weights for n_rows rows, some of them large.
Setting fitted(const NamedObjective& named, const Network& network, Index n_rows,
               const SolverOptions& solver);

}  // namespace fastae
