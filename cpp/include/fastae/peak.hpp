#pragma once

namespace fastae {

/// Float multiply-adds per second (two flops each) that n_threads threads reach together on
/// registers alone: the ceiling that benchmarks quote percentages of, measured in the same run.
/// Takes about `seconds`.
double fma_peak_flops(int n_threads, double seconds);

}  // namespace fastae
