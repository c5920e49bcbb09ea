#pragma once

#include "fastae/rng.hpp"
#include "fastae/rows.hpp"

namespace fastae {

/// The order in which an epoch visits the rows of a table: those of weight 0 are left out.
class EpochOrder {
  public:
    explicit EpochOrder(const TrainingTable& table) {
        if (table.weights) rows_ = rows_that_count(table.weights, table.X.n_rows);
        order_.resize(table.weights ? rows_.size() : static_cast<std::size_t>(table.X.n_rows));
    }

    Index size() const { return static_cast<Index>(order_.size()); }
    const std::uint32_t* data() const { return order_.data(); }

    void shuffle(std::uint64_t seed, Index epoch) {
        shuffle_rows(seed, static_cast<std::uint64_t>(epoch), order_);
        if (rows_.empty()) return;
        for (std::uint32_t& row : order_) row = rows_[row];
    }

  private:
    std::vector<std::uint32_t> rows_;  ///< of weight above 0, if there are weights
    std::vector<std::uint32_t> order_;
};

}  // namespace fastae
