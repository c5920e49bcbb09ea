#include "fastae/side_layers.hpp"

#include "fastae/factor_layers.hpp"

namespace fastae {

std::unique_ptr<SideLayers> side_layers(const SplitNetwork* split, const TrainingTable& table,
                                        const Objective& objective, Index batch_size, int team) {
    if (!split) return nullptr;
    return std::make_unique<FactorLayers>(*split, objective, *table.factors, batch_size, team);
}

}  // namespace fastae
