#include "fastae/max_norm.hpp"

#include <algorithm>

namespace fastae {

MaxNorm::MaxNorm(const PartedLayout& layout, double max_w2)
    : layout_(layout), max_w2_(static_cast<float>(max_w2)) {
    offsets_.resize(static_cast<std::size_t>(layout.network().n_layers() * kParts));
    Index size = 0;
    for (int part = 0; part < kParts; ++part) {
        for (Index l = 0; l < layout.network().n_layers(); ++l) {
            const Layer& layer = layout.network().layers()[static_cast<std::size_t>(l)];
            offsets_[static_cast<std::size_t>(l * kParts + part)] = size;
            size += layer.fan_in_is_wide ? whole_lines(layer.n_rows)
                                         : layout.block(l, part).columns.count();
        }
        size += kPage;
    }
    sums_ = AlignedBuffer<float>(size);
}

Index MaxNorm::offset(Index layer, int part) const {
    return offsets_[static_cast<std::size_t>(layer * kParts + part)];
}

void MaxNorm::add_up(int first_part, int end_part, const float* params) {
    for (Index l = 0; l < layout_.network().n_layers(); ++l) {
        const Layer& layer = layout_.network().layers()[static_cast<std::size_t>(l)];
        for (int part = first_part; part < end_part; ++part) {
            const PartedLayout::Block& block = layout_.block(l, part);
            const float* w = params + block.weight_offset;
            float* out = sums_.data() + offset(l, part);
            if (!layer.fan_in_is_wide) std::fill_n(out, block.columns.count(), 0.0f);
            for (Index r = 0; r < layer.n_rows; ++r, w += block.stride) {
                Vec<float> row{};
                for (Index c = 0; c < block.columns.count(); c += kLanes<float>) {
                    const Vec<float> v = load(w + c);
                    if (layer.fan_in_is_wide) {
                        row += v * v;  // a unit's weights are a row
                    } else {
                        store(out + c, load(out + c) + v * v);  // ... or a column
                    }
                }
                if (layer.fan_in_is_wide) out[r] = sum<float>(row);
            }
        }
    }
}

/// Over all parts, of a unit whose weights are a row.
float MaxNorm::total(Index layer, Index unit) const {
    float total = 0;
    for (int part = 0; part < kParts; ++part) total += sums_.data()[offset(layer, part) + unit];
    return total;
}

/// Exactly 1 where the sum is not too large.
Vec<float> MaxNorm::factors(Vec<float> sum) const {
    return sum > max_w2_ ? sqrt(max_w2_ / sum) : splat(1.0f);
}

void MaxNorm::limit(int first_part, int end_part, float* params, const SolverOptions& options,
                    double steps) const {
    for (Index l = 0; l < layout_.network().n_layers(); ++l) {
        if (!options.trains(l, steps)) continue;
        const Layer& layer = layout_.network().layers()[static_cast<std::size_t>(l)];
        for (int part = first_part; part < end_part; ++part) {
            const PartedLayout::Block& block = layout_.block(l, part);
            const float* columns = sums_.data() + offset(l, part);
            float* w = params + block.weight_offset;
            for (Index r = 0; r < layer.n_rows; ++r, w += block.stride) {
                Vec<float> factor = splat(1.0f);
                if (layer.fan_in_is_wide) factor = factors(splat(total(l, r)));
                for (Index c = 0; c < block.columns.count(); c += kLanes<float>) {
                    if (!layer.fan_in_is_wide) factor = factors(load(columns + c));
                    store(w + c, load(w + c) * factor);
                }
            }
        }
    }
}

}  // namespace fastae
