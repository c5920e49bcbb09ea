#pragma once

#include <algorithm>
#include <cmath>
#include <optional>

#include "bindings/arrays.hpp"
#include "bindings/options.hpp"
#include "fastae/factors.hpp"

namespace fastae::bindings {

using CodeArray = py::array_t<std::int32_t, py::array::c_style>;

inline CategoricalLoss categorical_loss_named(const std::string& name) {
    return named<CategoricalLoss>("categorical loss", name,
                                  {{"cross_entropy", CategoricalLoss::kCrossEntropy},
                                   {"squared_error", CategoricalLoss::kSquared}});
}

/// Columns of categories, as the caller describes them, checked.
inline std::optional<Factors> factors_of(const std::optional<py::dict>& described,
                                         Index n_numbers) {
    if (!described) return std::nullopt;
    Options given(*described);
    Factors factors;
    factors.n_numbers = n_numbers;
    for (const Index n : given.take<std::vector<Index>>("n_levels")) {
        require(n >= 0 && n < (Index{1} << 31), "n_levels must be from 0 to 2^31 - 1");
        factors.first_level.push_back(factors.first_level.back() + n);
    }
    factors.weights = given.take<std::vector<double>>("weights");
    require(factors.weights.size() + 1 == factors.first_level.size(),
            "weights must have one entry per factor");
    for (const double weight : factors.weights) {
        require(weight >= 0 && std::isfinite(weight), "weights must be at least 0 and finite");
    }
    factors.loss = categorical_loss_named(given.take<std::string>("loss", "cross_entropy"));
    factors.marks_missing = given.take<bool>("marks_missing", false);
    factors.reconstructed = given.take<bool>("reconstructed", true);
    factors.full_levels = given.take<Index>("full_levels", factors.full_levels);
    factors.n_sampled = given.take<Index>("n_sampled", factors.n_sampled);
    require(factors.full_levels >= 0 && factors.n_sampled >= 1,
            "full_levels must be at least 0 and n_sampled at least 1");
    factors.frequencies = given.take<std::vector<double>>("frequencies", {});
    require(factors.frequencies.empty() ||
                static_cast<Index>(factors.frequencies.size()) == factors.n_levels(),
            "frequencies must have one entry per level");
    for (const double frequency : factors.frequencies) {
        require(frequency > 0 && std::isfinite(frequency),
                "frequencies must be positive and finite");
    }
    given.expect_none_left();
    return factors;
}

/// Outputs that reconstruct something.
inline Index n_reconstructed(const Factors& factors) {
    return factors.reconstructed ? factors.n_numbers + factors.n_levels() : 0;
}

/// The network's first and last widths must be those of the factors.
inline void check_widths(const Network& network, const Factors& factors, Index n_targets) {
    require(network.n_layers() >= 2, "factors need at least one hidden layer");
    require(network.n_inputs() == factors.n_numbers + factors.n_input_units(),
            "the first width must be that of the numbers and of the factors' units");
    require(n_targets >= 0 && network.n_outputs() == n_targets + n_reconstructed(factors),
            "the last width must be that of the numbers, the levels and the targets");
}

/// Codes (n_rows, n_factors), each below its factor's number of levels.
inline const std::int32_t* checked_codes(const std::optional<CodeArray>& codes,
                                         const std::optional<Factors>& factors, Index n_rows) {
    static const std::int32_t none = 0;
    require(codes.has_value() == factors.has_value(), "codes and factors belong together");
    if (!codes) return nullptr;
    const Index n_factors = factors->n_factors();
    require(codes->ndim() == 2 && codes->shape(0) == n_rows && codes->shape(1) == n_factors,
            "codes must have one row per row of X and one column per factor");
    if (n_factors == 0) return &none;
    std::vector<std::int32_t> largest(static_cast<std::size_t>(n_factors), -1);
    const std::int32_t* data = codes->data();
    for (Index i = 0; i < n_rows; ++i) {
        for (Index f = 0; f < n_factors; ++f) {
            std::int32_t& most = largest[static_cast<std::size_t>(f)];
            most = std::max(most, data[i * n_factors + f]);
        }
    }
    for (Index f = 0; f < n_factors; ++f) {
        require(largest[static_cast<std::size_t>(f)] < factors->n_levels(f),
                "codes must be below the number of levels of their factor");
    }
    return data;
}

}  // namespace fastae::bindings
