#pragma once

// All that training minimises, in double precision and straight from the equations; see plain.hpp.

#include "plain.hpp"

namespace fastae::plain {

/// The loss of one cell with error e = r - x'.
double loss(Loss kind, double parameter, double e);

/// Everything but the network that the objective of some rows depends on.
struct Task {
    Matrix target;                ///< what is to be reconstructed
    Matrix seen;                  ///< what the network sees of it
    std::vector<Matrix> factors;  ///< [l] of the units after l layers; may be empty (all 1)
    Vector weights;               ///< of the rows, whose mean is divided by their number
    Loss loss = Loss::kSquared;
    double loss_parameter = 0;
    double sparsity_beta = 0;
    double average_activation = 0;
    /// [l] the averages that the penalty pushes towards its target, for all l; where there are
    /// none, those of these rows.
    std::vector<Vector> averages;
};

/// Outputs after every layer, those of hidden layers times their factors; [0] is what is seen.
std::vector<Matrix> forward(const Net& net, const Task& task);

/// [l] the weighted means over the rows of the units after l layers.
std::vector<Vector> mean_activations(const Net& net, const Task& task);

/// Sum over the rows of weight * squared error.
double squared_error(const Net& net, const Task& task);

/// Mean over the rows of weight * sum of losses, plus beta / 2 sum_j (mean_j - target)^2 over all
/// hidden units.
double objective(const Net& net, const Task& task);

/// Its derivatives, by backpropagation.
Net gradient(const Net& net, const Task& task);

}  // namespace fastae::plain
