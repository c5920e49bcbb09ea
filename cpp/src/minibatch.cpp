#include "fastae/minibatch.hpp"

#include <algorithm>
#include <cmath>

#include "fastae/activation.hpp"
#include "fastae/kernels.hpp"
#include "fastae/layer.hpp"

namespace fastae {

namespace {

/// Weights per thread that stay in the L2 cache of its core together with the optimiser's state.
constexpr Index kCachedWeights = 100'000;

/// Fetches weights and state that are about to be updated. (Inline: as a function of its own, which
/// returns nothing and changes nothing, it would be optimised away.)
template <class Rule>
inline __attribute__((always_inline)) void prefetch(const Weights& weights, Index offset,
                                                    Index n_rows, Index stride, Index n_cols) {
    for (Index i = 0; i < n_rows; ++i) {
        for (Index c = 0; c < n_cols; c += kPad) {
            const Index at = offset + i * stride + c;
            __builtin_prefetch(weights.params + at, 1);
            for (int s = 0; s < Rule::kSlots; ++s) {
                __builtin_prefetch(weights.slots + s * weights.slot_stride + at, 1);
            }
        }
    }
}

}  // namespace

MiniBatch::MiniBatch(const PartedLayout& layout, const Objective& objective, double max_w2,
                     Index batch_size, int team, std::unique_ptr<SideLayers> side)
    : layout_(layout),
      network_(layout.network()),
      objective_(objective),
      own_target_(objective.has_own_target()),
      batch_size_(batch_size),
      team_(team),
      prefetch_(layout.size() / team > kCachedWeights),
      barrier_(team),
      output_loss_(network_, objective, batch_size, team),
      side_(std::move(side)) {
    place_matrices();
    add_tasks();
    if (objective.is_sparse()) {
        push_ = AlignedBuffer<float>(network_.hidden_offset(network_.n_layers()));
    }
    if (!std::isinf(max_w2)) max_norm_ = std::make_unique<MaxNorm>(layout, max_w2);
}

void MiniBatch::place_matrices() {
    const Index L = network_.n_layers();
    for (Index l = 0; l <= L; ++l) {
        const auto i = static_cast<std::size_t>(l);
        const Index width = network_.width(l);
        const bool expanded = l == 0 || !network_.layers()[i - 1].fan_in_is_wide;
        h_.emplace_back(batch_size_, width, expanded);
        const bool hidden = l > 0 && l < L;
        delta_.emplace_back(hidden ? batch_size_ : 0, width,
                            hidden && network_.layers()[i].fan_in_is_wide);
        if (l < L) sums_stride_ = std::max(sums_stride_, padded(network_.layers()[i].n_rows));
    }
    target_ = PartMatrix(own_target_ ? batch_size_ : 0, network_.n_outputs(), true);
    const auto for_each_matrix = [&](auto&& visit) {
        for (PartMatrix& matrix : h_) visit(matrix);
        for (PartMatrix& matrix : delta_) visit(matrix);
        visit(target_);
    };
    // First to count, then to place; parts a page apart, as in PartedLayout.
    for (const bool place : {false, true}) {
        Index size = 0;
        const auto take = [&](Index floats) {
            size += floats;
            return memory_.data() + (place ? size - floats : 0);
        };
        for (int part = 0; part < kParts; ++part) {
            for_each_matrix([&](PartMatrix& matrix) {
                float* memory = take(matrix.floats(part));
                if (place && (matrix.by_columns() || part == 0)) matrix.place(part, memory);
            });
            take(kPage);
        }
        for (float*& sums : half_sums_) {
            sums = take(batch_size_ * sums_stride_);
            take(kPage);
        }
        if (!place) memory_ = AlignedBuffer<float>(size);
    }
    delta_.back() = h_.back();
}

void MiniBatch::add_tasks() {
    Index cost = 0;
    const auto add = [&](Task task, Index weights) {
        task.cost_before = cost;
        cost += weights;
        tasks_.push_back(task);
    };
    for (int part = 0; part < kParts; ++part) {
        first_task_[part] = static_cast<Index>(tasks_.size());
        for (Index l = 0; l < network_.n_layers(); ++l) {
            const auto i = static_cast<std::size_t>(l);
            const Layer& layer = network_.layers()[i];
            const PartMatrix& narrow = layer.fan_in_is_wide ? delta_[i + 1] : h_[i];
            const Index n_columns = layout_.block(l, part).columns.count();
            for (Index c = 0, columns = 0; c < n_columns; c += columns) {
                columns = panel_width<float>(n_columns - c);
                // No task's rows lie in two parts of the narrow side.
                for (int stretch = 0; stretch < (narrow.by_columns() ? kParts : 1); ++stretch) {
                    Range rows{0, layer.n_rows};
                    if (narrow.by_columns()) {
                        rows.begin = narrow.columns(stretch).begin;
                        rows.end = rows.begin + narrow.used(stretch);
                    }
                    for (Index r = rows.begin; r < rows.end; r += kTaskRows) {
                        const Index n_rows = std::min(kTaskRows, rows.end - r);
                        add({l, part, r, n_rows, c, columns, 0}, n_rows * columns);
                    }
                }
            }
            const Index biases = !layer.fan_in_is_wide ? n_columns : part == 0 ? layer.fan_out : 0;
            if (biases > 0) add({l, part, 0, 0, 0, 0, 0}, biases);
        }
    }
    first_task_[kParts] = static_cast<Index>(tasks_.size());
}

/// Groups of parts that threads own: as many as the team can be divided over.
int MiniBatch::column_groups() const {
    int groups = layout_.column_groups();
    while (team_ % groups != 0) groups /= 2;
    return groups;
}

MiniBatch::Share MiniBatch::share_of(int thread, Index n) const {
    Share share{thread, 0, kHalves, split(n, thread, team_), split(n, thread, team_)};
    if (column_groups() > 1) {
        const int per_half = team_ / kHalves;
        share.half_begin = thread / per_half;
        share.half_end = share.half_begin + 1;
        share.rows = split(n, thread % per_half, per_half);
    }
    return share;
}

/// Before a thread reads all columns of its rows.
void MiniBatch::need_all(Share& share) {
    if (share.pending) wait(share.thread);
    share.pending = false;
}

/// Before a thread reads its own columns of its rows.
void MiniBatch::need_own_columns(Share& share) {
    if (share.by_rows) need_all(share);
}

void MiniBatch::forward_backward(int thread, const Weights& weights, const Batch& rows) {
    Share share = share_of(thread, rows.n);
    gather(share, rows);
    if (side_) side_->gather(thread, rows, weights);
    forward(share, weights, rows);
    if (objective_.is_sparse()) average_activations(share, weights.averages, rows);
    if (side_) {
        wait(thread);
        share.pending = false;
        side_->differentiate(thread, rows, weights, h_[h_.size() - 2]);
    }
    backward(share, weights, rows);
    need_all(share);
}

/// The columns of X that the thread gathers.
Range MiniBatch::gathered_columns(const Share& share) const {
    const PartMatrix& x = h_.front();
    const int last = share.part_end() - 1;
    return {x.columns(share.part_begin()).begin,
            std::min(x.columns(last).end, network_.n_inputs())};
}

void MiniBatch::gather(Share& share, const Batch& rows) {
    const PartMatrix& x = h_.front();
    share.by_rows = false;
    for (int part = share.part_begin(); part < share.part_end(); ++part) {
        const Index begin = x.columns(part).begin;
        gather_rows(rows.table.X, rows.table.scaling, rows.order + share.rows.begin, 0,
                    share.rows.end - share.rows.begin, x.at(part, share.rows.begin), x.stride(part),
                    {begin, begin + x.used(part)});
    }
    if (own_target_) gather_targets(share, rows);
    if (objective_.corrupts_input() || objective_.missing != Missing::kNone) {
        for (int part = share.part_begin(); part < share.part_end(); ++part) {
            for (Index b = share.rows.begin; b < share.rows.end; ++b) {
                spoil(rows.noise_key(b, 0), x.columns(part).begin, x.used(part), x.at(part, b));
            }
        }
    }
    share.pending = true;
}

/// Inputs of one row as the network sees them: with noise, and without NaN.
void MiniBatch::spoil(NoiseKey key, Index first, Index n, float* x) const {
    if (objective_.missing == Missing::kImputed) fill_missing(n, x);  // they are inputs like others
    if (objective_.corrupts_input()) {
        corrupt(objective_, key, first, n, x, x);
        zero_padding(1, n, x, 0);
    }
    if (objective_.missing == Missing::kIgnored) fill_missing(n, x);
}

/// Own columns of own rows of target_.
void MiniBatch::gather_targets(const Share& share, const Batch& rows) {
    const TrainingTable& table = rows.table;
    const std::uint32_t* order = rows.order + share.rows.begin;
    const Index n = share.rows.end - share.rows.begin;
    for (int part = share.part_begin(); part < share.part_end(); ++part) {
        const Index begin = target_.columns(part).begin;
        const Index end = begin + target_.used(part);
        float* out = target_.at(part, share.rows.begin);
        if (begin <
            output_loss_.first_target()) {  // as the network saw them before they were corrupted
            gather_rows(table.X, table.scaling, order, 0, n, out, target_.stride(part),
                        {begin, std::min(end, output_loss_.first_target())});
            for (Index b = 0; objective_.missing == Missing::kImputed && b < n; ++b) {
                fill_missing(target_.used(part), out + b * target_.stride(part));
            }
        }
        const Index from = std::max(begin, output_loss_.first_target());
        if (from < end && table.Y) {
            gather_rows(*table.Y, *table.Y_scaling, order, 0, n, out + from - begin,
                        target_.stride(part),
                        {from - output_loss_.first_target(), end - output_loss_.first_target()});
        }
    }
}

void MiniBatch::forward(Share& share, const Weights& weights, const Batch& rows) {
    for (Index l = 0; l < network_.n_layers(); ++l) {
        const auto i = static_cast<std::size_t>(l);
        if (network_.layers()[i].fan_in_is_wide) {
            contract_columns(share, l, weights.params, h_[i], true, h_[i + 1]);
        } else {
            expand_columns(share, l, weights.params, h_[i], true, h_[i + 1]);
        }
        if (side_ && l == 0) {  // the team has met since the rows were gathered
            side_->add_inputs(share.written_rows(), share.part_begin(), share.part_end(), rows,
                              weights, h_[1]);
            side_->prepare_outputs(share.thread, weights);
        }
        if (l + 1 == network_.n_layers()) return;  // the last is activated with the error
        activate(share, l + 1);
        drop_units(share, l + 1, h_[i + 1], rows);
    }
}

void MiniBatch::backward(Share& share, const Weights& weights, const Batch& rows) {
    // The inputs, which the error is measured against, were gathered by columns; where this thread
    // needs those of others, the last layer was contracted, which waits for all.
    output_delta(share, rows);
    share.pending = true;
    for (Index l = network_.n_layers() - 1; l > rows.first_layer; --l) {
        const auto i = static_cast<std::size_t>(l);
        if (network_.layers()[i].fan_in_is_wide) {
            expand_columns(share, l, weights.params, delta_[i + 1], false, delta_[i]);
        } else {
            contract_columns(share, l, weights.params, delta_[i + 1], false, delta_[i]);
        }
        if (side_ && l + 1 == network_.n_layers()) {  // the team has met since differentiate
            side_->add_deltas(share.written_rows(), share.part_begin(), share.part_end(),
                              delta_[i]);
        }
        if (objective_.is_sparse()) add_sparsity(share, l, rows);
        drop_units(share, l, delta_[i], rows);
        scale_by_derivative(share, l);
    }
}

/// out[rows, own columns] = in[rows, :] W[:, own columns] + bias.
void MiniBatch::expand_columns(Share& share, Index layer, const float* params, const PartMatrix& in,
                               bool with_bias, const PartMatrix& out) {
    need_all(share);
    share.by_rows = false;
    Stretch<float> stretches[kParts];
    const Index begin = share.rows.begin;
    const int n_stretches = in.stretches(begin, stretches);
    for (int part = share.part_begin(); part < share.part_end(); ++part) {
        const PartedLayout::Block& at = layout_.block(layer, part);
        expand(share.rows.end - begin, stretches, n_stretches, at.columns.count(),
               params + at.weight_offset, at.stride, with_bias ? params + at.bias_offset : nullptr,
               out.at(part, begin), out.stride(part));
    }
    share.pending = true;
}

/// out[finished rows, :] = in[these rows, :] W^T + bias, from sums over the halves of the columns.
void MiniBatch::contract_columns(Share& share, Index layer, const float* params,
                                 const PartMatrix& in, bool with_bias, const PartMatrix& out) {
    need_own_columns(share);
    const Layer& shape = network_.layers()[static_cast<std::size_t>(layer)];
    const Index begin = share.rows.begin;
    for (int half = share.half_begin; half < share.half_end; ++half) {
        Piece<float> pieces[kPartsPerHalf];
        for (int k = 0; k < kPartsPerHalf; ++k) {
            const int part = half * kPartsPerHalf + k;
            const PartedLayout::Block& at = layout_.block(layer, part);
            pieces[k] = {in.at(part, begin), in.stride(part), params + at.weight_offset, at.stride,
                         at.columns.count()};
        }
        contract(share.rows.end - begin, shape.n_rows, pieces, kPartsPerHalf,
                 half_sums(half, begin), sums_stride_);
    }
    wait(share.thread);
    const float* bias = with_bias ? params + layout_.block(layer, 0).bias_offset : nullptr;
    for (Index b = share.finished_rows.begin; b < share.finished_rows.end; ++b) {
        float* row = out.row(b);
        for (Index i = 0; i < shape.n_rows; i += kLanes<float>) {
            const Vec<float> total = load(half_sums(0, b) + i) + load(half_sums(1, b) + i);
            store(row + i, bias ? total + load(bias + i) : total);
        }
    }
    share.by_rows = true;
    zero_padding(share.finished_rows.end - share.finished_rows.begin, shape.n_rows,
                 out.row(share.finished_rows.begin), out.stride(0));
    share.pending = true;
}

/// h[layer] = activation(h[layer]), of what this thread has just written.
void MiniBatch::activate(const Share& share, Index layer) {
    const Range rows = share.written_rows();
    const auto i = static_cast<std::size_t>(layer);
    const PartMatrix& h = h_[i];
    with_activation(network_.layers()[i - 1].activation, [&](auto f) {
        for (int part = share.part_begin(); part < share.part_end(); ++part) {
            for (Index b = rows.begin; b < rows.end; ++b) {
                float* row = h.at(part, b);
                for (Index j = 0; j < h.used(part); j += kLanes<float>) {
                    store(row + j, f.forward(load(row + j)));
                }
            }
            // forward(0) need not be 0
            zero_padding(rows.end - rows.begin, h.used(part), h.at(part, rows.begin),
                         h.stride(part));
        }
    });
}

/// The dropout of layer `layer` on its activations or deltas, on what this thread has just written.
void MiniBatch::drop_units(const Share& share, Index layer, const PartMatrix& units,
                           const Batch& rows) {
    const Dropout dropout = objective_.dropout(layer);
    if (!dropout.active()) return;
    const Range written = share.written_rows();
    for (Index b = written.begin; b < written.end; ++b) {
        const NoiseKey key = rows.noise_key(b, layer);
        for (int part = share.part_begin(); part < share.part_end(); ++part) {
            float* row = units.at(part, b);
            for (Index j = 0; j < units.used(part); j += kLanes<float>) {
                const Index column = units.columns(part).begin + j;
                store(row + j, load(row + j) * dropout.factors(key, column));
            }
        }
    }
}

/// The weighted means of all hidden units over the rows, averaged with those of earlier rows, and
/// the derivative of the penalty by them. Threads share the columns of every layer.
void MiniBatch::average_activations(Share& share, float* averages, const Batch& rows) {
    wait(share.thread);
    const ActivationAverage average(objective_, rows.n, rows.samples);
    for (Index l = 1; l < network_.n_layers(); ++l) {
        const PartMatrix& h = h_[static_cast<std::size_t>(l)];
        const Index width = network_.width(l);
        const Index offset = network_.hidden_offset(l);
        const Range lines = split(whole_lines(width) / kPad, share.thread, team_);
        for (Index c = lines.begin * kPad; c < lines.end * kPad; c += kLanes<float>) {
            const int part = h.part_of(c);
            Vec<float> mean{};
            for (Index b = 0; b < rows.n; ++b) {
                mean += load(h.at(part, b) + c - h.columns(part).begin) * rows.mean_weight(b);
            }
            store(push_.data() + offset + c, average.add(mean, averages + offset + c));
        }
        if (lines.end * kPad > width) zero_padding(1, width, push_.data() + offset, 0);
    }
    wait(share.thread);
    share.pending = false;
}

/// The penalty's part of delta[layer], before the derivative of the activation.
void MiniBatch::add_sparsity(const Share& share, Index layer, const Batch& rows) {
    const Range written = share.written_rows();
    const PartMatrix& delta = delta_[static_cast<std::size_t>(layer)];
    const float* push = push_.data() + network_.hidden_offset(layer);
    for (int part = share.part_begin(); part < share.part_end(); ++part) {
        for (Index b = written.begin; b < written.end; ++b) {
            const float weight = rows.mean_weight(b);
            float* row = delta.at(part, b);
            for (Index j = 0; j < delta.used(part); j += kLanes<float>) {
                store(row + j, load(row + j) + load(push + delta.columns(part).begin + j) * weight);
            }
        }
    }
}

/// delta[layer] *= derivative of the activation that made h[layer], of what this thread has just
/// written.
void MiniBatch::scale_by_derivative(const Share& share, Index layer) {
    const Range rows = share.written_rows();
    const auto i = static_cast<std::size_t>(layer);
    const PartMatrix& h = h_[i];
    const PartMatrix& delta = delta_[i];
    // A unit that was dropped has a delta of 0 already.
    const float undo_dropout = objective_.dropout(layer).undo();
    with_activation(network_.layers()[i - 1].activation, [&](auto f) {
        for (int part = share.part_begin(); part < share.part_end(); ++part) {
            for (Index b = rows.begin; b < rows.end; ++b) {
                float* d = delta.at(part, b);
                const float* y = h.at(part, b);
                for (Index j = 0; j < delta.used(part); j += kLanes<float>) {
                    store(d + j, load(d + j) * f.derivative(load(y + j) * undo_dropout));
                }
            }
        }
    });
}

Errors MiniBatch::errors(Index n) const {
    Errors total = output_loss_.errors(n);
    for (Index b = 0; side_ && b < n; ++b) total.reconstruction += side_->error(b);
    return total;
}

/// The last layer's activation, errors and deltas, of what this thread has just written.
void MiniBatch::output_delta(Share& share, const Batch& rows) {
    if (output_loss_.needs_whole_rows(rows)) {
        need_all(share);
        share.by_rows = true;
    }
    output_loss_.differentiate(share.thread, share.written_rows(), share.part_begin(),
                               share.part_end(), rows, target(), h_.back(), side_.get());
}

/// Whole parts for as long as the team can be divided over them.
Range MiniBatch::tasks_of(int thread) const {
    const int groups = column_groups();
    const int per_group = team_ / groups;
    const int first_part = thread / per_group * (kParts / groups);
    const Range tasks{first_task_[first_part], first_task_[first_part + kParts / groups]};
    if (tasks.begin == tasks.end) return tasks;
    const auto task_at = [&](Index i) { return tasks_.begin() + i; };
    const Index low = task_at(tasks.begin)->cost_before;
    const Index cost = task_at(tasks.end - 1)->cost_before + 1 - low;
    const auto first_at = [&](int t) {
        if (t == per_group) return tasks.end;
        const auto found = std::lower_bound(
            task_at(tasks.begin), task_at(tasks.end), low + cost * t / per_group,
            [](const Task& task, Index before) { return task.cost_before < before; });
        return static_cast<Index>(found - tasks_.begin());
    };
    return {first_at(thread % per_group), first_at(thread % per_group + 1)};
}

void MiniBatch::apply_gradient(int thread, const SolverOptions& options,
                               const StepConstants& constants, Index n, const Weights& weights,
                               const NextRows& next) {
    const Range range = tasks_of(thread);
    const Index n_tasks = range.end - range.begin;
    const Share share = share_of(thread, next.n);
    const Range columns = gathered_columns(share);
    with_rule(options, constants, [&](auto rule) {
        for (Index t = 0; t < n_tasks; ++t) {
            const Range rows = split(share.rows.end - share.rows.begin, t, n_tasks);
            for (Index b = rows.begin; b < rows.end; ++b) {
                prefetch_row(*next.X, next.order[share.rows.begin + b], columns);
            }
            const Task& task = tasks_[static_cast<std::size_t>(range.begin + t)];
            if (!options.trains(task.layer, constants.steps_done)) continue;
            const StepConstants own = constants.of_layer(options, task.layer);
            if (task.n_rows > 0) {
                update_weights<decltype(rule)>(own, n, task, weights);
            } else {
                update_biases<decltype(rule)>(own, n, task, weights);
            }
        }
    });
    if (side_) {
        side_->update(thread, options, constants, n, weights, h_[h_.size() - 2], delta_[1]);
    }
    wait(thread);
    if (max_norm_) limit_norms(thread, options, constants.steps_done, weights);
}

void MiniBatch::limit_norms(int thread, const SolverOptions& options, double steps,
                            const Weights& weights) {
    const Range parts = split(kParts, thread, team_);
    max_norm_->add_up(static_cast<int>(parts.begin), static_cast<int>(parts.end), weights.params);
    wait(thread);
    max_norm_->limit(static_cast<int>(parts.begin), static_cast<int>(parts.end), weights.params,
                     options, steps);
    wait(thread);
}

template <class Rule>
void MiniBatch::update_weights(const StepConstants& constants, Index n, const Task& task,
                               const Weights& weights) const {
    const auto l = static_cast<std::size_t>(task.layer);
    const bool fan_in_is_wide = network_.layers()[l].fan_in_is_wide;
    const PartedLayout::Block& block = layout_.block(task.layer, task.part);
    const PartMatrix& wide = fan_in_is_wide ? h_[l] : delta_[l + 1];
    const PartMatrix& narrow = fan_in_is_wide ? delta_[l + 1] : h_[l];
    const int stretch = narrow.part_of(task.row);
    const float* narrow_rows = narrow.at(stretch, 0) + task.row - narrow.columns(stretch).begin;
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    alignas(64) float gradient[kOuterRows * kPanel<float>];
    for (Index r = 0; r < task.n_rows; r += kOuterRows) {
        const Index rows = std::min<Index>(kOuterRows, task.n_rows - r);
        const Index first = block.weight_offset + (task.row + r) * block.stride + task.column;
        if (prefetch_) prefetch<Rule>(weights, first, rows, block.stride, task.n_columns);
        gradient_tile(n, rows, task.n_columns, narrow_rows + r, narrow.stride(stretch),
                      wide.at(task.part, 0) + task.column, wide.stride(task.part), gradient);
        for (Index i = 0; i < rows; ++i) {
            const Index at = first + i * block.stride;
            update_span<Rule>(constants, penalised, task.n_columns, gradient + i * kPanel<float>,
                              weights.params + at, weights.slots + at, weights.slot_stride);
        }
    }
}

template <class Rule>
void MiniBatch::update_biases(const StepConstants& constants, Index n, const Task& task,
                              const Weights& weights) const {
    const auto l = static_cast<std::size_t>(task.layer);
    const PartMatrix& delta = delta_[l + 1];
    const Index bias_offset = layout_.block(task.layer, task.part).bias_offset;
    const bool all = network_.layers()[l].fan_in_is_wide;  // the narrower side's are one task
    for (int part = all ? 0 : task.part; part < (all ? kParts : task.part + 1); ++part) {
        const Index first = bias_offset + (all ? delta.columns(part).begin : 0);
        for (Index o = 0; o < delta.columns(part).count(); o += kLanes<float>) {
            Vec<float> total{};
            for (Index b = 0; b < n; ++b) total += load(delta.at(part, b) + o);
            alignas(64) float gradient[kLanes<float>];
            store(gradient, total);
            update_span<Rule>(constants, false, kLanes<float>, gradient, weights.params + first + o,
                              weights.slots + first + o, weights.slot_stride);
        }
    }
}

}  // namespace fastae
