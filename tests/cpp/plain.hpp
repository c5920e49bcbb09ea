#pragma once

// The same network in double precision, with plain Eigen and straight from the equations: the
// reference for everything. It shares no arithmetic with the core, only the layout of the weights.

#include <Eigen/Core>
#include <functional>
#include <vector>

#include "fastae/network.hpp"

namespace fastae::plain {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

double activate(Activation kind, double z);

/// Derivative of activate by z, from z (the core takes it from the output).
double slope(Activation kind, double z);

/// a b, so that only one file compiles Eigen's product.
Matrix product(const Matrix& a, const Matrix& b);

/// Weights, or anything that has their shape, such as a gradient.
struct Net {
    std::vector<Matrix> W;  ///< [l] (fan_in, fan_out)
    std::vector<Vector> b;  ///< [l] (fan_out)
    std::vector<Activation> activations;

    /// Reads the network's flat buffer.
    Net(const Network& network, const float* params);

    /// z of layer l for its inputs h (n, fan_in).
    Matrix preactivation(std::size_t l, const Matrix& h) const;

    /// Outputs after every layer; [0] is X itself.
    std::vector<Matrix> forward(const Matrix& X) const;

    /// Sum of the squared errors of each row.
    Vector squared_errors(const Matrix& X) const;

    /// Mean over the rows of half the squared error, plus the penalties of the weights.
    double objective(const Matrix& X, double l1 = 0, double l2 = 0) const;

    /// Derivatives of the objective, by backpropagation.
    Net gradient(const Matrix& X, double l1 = 0, double l2 = 0) const;

    /// Derivatives of a function of the weights, by central differences.
    Net differences(const std::function<double(const Net&)>& function) const;
    /// Of the objective without penalties.
    Net differences(const Matrix& X) const {
        return differences([&](const Net& net) { return net.objective(X); });
    }

    /// this += factor * other.
    void add(double factor, const Net& other);

    /// The largest difference of any weight or bias; NaN if there is one.
    double distance(const Net& other) const;

    /// The largest weight or bias.
    double magnitude() const;
};

}  // namespace fastae::plain
