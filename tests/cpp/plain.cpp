#include "plain.hpp"

#include <cmath>

namespace fastae::plain {

double activate(Activation kind, double z) {
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

double slope(Activation kind, double z) {
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

// Coefficient by coefficient: the blocked product takes long to compile.
Matrix product(const Matrix& a, const Matrix& b) { return a.lazyProduct(b); }

Net::Net(const Network& network, const float* params) {
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
        const Eigen::Map<const Eigen::VectorXf> bias(params + layer.bias_offset, layer.fan_out);
        b.push_back(bias.cast<double>());
        activations.push_back(layer.activation);
    }
}

Matrix Net::preactivation(std::size_t l, const Matrix& h) const {
    return product(h, W[l]).rowwise() + b[l].transpose();
}

std::vector<Matrix> Net::forward(const Matrix& X) const {
    std::vector<Matrix> h{X};
    for (std::size_t l = 0; l < W.size(); ++l) {
        Matrix z = preactivation(l, h.back());
        h.push_back(z.unaryExpr([&](double x) { return activate(activations[l], x); }));
    }
    return h;
}

Vector Net::squared_errors(const Matrix& X) const {
    return (forward(X).back() - X).rowwise().squaredNorm();
}

double Net::objective(const Matrix& X, double l1, double l2) const {
    double total = squared_errors(X).mean() / 2;
    for (const Matrix& w : W) total += l1 * w.cwiseAbs().sum() + l2 / 2 * w.squaredNorm();
    return total;
}

Net Net::gradient(const Matrix& X, double l1, double l2) const {
    const std::vector<Matrix> h = forward(X);
    Net result = *this;
    Matrix back = (h.back() - X) / static_cast<double>(X.rows());  // by the layer's output
    for (std::size_t l = W.size(); l-- > 0;) {
        const Matrix z = preactivation(l, h[l]);
        const Matrix slopes = z.unaryExpr([&](double x) { return slope(activations[l], x); });
        const Matrix delta = back.cwiseProduct(slopes);
        result.W[l] = product(h[l].transpose(), delta) + l1 * W[l].cwiseSign() + l2 * W[l];
        result.b[l] = delta.colwise().sum().transpose();
        back = product(delta, W[l].transpose());
    }
    return result;
}

Net Net::differences(const std::function<double(const Net&)>& function) const {
    Net probe = *this, result = *this;
    const double h = 1e-5;
    const auto derivative = [&](double& value) {
        const double kept = value;
        value = kept + h;
        const double above = function(probe);
        value = kept - h;
        const double below = function(probe);
        value = kept;
        return (above - below) / (2 * h);
    };
    for (std::size_t l = 0; l < W.size(); ++l) {
        for (Index i = 0; i < W[l].size(); ++i) {
            result.W[l].data()[i] = derivative(probe.W[l].data()[i]);
        }
        for (Index i = 0; i < b[l].size(); ++i) result.b[l][i] = derivative(probe.b[l][i]);
    }
    return result;
}

void Net::add(double factor, const Net& other) {
    for (std::size_t l = 0; l < W.size(); ++l) {
        W[l] += factor * other.W[l];
        b[l] += factor * other.b[l];
    }
}

double Net::distance(const Net& other) const {
    double worst = 0;
    const auto look = [&](const auto& a, const auto& c) {
        for (Index i = 0; i < a.size(); ++i) {
            const double gap = std::abs(a.data()[i] - c.data()[i]);
            if (!(gap <= worst)) worst = gap;  // not std::max, which could lose a NaN
            if (std::isnan(worst)) return;
        }
    };
    for (std::size_t l = 0; l < W.size() && !std::isnan(worst); ++l) {
        look(W[l], other.W[l]);
        if (!std::isnan(worst)) look(b[l], other.b[l]);
    }
    return worst;
}

double Net::magnitude() const {
    Net zero = *this;
    zero.add(-1, *this);
    return distance(zero);
}

}  // namespace fastae::plain
