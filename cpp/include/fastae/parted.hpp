#pragma once

#include <vector>

#include "fastae/network.hpp"
#include "fastae/scratch.hpp"
#include "fastae/weights.hpp"

namespace fastae {

/// The columns of every layer's wider side are cut into at most so many fixed parts.
inline constexpr int kParts = 4;

/// Part `part` of `width` columns: four parts, or two (0 and 2) or one (0) where the columns are so
/// few that a part would not be worth a thread; the other parts are empty.
Columns column_part(Index width, int part);

/// A page of floats. Memory that different threads write lies so far apart: hardware prefetchers
/// run ahead of what a core reads up to the end of its page, and a line that one core prefetches
/// while another writes it travels to and fro (benchmarks/cpp: 6 times slower).
inline constexpr Index kPage = 1024;

/// Where training keeps the parameters: all that belongs to part 0 of any layer, then all of part
/// 1, and so on, a page apart. So threads that own parts own whole stretches of memory, which stay
/// in the caches of their cores.
///
/// Part p of a layer is n_rows rows of its columns, `stride` apart. Biases of a wider side lie with
/// the part of their columns, biases of a narrower side with part 0. Padding holds zeros, always.
class PartedLayout {
  public:
    explicit PartedLayout(const Network& network);

    struct Block {
        Columns columns;  ///< whole lines, so possibly beyond n_cols
        Index stride;
        Index weight_offset;  ///< of row 0, column columns.begin
        Index bias_offset;    ///< of the bias of column columns.begin, or (part 0) of unit 0
    };

    const Network& network() const { return network_; }
    const Block& block(Index layer, int part) const {
        return blocks_[static_cast<std::size_t>(layer * kParts + part)];
    }
    /// Over how many threads the columns of nearly all weights can be divided evenly: 4, 2 or 1.
    int column_groups() const { return column_groups_; }
    /// Floats of one buffer, whole lines.
    Index size() const { return size_; }
    /// Distance between the buffers of parameters and of the optimiser's state: more than size(),
    /// and such that equal places in two buffers never differ by whole pages, where the processor
    /// could take one for the other.
    Index slot_stride() const { return size_ / kPage * kPage + 2 * kPage + 5 * kPad; }

    /// Copies parameters and n_slots slots from the network's own layout, or back.
    void pack(const Weights& from, const Weights& to, int n_slots) const;
    void unpack(const Weights& from, const Weights& to, int n_slots) const;

  private:
    template <class Copy>
    void for_each_row(Copy&& copy) const;

    const Network& network_;
    std::vector<Block> blocks_;  ///< (n_layers, kParts)
    Index size_ = 0;
    int column_groups_ = 1;
};

/// Parameters and state in the parted layout.
class PartedWeights {
  public:
    PartedWeights(const PartedLayout& layout, int n_slots, float* averages = nullptr)
        : memory_((n_slots + 1) * layout.slot_stride()),
          weights_{memory_.data(), memory_.data() + (n_slots > 0 ? layout.slot_stride() : 0),
                   layout.slot_stride(), averages} {}

    const Weights& weights() const { return weights_; }

  private:
    AlignedBuffer<float> memory_;
    Weights weights_;
};

}  // namespace fastae
