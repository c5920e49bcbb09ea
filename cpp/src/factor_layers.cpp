#include "fastae/factor_layers.hpp"

#include <algorithm>
#include <limits>

#include "fastae/activation.hpp"
#include "fastae/kernels.hpp"
#include "fastae/parallel.hpp"
#include "fastae/softmax.hpp"

namespace fastae {

FactorLayers::FactorLayers(const SplitNetwork& split, const Objective& objective,
                           const Factors& factors, Index batch_size, int team)
    : split_(split),
      objective_(objective),
      factors_(factors),
      team_(team),
      activation_(split.dense().layers().back().activation),
      kept_(static_cast<float>(1 / (1 - objective.input_dropout))),
      most_active_(factors.n_factors() + factors.n_marks()),
      active_(static_cast<std::size_t>(batch_size * most_active_)),
      n_active_(static_cast<std::size_t>(batch_size)),
      candidates_(factors, batch_size),
      rows_(candidates_.capacity() * split.output_stride()),
      biases_(whole_lines(candidates_.capacity())),
      logits_stride_(padded(candidates_.capacity())),
      logits_(batch_size * logits_stride_),
      h_stride_(padded(split.output_stride())),
      by_h_(batch_size * h_stride_),
      errors_(static_cast<std::size_t>(batch_size)),
      scratch_stride_(padded(std::max(candidates_.widest() + 1, split.input_stride())) + kPage),
      scratch_(team * scratch_stride_),
      touched_(static_cast<std::size_t>(team)) {
    for (auto& pairs : touched_) pairs.reserve(active_.size());
}

double FactorLayers::n_errors() const {
    double n = 0;
    for (Index f = 0; f < factors_.n_factors(); ++f) n += factors_.n_errors(f);
    return split_.n_output_units() > 0 ? n : 0.0;
}

void FactorLayers::gather(int thread, const Batch& batch, const Weights&) {
    const Range own = split(batch.n, thread, team_);
    for (Index b = own.begin; b < own.end; ++b) activate_units(b, batch);
    if (thread == 0 && split_.n_output_units() > 0) candidates_.choose(batch);
}

/// Notes the units that a row activates. Dropout switches off what a whole factor says.
void FactorLayers::activate_units(Index row, const Batch& batch) {
    const Index table_row = static_cast<Index>(batch.order[row]);
    const std::int32_t* codes = batch.table.codes + table_row * factors_.n_factors();
    const Dropout dropout(objective_.input_dropout);
    const NoiseKey key = batch.noise_key(row, 0);
    std::uint32_t* out = active_.data() + row * most_active_;
    Index n = 0;
    for (Index f = 0; f < factors_.n_factors(); ++f) {
        if (dropout.active() && dropout.factors(key, factors_.n_numbers + f)[0] == 0) continue;
        out[n++] = static_cast<std::uint32_t>(factors_.unit(f, codes[f]));
    }
    for (Index j = 0; j < factors_.n_marks(); ++j) {
        if (is_missing(batch.table.X, table_row, j)) {
            out[n++] = static_cast<std::uint32_t>(factors_.mark(j));
        }
    }
    n_active_[static_cast<std::size_t>(row)] = n;
}

void FactorLayers::add_inputs(Range rows, int part_begin, int part_end, const Batch&,
                              const Weights& weights, const PartMatrix& z) const {
    for (Index b = rows.begin; b < rows.end; ++b) {
        for (Index k = 0; k < n_active_[static_cast<std::size_t>(b)]; ++k) {
            const auto unit = static_cast<Index>(active(b)[k]);
            const float* w = weights.side + split_.input_row(unit);
            const Vec<float> factor = splat(unit_value(unit));
            for (int part = part_begin; part < part_end; ++part) {
                float* row = z.at(part, b);
                for (Index j = 0; j < z.used(part); j += kLanes<float>) {
                    const Vec<float> own = load(w + z.columns(part).begin + j);
                    store(row + j, load(row + j) + own * factor);
                }
            }
        }
    }
}

void FactorLayers::prepare_outputs(int thread, const Weights& weights) {
    if (split_.n_output_units() == 0) return;
    const Range own = split(candidates_.size(), thread, team_);
    const Index stride = split_.output_stride();
    for (Index c = own.begin; c < own.end; ++c) {
        const float* row = weights.side + split_.output_row(candidates_.level(c));
        std::copy_n(row, stride, rows_.data() + c * stride);
        biases_.data()[c] = row[split_.bias()];
    }
}

void FactorLayers::differentiate(int thread, const Batch& batch, const Weights&,
                                 const PartMatrix& h) {
    const Range own = split(batch.n, thread, team_);
    std::fill(errors_.begin() + own.begin, errors_.begin() + own.end, 0.0);
    if (split_.n_output_units() == 0) return;
    const Index n_rows = own.end - own.begin;
    const Index n = candidates_.size();
    const Index stride = split_.output_stride();
    Piece<float> pieces[kParts];
    int n_pieces = 0;
    for (int part = 0; part < (h.by_columns() ? kParts : 1); ++part) {
        const Columns columns = h.by_columns() ? h.columns(part) : Columns{0, split_.bias()};
        if (columns.count() == 0) continue;
        pieces[n_pieces++] = {h.at(part, own.begin), h.stride(part), rows_.data() + columns.begin,
                              stride, columns.count()};
    }
    contract(n_rows, n, pieces, n_pieces, logits(own.begin), logits_stride_);
    for (Index b = own.begin; b < own.end; ++b) {
        errors_[static_cast<std::size_t>(b)] =
            static_cast<double>(batch.weight(b)) * row_error(thread, b, batch);
    }
    const Stretch<float> all{logits(own.begin), logits_stride_, n};
    expand<float>(n_rows, &all, 1, split_.bias(), rows_.data(), stride, nullptr,
                  by_h_.data() + own.begin * h_stride_, h_stride_);
}

/// Turns the products of one row into derivatives; returns its errors.
double FactorLayers::row_error(int thread, Index row, const Batch& batch) {
    float* z = logits(row);
    for (Index c = 0; c < candidates_.size(); ++c) z[c] += biases_.data()[c];
    const double by_reconstruction =
        objective_.n_targets > 0 ? objective_.reconstruction_weight : 1.0;
    const auto weight = static_cast<float>(by_reconstruction) * batch.mean_weight(row);
    const std::int32_t* codes =
        batch.table.codes + static_cast<Index>(batch.order[row]) * factors_.n_factors();
    float* scratch = scratch_.data() + thread * scratch_stride_;
    double error = 0;
    for (Index f = 0; f < factors_.n_factors(); ++f) {
        const LevelCandidates::Segment& segment = candidates_.segment(f);
        float* own = z + segment.begin;
        if (codes[f] < 0) {
            std::fill_n(own, segment.n, 0.0f);
            continue;
        }
        const Index position = candidates_.position(f, codes[f]);
        const auto factor_weight = static_cast<float>(factors_.weight(f)) * weight;
        // Numbers have half of their error as loss, so factors have too.
        const double loss =
            factors_.loss == CategoricalLoss::kSquared
                ? squared_errors(factor_weight, segment.n, position, scratch, own)
                : cross_entropy(f, factor_weight / 2, segment, position, scratch, own);
        error += factors_.weight(f) * loss;
    }
    return error;
}

double FactorLayers::cross_entropy(Index f, float weight, const LevelCandidates::Segment& segment,
                                   Index own, float* scratch, float* z) const {
    if (!factors_.is_sampled(f)) {
        std::copy_n(z, segment.n, scratch);
        const double loss = softmax_delta(segment.n, own, weight, scratch);
        std::copy_n(scratch, segment.n, z);
        return loss;
    }
    // The drawn ones, weighted, but for the right answer; and the right answer.
    const float* log_weights = candidates_.log_weights(f);
    const Index n = segment.n_drawn;
    for (Index k = 0; k < n; ++k) scratch[k] = z[k] + log_weights[k];
    if (own < n) scratch[own] = -std::numeric_limits<float>::infinity();
    scratch[n] = z[own];
    const double loss = softmax_delta(n + 1, n, weight, scratch);
    std::copy_n(scratch, n, z);
    std::fill(z + n, z + segment.n, 0.0f);
    z[own] = scratch[n];
    return loss;
}

/// Like numbers, whose values are 1 for the row's own level and 0 for the others.
double FactorLayers::squared_errors(float weight, Index n, Index own, float* scratch,
                                    float* z) const {
    std::copy_n(z, n, scratch);
    const double total = with_activation(activation_, [&](auto f) {
        return with_loss(objective_, [&](auto loss) {
            Vec<float> sums{};
            for (Index k = 0; k < n; k += kLanes<float>) {
                const Vec<float> y = f.forward(load(scratch + k));
                Vec<float> e = y;
                if (own >= k && own < k + kLanes<float>) e[own - k] -= 1;
                for (Index i = n - k; i < kLanes<float>; ++i) e[i] = 0;
                store(scratch + k, loss.derivative(e) * f.derivative(y) * weight);
                sums += e * e;
            }
            return static_cast<double>(sum<float>(sums));
        });
    });
    std::copy_n(scratch, n, z);
    return total;
}

void FactorLayers::push_away(Index row, float factor) {
    errors_[static_cast<std::size_t>(row)] = 0;
    for (Index c = 0; c < candidates_.size(); ++c) logits(row)[c] *= factor;
    float* by_h = by_h_.data() + row * h_stride_;
    for (Index j = 0; j < split_.bias(); ++j) by_h[j] *= factor;
}

void FactorLayers::add_deltas(Range rows, int part_begin, int part_end,
                              const PartMatrix& delta) const {
    if (split_.n_output_units() == 0) return;
    for (Index b = rows.begin; b < rows.end; ++b) {
        const float* by_h = by_h_.data() + b * h_stride_;
        for (int part = part_begin; part < part_end; ++part) {
            float* row = delta.at(part, b);
            for (Index j = 0; j < delta.used(part); j += kLanes<float>) {
                store(row + j, load(row + j) + load(by_h + delta.columns(part).begin + j));
            }
        }
    }
}

void FactorLayers::update(int thread, const SolverOptions& options, const StepConstants& constants,
                          Index n, const Weights& weights, const PartMatrix& h,
                          const PartMatrix& delta) {
    const Index last = split_.dense().n_layers() - 1;
    with_rule(options, constants, [&](auto rule) {
        using Rule = decltype(rule);
        if (split_.n_output_units() > 0 && options.trains(last, constants.steps_done)) {
            const Range own = split(candidates_.size(), thread, team_);
            update_outputs<Rule>(constants.of_layer(options, last), own, n, weights, h);
        }
        if (options.trains(0, constants.steps_done)) {
            update_inputs<Rule>(thread, constants.of_layer(options, 0), n, weights, delta);
        }
    });
}

template <class Rule>
void FactorLayers::update_outputs(const StepConstants& constants, Range candidates, Index n,
                                  const Weights& weights, const PartMatrix& h) const {
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    const Index slot_stride = split_.side_size();
    alignas(64) float gradient[kOuterRows * kPanel<float>];
    for (Index c = candidates.begin; c < candidates.end; c += kOuterRows) {
        const Index rows = std::min<Index>(kOuterRows, candidates.end - c);
        const float* by_logits = logits_.data() + c;
        for (int part = 0; part < (h.by_columns() ? kParts : 1); ++part) {
            const Columns columns = h.by_columns() ? h.columns(part) : Columns{0, split_.bias()};
            for (Index j = 0, width = 0; j < columns.count(); j += width) {
                width = panel_width<float>(columns.count() - j);
                gradient_tile(n, rows, width, by_logits, logits_stride_, h.at(part, 0) + j,
                              h.stride(part), gradient);
                for (Index i = 0; i < rows; ++i) {
                    const Index at =
                        split_.output_row(candidates_.level(c + i)) + columns.begin + j;
                    update_span<Rule>(constants, penalised, width, gradient + i * kPanel<float>,
                                      weights.side + at, weights.side_slots + at, slot_stride);
                }
            }
        }
        for (Index i = 0; i < rows; ++i) {
            alignas(64) float sum[kLanes<float>] = {};
            for (Index b = 0; b < n; ++b) sum[0] += by_logits[b * logits_stride_ + i];
            const Index at = split_.output_row(candidates_.level(c + i)) + split_.bias();
            update_span<Rule>(constants, false, kLanes<float>, sum, weights.side + at,
                              weights.side_slots + at, slot_stride);
        }
    }
}

/// Of the units that are the thread's: every team-th one.
template <class Rule>
void FactorLayers::update_inputs(int thread, const StepConstants& constants, Index n,
                                 const Weights& weights, const PartMatrix& delta) {
    std::vector<std::uint64_t>& pairs = touched_[static_cast<std::size_t>(thread)];
    pairs.clear();
    for (Index b = 0; b < n; ++b) {
        for (Index k = 0; k < n_active_[static_cast<std::size_t>(b)]; ++k) {
            const std::uint64_t unit = active(b)[k];
            if (unit % static_cast<std::uint64_t>(team_) == static_cast<std::uint64_t>(thread)) {
                pairs.push_back(unit << 32 | static_cast<std::uint64_t>(b));
            }
        }
    }
    std::sort(pairs.begin(), pairs.end());
    const bool penalised = constants.l1 != 0 || constants.l2 != 0;
    float* gradient = scratch_.data() + thread * scratch_stride_;
    for (std::size_t i = 0; i < pairs.size();) {
        const std::uint64_t unit = pairs[i] >> 32;
        std::fill_n(gradient, split_.input_stride(), 0.0f);
        const Vec<float> factor = splat(unit_value(static_cast<Index>(unit)));
        for (; i < pairs.size() && pairs[i] >> 32 == unit; ++i) {
            const auto b = static_cast<Index>(pairs[i] & 0xffffffffu);
            for (int part = 0; part < kParts; ++part) {
                const float* row = delta.at(part, b);
                float* out = gradient + delta.columns(part).begin;
                for (Index j = 0; j < delta.used(part); j += kLanes<float>) {
                    store(out + j, load(out + j) + load(row + j) * factor);
                }
            }
        }
        const Index at = split_.input_row(static_cast<Index>(unit));
        update_span<Rule>(constants, penalised, split_.input_stride(), gradient, weights.side + at,
                          weights.side_slots + at, split_.side_size());
    }
}

}  // namespace fastae
