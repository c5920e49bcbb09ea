#include "fastae/sparse_layers.hpp"

#include <algorithm>
#include <cmath>

#include "fastae/kernels.hpp"
#include "fastae/parallel.hpp"

namespace fastae {

namespace {

/// Sum of a[i] * b[i] over n columns, whole lines.
float dot(const float* a, const float* b, Index n) {
    Vec<float> total{};
    for (Index i = 0; i < n; i += kLanes<float>) total += load(a + i) * load(b + i);
    return sum<float>(total);
}

/// out += a * factor, n columns, whole lines.
void add_scaled(const float* a, float factor, Index n, float* out) {
    for (Index i = 0; i < n; i += kLanes<float>) {
        store(out + i, load(out + i) + load(a + i) * factor);
    }
}

/// out (rows, width) += sum over n terms of narrow[k, i] * wide[k, j], for j from the line of the
/// diagonal on where `upper`.
void add_products(Index n, const float* narrow, Index narrow_stride, Index rows, const float* wide,
                  Index wide_stride, Index width, bool upper, float* out, Index out_stride) {
    alignas(64) float tile[kOuterRows * kPanel<float>];
    for (Index r = 0; r < rows; r += kOuterRows) {
        const Index tile_rows = std::min<Index>(kOuterRows, rows - r);
        for (Index c = upper ? r / kPad * kPad : 0, columns = 0; c < width; c += columns) {
            columns = panel_width<float>(width - c);
            gradient_tile(n, tile_rows, columns, narrow + r, narrow_stride, wide + c, wide_stride,
                          tile);
            for (Index i = 0; i < tile_rows; ++i) {
                add_scaled(tile + i * kPanel<float>, 1.0f, columns, out + (r + i) * out_stride + c);
            }
        }
    }
}

}  // namespace

bool SparseLayers::suits(const Network& network, const Objective& objective, double max_w2,
                         const RowsView& X, Index batch_size) {
    constexpr double kMostDense = 0.2;
    const double n_values = static_cast<double>(X.indptr[X.n_rows] - X.indptr[0]);
    const bool is_sparse =
        n_values <= kMostDense * static_cast<double>(X.n_rows) * static_cast<double>(X.n_cols);
    const Index width = network.width(network.n_layers() - 1);
    const bool reconstructs = network.n_outputs() > objective.n_targets;
    const bool sums_squares = objective.loss == Loss::kSquared &&
                              network.layers().back().activation == Activation::kIdentity &&
                              3 * batch_size > 2 * width;
    return network.n_layers() >= 2 && is_sparse && (sums_squares || !reconstructs) &&
           !objective.corrupts_input() && objective.missing == Missing::kNone &&
           objective.margin == 0 && std::isinf(max_w2);
}

SparseLayers::SparseLayers(const SplitNetwork& split, const Objective& objective, const RowsView& X,
                           const Scaling& scaling, Index batch_size, int team)
    : split_(split),
      objective_(objective),
      X_(X),
      scaling_(scaling),
      team_(team),
      n_features_(X.n_cols),
      width_(split.dense().width(split.dense().n_layers() - 1)),
      stride_(split.bias()),
      zeros_(static_cast<std::size_t>(X.n_cols)),
      n_entries_(static_cast<std::size_t>(batch_size)),
      weights_(static_cast<std::size_t>(batch_size)),
      row_weights_(static_cast<std::size_t>(batch_size)),
      product_((stride_ + 1) * stride_),
      by_h_(batch_size * stride_),
      h_(batch_size * stride_),
      errors_(static_cast<std::size_t>(batch_size)),
      workers_(static_cast<std::size_t>(team)) {
    for (Index i = 0; i < X.n_rows; ++i) {
        most_entries_ = std::max<Index>(most_entries_, X.indptr[i + 1] - X.indptr[i]);
    }
    entries_.resize(static_cast<std::size_t>(batch_size * most_entries_));
    RowsView nothing = X;  // a row of zeros, to be scaled
    const std::int64_t none[2] = {0, 0};
    nothing.indptr = none;
    nothing.n_rows = 1;
    gather_rows(nothing, scaling, nullptr, 0, 1, zeros_.data(), n_features_);
    has_offset_ = std::any_of(zeros_.begin(), zeros_.end(), [](float z) { return z != 0; });
    for (auto& products : products_) {
        products = AlignedBuffer<float>((stride_ + 1) * stride_ + split.input_stride() + kPage);
    }
    const Index widest = std::max(stride_, split.input_stride());
    for (Worker& worker : workers_) {
        worker.gram = AlignedBuffer<float>(stride_ * stride_);
        worker.weighted = AlignedBuffer<float>(batch_size * stride_);
        worker.gradient = AlignedBuffer<float>(kBlock * widest);
        worker.sums = AlignedBuffer<float>(widest);
        worker.first.resize(static_cast<std::size_t>(n_features_ + 2));
        worker.entries.resize(entries_.size());
    }
}

/// The features of slice s, whole blocks.
Range SparseLayers::slice(int s) const {
    const Range blocks = split((n_features_ + kBlock - 1) / kBlock, s, kSlices);
    return {std::min(blocks.begin * kBlock, n_features_),
            std::min(blocks.end * kBlock, n_features_)};
}

void SparseLayers::gather(int thread, const Batch& batch, const Weights& weights) {
    const Range own = split(batch.n, thread, team_);
    const double by_reconstruction =
        objective_.n_targets > 0 ? objective_.reconstruction_weight : 1.0;
    for (Index b = own.begin; b < own.end; ++b) {
        const auto row = static_cast<Index>(batch.order[b]);
        const auto i = static_cast<std::size_t>(b);
        SparseEntry* out = entries_.data() + b * most_entries_;
        gather_entries(X_, scaling_, row, out);
        n_entries_[i] = X_.indptr[row + 1] - X_.indptr[row];
        for (Index k = 0; k < n_entries_[i]; ++k) {
            out[k].value -= zeros_[static_cast<std::size_t>(out[k].column)];
        }
        row_weights_[i] = batch.weight(b);
        weights_[i] = batch.mean_weight(b) * static_cast<float>(by_reconstruction);
    }
    const Range slices = split(kSlices, thread, team_);
    for (Index s = slices.begin; s < slices.end; ++s) {
        multiply_slice(static_cast<int>(s), weights);
    }
}

/// What is summed over the features of one slice.
void SparseLayers::multiply_slice(int s, const Weights& weights) {
    const Range features = slice(s);
    float* out = products_[s].data();
    float* by_bias = out + stride_ * stride_;
    float* input = by_bias + stride_;
    std::fill_n(out, (stride_ + 1) * stride_ + split_.input_stride(), 0.0f);
    squares_[s] = 0;
    const Index row_stride = split_.output_stride();
    float biases[kBlock];
    for (Index j = features.begin; j < features.end; j += kBlock) {
        const Index n = std::min(kBlock, features.end - j);
        const float* z = zeros_.data() + j;
        if (has_offset_) {
            add_products(n, z, 1, 1, weights.side + split_.input_row(j), split_.input_stride(),
                         split_.input_stride(), false, input, split_.input_stride());
        }
        if (split_.n_output_units() == 0) continue;
        const float* rows = weights.side + split_.output_row(j);
        for (Index k = 0; k < n; ++k) {
            biases[k] = rows[k * row_stride + split_.bias()] - z[k];
            squares_[s] += static_cast<double>(biases[k]) * static_cast<double>(biases[k]);
        }
        add_products(n, rows, row_stride, width_, rows, row_stride, stride_, true, out, stride_);
        add_products(n, biases, 1, 1, rows, row_stride, stride_, false, by_bias, stride_);
    }
}

void SparseLayers::add_inputs(Range rows, int part_begin, int part_end, const Batch&,
                              const Weights& weights, const PartMatrix& z) const {
    const Index first = (stride_ + 1) * stride_;
    for (int part = part_begin; part < part_end; ++part) {
        const Index begin = z.columns(part).begin;
        for (Index c = 0; c < z.columns(part).count(); c += kLanes<float>) {
            Vec<float> offset{};
            for (const auto& products : products_)
                offset += load(products.data() + first + begin + c);
            for (Index b = rows.begin; b < rows.end; ++b) {
                store(z.at(part, b) + c, load(z.at(part, b) + c) + offset);
            }
        }
        for (Index b = rows.begin; b < rows.end; ++b) {
            for (Index k = 0; k < n_entries_[static_cast<std::size_t>(b)]; ++k) {
                const SparseEntry entry = entries(b)[k];
                add_scaled(weights.side + split_.input_row(entry.column) + begin, entry.value,
                           z.columns(part).count(), z.at(part, b));
            }
        }
    }
}

/// Adds up the slices, and completes Q below its diagonal.
void SparseLayers::prepare_outputs(int thread, const Weights&) {
    if (split_.n_output_units() == 0) return;
    const auto total = [&](Index at) {
        float value = 0;
        for (const auto& products : products_) value += products.data()[at];
        return value;
    };
    const Range own = split(stride_ + 1, thread, team_);
    for (Index r = own.begin; r < own.end; ++r) {
        for (Index c = 0; c < stride_; ++c) {
            const bool mirrored = r < stride_ && c < r;
            product_.data()[r * stride_ + c] = total(mirrored ? c * stride_ + r : r * stride_ + c);
        }
    }
}

void SparseLayers::copy_row(const PartMatrix& matrix, Index row, float* out) const {
    for (int part = 0; part < kParts; ++part) {
        std::copy_n(matrix.at(part, row), matrix.columns(part).count(),
                    out + matrix.columns(part).begin);
    }
}

void SparseLayers::differentiate(int thread, const Batch& batch, const Weights& weights,
                                 const PartMatrix& h) {
    const Range own = split(batch.n, thread, team_);
    std::fill(errors_.begin() + own.begin, errors_.begin() + own.end, 0.0);
    if (split_.n_output_units() == 0) return;
    for (Index b = own.begin; b < own.end; ++b) copy_row(h, b, h_.data() + b * stride_);
    const Stretch<float> rows{h_.data() + own.begin * stride_, stride_, width_};
    expand(own.end - own.begin, &rows, 1, stride_, product_.data(), stride_,
           product_.data() + stride_ * stride_, by_h_.data() + own.begin * stride_, stride_);
    for (Index b = own.begin; b < own.end; ++b) {
        const auto i = static_cast<std::size_t>(b);
        errors_[i] =
            static_cast<double>(row_weights_[i]) *
            row_error(b, weights_[i], weights, h_.data() + b * stride_, by_h_.data() + b * stride_);
    }
}

/// by_h: Q h + D^T c', to become the derivative; returns the squared error.
double SparseLayers::row_error(Index row, float weight, const Weights& weights, const float* h,
                               float* by_h) const {
    const float* by_bias = product_.data() + stride_ * stride_;
    double error =
        static_cast<double>(dot(by_h, h, stride_)) + static_cast<double>(dot(by_bias, h, stride_));
    for (const double squares : squares_) error += squares;
    for (Index k = 0; k < n_entries_[static_cast<std::size_t>(row)]; ++k) {
        const SparseEntry entry = entries(row)[k];
        const float* w = weights.side + split_.output_row(entry.column);
        const auto s = static_cast<double>(entry.value);
        const float output = dot(w, h, stride_) + w[split_.bias()];
        const float offset = zeros_[static_cast<std::size_t>(entry.column)];
        error += s * (s - 2 * static_cast<double>(output - offset));
        add_scaled(w, -entry.value, stride_, by_h);
    }
    for (Index i = 0; i < stride_; ++i) by_h[i] *= weight;
    return std::max(error, 0.0);
}

void SparseLayers::add_deltas(Range rows, int part_begin, int part_end,
                              const PartMatrix& delta) const {
    if (split_.n_output_units() == 0) return;
    for (Index b = rows.begin; b < rows.end; ++b) {
        for (int part = part_begin; part < part_end; ++part) {
            add_scaled(by_h_.data() + b * stride_ + delta.columns(part).begin, 1.0f,
                       delta.columns(part).count(), delta.at(part, b));
        }
    }
}

void SparseLayers::update(int thread, const SolverOptions& options, const StepConstants& constants,
                          Index n, const Weights& weights, const PartMatrix& h,
                          const PartMatrix& delta) {
    const Index last = split_.dense().n_layers() - 1;
    const bool outputs = split_.n_output_units() > 0 && options.trains(last, constants.steps_done);
    const bool inputs = options.trains(0, constants.steps_done);
    if (!outputs && !inputs) return;
    Worker& worker = workers_[static_cast<std::size_t>(thread)];
    const Range features = split(n_features_, thread, team_);
    sort_by_columns(worker, features, n);
    with_rule(options, constants, [&](auto rule) {
        using Rule = decltype(rule);
        if (outputs) {
            add_rows(worker, n, h);
            update_outputs<Rule>(worker, constants.of_layer(options, last), features, n, weights);
        }
        if (inputs) {
            update_inputs<Rule>(worker, constants.of_layer(options, 0), features, n, weights,
                                delta);
        }
    });
}

/// The entries of these columns, by column and row (counting sort).
void SparseLayers::sort_by_columns(Worker& worker, Range columns, Index n) const {
    const auto begin_of = [&](Index b) {
        const SparseEntry* row = entries(b);
        return std::lower_bound(row, row + n_entries_[static_cast<std::size_t>(b)], columns.begin,
                                [](const SparseEntry& e, Index j) { return e.column < j; });
    };
    const auto end = [&](Index b) { return entries(b) + n_entries_[static_cast<std::size_t>(b)]; };
    std::vector<Index>& first = worker.first;
    const auto at = [&](Index j) { return static_cast<std::size_t>(j - columns.begin); };
    std::fill_n(first.begin(), columns.end - columns.begin + 2, Index{0});
    for (Index b = 0; b < n; ++b) {
        for (const SparseEntry* e = begin_of(b); e < end(b) && e->column < columns.end; ++e) {
            ++first[at(e->column) + 2];
        }
    }
    for (Index j = columns.begin; j < columns.end; ++j) first[at(j) + 2] += first[at(j) + 1];
    for (Index b = 0; b < n; ++b) {
        for (const SparseEntry* e = begin_of(b); e < end(b) && e->column < columns.end; ++e) {
            const Index place = first[at(e->column) + 1]++;
            worker.entries[static_cast<std::size_t>(place)] = {static_cast<std::int32_t>(b),
                                                               e->value};
        }
    }
}

/// sum of w h h^T over the n rows, and sum of w h.
void SparseLayers::add_rows(Worker& worker, Index n, const PartMatrix& h) const {
    std::fill_n(worker.gram.data(), stride_ * stride_, 0.0f);
    std::fill_n(worker.sums.data(), stride_, 0.0f);
    for (Index b = 0; b < n; ++b) {
        float* weighted = worker.weighted.data() + b * stride_;
        copy_row(h, b, weighted);
        for (Index i = 0; i < stride_; ++i) weighted[i] *= weights_[static_cast<std::size_t>(b)];
        add_scaled(weighted, 1.0f, stride_, worker.sums.data());
    }
    add_products(n, worker.weighted.data(), stride_, width_, h_.data(), stride_, stride_, false,
                 worker.gram.data(), stride_);
}

template <class Rule>
void SparseLayers::update_outputs(Worker& worker, const StepConstants& constants, Range features,
                                  Index n, const Weights& weights) const {
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    const Index row_stride = split_.output_stride();
    const float* sums = worker.sums.data();
    float total = 0;
    for (Index b = 0; b < n; ++b) total += weights_[static_cast<std::size_t>(b)];
    for (Index begin = features.begin; begin < features.end; begin += kBlock) {
        const Index count = std::min(kBlock, features.end - begin);
        const Stretch<float> rows{weights.side + split_.output_row(begin), row_stride, width_};
        expand<float>(count, &rows, 1, stride_, worker.gram.data(), stride_, nullptr,
                      worker.gradient.data(), stride_);
        for (Index j = begin; j < begin + count; ++j) {
            const Index row = split_.output_row(j);
            float* gradient = worker.gradient.data() + (j - begin) * stride_;
            const float bias =
                weights.side[row + split_.bias()] - zeros_[static_cast<std::size_t>(j)];
            alignas(64) float by_bias[kLanes<float>] = {};
            by_bias[0] = dot(weights.side + row, sums, stride_) + bias * total;
            add_scaled(sums, bias, stride_, gradient);
            const auto at = static_cast<std::size_t>(j - features.begin);
            for (Index k = worker.first[at]; k < worker.first[at + 1]; ++k) {
                const SparseEntry entry = worker.entries[static_cast<std::size_t>(k)];
                const auto b = static_cast<std::size_t>(entry.column);
                by_bias[0] -= entry.value * weights_[b];
                add_scaled(worker.weighted.data() + entry.column * stride_, -entry.value, stride_,
                           gradient);
            }
            update_span<Rule>(constants, penalised, stride_, gradient, weights.side + row,
                              weights.side_slots + row, split_.side_size());
            update_span<Rule>(constants, false, kLanes<float>, by_bias,
                              weights.side + row + split_.bias(),
                              weights.side_slots + row + split_.bias(), split_.side_size());
        }
    }
}

template <class Rule>
void SparseLayers::update_inputs(Worker& worker, const StepConstants& constants, Range features,
                                 Index n, const Weights& weights, const PartMatrix& delta) const {
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    const Index width = split_.input_stride();
    float* sums = worker.sums.data();
    std::fill_n(sums, width, 0.0f);
    const auto add = [&](Index b, float factor, float* out) {
        for (int part = 0; part < kParts; ++part) {
            add_scaled(delta.at(part, b), factor, delta.columns(part).count(),
                       out + delta.columns(part).begin);
        }
    };
    for (Index b = 0; b < n; ++b) add(b, 1.0f, sums);
    for (Index j = features.begin; j < features.end; ++j) {
        float* gradient = worker.gradient.data();
        const Vec<float> zero = splat(zeros_[static_cast<std::size_t>(j)]);
        for (Index i = 0; i < width; i += kLanes<float>) store(gradient + i, load(sums + i) * zero);
        const auto at = static_cast<std::size_t>(j - features.begin);
        for (Index k = worker.first[at]; k < worker.first[at + 1]; ++k) {
            const SparseEntry entry = worker.entries[static_cast<std::size_t>(k)];
            add(entry.column, entry.value, gradient);
        }
        const Index row = split_.input_row(j);
        update_span<Rule>(constants, penalised, width, gradient, weights.side + row,
                          weights.side_slots + row, split_.side_size());
    }
}

}  // namespace fastae
