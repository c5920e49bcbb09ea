#include "fastae/peak.hpp"

#include <omp.h>

#include <atomic>
#include <chrono>

#include "fastae/simd.hpp"

namespace fastae {

namespace {

/// Independent sums: more than the latency times the throughput of any multiply-add unit.
constexpr int kChains = 12;
constexpr int kRepeats = 20000;

/// kRepeats x kChains vector multiply-adds; the result keeps them alive.
float burn() {
    Vec<float> chain[kChains];
    for (int i = 0; i < kChains; ++i) chain[i] = splat(1.0f + static_cast<float>(i));
    const Vec<float> factor = splat(0.999f);
    const Vec<float> term = splat(1e-3f);
    for (int r = 0; r < kRepeats; ++r) {
#pragma GCC unroll 16
        for (int i = 0; i < kChains; ++i) chain[i] = chain[i] * factor + term;
    }
    Vec<float> total{};
    for (int i = 0; i < kChains; ++i) total += chain[i];
    return sum<float>(total);
}

}  // namespace

double fma_peak_flops(int n_threads, double seconds) {
    using Clock = std::chrono::steady_clock;
    std::atomic<long> bursts{0};
    std::atomic<float> sink{0};
    const auto start = Clock::now();
    const auto elapsed = [&] {
        return std::chrono::duration<double>(Clock::now() - start).count();
    };
#pragma omp parallel num_threads(n_threads)
    while (elapsed() < seconds) {
        sink.store(burn(), std::memory_order_relaxed);
        bursts.fetch_add(1, std::memory_order_relaxed);
    }
    return static_cast<double>(bursts.load()) * kRepeats * kChains * kLanes<float> * 2 / elapsed();
}

}  // namespace fastae
