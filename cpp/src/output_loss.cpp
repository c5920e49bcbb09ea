#include "fastae/output_loss.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "fastae/activation.hpp"
#include "fastae/kernels.hpp"
#include "fastae/layer.hpp"
#include "fastae/softmax.hpp"

namespace fastae {

OutputLoss::OutputLoss(const Network& network, const Objective& objective, Index batch_size,
                       int team)
    : objective_(objective),
      activation_(network.layers().back().activation),
      n_outputs_(network.n_outputs()),
      batch_size_(batch_size),
      errors_(static_cast<std::size_t>(kParts * batch_size)) {
    if (objective.classes) {
        logits_ = AlignedBuffer<float>(team * (padded(objective.n_targets) + kPage));
    }
}

void OutputLoss::differentiate(int thread, Range rows, int part_begin, int part_end,
                               const Batch& batch, const PartMatrix& target, const PartMatrix& z,
                               SideLayers* side) {
    for (int part = part_begin; part < part_end; ++part) {
        for (Index b = rows.begin; b < rows.end; ++b) {
            const auto weight = static_cast<double>(batch.weight(b));
            Errors errors = part_of_row(batch.mean_weight(b), target.at(part, b), z.at(part, b),
                                        z.columns(part), z.used(part));
            errors.reconstruction *= weight;
            errors.targets *= weight;
            error_of(part, b) = errors;
        }
    }
    for (Index b = rows.begin; b < rows.end; ++b) {
        if (objective_.classes) {
            error_of(0, b).targets =
                static_cast<double>(batch.weight(b)) * classes(thread, b, batch, z);
        }
        if (batch.is_anomaly(b)) push_away(b, batch.weight(b), z, side);
    }
    for (int part = part_begin; part < part_end; ++part) {
        zero_padding(rows.end - rows.begin, z.used(part), z.at(part, rows.begin), z.stride(part));
    }
}

/// All columns of the part but those of a class.
Errors OutputLoss::part_of_row(float row_weight, const float* target, float* z, Columns columns,
                               Index used) const {
    if (objective_.n_targets == 0) return {elementwise(used, row_weight, target, z), 0};
    const Index split_at = std::clamp<Index>(first_target() - columns.begin, 0, used);
    const auto factor = [&](double weight) { return static_cast<float>(weight) * row_weight; };
    Errors errors;
    errors.reconstruction =
        elementwise(split_at, factor(objective_.reconstruction_weight), target, z);
    if (!objective_.classes) {
        errors.targets = elementwise(used - split_at, factor(objective_.target_weight),
                                     target + split_at, z + split_at);
    }
    return errors;
}

/// Of n columns that are compared one by one: z = derivative of the loss by z; returns the sum of
/// squared errors. Targets of NaN are not known.
double OutputLoss::elementwise(Index n, float weight, const float* target, float* z) const {
    const Index whole = n / kLanes<float> * kLanes<float>;
    const auto compute = [&](auto f, auto loss) {
        Vec<float> total{};
        const auto step = [&](const float* t, float* at) {
            const Vec<float> y = f.forward(load(at));
            const Vec<float> known = load(t);
            const Vec<float> e = known == known ? y - known : Vec<float>{};
            store(at, (loss.derivative(e) * f.derivative(y)) * weight);
            return e * e;
        };
        for (Index j = 0; j < whole; j += kLanes<float>) total += step(target + j, z + j);
        if (whole < n) {  // what lies behind is not ours
            const auto rest = static_cast<std::size_t>(n - whole);
            float t[kLanes<float>], at[kLanes<float>], squares[kLanes<float>];
            std::fill(t, t + kLanes<float>, std::numeric_limits<float>::quiet_NaN());
            std::fill(at, at + kLanes<float>, 0.0f);
            std::memcpy(t, target + whole, rest * sizeof(float));
            std::memcpy(at, z + whole, rest * sizeof(float));
            store(squares, step(t, at));
            std::memcpy(z + whole, at, rest * sizeof(float));
            total += load(squares);
        }
        return static_cast<double>(sum<float>(total));
    };
    return with_activation(activation_, [&](auto f) {
        return with_loss(objective_, [&](auto loss) { return compute(f, loss); });
    });
}

/// The columns of the class of one row: from logits to derivatives; returns the cross-entropy.
double OutputLoss::classes(int thread, Index row, const Batch& batch, const PartMatrix& z) {
    const Index n = objective_.n_targets;
    float* logits = logits_.data() + thread * (padded(n) + kPage);
    const auto for_each_stretch = [&](auto&& copy) {
        for (int part = 0; part < kParts; ++part) {
            const Index begin = z.columns(part).begin;
            const Index from = std::max(begin, first_target());
            const Index count = begin + z.used(part) - from;
            if (count > 0) {
                copy(z.at(part, row) + from - begin, logits + from - first_target(), count);
            }
        }
    };
    for_each_stretch([](float* from, float* to, Index count) { std::copy_n(from, count, to); });
    const std::int32_t target = batch.table.classes[batch.order[row]];
    const auto weight = static_cast<float>(objective_.target_weight) * batch.mean_weight(row);
    double loss = 0;
    if (target < 0) {
        std::fill_n(logits, n, 0.0f);
    } else {
        loss = softmax_delta(n, target, weight, logits);
    }
    for_each_stretch([](float* to, float* from, Index count) { std::copy_n(from, count, to); });
    return loss;
}

/// Turns the derivatives of an anomalous row around, or to 0 where its error is large enough. Its
/// error is none to be booked.
void OutputLoss::push_away(Index row, float weight, const PartMatrix& z, SideLayers* side) {
    double squared_error = side ? side->error(row) : 0.0;
    const double n_errors = static_cast<double>(first_target()) + (side ? side->n_errors() : 0.0);
    for (int part = 0; part < kParts; ++part) {
        squared_error += error_of(part, row).reconstruction;
        error_of(part, row).reconstruction = 0;
    }
    const double limit = objective_.margin * n_errors * static_cast<double>(weight);
    const Vec<float> factor = splat(squared_error < limit ? -1.0f : 0.0f);
    for (int part = 0; part < kParts; ++part) {
        float* at = z.at(part, row);
        for (Index j = 0; j < z.used(part); j += kLanes<float>)
            store(at + j, load(at + j) * factor);
    }
    if (side) side->push_away(row, factor[0]);
}

Errors OutputLoss::errors(Index n) const {
    Errors total;
    for (Index b = 0; b < n; ++b) {
        for (int part = 0; part < kParts; ++part) {
            total += errors_[static_cast<std::size_t>(part * batch_size_ + b)];
        }
    }
    return total;
}

}  // namespace fastae
