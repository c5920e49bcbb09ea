#pragma once

#include <cstdint>
#include <vector>

#include "fastae/types.hpp"

namespace fastae {

/// What the reconstruction of a category is: a distribution over its levels, or one number per
/// level, compared with 1 for the row's level and 0 for the others.
enum class CategoricalLoss { kCrossEntropy, kSquared };

/// Columns of categories ("factors") beside the numbers of a table, and their units in a network.
///
/// Inputs of the network are [numbers | levels | unknown | missing]: of the levels and the unknown
/// one of every factor, a row activates a single unit; the missing ones, one per number, are only
/// there if marks_missing, and active where that number is NaN. Outputs are [numbers | levels |
/// targets], or targets alone if nothing is to be reconstructed.
struct Factors {
    Index n_numbers = 0;
    /// (n_factors + 1): factor f's levels are first_level[f] .. first_level[f + 1] - 1.
    std::vector<Index> first_level{0};
    /// (n_factors): its error is so many times its loss.
    std::vector<double> weights;
    CategoricalLoss loss = CategoricalLoss::kCrossEntropy;
    bool marks_missing = false;
    bool reconstructed = true;
    /// Training computes the softmax over all levels of a factor if they are at most full_levels;
    /// else over the row's own and n_sampled others (Bengio & Senecal 2008), drawn in proportion to
    /// `frequencies` (n_levels(), positive; empty: all alike) and weighted by 1 / (n_sampled *
    /// probability), so that the sum over all levels is estimated without bias.
    Index full_levels = 512;
    Index n_sampled = 256;
    std::vector<double> frequencies;

    Index n_factors() const { return static_cast<Index>(weights.size()); }
    Index n_levels() const { return first_level.back(); }
    Index n_levels(Index f) const { return first(f + 1) - first(f); }
    Index first(Index f) const { return first_level[static_cast<std::size_t>(f)]; }
    double weight(Index f) const { return weights[static_cast<std::size_t>(f)]; }
    bool is_sampled(Index f) const {
        return loss == CategoricalLoss::kCrossEntropy && n_levels(f) > full_levels;
    }
    /// Input units that are no numbers.
    Index n_input_units() const { return n_levels() + n_factors() + n_marks(); }
    Index n_marks() const { return marks_missing ? n_numbers : 0; }
    /// The unit, among these, of code c of factor f (negative: missing or unknown) ...
    Index unit(Index f, std::int32_t code) const {
        return code < 0 ? n_levels() + f : first(f) + code;
    }
    /// ... and the one that says that number j is missing.
    Index mark(Index j) const { return n_levels() + n_factors() + j; }
    /// How many errors of a row those of factor f count as in its mean.
    double n_errors(Index f) const {
        return loss == CategoricalLoss::kSquared ? static_cast<double>(n_levels(f)) : 1.0;
    }
};

/// The categories of a table: codes (n_rows, n_factors), row-major, negative where missing.
struct FactorTable {
    const Factors& factors;
    const std::int32_t* codes;

    const std::int32_t* row(Index i) const { return codes + i * factors.n_factors(); }
};

}  // namespace fastae
