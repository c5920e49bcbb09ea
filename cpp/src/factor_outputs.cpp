#include "fastae/factor_outputs.hpp"

#include <algorithm>
#include <cmath>

#include "fastae/vmath.hpp"

namespace fastae {

UnitWeights::UnitWeights(const Network& network, const float* params, const Factors& factors)
    : stride_(whole_lines(network.width(1))), rows_(factors.n_input_units() * stride_) {
    const Layer& layer = network.layers().front();
    const float* w = params + layer.weight_offset;
    for (Index unit = 0; unit < factors.n_input_units(); ++unit) {
        const Index i = factors.n_numbers + unit;
        for (Index o = 0; o < layer.fan_out; ++o) {
            rows_.data()[unit * stride_ + o] =
                layer.fan_in_is_wide ? w[o * layer.stride + i] : w[i * layer.stride + o];
        }
    }
}

namespace {

template <class T>
T largest_of(const T* z, Index n) {
    Vec<T> most = splat(z[0]);
    Index k = 0;
    for (; k + kLanes<T> <= n; k += kLanes<T>) {
        const Vec<T> v = load(z + k);
        most = v > most ? v : most;
    }
    T largest = most[0];
    for (int i = 1; i < kLanes<T>; ++i) largest = std::max(largest, most[i]);
    for (; k < n; ++k) largest = std::max(largest, z[k]);
    return largest;
}

/// ln(sum of exp(z)) - z[code].
template <class T>
double cross_entropy(const T* z, Index n, Index code) {
    const T largest = largest_of(z, n);
    Vec<T> total{};
    Index k = 0;
    for (; k + kLanes<T> <= n; k += kLanes<T>) {
        total += expm1<T>(load(z + k) - largest) + T(1);
    }
    auto sum_of_all = static_cast<double>(sum<T>(total));
    for (; k < n; ++k) sum_of_all += std::exp(static_cast<double>(z[k] - largest));
    return std::log(sum_of_all) + static_cast<double>(largest) - static_cast<double>(z[code]);
}

}  // namespace

template <class T>
double factor_loss(const Factors& factors, Index f, const T* z, std::int32_t code) {
    const Index n = factors.n_levels(f);
    if (factors.loss == CategoricalLoss::kCrossEntropy) return cross_entropy(z, n, code);
    double total = 0;
    for (Index k = 0; k < n; ++k) {
        const T e = z[k] - (k == code ? T(1) : T(0));
        total += static_cast<double>(e * e);
    }
    return total;
}

template <class T>
std::int32_t most_likely_level(const Factors& factors, Index f, const T* z) {
    const Index n = factors.n_levels(f);
    return n > 0 ? static_cast<std::int32_t>(std::max_element(z, z + n) - z) : -1;
}

template double factor_loss<float>(const Factors&, Index, const float*, std::int32_t);
template double factor_loss<double>(const Factors&, Index, const double*, std::int32_t);
template std::int32_t most_likely_level<float>(const Factors&, Index, const float*);
template std::int32_t most_likely_level<double>(const Factors&, Index, const double*);

}  // namespace fastae
