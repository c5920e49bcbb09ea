#include "fastae/side_layers.hpp"

#include "fastae/factor_layers.hpp"
#include "fastae/sparse_layers.hpp"

namespace fastae {

std::unique_ptr<SideLayers> side_layers(const SplitNetwork* split, const TrainingTable& table,
                                        const Objective& objective, Index batch_size, int team) {
    if (!split) return nullptr;
    if (table.factors) {
        return std::make_unique<FactorLayers>(*split, objective, *table.factors, batch_size, team);
    }
    return std::make_unique<SparseLayers>(*split, objective, table.X, table.scaling, batch_size,
                                          team);
}

}  // namespace fastae
