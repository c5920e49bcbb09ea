#pragma once

// The same network in double precision, with plain Eigen and straight from the equations: the
// reference for everything. It shares no arithmetic with the core, only the layout of the weights.

#include <Eigen/Core>
#include <cmath>
#include <vector>

#include "fastae/network.hpp"

namespace fastae::plain {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

inline double activate(Activation kind, double z) {
    switch (kind) {
        case Activation::kTanh:
            return std::tanh(z);
        case Activation::kRelu:
            return std::max(z, 0.0);
        case Activation::kElu:
            return z < 0 ? std::expm1(z) : z;
        case Activation::kLogistic:
            return 1 / (1 + std::exp(-z));
        default:
            return z;
    }
}

/// Derivative of activate by z, from z (the core takes it from the output).
inline double slope(Activation kind, double z) {
    switch (kind) {
        case Activation::kTanh:
            return 1 / (std::cosh(z) * std::cosh(z));
        case Activation::kRelu:
            return z > 0 ? 1 : 0;
        case Activation::kElu:
            return z < 0 ? std::exp(z) : 1;
        case Activation::kLogistic:
            return 1 / (2 + std::exp(z) + std::exp(-z));
        default:
            return 1;
    }
}

/// Weights, or anything that has their shape, such as a gradient.
struct Net {
    std::vector<Matrix> W;  ///< [l] (fan_in, fan_out)
    std::vector<Vector> b;  ///< [l] (fan_out)
    std::vector<Activation> activations;

    /// Reads the network's flat buffer.
    Net(const Network& network, const float* params) {
        for (const Layer& layer : network.layers()) {
            Matrix weights(layer.fan_in, layer.fan_out);
            for (Index i = 0; i < layer.fan_in; ++i) {
                for (Index o = 0; o < layer.fan_out; ++o) {
                    const Index row = layer.fan_in_is_wide ? o : i;
                    const Index col = layer.fan_in_is_wide ? i : o;
                    weights(i, o) = params[layer.weight_offset + row * layer.stride + col];
                }
            }
            W.push_back(weights);
            b.push_back(Eigen::Map<const Eigen::VectorXf>(params + layer.bias_offset, layer.fan_out)
                            .cast<double>());
            activations.push_back(layer.activation);
        }
    }

    /// z of layer l for its inputs h (n, fan_in).
    Matrix preactivation(std::size_t l, const Matrix& h) const {
        return (h * W[l]).rowwise() + b[l].transpose();
    }

    /// Outputs after every layer; [0] is X itself.
    std::vector<Matrix> forward(const Matrix& X) const {
        std::vector<Matrix> h{X};
        for (std::size_t l = 0; l < W.size(); ++l) {
            h.push_back(preactivation(l, h.back()).unaryExpr([&](double z) {
                return activate(activations[l], z);
            }));
        }
        return h;
    }

    /// Outputs for inputs (n, fan_in of layer `first`) of that layer.
    Matrix decode(const Matrix& codes, std::size_t first) const {
        Matrix h = codes;
        for (std::size_t l = first; l < W.size(); ++l) {
            h = preactivation(l, h)
                    .unaryExpr([&](double z) { return activate(activations[l], z); })
                    .eval();
        }
        return h;
    }

    /// Sum of the squared errors of each row.
    Vector squared_errors(const Matrix& X) const {
        return (forward(X).back() - X).rowwise().squaredNorm();
    }

    /// Mean over the rows of half the squared error, plus the penalties of the weights.
    double objective(const Matrix& X, double l1 = 0, double l2 = 0) const {
        double total = squared_errors(X).mean() / 2;
        for (const Matrix& w : W) {
            total += l1 * w.cwiseAbs().sum() + l2 / 2 * w.squaredNorm();
        }
        return total;
    }

    /// Derivatives of the objective, by backpropagation.
    Net gradient(const Matrix& X, double l1 = 0, double l2 = 0) const {
        const std::vector<Matrix> h = forward(X);
        Net result = *this;
        Matrix back = (h.back() - X) / static_cast<double>(X.rows());  // by the layer's output
        for (std::size_t l = W.size(); l-- > 0;) {
            const Matrix slopes = preactivation(l, h[l]).unaryExpr(
                [&](double z) { return slope(activations[l], z); });
            const Matrix delta = back.cwiseProduct(slopes);
            result.W[l] = h[l].transpose() * delta + l1 * W[l].cwiseSign() + l2 * W[l];
            result.b[l] = delta.colwise().sum().transpose();
            back = delta * W[l].transpose();
        }
        return result;
    }

    /// this += factor * other.
    void add(double factor, const Net& other) {
        for (std::size_t l = 0; l < W.size(); ++l) {
            W[l] += factor * other.W[l];
            b[l] += factor * other.b[l];
        }
    }

    /// The largest difference of any weight or bias.
    double distance(const Net& other) const {
        double worst = 0;
        for (std::size_t l = 0; l < W.size(); ++l) {
            // Not std::max, which could lose a NaN.
            for (const double gap :
                 {(W[l] - other.W[l]).cwiseAbs().maxCoeff<Eigen::PropagateNaN>(),
                  (b[l] - other.b[l]).cwiseAbs().maxCoeff<Eigen::PropagateNaN>()}) {
                if (!(gap <= worst)) worst = gap;
            }
        }
        return worst;
    }

    /// The largest weight or bias.
    double magnitude() const {
        Net zero = *this;
        zero.add(-1, *this);
        return distance(zero);
    }
};

}  // namespace fastae::plain
