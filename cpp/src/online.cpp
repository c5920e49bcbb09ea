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
    const float factor = narrow * k.gradient_scale;
    for (Index c = 0; c < n; c += kLanes<float>) {
        const Vec<float> v = load(wide + c);
        const Vec<float> old =
            update_vector<Rule>(k, penalised, v * factor, w + c, state + c, slot_stride);
        if constexpr (kBack == Back::kContract) sum += v * old;
        if constexpr (kBack == Back::kExpand) store(back + c, load(back + c) + old * narrow);
    }
    return sum;
}

}  // namespace

OnlineWorker::OnlineWorker(const PartedLayout& layout, const Objective& objective,
                           Exchange& exchange, int thread, const Weights& weights)
    : layout_(layout),
      network_(layout.network()),
      objective_(objective),
      exchange_(exchange),
      first_part_(static_cast<int>(split(kParts, thread, exchange.team).begin)),
      end_part_(static_cast<int>(split(kParts, thread, exchange.team).end)),
      thread_(thread) {
    const Index hidden = objective.is_sparse() ? network_.hidden_offset(network_.n_layers()) : 0;
    const Index kept = objective.keeps_inputs() ? padded(network_.n_inputs()) : 0;
    Index size = kPage + 2 * hidden + kept;
    for (Index l = 0; l <= network_.n_layers(); ++l) size += 2 * padded(network_.width(l));
    memory_ = AlignedBuffer<float>(size + kPage);
    float* next = memory_.data() + kPage;
    const auto take = [&](Index floats) {
        next += floats;
        return next - floats;
    };
    for (Index l = 0; l <= network_.n_layers(); ++l) {
        h_.push_back(take(padded(network_.width(l))));
        delta_.push_back(take(padded(network_.width(l))));
    }
    target_ = take(kept);
    push_ = take(hidden);
    averages_ = weights.averages;
    if (exchange.team > 1) {  // two threads may compute the same unit
        averages_ = take(hidden);
        std::copy_n(weights.averages, hidden, averages_);
    }
}

void OnlineWorker::train(const SolverOptions& options, const StepConstants& constants,
                         const Batch& row, const Weights& weights) {
    gather(row);
    forward(weights.params, row);
    if (objective_.is_sparse()) average_activations(row);
    output_delta(row.weight(0));
    with_rule(options, constants,
              [&](auto rule) { backward<decltype(rule)>(options, constants, row, weights); });
    if (exchange_.max_norm()) limit_norms(options, constants.steps_done, weights);
}

void OnlineWorker::gather(const Batch& row) {
    const Range columns = read_columns();
    const Index n = columns.end - columns.begin;
    float* x = (objective_.keeps_inputs() ? target_ : h_[0]) + columns.begin;
    gather_rows(row.table.X, row.table.scaling, row.order, 0, 1, x, padded(network_.n_inputs()),
                columns);
    if (objective_.missing == Missing::kImputed) fill_missing(n, x);
    if (!objective_.keeps_inputs()) return;
    float* seen = h_[0] + columns.begin;
    if (objective_.corrupts_input()) {
        corrupt(objective_, row.noise_key(0, 0), columns.begin, n, x, seen);
    } else {
        std::copy_n(x, n, seen);
    }
    zero_padding(1, n, seen, 0);
    if (objective_.missing == Missing::kIgnored) fill_missing(n, seen);
}

Range OnlineWorker::read_columns() const {
    const std::vector<Layer>& layers = network_.layers();
    // The first layer's sums and the errors are taken by columns if these layers are.
    if (!layers.front().fan_in_is_wide || layers.back().fan_in_is_wide) {
        return {0, network_.n_inputs()};
    }
    const Columns own = own_columns(network_.n_inputs());
    return {std::min(own.begin, network_.n_inputs()), std::min(own.end, network_.n_inputs())};
}

Columns OnlineWorker::computed_columns(Index layer) const {
    const Index width = network_.width(layer);
    const bool contracted = network_.layers()[static_cast<std::size_t>(layer - 1)].fan_in_is_wide;
    return contracted ? Columns{0, whole_lines(width)} : own_columns(width);
}

void OnlineWorker::forward(const float* params, const Batch& row) {
    for (Index l = 0; l < network_.n_layers(); ++l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = network_.layers()[i];
        if (layer.fan_in_is_wide) {
            contract_columns(l, params);
        } else {
            expand_columns(l, params);
        }
        const Columns columns = computed_columns(l + 1);
        float* z = h_[i + 1];
        with_activation(layer.activation, [&](auto f) {
            for (Index o = columns.begin; o < columns.end; o += kLanes<float>) {
                store(z + o, f.forward(load(z + o)));
            }
        });
        if (l + 1 < network_.n_layers()) drop_units(l + 1, z, columns, row);
        zero_padding(1, layer.fan_out, z, 0);
    }
}

void OnlineWorker::drop_units(Index layer, float* units, Columns columns, const Batch& row) const {
    const Dropout dropout = objective_.dropout(layer);
    if (!dropout.active()) return;
    const NoiseKey key = row.noise_key(0, layer);
    for (Index j = columns.begin; j < columns.end; j += kLanes<float>) {
        store(units + j, load(units + j) * dropout.factors(key, j));
    }
}

