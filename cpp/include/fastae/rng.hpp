#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace fastae {

/// SplitMix64 (Steele, Lea & Flood 2014): every output is a bijective hash of a counter, so a
/// stream can be started anywhere from (seed, stream) and gives the same numbers on every machine.
class Rng {
  public:
    Rng(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed) ^ mix(~stream)) {}

    std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15u); }

    /// Uniform in 0 .. bound - 1 (Lemire's multiplication; its bias is below bound / 2^64).
    std::uint64_t below(std::uint64_t bound) {
        return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
    }

  private:
    static std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }

    std::uint64_t state_;
};

/// Fills order with a random permutation of 0 .. order.size() - 1 that depends on seed and epoch
/// only (Fisher-Yates).
inline void shuffle_rows(std::uint64_t seed, std::uint64_t epoch,
                         std::vector<std::uint32_t>& order) {
    Rng rng(seed, epoch);
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[rng.below(i)]);
    }
}

}  // namespace fastae
