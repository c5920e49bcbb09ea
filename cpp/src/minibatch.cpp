#include "fastae/minibatch.hpp"

#include <algorithm>

namespace fastae {

namespace {

/// Rows that pass through all layers together: enough to reuse the weights, few enough that their
/// activations stay in the L2 cache.
constexpr Index kRowBlock = 64;

/// Rows of weights per task: small enough to balance 16 threads on one narrow layer.
constexpr Index kTaskRows = kOuterRows * 5;

}  // namespace

MiniBatch::MiniBatch(const Network& network, Index batch_size)
    : network_(network), squared_error_(static_cast<std::size_t>(batch_size)) {
    for (Index l = 0; l <= network.n_layers(); ++l) {
        strides_.push_back(padded(network.width(l)));
        h_.emplace_back(batch_size * strides_.back());
        // The inputs have no delta; the outputs' takes the place of the outputs.
        const bool hidden = l > 0 && l < network.n_layers();
        delta_.emplace_back(hidden ? batch_size * strides_.back() : 0);
    }
    Index cost = 0;
    const auto add = [&](Task task, Index weights) {
        task.cost_before = cost;
        cost += weights;
        tasks_.push_back(task);
    };
    for (Index l = 0; l < network.n_layers(); ++l) {
        const Layer& layer = network.layers()[static_cast<std::size_t>(l)];
        for (Index c = 0; c < layer.padded_cols(); c += kPanel<float>) {
            const Index n_cols = std::min(kPanel<float>, layer.padded_cols() - c);
            for (Index r = 0; r < layer.n_rows; r += kTaskRows) {
                const Index n_rows = std::min(kTaskRows, layer.n_rows - r);
                add({l, r, n_rows, c, n_cols, 0}, n_rows * n_cols);
            }
        }
        add({l, 0, 0, 0, 0, 0}, layer.fan_out);
    }
}

Range MiniBatch::tasks_of(int part, int parts) const {
    const Task& last = tasks_.back();
    const Index total = last.cost_before + 1;
    const auto first_at = [&](int p) {
        const Index cost = total * p / parts;
        const auto at = std::lower_bound(
            tasks_.begin(), tasks_.end(), cost,
            [](const Task& task, Index value) { return task.cost_before < value; });
        return static_cast<Index>(at - tasks_.begin());
    };
    return {part == 0 ? 0 : first_at(part), part + 1 == parts ? n_tasks() : first_at(part + 1)};
}

void MiniBatch::forward_backward(const float* params, const RowsView& X, const Scaling& scaling,
                                 const std::uint32_t* order, Index n, Range range) {
    for (Index begin = range.begin; begin < range.end; begin += kRowBlock) {
        const Index rows = std::min(kRowBlock, range.end - begin);
        gather_rows(X, scaling, order + begin, 0, rows, h(0, begin), strides_[0]);
        forward(params, begin, rows);
        output_delta(begin, rows, 1.0f / static_cast<float>(n));
        backward(params, begin, rows);
    }
}

void MiniBatch::forward(const float* params, Index begin, Index n) {
    for (Index l = 0; l + 1 < network_.n_layers(); ++l) {
        const auto i = static_cast<std::size_t>(l);
        layer_forward(network_.layers()[i], params, n, h(l, begin), strides_[i], h(l + 1, begin),
                      strides_[i + 1]);
    }
    const auto last = static_cast<std::size_t>(network_.n_layers() - 1);
    layer_preactivation(network_.layers()[last], params, n, h(network_.n_layers() - 1, begin),
                        strides_[last], h(network_.n_layers(), begin), strides_[last + 1]);
}

void MiniBatch::output_delta(Index begin, Index n, float row_weight) {
    const Index L = network_.n_layers();
    const Index stride = strides_.back();
    const Index d = network_.n_outputs();
    const Index whole = d / kLanes<float> * kLanes<float>;
    with_activation(network_.layers().back().activation, [&](auto f) {
        for (Index b = begin; b < begin + n; ++b) {
            float* z = h(L, b);
            const float* x = h(0, b);
            Vec<float> total{};
            const auto step = [&](Index j) {
                const Vec<float> y = f.forward(load(z + j));
                const Vec<float> e = y - load(x + j);
                store(z + j, (e * f.derivative(y)) * row_weight);
                return e * e;
            };
            for (Index j = 0; j < whole; j += kLanes<float>) total += step(j);
            if (whole < d) {  // activation(0) in the padding is no error
                float squares[kLanes<float>];
                store(squares, step(whole));
                std::fill(squares + (d - whole), squares + kLanes<float>, 0.0f);
                total += load(squares);
            }
            squared_error_[static_cast<std::size_t>(b)] = static_cast<double>(sum<float>(total));
        }
    });
    zero_padding(n, d, h(L, begin), stride);
}

void MiniBatch::backward(const float* params, Index begin, Index n) {
    for (Index l = network_.n_layers() - 1; l > 0; --l) {
        const auto i = static_cast<std::size_t>(l);
        const float* delta_out =
            l + 1 == network_.n_layers() ? h(l + 1, begin) : delta(l + 1, begin);
        layer_backward(network_.layers()[i], params, network_.layers()[i - 1].activation, n,
                       delta_out, strides_[i + 1], h(l, begin), delta(l, begin), strides_[i]);
    }
}

double MiniBatch::squared_error(Index n) const {
    double total = 0;
    for (Index b = 0; b < n; ++b) total += squared_error_[static_cast<std::size_t>(b)];
    return total;
}

void MiniBatch::apply_gradient(const SolverOptions& options, const StepConstants& constants,
                               Index n, Range range, const Weights& weights) const {
    with_rule(options,
              [&](auto rule) { apply_tasks<decltype(rule)>(constants, n, range, weights); });
}

template <class Rule>
void MiniBatch::apply_tasks(const StepConstants& constants, Index n, Range range,
                            const Weights& weights) const {
    for (Index t = range.begin; t < range.end; ++t) {
        const Task& task = tasks_[static_cast<std::size_t>(t)];
        if (task.n_cols > 0) {
            update_weights<Rule>(constants, n, task, weights);
            continue;
        }
        const auto out = static_cast<std::size_t>(task.layer + 1);
        const bool last = task.layer + 1 == network_.n_layers();
        update_biases<Rule>(constants, n, network_.layers()[out - 1],
                            last ? h_[out].data() : delta_[out].data(), strides_[out], weights);
    }
}

template <class Rule>
void MiniBatch::update_weights(const StepConstants& constants, Index n, const Task& task,
                               const Weights& weights) const {
    const auto l = static_cast<std::size_t>(task.layer);
    const Layer& layer = network_.layers()[l];
    const bool last = task.layer + 1 == network_.n_layers();
    const float* delta = last ? h_[l + 1].data() : delta_[l + 1].data();
    const float* narrow = layer.fan_in_is_wide ? delta : h_[l].data();
    const float* wide = layer.fan_in_is_wide ? h_[l].data() : delta;
    const Index narrow_stride = strides_[layer.fan_in_is_wide ? l + 1 : l];
    const Index wide_stride = strides_[layer.fan_in_is_wide ? l : l + 1];
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    alignas(64) float gradient[kOuterRows * kPanel<float>];
    for (Index r = task.row; r < task.row + task.n_rows; r += kOuterRows) {
        const int rows = static_cast<int>(std::min<Index>(kOuterRows, task.row + task.n_rows - r));
        gradient_tile(n, rows, task.n_cols, narrow + r, narrow_stride, wide + task.col, wide_stride,
                      gradient);
        for (int i = 0; i < rows; ++i) {
            const Index at = layer.weight_offset + (r + i) * layer.stride + task.col;
            update_span<Rule>(constants, penalised, task.n_cols, gradient + i * kPanel<float>,
                              weights.params + at, weights.slots + at, weights.slot_stride);
        }
    }
}

template <class Rule>
void MiniBatch::update_biases(const StepConstants& constants, Index n, const Layer& layer,
                              const float* delta, Index stride, const Weights& weights) const {
    for (Index o = 0; o < layer.fan_out; o += kLanes<float>) {
        Vec<float> total{};
        for (Index b = 0; b < n; ++b) total += load(delta + b * stride + o);
        alignas(64) float gradient[kLanes<float>];
        store(gradient, total);
        const Index at = layer.bias_offset + o;
        update_span<Rule>(constants, false, kLanes<float>, gradient, weights.params + at,
                          weights.slots + at, weights.slot_stride);
    }
}

}  // namespace fastae
