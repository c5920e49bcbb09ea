#include "fastae/level_candidates.hpp"

#include <algorithm>
#include <cmath>

namespace fastae {

LevelCandidates::LevelCandidates(const Factors& factors, Index batch_size)
    : factors_(factors), segments_(static_cast<std::size_t>(factors.n_factors())) {
    for (Index f = 0; f < factors.n_factors(); ++f) {
        if (factors.is_sampled(f)) continue;
        const Index n = factors.n_levels(f);
        segments_[static_cast<std::size_t>(f)] = {size(), n, n};
        for (Index k = 0; k < n; ++k) levels_.push_back(factors.first(f) + k);
        widest_ = std::max(widest_, n);
    }
    first_sampled_ = capacity_ = size();
    for (Index f = 0; f < factors.n_factors(); ++f) {
        if (!factors.is_sampled(f)) continue;
        const Index n = std::min(factors.n_levels(f), factors.n_sampled + batch_size);
        capacity_ += n;
        widest_ = std::max(widest_, n);
    }
    if (capacity_ == first_sampled_) return;
    levels_.reserve(static_cast<std::size_t>(capacity_));
    log_weights_.resize(static_cast<std::size_t>(capacity_ - first_sampled_));
    draws_.resize(log_weights_.size());
    const auto n_levels = static_cast<std::size_t>(factors.n_levels());
    position_.resize(n_levels);
    seen_.resize(n_levels);
    cumulative_.resize(n_levels);
    for (Index f = 0; f < factors.n_factors(); ++f) {
        double total = 0;
        for (Index k = factors.first(f); k < factors.first(f + 1); ++k) {
            const auto i = static_cast<std::size_t>(k);
            total += factors.frequencies.empty() ? 1.0 : factors.frequencies[i];
            cumulative_[i] = total;
        }
        for (Index k = factors.first(f); k < factors.first(f + 1); ++k) {
            cumulative_[static_cast<std::size_t>(k)] /= total;
        }
    }
}

/// Returns where the level is among the candidates.
Index LevelCandidates::add(Index level) {
    const auto i = static_cast<std::size_t>(level);
    if (seen_[i] != turn_) {
        seen_[i] = turn_;
        position_[i] = size();
        draws_[levels_.size() - static_cast<std::size_t>(first_sampled_)] = 0;
        levels_.push_back(level);
    }
    return position_[i];
}

void LevelCandidates::choose(const Batch& batch) {
    if (capacity_ == first_sampled_) return;
    ++turn_;
    levels_.resize(static_cast<std::size_t>(first_sampled_));
    for (Index f = 0; f < factors_.n_factors(); ++f) {
        if (factors_.is_sampled(f)) draw(f, batch);
    }
}

void LevelCandidates::draw(Index f, const Batch& batch) {
    Segment& segment = segments_[static_cast<std::size_t>(f)];
    segment.begin = size();
    const auto begin = cumulative_.begin() + factors_.first(f);
    const auto end = cumulative_.begin() + factors_.first(f + 1);
    constexpr std::uint64_t kStream = 0x8CB92BA72F3D8DD7u;  // far from those of layers and orders
    Rng rng(batch.noise.seed ^ (kStream + static_cast<std::uint64_t>(f)),
            (batch.noise.epoch << 32) + batch.order[0]);
    for (Index k = 0; k < factors_.n_sampled; ++k) {
        const double u = static_cast<double>(rng.next() >> 11) * 0x1p-53;
        const auto found = std::min(std::upper_bound(begin, end, u), end - 1);
        ++draws_[static_cast<std::size_t>(add(found - cumulative_.begin()) - first_sampled_)];
    }
    segment.n_drawn = size() - segment.begin;
    for (Index c = segment.begin; c < size(); ++c) {
        const auto i = static_cast<std::size_t>(level(c));
        const double before = level(c) == factors_.first(f) ? 0.0 : cumulative_[i - 1];
        const double expected = static_cast<double>(factors_.n_sampled) * (cumulative_[i] - before);
        const auto at = static_cast<std::size_t>(c - first_sampled_);
        log_weights_[at] = static_cast<float>(std::log(static_cast<double>(draws_[at]) / expected));
    }
    for (Index b = 0; b < batch.n; ++b) {
        const std::int32_t code = batch.table.codes[batch.order[b] * factors_.n_factors() + f];
        if (code >= 0) add(factors_.first(f) + code);
    }
    segment.n = size() - segment.begin;
}

}  // namespace fastae
