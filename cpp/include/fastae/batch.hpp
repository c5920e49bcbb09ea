#pragma once

#include "fastae/objective.hpp"
#include "fastae/rows.hpp"

namespace fastae {

/// Rows order[0 .. n - 1] of a table, to be trained on together.
struct Batch {
    const TrainingTable& table;
    const std::uint32_t* order;
    Index n;
    Noise noise;            ///< of this epoch
    double samples;         ///< rows trained on before
    Index first_layer = 0;  ///< the lowest one that is trained: no delta is needed below

    float weight(Index row) const { return table.weight(order[row]); }
    /// In the mean over these rows.
    float mean_weight(Index row) const { return weight(row) / static_cast<float>(n); }
    /// True if the row is known to be one that the network should not be able to reconstruct.
    bool is_anomaly(Index row) const { return table.anomalous && table.anomalous[order[row]]; }
    /// Of the random numbers of row `row` of these, in the layer's units.
    NoiseKey noise_key(Index row, Index layer) const { return noise.key(order[row], layer); }
};

}  // namespace fastae
