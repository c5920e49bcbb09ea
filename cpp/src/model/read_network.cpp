#include <cmath>
#include <cstring>

#include "fitted.hpp"

namespace fastae::saved {

namespace {

void copy(const char* from, float* to) {
    std::memcpy(to, from, sizeof(float));
    require(std::isfinite(*to), "a weight that is no finite number");
}

/// Puts weights and biases where the network wants them.
void fill(const Network& network, const std::vector<Array>& weights,
          const std::vector<Array>& biases, float* params) {
    for (std::size_t l = 0; l < weights.size(); ++l) {
        const Layer& layer = network.layers()[l];
        // Rows of the file are inputs, unless it is in Fortran's order.
        const Index n_rows = weights[l].fortran_order ? layer.fan_out : layer.fan_in;
        const Index n_cols = weights[l].fortran_order ? layer.fan_in : layer.fan_out;
        const bool as_it_is = weights[l].fortran_order == layer.fan_in_is_wide;
        float* to = params + layer.weight_offset;
        const char* from = weights[l].bytes.data();
        for (Index i = 0; i < n_rows; ++i) {
            for (Index j = 0; j < n_cols; ++j, from += sizeof(float)) {
                copy(from, to + (as_it_is ? i * layer.stride + j : j * layer.stride + i));
            }
        }
        from = biases[l].bytes.data();
        for (Index o = 0; o < layer.fan_out; ++o, from += sizeof(float)) {
            copy(from, params + layer.bias_offset + o);
        }
    }
}

}  // namespace

void read_network(const Values& attributes, Fitted& out) {
    const std::vector<Json> coefs = list_of(attributes.at("coefs_"));
    const std::vector<Json> intercepts = list_of(attributes.at("intercepts_"));
    require(!coefs.empty() && coefs.size() == intercepts.size(), "coefs_");
    std::vector<Array> weights, biases;
    for (std::size_t l = 0; l < coefs.size(); ++l) {
        weights.push_back(attributes.array(coefs[l]));
        biases.push_back(attributes.array(intercepts[l]));
        const std::vector<Index>& shape = weights[l].shape;
        require(weights[l].type == "<f4" && shape.size() == 2, "coefs_");
        require(shape[0] > 0 && shape[1] > 0, "coefs_");
        if (l == 0) out.widths.push_back(shape[0]);
        out.widths.push_back(biases[l].length_as("<f4"));
        require(shape[0] == out.widths[l] && shape[1] == out.widths[l + 1], "coefs_");
    }
    for (const Json& name : list_of(attributes.at("_activations"))) {
        out.activations.push_back(named<Activation>(name, "an activation",
                                                    {{"tanh", Activation::kTanh},
                                                     {"relu", Activation::kRelu},
                                                     {"elu", Activation::kElu},
                                                     {"logistic", Activation::kLogistic},
                                                     {"identity", Activation::kIdentity}}));
    }
    require(out.activations.size() == coefs.size(), "_activations");
    const Network network(out.widths, out.activations);
    out.params = AlignedBuffer<float>(network.size());
    fill(network, weights, biases, out.params.data());
}

}  // namespace fastae::saved
