#pragma once

// Random numbers by place. The number for (seed, epoch, row, layer, column) is a hash of these
// five, so it does not depend on which thread asks for it, in which order, or in which mini-batch.

#include "fastae/rng.hpp"
#include "fastae/vmath.hpp"

namespace fastae {

/// Stands for (seed, epoch, row, layer).
struct NoiseKey {
    std::uint32_t first, second;
};

/// One epoch's noise.
struct Noise {
    std::uint64_t seed = 0;
    std::uint64_t epoch = 0;

    NoiseKey key(std::uint32_t row, Index layer) const {
        const auto place = static_cast<std::uint64_t>(layer + 1) * 0xD1342543DE82EF95u;
        Rng rng(seed ^ place, (epoch << 32) + row);
        const std::uint64_t bits = rng.next();
        return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
    }
};

namespace detail {

/// Bijective; every bit of x changes every bit of the result with probability close to 1/2 (the
/// constants are of the search by C. Wellons, "Prospecting for Hash Functions", 2018).
inline UintVec mix(UintVec x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

}  // namespace detail

/// 32 random bits each for columns column, column + 1, ...; streams 0, 1, ... are independent.
inline UintVec random_bits(NoiseKey key, Index column, std::uint32_t stream = 0) {
    UintVec x;
    for (int i = 0; i < kLanes<float>; ++i) x[i] = static_cast<std::uint32_t>(i);
    x += static_cast<std::uint32_t>(column) + stream * 0x9E3779B9u;
    return detail::mix(detail::mix(x * 0x9E3779B1u + key.first) + key.second);
}

/// Uniform in (0, 1): multiples of 2^-23 and half of one.
inline Vec<float> random_uniform(NoiseKey key, Index column, std::uint32_t stream = 0) {
    const UintVec bits = random_bits(key, column, stream) >> 9;
    return __builtin_convertvector((IntVec<float>)bits, Vec<float>) * 0x1p-23f + 0x1p-24f;
}

/// Standard normal (Box & Muller 1958).
inline Vec<float> random_normal(NoiseKey key, Index column) {
    const Vec<float> radius = sqrt(log(random_uniform(key, column, 0)) * -2.0f);
    return radius * cos_turns(random_uniform(key, column, 1));
}

/// Dropout (Srivastava et al. 2014), "inverted": a unit is 0 with probability p, and else
/// 1 / (1 - p) times as large, so that its expectation is what it is without dropout.
class Dropout {
  public:
    explicit Dropout(double p)
        : p_(p), threshold_(static_cast<std::uint32_t>(p * 0x1p32)), kept_(1 / (1 - p)) {}

    bool active() const { return p_ > 0; }
    /// 1 - p: takes a unit that was kept back to what it was.
    float undo() const { return static_cast<float>(1 - p_); }
    /// What units column, column + 1, ... are multiplied by.
    Vec<float> factors(NoiseKey key, Index column) const {
        const UintVec bits = random_bits(key, column);
        return bits >= UintVec{} + threshold_ ? splat(static_cast<float>(kept_)) : Vec<float>{};
    }

  private:
    double p_;
    std::uint32_t threshold_;
    double kept_;
};

}  // namespace fastae
