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

OnlineWorker::OnlineWorker(const PartedLayout& layout, Exchange& exchange, int thread)
    : layout_(layout),
      network_(layout.network()),
      exchange_(exchange),
      first_part_(static_cast<int>(split(kParts, thread, exchange.team).begin)),
      end_part_(static_cast<int>(split(kParts, thread, exchange.team).end)),
      thread_(thread) {
    Index size = kPage;
    for (Index l = 0; l <= network_.n_layers(); ++l) size += 2 * padded(network_.width(l));
    memory_ = AlignedBuffer<float>(size + kPage);
    float* next = memory_.data() + kPage;
    for (Index l = 0; l <= network_.n_layers(); ++l) {
        for (std::vector<float*>* vectors : {&h_, &delta_}) {
            vectors->push_back(next);
            next += padded(network_.width(l));
        }
    }
}

void OnlineWorker::train(const SolverOptions& options, const StepConstants& constants,
                         const RowsView& X, const Scaling& scaling, std::uint32_t row,
                         const Weights& weights) {
    const Range columns = read_columns();
    gather_rows(X, scaling, &row, 0, 1, h_[0] + columns.begin, padded(network_.n_inputs()),
                columns);
    forward(weights.params);
    output_delta();
    with_rule(options, constants, [&](auto rule) { backward<decltype(rule)>(constants, weights); });
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

void OnlineWorker::forward(const float* params) {
    for (Index l = 0; l < network_.n_layers(); ++l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = network_.layers()[i];
        Columns columns{0, whole_lines(layer.fan_out)};
        if (layer.fan_in_is_wide) {
            contract_columns(l, params);
        } else {
            expand_columns(l, params);
            columns = own_columns(layer.n_cols);
        }
        float* z = h_[i + 1];
        with_activation(layer.activation, [&](auto f) {
            for (Index o = columns.begin; o < columns.end; o += kLanes<float>) {
                store(z + o, f.forward(load(z + o)));
            }
        });
        zero_padding(1, layer.fan_out, z, 0);
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

void OnlineWorker::output_delta() {
    const Layer& last = network_.layers().back();
    const float* x = h_.front();
    const float* y = h_.back();
    float* delta = delta_.back();
    const bool partial = !last.fan_in_is_wide;
    with_activation(last.activation, [&](auto f) {
        for (int part = 0; part < kParts; ++part) {
            const bool own = part >= first_part_ && part < end_part_;
            if (partial && !own) continue;
            const Columns c = column_part(last.fan_out, part);
            Vec<float> total{};
            for (Index o = c.begin; o < c.end; o += kLanes<float>) {
                const Vec<float> h = load(y + o);
                const Vec<float> e = h - load(x + o);
                total += e * e;
                store(delta + o, e * f.derivative(h));
            }
            if (own) squared_error_[part] += static_cast<double>(sum<float>(total));
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
        if (layer.fan_in_is_wide && from_above) share_columns(delta_[i + 1], layer.fan_out);
        update_layer<Rule>(constants, l, weights);
        update_biases<Rule>(constants, l, weights);
        if (l == 0) continue;
        float* delta = delta_[i];
        const float* h = h_[i];
        Columns columns{0, whole_lines(layer.fan_in)};
        if (layer.fan_in_is_wide) {
            columns = own_columns(layer.fan_in);
        } else {
            sum_parts(delta, layer.fan_in);
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