/// As MiniBatch::average_activations, of the units that this thread computes.
void OnlineWorker::average_activations(const Batch& row) {
    const ActivationAverage average(objective_, 1, row.samples);
    const float weight = row.weight(0);
    for (Index l = 1; l < network_.n_layers(); ++l) {
        const float* h = h_[static_cast<std::size_t>(l)];
        const Index offset = network_.hidden_offset(l);
        float* push = push_ + offset;
        const Columns columns = computed_columns(l);
        for (Index c = columns.begin; c < columns.end; c += kLanes<float>) {
            store(push + c, average.add(load(h + c) * weight, averages_ + offset + c) * weight);
        }
        zero_padding(1, network_.width(l), push, 0);
    }
}

void OnlineWorker::store_averages(const Weights& weights) const {
    if (!objective_.is_sparse() || exchange_.team == 1) return;
    for (Index l = 1; l < network_.n_layers(); ++l) {
        const Columns own = own_columns(network_.width(l));
        const Index at = network_.hidden_offset(l) + own.begin;
        std::copy_n(averages_ + at, own.count(), weights.averages + at);
    }
}

/// All of h[l + 1], before its activation.
void OnlineWorker::contract_columns(Index l, const float* params) {
    const auto i = static_cast<std::size_t>(l);
    const Layer& layer = network_.layers()[i];
    for (int part = first_part_; part < end_part_; ++part) {
        const PartedLayout::Block& at = layout_.block(l, part);
        float* sums = exchange_.memory(turn_, part);
        const Piece<float> piece{h_[i] + at.columns.begin, 0, params + at.weight_offset, at.stride,
                                 at.columns.count()};
        contract(1, layer.n_rows, &piece, 1, sums, 0);
        // The owner of part 0 updates the bias: nobody else may read it.
        if (part == 0) {
            for (Index o = 0; o < layer.fan_out; ++o) sums[o] += params[at.bias_offset + o];
        }
    }
    sum_parts(h_[i + 1], layer.fan_out);
}

/// This thread's columns of h[l + 1], before its activation.
void OnlineWorker::expand_columns(Index l, const float* params) {
    const auto i = static_cast<std::size_t>(l);
    const Layer& layer = network_.layers()[i];
    const bool partial = l > 0 && !network_.layers()[i - 1].fan_in_is_wide;
    if (partial) share_columns(h_[i], layer.fan_in);
    const Stretch<float> narrow{h_[i], 0, layer.n_rows};
    for (int part = first_part_; part < end_part_; ++part) {
        const PartedLayout::Block& at = layout_.block(l, part);
        expand(1, &narrow, 1, at.columns.count(), params + at.weight_offset, at.stride,
               params + at.bias_offset, h_[i + 1] + at.columns.begin, 0);
    }
}

void OnlineWorker::output_delta(float row_weight) {
    const Layer& last = network_.layers().back();
    const float* x = target();
    const float* y = h_.back();
    float* delta = delta_.back();
    const bool partial = !last.fan_in_is_wide;
    const auto compute = [&](auto f, auto loss) {
        for (int part = 0; part < kParts; ++part) {
            const bool own = part >= first_part_ && part < end_part_;
            if (partial && !own) continue;
            const Columns c = column_part(last.fan_out, part);
            Vec<float> total{};
            for (Index o = c.begin; o < c.end; o += kLanes<float>) {
                const Vec<float> h = load(y + o);
                const Vec<float> known = load(x + o);
                const Vec<float> e = known == known ? h - known : Vec<float>{};
                total += e * e;
                store(delta + o, (loss.derivative(e) * f.derivative(h)) * row_weight);
            }
            if (own) squared_error_[part] += static_cast<double>(sum<float>(total) * row_weight);
        }
    };
    with_activation(last.activation,
                    [&](auto f) { with_loss(objective_, [&](auto loss) { compute(f, loss); }); });
}

template <class Rule>
void OnlineWorker::backward(const SolverOptions& options, const StepConstants& constants,
                            const Batch& row, const Weights& weights) {
    for (Index l = network_.n_layers() - 1; l >= 0; --l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = network_.layers()[i];
        // The narrow side must be whole; the layer above left its own columns if it was expanded.
        const bool from_above =
            l + 1 < network_.n_layers() && network_.layers()[i + 1].fan_in_is_wide;
        if (layer.fan_in_is_wide && from_above) share_columns(delta_[i + 1], layer.fan_out);
        if (!options.trains(l, constants.steps_done)) {  // deltas pass, weights stay
            update_layer<FrozenRule>(constants, l, weights);
        } else {
            const StepConstants own = constants.of_layer(options, l);
            update_layer<Rule>(own, l, weights);
            update_biases<Rule>(own, l, weights);
        }
        if (l == 0) continue;
        Columns columns{0, whole_lines(layer.fan_in)};
        if (layer.fan_in_is_wide) {
            columns = own_columns(layer.fan_in);
        } else {
            sum_parts(delta_[i], layer.fan_in);
        }
        hidden_delta(l, columns, row);
    }
}

