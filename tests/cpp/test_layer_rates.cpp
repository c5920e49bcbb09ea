#include "steps.hpp"

namespace fastae::layer_rates_test {

const std::vector<std::vector<Index>> kWidths{
    {7, 4, 7}, {4, 7, 4}, {9, 20, 5, 9}, {300, 20, 300}, {130, 300, 20, 130}};

using Way = std::tuple<std::vector<Index>, bool>;  // widths, online

class LayerRates : public ::testing::TestWithParam<Way> {
  protected:
    const std::vector<Index>& widths() const { return std::get<0>(GetParam()); }
    Index n_layers() const { return start_.network.n_layers(); }

    /// Weights after steps on so many rows.
    TestModel trained(const SolverOptions& options, Index n_rows) const {
        TestModel model(start_.network, start_.params);
        const RowMatrix<float> X = random_matrix(n_rows, widths()[0], 3);
        const Setting setting{options};
        if (std::get<1>(GetParam())) {
            online_steps(model, X, rows_in_order(n_rows), setting);
        } else {
            for (int t = 0; t < n_rows; ++t) batch_step(model, X, rows_in_order(n_rows), setting);
        }
        return model;
    }

    /// Whether layer l of two models has the same weights and biases, bit for bit.
    static bool same_layer(const TestModel& a, const TestModel& b, Index l) {
        const Layer& layer = a.network.layers()[static_cast<std::size_t>(l)];
        const Index at = layer.weight_offset;
        const Index n = layer.bias_offset + layer.fan_out - at;
        return static_cast<bool>(same_bits(a.params.data() + at, b.params.data() + at, n));
    }

    TestModel start_ = TestModel::deep(widths(), Activation::kTanh, Activation::kIdentity);
};
INSTANTIATE_TEST_SUITE_P(Widths, LayerRates,
                         ::testing::Combine(::testing::ValuesIn(kWidths), ::testing::Bool()));

TEST_P(LayerRates, ALayerOfRateZeroStaysAsItIs) {
    for (const Layer& layer : start_.network.layers()) {
        start_.params.data()[layer.weight_offset] = -0.0f;
    }
    for (SolverOptions options : all_rules(0.125)) {
        for (Index frozen = 0; frozen < n_layers(); ++frozen) {
            options.layer_rates.assign(static_cast<std::size_t>(n_layers()), 1.0);
            options.layer_rates[static_cast<std::size_t>(frozen)] = 0;
            options.max_w2 = frozen % 2 ? 0.1 : std::numeric_limits<double>::infinity();
            const TestModel model = trained(options, 4);
            for (Index l = 0; l < n_layers(); ++l) {
                EXPECT_EQ(same_layer(model, start_, l), l == frozen) << l;
            }
            const Layer& layer = model.network.layers()[static_cast<std::size_t>(frozen)];
            const float* slots = model.slots.data();
            for (const float* slot : {slots, slots + model.network.size()}) {
                const float* end = slot + layer.bias_offset + layer.fan_out;
                EXPECT_TRUE(std::all_of(slot + layer.weight_offset, end,
                                        [](float state) { return state == 0; }));
            }
        }
    }
}

TEST_P(LayerRates, OtherLayersTakeTheSameStepThen) {
    for (SolverOptions options : all_rules(0.125)) {
        const TestModel all = trained(options, 1);
        for (Index frozen = 0; frozen < n_layers(); ++frozen) {
            options.layer_rates.assign(static_cast<std::size_t>(n_layers()), 1.0);
            options.layer_rates[static_cast<std::size_t>(frozen)] = 0;
            const TestModel model = trained(options, 1);
            for (Index l = 0; l < n_layers(); ++l) {
                EXPECT_EQ(same_layer(model, all, l), l != frozen);
            }
        }
    }
}

TEST_P(LayerRates, AreFactorsOfTheLearningRate) {
    // Powers of two, so that the first step has the same bits.
    for (SolverOptions options : all_rules(0.125)) {
        options.layer_rates.clear();
        for (Index l = 0; l < n_layers(); ++l) options.layer_rates.push_back(l % 2 ? 4 : 0.5);
        const TestModel model = trained(options, 1);
        options.layer_rates.clear();
        options.learning_rate = 0.125 * 0.5;
        const TestModel even = trained(options, 1);
        options.learning_rate = 0.125 * 4;
        const TestModel odd = trained(options, 1);
        for (Index l = 0; l < n_layers(); ++l) {
            EXPECT_TRUE(same_layer(model, l % 2 ? odd : even, l)) << l;
        }
    }
}

TEST_P(LayerRates, OfOneChangeNothing) {
    for (SolverOptions options : all_rules(0.125)) {
        const TestModel expected = trained(options, 5);
        options.layer_rates.assign(static_cast<std::size_t>(n_layers()), 1.0);
        EXPECT_TRUE(same_state(trained(options, 5), expected));
    }
}

}  // namespace fastae::layer_rates_test
