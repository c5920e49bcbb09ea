#pragma once

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fastae/factors.hpp"
#include "fastae/network.hpp"
#include "fastae/scratch.hpp"
#include "values.hpp"

namespace fastae::saved {

/// A column of the user's table; of a factor there is more to say.
struct Column {
    bool is_factor = false;
    std::vector<std::string> levels;  ///< but for a last one of missing values
    std::map<std::string, std::int32_t, std::less<>> codes;  ///< of levels that values can have
    std::int32_t missing_code = -1;                          ///< what NaN is
    std::int32_t unknown_code = -1;  ///< what levels are that training has not seen

    Index n_levels() const {
        return static_cast<Index>(levels.size()) + (missing_code >= 0 ? 1 : 0);
    }
};

/// What scoring needs of a fitted autoencoder, in which everything fits together.
struct Fitted {
    std::vector<std::string> names;  ///< of columns; empty if there are none
    std::vector<Column> columns;     ///< of the user's table
    std::vector<Index> numbers;      ///< positions of the numbers that the network sees
    std::vector<Index> factor_columns;
    std::vector<std::pair<Index, double>> dropped;  ///< positions of other numbers, their constants
    std::optional<Factors> factors;

    std::vector<Index> widths;
    std::vector<Activation> activations;
    AlignedBuffer<float> params;  ///< in the layout of Network(widths, activations)
    std::vector<double> shift, scale;
    double limit = std::numeric_limits<double>::infinity();
    Missing missing = Missing::kNone;
    double offset = 0;
};

/// Reads the file of a saved model. Throws Damage or Refusal.
Fitted read_fitted(const Archive& archive);

// Its parts, from the attributes of the estimator, in this order.

/// Sets widths, activations and params.
void read_network(const Values& attributes, Fitted& out);
/// Sets what is said of columns, and factors.
void read_columns(const Values& attributes, Fitted& out);

}  // namespace fastae::saved