/// From the derivative by h[layer] to delta[layer].
void OnlineWorker::hidden_delta(Index layer, Columns columns, const Batch& row) {
    const auto i = static_cast<std::size_t>(layer);
    float* delta = delta_[i];
    const float* h = h_[i];
    if (objective_.is_sparse()) {
        const float* push = push_ + network_.hidden_offset(layer);
        for (Index j = columns.begin; j < columns.end; j += kLanes<float>) {
            store(delta + j, load(delta + j) + load(push + j));
        }
    }
    drop_units(layer, delta, columns, row);
    const float undo_dropout = objective_.dropout(layer).undo();
    with_activation(network_.layers()[i - 1].activation, [&](auto f) {
        for (Index j = columns.begin; j < columns.end; j += kLanes<float>) {
            store(delta + j, load(delta + j) * f.derivative(load(h + j) * undo_dropout));
        }
    });
}

void OnlineWorker::limit_norms(const SolverOptions& options, double steps, const Weights& weights) {
    exchange_.max_norm()->add_up(first_part_, end_part_, weights.params);
    exchange_.wait(thread_);
    exchange_.max_norm()->limit(first_part_, end_part_, weights.params, options, steps);
    exchange_.wait(thread_);
}

template <class Rule>
void OnlineWorker::update_layer(const StepConstants& constants, Index l, const Weights& weights) {
    const auto i = static_cast<std::size_t>(l);
    const Layer& layer = network_.layers()[i];
    const float* narrow = layer.fan_in_is_wide ? delta_[i + 1] : h_[i];
    const float* wide = layer.fan_in_is_wide ? h_[i] : delta_[i + 1];
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    for (int part = first_part_; part < end_part_; ++part) {
        const PartedLayout::Block& block = layout_.block(l, part);
        const Columns c = block.columns;
        const auto row = [&](auto back, Index r, float* below) {
            const Index at = block.weight_offset + r * block.stride;
            return update_row<Rule, decltype(back)::value>(
                constants, penalised, c.count(), narrow[r], wide + c.begin, weights.params + at,
                weights.slots + at, weights.slot_stride, below);
        };
        if (l == 0) {
            for (Index r = 0; r < layer.n_rows; ++r) {
                row(std::integral_constant<Back, Back::kNone>{}, r, nullptr);
            }
        } else if (layer.fan_in_is_wide) {
            float* below = delta_[i] + c.begin;
            std::fill_n(below, c.count(), 0.0f);
            for (Index r = 0; r < layer.n_rows; ++r) {
                row(std::integral_constant<Back, Back::kExpand>{}, r, below);
            }
        } else {
            float* below = exchange_.memory(turn_, part);
            for (Index r = 0; r < layer.n_rows; r += kLanes<float>) {
                Vec<float> partial[kLanes<float>] = {};
                const Index rows = std::min<Index>(kLanes<float>, layer.n_rows - r);
                for (Index k = 0; k < rows; ++k) {
                    partial[k] =
                        row(std::integral_constant<Back, Back::kContract>{}, r + k, nullptr);
                }
                store(below + r, sums<float, kLanes<float>>(partial));
            }
        }
    }
}

template <class Rule>
void OnlineWorker::update_biases(const StepConstants& constants, Index l, const Weights& weights) {
    const auto i = static_cast<std::size_t>(l);
    const Layer& layer = network_.layers()[i];
    const auto update = [&](Columns c, Index at) {
        update_span<Rule>(constants, false, c.count(), delta_[i + 1] + c.begin, weights.params + at,
                          weights.slots + at, weights.slot_stride);
    };
    if (layer.fan_in_is_wide) {
        if (thread_ == 0) update({0, whole_lines(layer.fan_out)}, layout_.block(l, 0).bias_offset);
        return;
    }
    for (int part = first_part_; part < end_part_; ++part) {
        update(layout_.block(l, part).columns, layout_.block(l, part).bias_offset);
    }
}

void OnlineWorker::share_columns(float* v, Index n) {
    if (exchange_.team == 1) return;
    const Columns own = own_columns(n);
    float* shared = exchange_.memory(turn_, 0);
    std::copy(v + own.begin, v + own.end, shared + own.begin);
    exchange_.wait(thread_);
    std::copy_n(shared, n, v);
    ++turn_;
}

void OnlineWorker::sum_parts(float* v, Index n) {
    exchange_.wait(thread_);
    const float* first = exchange_.memory(turn_, 0);
    for (Index i = 0; i < n; ++i) v[i] = first[i];
    for (int part = 1; part < kParts; ++part) {
        const float* more = exchange_.memory(turn_, part);
        for (Index i = 0; i < n; ++i) v[i] += more[i];
    }
    ++turn_;
}

void OnlineWorker::take_squared_error(double* total) {
    for (int part = first_part_; part < end_part_; ++part) {
        total[part] += squared_error_[part];
        squared_error_[part] = 0;
    }
}

}  // namespace fastae
