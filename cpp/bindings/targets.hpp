#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings/factors.hpp"

namespace fastae::bindings {

using ClassArray = py::array_t<std::int32_t, py::array::c_style>;
using BoolArray = py::array_t<bool, py::array::c_style>;

/// What a network is to learn of each row beside its inputs, checked. The arrays must outlive it.
class Targets {
  public:
    ///   target         (n_rows, n_targets)  numbers, seen as (target - shift) * scale, or
    ///   classes        (n_rows)  below n_targets; negative where not known
    ///   anomalous      (n_rows)  rows that are not to be reconstructed
    Targets(const std::optional<py::array>& target, const std::optional<DoubleArray>& shift,
            const std::optional<DoubleArray>& scale, const std::optional<ClassArray>& classes,
            const std::optional<BoolArray>& anomalous, Index n_rows, const Objective& objective) {
        const Index n_targets = objective.n_targets;
        require(n_targets == 0 || (target.has_value() != classes.has_value()),
                "n_targets needs target or classes, one of them");
        require(n_targets > 0 || !(target || classes), "target and classes need n_targets");
        require(anomalous.has_value() == (objective.margin > 0), "anomalous needs margin > 0");
        require(!anomalous || n_targets == 0, "anomalous is for networks without targets");
        if (target) {
            require(shift && scale, "target needs target_shift and target_scale");
            rows_.emplace(rows_view(*target, n_targets, "target"));
            require(rows_->n_rows == n_rows, "target must have as many rows as X");
            scaling_.emplace(checked_scaling(*shift, *scale, n_targets));
            for (Index k = 0; k < n_targets; ++k) {
                require(std::isfinite(shift->data()[k]) && std::isfinite(scale->data()[k]),
                        "target_shift and target_scale must be finite");
            }
        } else {
            require(!shift && !scale, "target_shift and target_scale belong to target");
        }
        if (classes) {
            require(classes->ndim() == 1 && classes->shape(0) == n_rows,
                    "classes must have one entry per row");
            classes_ = classes->data();
            require(std::all_of(classes_, classes_ + n_rows,
                                [&](std::int32_t one) { return one < n_targets; }),
                    "classes must be below n_targets");
        }
        if (anomalous) {
            require(anomalous->ndim() == 1 && anomalous->shape(0) == n_rows,
                    "anomalous must have one entry per row");
            anomalous_ = anomalous->data();
        }
    }

    TrainingTable of_rows(const RowsView& X, const Scaling& scaling, const float* weights) const {
        TrainingTable table{X, scaling, weights};
        table.Y = rows_ ? &*rows_ : nullptr;
        table.Y_scaling = scaling_ ? &*scaling_ : nullptr;
        table.classes = classes_;
        table.anomalous = anomalous_;
        return table;
    }

  private:
    std::optional<RowsView> rows_;
    std::optional<Scaling> scaling_;
    const std::int32_t* classes_ = nullptr;
    const bool* anomalous_ = nullptr;
};

/// The outputs of a network must be what the objective speaks of.
inline void check_outputs(const Network& network, const Objective& objective,
                          const std::optional<Factors>& factors) {
    const Index n = network.n_outputs() - objective.n_targets;
    const bool fits = n == network.n_inputs() || (n == 0 && objective.n_targets > 0);
    require(objective.n_targets >= 0 && (factors || fits),
            "the last width must be n_targets, plus the first width if the inputs are to be "
            "reconstructed");
    require(!objective.classes || network.layers().back().activation == Activation::kIdentity,
            "classes need 'identity' as the last activation: the softmax is part of the loss");
}

}  // namespace fastae::bindings
