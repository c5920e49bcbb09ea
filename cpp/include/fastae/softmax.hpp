#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "fastae/vmath.hpp"

namespace fastae {

/// Turns the logits of one row into the derivatives of its cross-entropy: z = (softmax(z) - t) *
/// weight, where t is 1 for `target` and 0 for the others. Returns -ln(softmax(z)[target]).
///
///   z  (n, whole lines): the padding is overwritten
inline double softmax_delta(Index n, Index target, float weight, float* z) {
    // Whose exponential is 0.
    std::fill(z + n, z + whole_lines(n), -std::numeric_limits<float>::infinity());
    Vec<float> most = load(z);
    for (Index j = 0; j < n; j += kLanes<float>) {
        const Vec<float> v = load(z + j);
        most = v > most ? v : most;
    }
    float largest = most[0];
    for (int i = 1; i < kLanes<float>; ++i) largest = most[i] > largest ? most[i] : largest;
    const float wanted = z[target] - largest;
    Vec<float> total{};
    for (Index j = 0; j < n; j += kLanes<float>) {
        const Vec<float> e = expm1<float>(load(z + j) - largest) + 1.0f;
        total += e;
        store(z + j, e);
    }
    const float sum_of_all = sum<float>(total);
    const float factor = weight / sum_of_all;
    for (Index j = 0; j < n; j += kLanes<float>) store(z + j, load(z + j) * factor);
    z[target] -= weight;
    return std::log(static_cast<double>(sum_of_all)) - static_cast<double>(wanted);
}

}  // namespace fastae
