#include "fastae/parted.hpp"

#include <algorithm>

namespace fastae {

namespace {

constexpr Index kColumnsPerPart = 64;  ///< fewer are not worth a thread

/// n parameters, and their state, from one place in one buffer to another in another.
void copy_stretch(const Weights& from, Index from_at, const Weights& to, Index to_at, Index n,
                  int n_slots) {
    std::copy_n(from.params + from_at, n, to.params + to_at);
    for (int s = 0; s < n_slots; ++s) {
        std::copy_n(from.slots + s * from.slot_stride + from_at, n,
                    to.slots + s * to.slot_stride + to_at);
    }
}

}  // namespace

Columns column_part(Index width, int part) {
    const Index lines = whole_lines(width) / kPad;
    const Index parts = width >= 4 * kColumnsPerPart ? 4 : width >= 2 * kColumnsPerPart ? 2 : 1;
    const Index step = kParts / parts;
    const Index begin = (part + step - 1) / step;
    const Index end = part % step == 0 ? begin + 1 : begin;
    return {lines * begin / parts * kPad, lines * end / parts * kPad};
}

PartedLayout::PartedLayout(const Network& network)
    : network_(network), blocks_(static_cast<std::size_t>(network.n_layers() * kParts)) {
    for (int part = 0; part < kParts; ++part) {
        const Index begin = size_;
        for (Index l = 0; l < network.n_layers(); ++l) {
            const Layer& layer = network.layers()[static_cast<std::size_t>(l)];
            Block& block = blocks_[static_cast<std::size_t>(l * kParts + part)];
            block.columns = column_part(layer.n_cols, part);
            block.stride = padded(block.columns.count());
            block.weight_offset = size_;
            size_ += layer.n_rows * block.stride;
            block.bias_offset = size_;
            if (!layer.fan_in_is_wide) size_ += block.columns.count();
            if (layer.fan_in_is_wide && part == 0) size_ += whole_lines(layer.fan_out);
        }
        if (size_ > begin) size_ += kPage;
    }
    for (const int groups : {2, 4}) {
        Index divided = 0;
        for (const Layer& layer : network.layers()) {
            if (layer.n_cols >= groups * kColumnsPerPart) divided += layer.fan_in * layer.fan_out;
        }
        if (divided * 10 >= network.n_weights() * 9) column_groups_ = groups;
    }
}

/// Calls copy(offset in the network's layout, offset here, floats) for every stretch of both.
template <class Copy>
void PartedLayout::for_each_row(Copy&& copy) const {
    for (Index l = 0; l < network_.n_layers(); ++l) {
        const Layer& layer = network_.layers()[static_cast<std::size_t>(l)];
        for (int part = 0; part < kParts; ++part) {
            const Block& at = block(l, part);
            const Index n = at.columns.count();
            if (n == 0) continue;
            for (Index r = 0; r < layer.n_rows; ++r) {
                copy(layer.weight_offset + r * layer.stride + at.columns.begin,
                     at.weight_offset + r * at.stride, n);
            }
            if (!layer.fan_in_is_wide) {
                copy(layer.bias_offset + at.columns.begin, at.bias_offset, n);
            } else if (part == 0) {
                copy(layer.bias_offset, at.bias_offset, whole_lines(layer.fan_out));
            }
        }
    }
}

void PartedLayout::pack(const Weights& from, const Weights& to, int n_slots) const {
    for_each_row(
        [&](Index there, Index here, Index n) { copy_stretch(from, there, to, here, n, n_slots); });
}

void PartedLayout::unpack(const Weights& from, const Weights& to, int n_slots) const {
    for_each_row(
        [&](Index there, Index here, Index n) { copy_stretch(from, here, to, there, n, n_slots); });
}

}  // namespace fastae
