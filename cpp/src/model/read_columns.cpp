#include <algorithm>
#include <cmath>

#include "fitted.hpp"

namespace fastae::saved {

namespace {

void read_levels(const Values& factor, Column& column) {
    std::vector<Json> levels = factor.at("levels").items();
    if (!levels.empty() && levels.back().is_null()) {
        levels.pop_back();
        column.missing_code = column.unknown_code = static_cast<std::int32_t>(levels.size());
    }
    for (const Json& level : levels) {
        if (!level.is_text()) {
            throw Refusal("a factor has levels that are no texts, which only Python reads");
        }
        column.levels.push_back(level.text());
    }
    std::size_t n_named = levels.size();
    if (factor.at("other").truth()) {
        require(n_named > 0, "_schema");
        column.unknown_code = static_cast<std::int32_t>(--n_named);
    }
    for (std::size_t i = 0; i < n_named; ++i) {
        column.codes.emplace(column.levels[i], static_cast<std::int32_t>(i));
    }
}

void read_schema(const Values& attributes, const Values& schema, Fitted& out) {
    const std::vector<Json> factors = schema.at("factors").items();
    std::size_t f = 0;
    for (const Json& kind : schema.at("kinds").items()) {
        Column column;
        column.is_factor = named<bool>(
            kind, "a kind of columns",
            {{"number", false}, {"datetime", false}, {"duration", false}, {"factor", true}});
        if (column.is_factor) {
            require(f < factors.size(), "_schema");
            read_levels(attributes.below(factors[f++], "dict"), column);
        }
        out.columns.push_back(std::move(column));
    }
    require(f == factors.size(), "_schema");
}

/// Columns that are all numbers: no more of them than there are arrays for.
void read_plain_columns(const Values& attributes, Index n_columns, Fitted& out) {
    Index most = out.widths.front();
    if (const std::optional<Json> kept = attributes.find("_kept")) {
        const Values constants = attributes.below(attributes.at("_constants"), "constants");
        most = attributes.array(*kept).length_as("<i8") +
               constants.array(constants.at("columns")).length_as("<i8");
    }
    require(n_columns >= 1 && n_columns <= most, "n_features_in_");
    out.columns.resize(static_cast<std::size_t>(n_columns));
}

/// Leaves the numbers out that training dropped.
void drop(const Values& attributes, Fitted& out) {
    const std::vector<Index> numbers = std::move(out.numbers);
    const auto end = static_cast<Index>(numbers.size());
    const std::vector<Index> kept = attributes.places("_kept", end);
    const Values constants = attributes.below(attributes.at("_constants"), "constants");
    const std::vector<Index> others = constants.places("columns", end);
    const std::vector<double> values = constants.doubles("values", others.size());
    require(kept.size() + others.size() == numbers.size(), "_kept");
    out.numbers.clear();
    for (const Index place : kept) {
        require(!std::binary_search(others.begin(), others.end(), place), "_kept");
        out.numbers.push_back(numbers[static_cast<std::size_t>(place)]);
    }
    for (std::size_t i = 0; i < others.size(); ++i) {
        out.dropped.emplace_back(numbers[static_cast<std::size_t>(others[i])], values[i]);
    }
}

/// Describes factors, and marks of missing numbers, to the core.
Factors read_factors(const Values& units, const Fitted& out) {
    Factors factors;
    factors.n_numbers = static_cast<Index>(out.numbers.size());
    factors.marks_missing = units.at("marks_missing").truth();
    factors.loss = named<CategoricalLoss>(units.at("loss"), "a loss of factors",
                                          {{"cross_entropy", CategoricalLoss::kCrossEntropy},
                                           {"squared_error", CategoricalLoss::kSquared}});
    for (const Json& weight : list_of(units.at("weights"))) {
        factors.weights.push_back(number_of(weight));
        require(factors.weights.back() >= 0 && std::isfinite(factors.weights.back()), "_units");
    }
    const std::vector<Json> n_levels = list_of(units.at("n_levels"));
    require(n_levels.size() == out.factor_columns.size(), "_units");
    require(factors.weights.size() == n_levels.size(), "_units");
    for (std::size_t f = 0; f < n_levels.size(); ++f) {
        const Column& column = out.columns[static_cast<std::size_t>(out.factor_columns[f])];
        require(n_levels[f].whole() == column.n_levels(), "_units");
        factors.first_level.push_back(factors.first_level.back() + column.n_levels());
    }
    require(units.at("n_numbers").whole() == factors.n_numbers, "_units");
    require(out.widths.size() > 2, "_units");  // the core's factors want a hidden layer
    require(out.widths.front() == factors.n_numbers + factors.n_input_units(), "_units");
    require(out.widths.back() == factors.n_numbers + factors.n_levels(), "_units");
    return factors;
}

/// Settles which columns the network sees, and as what.
void read_inputs(const Values& attributes, Fitted& out) {
    for (Index j = 0; j < static_cast<Index>(out.columns.size()); ++j) {
        const bool is_factor = out.columns[static_cast<std::size_t>(j)].is_factor;
        (is_factor ? out.factor_columns : out.numbers).push_back(j);
    }
    if (attributes.find("_kept")) drop(attributes, out);
    if (const std::optional<Json> units = attributes.find("_units")) {
        out.factors = read_factors(attributes.below(*units, "units"), out);
        return;
    }
    const auto n_numbers = static_cast<Index>(out.numbers.size());
    require(out.factor_columns.empty(), "_units");
    require(out.widths.front() == n_numbers && out.widths.back() == n_numbers, "_units");
}

}  // namespace

void read_columns(const Values& attributes, Fitted& out) {
    const Index n_columns = attributes.at("n_features_in_").whole();
    if (const std::optional<Json> schema = attributes.find("_schema")) {
        read_schema(attributes, attributes.below(*schema, "schema"), out);
    } else {
        read_plain_columns(attributes, n_columns, out);
    }
    require(static_cast<Index>(out.columns.size()) == n_columns, "n_features_in_");
    if (const std::optional<Json> names = attributes.find("feature_names_in_")) {
        const std::vector<Json> parts = untagged(*names, "objects").items();  // shape and values
        require(parts.size() == 2, "feature_names_in_");
        for (const Json& name : parts[1].items()) out.names.push_back(name.text());
        require(out.names.size() == out.columns.size(), "feature_names_in_");
    }
    read_inputs(attributes, out);
}

}  // namespace fastae::saved
