#include "plain_objective.hpp"

#include <cmath>

namespace fastae::plain {

double loss(Loss kind, double parameter, double e) {
    switch (kind) {
        case Loss::kAbsolute:
            return std::abs(e);
        case Loss::kHuber:
            return std::abs(e) <= parameter ? e * e / 2 : parameter * (std::abs(e) - parameter / 2);
        case Loss::kQuantile:
            return e < 0 ? -parameter * e : (1 - parameter) * e;
        default:
            return e * e / 2;
    }
}

namespace {

double loss_slope(Loss kind, double parameter, double e) {
    const double sign = (e > 0) - (e < 0);
    switch (kind) {
        case Loss::kAbsolute:
            return sign;
        case Loss::kHuber:
            return std::abs(e) <= parameter ? e : sign * parameter;
        case Loss::kQuantile:
            return e < 0 ? -parameter : (e > 0 ? 1 - parameter : 0);
        default:
            return e;
    }
}

Vector row_shares(const Task& task) {
    return task.weights / static_cast<double>(task.target.rows());
}

}  // namespace

std::vector<Matrix> forward(const Net& net, const Task& task) {
    std::vector<Matrix> h{task.seen};
    for (std::size_t l = 0; l < net.W.size(); ++l) {
        const Matrix z = net.preactivation(l, h.back());
        h.push_back(z.unaryExpr([&](double x) { return activate(net.activations[l], x); }));
        const bool hidden = l + 1 < net.W.size();
        if (hidden && !task.factors.empty()) h.back().array() *= task.factors[l + 1].array();
    }
    return h;
}

std::vector<Vector> mean_activations(const Net& net, const Task& task) {
    std::vector<Vector> means;
    for (const Matrix& h : forward(net, task)) {
        means.push_back(h.transpose().lazyProduct(row_shares(task)));
    }
    return means;
}

double squared_error(const Net& net, const Task& task) {
    return (forward(net, task).back() - task.target).rowwise().squaredNorm().dot(task.weights);
}

double objective(const Net& net, const Task& task) {
    const Matrix error = forward(net, task).back() - task.target;
    const Matrix losses =
        error.unaryExpr([&](double e) { return loss(task.loss, task.loss_parameter, e); });
    double total = losses.rowwise().sum().dot(row_shares(task));
    const std::vector<Vector> means = mean_activations(net, task);
    for (std::size_t l = 1; l < net.W.size(); ++l) {
        total +=
            task.sparsity_beta / 2 * (means[l].array() - task.average_activation).square().sum();
    }
    return total;
}

Net gradient(const Net& net, const Task& task) {
    const std::vector<Matrix> h = forward(net, task);
    const std::vector<Vector> averages =
        task.averages.empty() ? mean_activations(net, task) : task.averages;
    const Vector shares = row_shares(task);
    Net result = net;
    Matrix back = (h.back() - task.target).unaryExpr([&](double e) {
        return loss_slope(task.loss, task.loss_parameter, e);
    });
    for (Index i = 0; i < back.rows(); ++i) back.row(i) *= shares[i];
    for (std::size_t l = net.W.size(); l-- > 0;) {
        const Matrix z = net.preactivation(l, h[l]);
        const Matrix slopes = z.unaryExpr([&](double x) { return slope(net.activations[l], x); });
        const Matrix delta = back.cwiseProduct(slopes);
        result.W[l] = product(h[l].transpose(), delta);
        result.b[l] = delta.colwise().sum().transpose();
        if (l == 0) break;
        back = product(delta, net.W[l].transpose());
        const Vector push =
            task.sparsity_beta * (averages[l].array() - task.average_activation).matrix();
        for (Index i = 0; i < back.rows(); ++i) back.row(i) += shares[i] * push.transpose();
        if (!task.factors.empty()) back.array() *= task.factors[l].array();
    }
    return result;
}

}  // namespace fastae::plain
