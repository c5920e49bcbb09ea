#include "fastae/minibatch.hpp"

#include <algorithm>

namespace fastae {

namespace {

/// Rows of weights per task: small enough to balance 16 threads on one narrow layer.
constexpr Index kTaskRows = kOuterRows * 5;

}  // namespace

MiniBatch::MiniBatch(const Network& network, Index batch_size, int team)
    : network_(network),
      batch_size_(batch_size),
      team_(team),
      squared_error_(static_cast<std::size_t>(kParts * batch_size)) {
    Index size = 0;
    std::vector<Index> h_at, delta_at;
    const auto take = [&](Index floats) {
        size += floats;
        return size - floats;
    };
    for (Index l = 0; l <= network.n_layers(); ++l) {
        strides_.push_back(padded(network.width(l)));
        h_at.push_back(take(batch_size * strides_.back()));
        const bool hidden = l > 0 && l < network.n_layers();
        delta_at.push_back(take(hidden ? batch_size * strides_.back() : 0));
    }
    for (const Layer& layer : network.layers()) {
        part_stride_ = std::max(part_stride_, padded(layer.n_rows));
    }
    const Index part_sums_at = take(kParts * batch_size * part_stride_);
    memory_ = AlignedBuffer<float>(size);
    part_sums_ = memory_.data() + part_sums_at;
    for (const Index at : h_at) h_.push_back(memory_.data() + at);
    for (const Index at : delta_at) delta_.push_back(memory_.data() + at);

    Index cost = 0;
    const auto add = [&](Task task, Index weights) {
        task.cost_before = cost;
        cost += weights;
        tasks_.push_back(task);
    };
    for (int part = 0; part < kParts; ++part) {
        for (Index l = 0; l < network.n_layers(); ++l) {
            const Layer& layer = network.layers()[static_cast<std::size_t>(l)];
            const Columns columns = part_columns(layer.n_cols, part);
            for (Index c = columns.begin; c < columns.end; c += kPanel<float>) {
                const Columns panel{c, std::min(c + kPanel<float>, columns.end)};
                for (Index r = 0; r < layer.n_rows; r += kTaskRows) {
                    const Index rows = std::min(kTaskRows, layer.n_rows - r);
                    add({l, r, rows, panel, 0}, rows * panel.count());
                }
            }
            if (part == 0) add({l, 0, 0, {0, 0}, 0}, layer.fan_out);
        }
    }
}

Columns MiniBatch::own_columns(const Share& share, Index width) const {
    return {part_columns(width, share.part_begin).begin,
            part_columns(width, share.part_end - 1).end};
}

MiniBatch::Share MiniBatch::share_of(int thread, Index n) const {
    Share share{0, kParts, split(n, thread, team_), split(n, thread, team_)};
    if (team_ % kParts == 0) {
        const int per_part = team_ / kParts;
        share.part_begin = thread / per_part;
        share.part_end = share.part_begin + 1;
        share.rows = split(n, thread % per_part, per_part);
    }
    return share;
}

void MiniBatch::written(Share& share, bool by_rows) const {
    share.by_rows = by_rows;
    share.pending = true;
}

/// Before a thread reads all columns of its rows.
void MiniBatch::need_all(Share& share) {
    if (share.pending) wait();
    share.pending = false;
}

/// Before a thread reads its own columns of its rows.
void MiniBatch::need_own_columns(Share& share) {
    if (share.by_rows) need_all(share);
}

void MiniBatch::forward_backward(int thread, const float* params, const RowsView& X,
                                 const Scaling& scaling, const std::uint32_t* order, Index n) {
    Share share = share_of(thread, n);
    const Columns columns = own_columns(share, X.n_cols);
    gather_rows(X, scaling, order + share.rows.begin, 0, share.rows.end - share.rows.begin,
                h(0, share.rows.begin), strides_[0],
                {columns.begin, std::min(columns.end, X.n_cols)});
    written(share, false);
    forward(share, params);
    backward(share, params, n);
    need_all(share);
}

void MiniBatch::forward(Share& share, const float* params) {
    for (Index l = 0; l < network_.n_layers(); ++l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = network_.layers()[i];
        const bool last = l + 1 == network_.n_layers();
        const float* bias = params + layer.bias_offset;
        if (!layer.fan_in_is_wide) {
            need_all(share);
            expand_columns(share, layer, params, h_[i], strides_[i], bias, h_[i + 1],
                           strides_[i + 1]);
            written(share, false);
        } else {
            need_own_columns(share);
            contract_parts(share, layer, params, h_[i], strides_[i]);
            for (Index b = share.finished_rows.begin; b < share.finished_rows.end; ++b) {
                const float* sums = add_parts(layer, b);
                float* z = h(l + 1, b);
                for (Index o = 0; o < layer.fan_out; o += kLanes<float>) {
                    store(z + o, load(sums + o) + load(bias + o));
                }
            }
            written(share, true);
        }
        if (last) continue;  // its activation is taken together with the error
        const Columns columns = share.by_rows ? Columns{0, whole_lines(layer.fan_out)}
                                              : own_columns(share, layer.fan_out);
        const Range rows = share.by_rows ? share.finished_rows : share.rows;
        with_activation(layer.activation, [&](auto f) {
            for (Index b = rows.begin; b < rows.end; ++b) {
                float* row = h(l + 1, b);
                for (Index o = columns.begin; o < columns.end; o += kLanes<float>) {
                    store(row + o, f.forward(load(row + o)));
                }
            }
        });
        if (columns.count() > 0 && columns.end >= layer.fan_out) {
            zero_padding(rows.end - rows.begin, layer.fan_out, h(l + 1, rows.begin),
                         strides_[i + 1]);
        }
    }
}

void MiniBatch::backward(Share& share, const float* params, Index n) {
    // The inputs, which the error is measured against, were gathered by parts.
    if (share.by_rows && team_ > 1) need_all(share);
    output_delta(share, share.by_rows, 1.0f / static_cast<float>(n));
    written(share, share.by_rows);
    for (Index l = network_.n_layers() - 1; l > 0; --l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = network_.layers()[i];
        const bool by_rows = !layer.fan_in_is_wide;
        if (by_rows) {
            need_own_columns(share);
            contract_parts(share, layer, params, delta(l + 1, 0), strides_[i + 1]);
            for (Index b = share.finished_rows.begin; b < share.finished_rows.end; ++b) {
                std::copy_n(add_parts(layer, b), layer.fan_in, delta(l, b));
            }
        } else {
            need_all(share);
            expand_columns(share, layer, params, delta(l + 1, 0), strides_[i + 1], nullptr,
                           delta(l, 0), strides_[i]);
        }
        const Range rows = by_rows ? share.finished_rows : share.rows;
        const Columns columns =
            by_rows ? Columns{0, whole_lines(layer.fan_in)} : own_columns(share, layer.fan_in);
        with_activation(network_.layers()[i - 1].activation, [&](auto f) {
            for (Index b = rows.begin; b < rows.end; ++b) {
                float* d = delta(l, b);
                for (Index j = columns.begin; j < columns.end; j += kLanes<float>) {
                    store(d + j, load(d + j) * f.derivative(load(h(l, b) + j)));
                }
            }
        });
        written(share, by_rows);
    }
}

/// out[rows, own columns] = init + in[rows, :] W[:, own columns].
void MiniBatch::expand_columns(Share& share, const Layer& layer, const float* params,
                               const float* in, Index in_stride, const float* init, float* out,
                               Index out_stride) {
    const Columns c = own_columns(share, layer.n_cols);
    const Index begin = share.rows.begin;
    expand(share.rows.end - begin, layer.n_rows, c.count(), in + begin * in_stride, in_stride,
           params + layer.weight_offset + c.begin, layer.stride, init ? init + c.begin : nullptr,
           out + begin * out_stride + c.begin, out_stride);
}

/// part_sums[own parts, rows] = in[rows, columns of the part] W^T; returns when all parts of
/// finished_rows are there.
void MiniBatch::contract_parts(Share& share, const Layer& layer, const float* params,
                               const float* in, Index in_stride) {
    const Index begin = share.rows.begin;
    for (int part = share.part_begin; part < share.part_end; ++part) {
        const Columns c = part_columns(layer.n_cols, part);
        contract(share.rows.end - begin, layer.n_rows, c.count(), in + begin * in_stride + c.begin,
                 in_stride, params + layer.weight_offset + c.begin, layer.stride,
                 part_sums(part, begin), part_stride_);
    }
    wait();
    share.pending = false;
}

/// Adds the parts of one row up in the first one's place.
const float* MiniBatch::add_parts(const Layer& layer, Index row) {
    float* sums = part_sums(0, row);
    for (int part = 1; part < kParts; ++part) {
        if (part_columns(layer.n_cols, part).count() == 0) break;
        const float* more = part_sums(part, row);
        for (Index i = 0; i < layer.n_rows; i += kLanes<float>) {
            store(sums + i, load(sums + i) + load(more + i));
        }
    }
    return sums;
}

void MiniBatch::output_delta(Share& share, bool by_rows, float row_weight) {
    const Range rows = by_rows ? share.finished_rows : share.rows;
    const int part_begin = by_rows ? 0 : share.part_begin;
    const int part_end = by_rows ? kParts : share.part_end;
    for (int part = part_begin; part < part_end; ++part) {
        output_delta_rows(rows, part, row_weight);
    }
}

void MiniBatch::output_delta_rows(Range rows, int part, float row_weight) {
    const Index L = network_.n_layers();
    const Index d = network_.n_outputs();
    const Columns columns = part_columns(d, part);
    const Index end = std::min(columns.end, d);
    const Index whole =
        columns.begin + std::max<Index>(0, end - columns.begin) / kLanes<float> * kLanes<float>;
    with_activation(network_.layers().back().activation, [&](auto f) {
        for (Index b = rows.begin; b < rows.end; ++b) {
            float* z = h(L, b);
            const float* x = h(0, b);
            Vec<float> total{};
            const auto step = [&](Index j) {
                const Vec<float> y = f.forward(load(z + j));
                const Vec<float> e = y - load(x + j);
                store(z + j, (e * f.derivative(y)) * row_weight);
                return e * e;
            };
            for (Index j = columns.begin; j < whole; j += kLanes<float>) total += step(j);
            if (whole < end) {  // activation(0) in the padding is no error
                float squares[kLanes<float>];
                store(squares, step(whole));
                std::fill(squares + (end - whole), squares + kLanes<float>, 0.0f);
                total += load(squares);
            }
            squared_error_[static_cast<std::size_t>(part * batch_size_ + b)] =
                static_cast<double>(sum<float>(total));
        }
    });
    if (columns.count() > 0 && columns.end >= d) {
        zero_padding(rows.end - rows.begin, d, h(L, rows.begin), strides_.back());
    }
}

double MiniBatch::squared_error(Index n) const {
    double total = 0;
    for (Index b = 0; b < n; ++b) {
        for (int part = 0; part < kParts; ++part) {
            total += squared_error_[static_cast<std::size_t>(part * batch_size_ + b)];
        }
    }
    return total;
}

Range MiniBatch::tasks_of(int thread) const {
    const Index total = tasks_.back().cost_before + 1;
    const auto first_at = [&](int t) {
        const auto at =
            std::lower_bound(tasks_.begin(), tasks_.end(), total * t / team_,
                             [](const Task& task, Index cost) { return task.cost_before < cost; });
        return static_cast<Index>(at - tasks_.begin());
    };
    return {thread == 0 ? 0 : first_at(thread),
            thread + 1 == team_ ? static_cast<Index>(tasks_.size()) : first_at(thread + 1)};
}

void MiniBatch::apply_gradient(int thread, const SolverOptions& options,
                               const StepConstants& constants, Index n, const Weights& weights) {
    with_rule(options, [&](auto rule) {
        apply_tasks<decltype(rule)>(constants, n, tasks_of(thread), weights);
    });
    wait();
}

template <class Rule>
void MiniBatch::apply_tasks(const StepConstants& constants, Index n, Range range,
                            const Weights& weights) {
    for (Index t = range.begin; t < range.end; ++t) {
        const Task& task = tasks_[static_cast<std::size_t>(t)];
        if (task.n_rows > 0) {
            update_weights<Rule>(constants, n, task, weights);
        } else {
            update_biases<Rule>(constants, n, task.layer, weights);
        }
    }
}

template <class Rule>
void MiniBatch::update_weights(const StepConstants& constants, Index n, const Task& task,
                               const Weights& weights) const {
    const auto l = static_cast<std::size_t>(task.layer);
    const Layer& layer = network_.layers()[l];
    const float* below = h(task.layer, 0);
    const float* above = delta(task.layer + 1, 0);
    const float* narrow = layer.fan_in_is_wide ? above : below;
    const float* wide = (layer.fan_in_is_wide ? below : above) + task.columns.begin;
    const Index narrow_stride = strides_[layer.fan_in_is_wide ? l + 1 : l];
    const Index wide_stride = strides_[layer.fan_in_is_wide ? l : l + 1];
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    alignas(64) float gradient[kOuterRows * kPanel<float>];
    for (Index r = task.row; r < task.row + task.n_rows; r += kOuterRows) {
        const int rows = static_cast<int>(std::min<Index>(kOuterRows, task.row + task.n_rows - r));
        gradient_tile(n, rows, task.columns.count(), narrow + r, narrow_stride, wide, wide_stride,
                      gradient);
        for (int i = 0; i < rows; ++i) {
            const Index at = layer.weight_offset + (r + i) * layer.stride + task.columns.begin;
            update_span<Rule>(constants, penalised, task.columns.count(),
                              gradient + i * kPanel<float>, weights.params + at, weights.slots + at,
                              weights.slot_stride);
        }
    }
}

template <class Rule>
void MiniBatch::update_biases(const StepConstants& constants, Index n, Index layer,
                              const Weights& weights) const {
    const Layer& shape = network_.layers()[static_cast<std::size_t>(layer)];
    for (Index o = 0; o < shape.fan_out; o += kLanes<float>) {
        Vec<float> total{};
        for (Index b = 0; b < n; ++b) total += load(delta(layer + 1, b) + o);
        alignas(64) float gradient[kLanes<float>];
        store(gradient, total);
        const Index at = shape.bias_offset + o;
        update_span<Rule>(constants, false, kLanes<float>, gradient, weights.params + at,
                          weights.slots + at, weights.slot_stride);
    }
}

}  // namespace fastae
