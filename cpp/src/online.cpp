#include "fastae/online.hpp"

#include <algorithm>

#include "fastae/kernels.hpp"
#include "fastae/layer.hpp"

namespace fastae {

namespace {

/// What a sweep over the weights of a layer computes for the layer below, from the weights before
/// their update.
enum class Back { kNone, kContract, kExpand };

/// One row of weights: w[c] += change(narrow * wide[c]), c < n, and the row's part of the delta of
/// the layer below: the vector of partial sums of wide[c] * w[c] (kContract), or
/// back[c] += narrow * w[c] (kExpand).
template <class Rule, Back kBack>
Vec<float> update_row(const StepConstants& k, bool penalised, Index n, float narrow,
                      const float* wide, float* w, float* state, Index slot_stride, float* back) {
    Vec<float> sum{};
    for (Index c = 0; c < n; c += kLanes<float>) {
        const Vec<float> v = load(wide + c);
        const Vec<float> old =
            update_vector<Rule>(k, penalised, v * narrow, w + c, state + c, slot_stride);
        if constexpr (kBack == Back::kContract) sum += v * old;
        if constexpr (kBack == Back::kExpand) store(back + c, load(back + c) + old * narrow);
    }
    return sum;
}

}  // namespace

OnlineWorker::OnlineWorker(const Network& network, Exchange& exchange, int thread)
    : network_(network),
      exchange_(exchange),
      first_group_(static_cast<int>(split(Exchange::kGroups, thread, exchange.team).begin)),
      end_group_(static_cast<int>(split(Exchange::kGroups, thread, exchange.team).end)),
      leader_(thread == 0) {
    for (Index l = 0; l <= network.n_layers(); ++l) {
        h_.emplace_back(padded(network.width(l)));
        delta_.emplace_back(padded(network.width(l)));
    }
}

Columns OnlineWorker::own_columns(Index width) const {
    if (first_group_ == end_group_) return {0, 0};
    return {group_columns(width, first_group_).begin, group_columns(width, end_group_ - 1).end};
}

void OnlineWorker::train(const SolverOptions& options, const StepConstants& constants,
                         const RowsView& X, const Scaling& scaling, std::uint32_t row,
                         const Weights& weights) {
    gather_rows(X, scaling, &row, 0, 1, h_[0].data(), padded(network_.n_inputs()));
    forward(weights.params);
    output_delta();
    with_rule(options, [&](auto rule) { backward<decltype(rule)>(constants, weights); });
}

void OnlineWorker::forward(const float* params) {
    for (Index l = 0; l < network_.n_layers(); ++l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = network_.layers()[i];
        float* in = h_[i].data();
        float* z = h_[i + 1].data();
        const float* w = params + layer.weight_offset;
        const float* bias = params + layer.bias_offset;
        Columns columns{0, whole_lines(layer.fan_out)};
        if (layer.fan_in_is_wide) {
            for (int g = first_group_; g < end_group_; ++g) {
                const Columns c = group_columns(layer.n_cols, g);
                float* part = exchange_.memory(turn_, g);
                std::fill_n(part, c.count() == 0 ? layer.n_rows : 0, 0.0f);
                contract(1, layer.n_rows, c.count(), in + c.begin, 0, w + c.begin, layer.stride,
                         part, 0);
                // The owner of the first group updates the bias: nobody else may read it.
                for (Index o = 0; g == 0 && o < layer.fan_out; ++o) part[o] += bias[o];
            }
            sum_groups(z, layer.fan_out);
        } else {
            const bool sliced = l > 0 && !network_.layers()[i - 1].fan_in_is_wide;
            if (sliced) share_columns(in, layer.fan_in);
            columns = own_columns(layer.n_cols);
            expand(1, layer.n_rows, columns.count(), in, 0, w + columns.begin, layer.stride,
                   bias + columns.begin, z + columns.begin, 0);
        }
        with_activation(layer.activation, [&](auto f) {
            for (Index o = columns.begin; o < columns.end; o += kLanes<float>) {
                store(z + o, f.forward(load(z + o)));
            }
        });
        zero_padding(1, layer.fan_out, z, 0);
    }
}

void OnlineWorker::output_delta() {
    const Layer& last = network_.layers().back();
    const float* x = h_.front().data();
    const float* y = h_.back().data();
    float* delta = delta_.back().data();
    const bool sliced = !last.fan_in_is_wide;
    with_activation(last.activation, [&](auto f) {
        for (int g = 0; g < Exchange::kGroups; ++g) {
            const bool own = g >= first_group_ && g < end_group_;
            if (sliced && !own) continue;
            const Columns c = group_columns(last.fan_out, g);
            Vec<float> total{};
            for (Index o = c.begin; o < c.end; o += kLanes<float>) {
                const Vec<float> h = load(y + o);
                const Vec<float> e = h - load(x + o);
                total += e * e;
                store(delta + o, e * f.derivative(h));
            }
            if (own) squared_error_[g] += static_cast<double>(sum<float>(total));
        }
    });
}

template <class Rule>
void OnlineWorker::backward(const StepConstants& constants, const Weights& weights) {
    for (Index l = network_.n_layers() - 1; l >= 0; --l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = network_.layers()[i];
        // The narrow side must be whole; the layer above left its own columns if it was expanded.
        const bool from_above =
            l + 1 < network_.n_layers() && network_.layers()[i + 1].fan_in_is_wide;
        if (layer.fan_in_is_wide && from_above) share_columns(delta_[i + 1].data(), layer.fan_out);
        update_layer<Rule>(constants, l, weights);
        update_biases<Rule>(constants, l, weights);
        if (l == 0) continue;
        float* delta = delta_[i].data();
        const float* h = h_[i].data();
        Columns columns{0, whole_lines(layer.fan_in)};
        if (layer.fan_in_is_wide) {
            columns = own_columns(layer.fan_in);
        } else {
            sum_groups(delta, layer.fan_in);
        }
        with_activation(network_.layers()[i - 1].activation, [&](auto f) {
            for (Index j = columns.begin; j < columns.end; j += kLanes<float>) {
                store(delta + j, load(delta + j) * f.derivative(load(h + j)));
            }
        });
    }
}

template <class Rule>
void OnlineWorker::update_layer(const StepConstants& constants, Index l, const Weights& weights) {
    const auto i = static_cast<std::size_t>(l);
    const Layer& layer = network_.layers()[i];
    const float* narrow = layer.fan_in_is_wide ? delta_[i + 1].data() : h_[i].data();
    const float* wide = layer.fan_in_is_wide ? h_[i].data() : delta_[i + 1].data();
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    const auto row = [&](auto back, Index r, Columns c, float* below) {
        const Index at = layer.weight_offset + r * layer.stride + c.begin;
        return update_row<Rule, decltype(back)::value>(
            constants, penalised, c.count(), narrow[r], wide + c.begin, weights.params + at,
            weights.slots + at, weights.slot_stride, below);
    };
    if (l == 0 || layer.fan_in_is_wide) {
        const Columns c = own_columns(layer.n_cols);
        float* below = delta_[i].data() + c.begin;
        if (l > 0) std::fill_n(below, c.count(), 0.0f);
        for (Index r = 0; r < layer.n_rows; ++r) {
            if (l == 0) {
                row(std::integral_constant<Back, Back::kNone>{}, r, c, nullptr);
            } else {
                row(std::integral_constant<Back, Back::kExpand>{}, r, c, below);
            }
        }
        return;
    }
    for (int g = first_group_; g < end_group_; ++g) {
        const Columns c = group_columns(layer.n_cols, g);
        float* below = exchange_.memory(turn_, g);
        for (Index r = 0; r < layer.n_rows; r += kLanes<float>) {
            Vec<float> partial[kLanes<float>] = {};
            const Index rows = std::min<Index>(kLanes<float>, layer.n_rows - r);
            for (Index k = 0; k < rows; ++k) {
                partial[k] =
                    row(std::integral_constant<Back, Back::kContract>{}, r + k, c, nullptr);
            }
            store(below + r, sums<float, kLanes<float>>(partial));
        }
    }
}

template <class Rule>
void OnlineWorker::update_biases(const StepConstants& constants, Index l, const Weights& weights) {
    const auto i = static_cast<std::size_t>(l);
    const Layer& layer = network_.layers()[i];
    if (layer.fan_in_is_wide && !leader_) return;
    const Columns c =
        layer.fan_in_is_wide ? Columns{0, whole_lines(layer.fan_out)} : own_columns(layer.fan_out);
    const Index at = layer.bias_offset + c.begin;
    update_span<Rule>(constants, false, c.count(), delta_[i + 1].data() + c.begin,
                      weights.params + at, weights.slots + at, weights.slot_stride);
}

void OnlineWorker::share_columns(float* v, Index n) {
    if (exchange_.team == 1) return;
    const Columns own = own_columns(n);
    float* shared = exchange_.memory(turn_, 0);
    std::copy(v + own.begin, v + own.end, shared + own.begin);
    exchange_.wait();
    std::copy_n(shared, n, v);
    ++turn_;
}

void OnlineWorker::sum_groups(float* v, Index n) {
    exchange_.wait();
    const float* first = exchange_.memory(turn_, 0);
    for (Index i = 0; i < n; ++i) v[i] = first[i];
    for (int g = 1; g < Exchange::kGroups; ++g) {
        const float* part = exchange_.memory(turn_, g);
        for (Index i = 0; i < n; ++i) v[i] += part[i];
    }
    ++turn_;
}

void OnlineWorker::take_squared_error(double* total) {
    for (int g = first_group_; g < end_group_; ++g) {
        total[g] += squared_error_[g];
        squared_error_[g] = 0;
    }
}

}  // namespace fastae
