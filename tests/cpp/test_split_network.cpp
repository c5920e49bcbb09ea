#include <algorithm>

#include "fastae/split_network.hpp"
#include "helpers.hpp"

namespace fastae::split_network_test {

/// A whole network and what of it is put aside.
struct Split {
    std::vector<Index> hidden;
    Index n_numbers, n_input_units, n_output_units, n_targets;

    Index n_output_numbers() const { return n_output_units > 0 ? n_numbers : 0; }
    std::vector<Index> widths() const {
        std::vector<Index> all{n_numbers + n_input_units};
        all.insert(all.end(), hidden.begin(), hidden.end());
        all.push_back(n_output_numbers() + n_output_units + n_targets);
        return all;
    }
};

std::ostream& operator<<(std::ostream& out, const Split& split) {
    return out << ::testing::PrintToString(split.widths()) << ", " << split.n_numbers << " numbers";
}

// Hidden layers narrower and wider than the units, the numbers and both, so that a layer may lie
// the other way round in the dense network; nothing but units, and no targets or nothing else.
const std::vector<Split> kSplits{
    {{3}, 2, 5, 4, 0},          {{9}, 2, 5, 4, 0},        {{4}, 2, 5, 4, 3},
    {{4, 7}, 0, 5, 3, 0},       {{17, 33}, 5, 40, 30, 2}, {{6}, 4, 3, 0, 2},
    {{130}, 20, 200, 190, 140}, {{16}, 16, 16, 16, 16},   {{1}, 0, 1, 1, 0},
};

class Splits : public ::testing::TestWithParam<Split> {
  protected:
    const Split split_ = GetParam();
    TestModel whole_ = TestModel::deep(split_.widths(), Activation::kTanh, Activation::kIdentity);
    const SplitNetwork parts_{whole_.network, split_.n_numbers, split_.n_input_units,
                              split_.n_output_units};
    TestModel dense_{parts_.dense(), AlignedBuffer<float>()};
    AlignedBuffer<float> side_{parts_.side_size()};
    AlignedBuffer<float> side_slots_{2 * parts_.side_size()};

    Splits() {
        Uniform uniform(5);
        for (Index i = 0; i < 2 * whole_.network.size(); ++i) {
            whole_.slots.data()[i] = static_cast<float>(uniform(-1, 1));
        }
    }

    Weights parts() {
        Weights weights = dense_.weights();
        weights.side = side_.data();
        weights.side_slots = side_slots_.data();
        return weights;
    }

    /// What the whole network has where the buffers of its slots are taken for parameters.
    plain::Net whole_slot(Index slot) const {
        return {whole_.network, whole_.slots.data() + slot * whole_.network.size()};
    }

    /// Whether one dense network and one side buffer hold what the whole one does.
    void expect_parts(const plain::Net& whole, const plain::Net& dense, const float* side) const {
        const Index targets = split_.n_output_numbers() + split_.n_output_units;
        const std::size_t last = dense.W.size() - 1;
        for (std::size_t l = 0; l <= last; ++l) {
            for (Index o = 0; o < dense.W[l].cols(); ++o) {
                const Index there = l == last && o >= split_.n_output_numbers()
                                        ? targets + o - split_.n_output_numbers()
                                        : o;
                EXPECT_EQ(dense.b[l](o), whole.b[l](there));
                for (Index i = 0; i < dense.W[l].rows(); ++i) {
                    EXPECT_EQ(dense.W[l](i, o), whole.W[l](i, there))
                        << l << ": " << i << ", " << o;
                }
            }
        }
        for (Index u = 0; u < split_.n_input_units; ++u) {
            for (Index o = 0; o < whole.W[0].cols(); ++o) {
                EXPECT_EQ(side[parts_.input_row(u) + o], whole.W[0](split_.n_numbers + u, o));
            }
        }
        for (Index u = 0; u < split_.n_output_units; ++u) {
            const Index o = split_.n_output_numbers() + u;
            for (Index i = 0; i < whole.W[last].rows(); ++i) {
                EXPECT_EQ(side[parts_.output_row(u) + i], whole.W[last](i, o)) << i << ", " << u;
            }
            EXPECT_EQ(side[parts_.output_row(u) + parts_.bias()], whole.b[last](o));
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Widths, Splits, ::testing::ValuesIn(kSplits));

TEST_P(Splits, TheDenseNetworkIsWithoutUnits) {
    const Network& dense = parts_.dense();
    ASSERT_EQ(dense.n_layers(), whole_.network.n_layers());
    EXPECT_EQ(dense.n_inputs(), split_.n_numbers);
    EXPECT_EQ(dense.n_outputs(), split_.n_output_numbers() + split_.n_targets);
    for (Index l = 1; l < dense.n_layers(); ++l) {
        EXPECT_EQ(dense.width(l), whole_.network.width(l));
    }
    for (std::size_t l = 0; l < dense.layers().size(); ++l) {
        EXPECT_EQ(dense.layers()[l].activation, whole_.network.layers()[l].activation);
    }
}

TEST_P(Splits, RowsLieInWholeLinesAndDoNotOverlap) {
    EXPECT_EQ(parts_.input_stride() % kPad, 0);
    EXPECT_EQ(parts_.output_stride() % kPad, 0);
    EXPECT_GE(parts_.input_stride(), split_.hidden.front());
    // The bias has a line of its own.
    EXPECT_EQ(parts_.bias() % kPad, 0);
    EXPECT_GE(parts_.bias(), split_.hidden.back());
    EXPECT_LT(parts_.bias(), parts_.output_stride());
    Index end = 0;
    for (Index u = 0; u < split_.n_input_units; ++u, end += parts_.input_stride()) {
        EXPECT_EQ(parts_.input_row(u), end);
    }
    for (Index u = 0; u < split_.n_output_units; ++u, end += parts_.output_stride()) {
        EXPECT_EQ(parts_.output_row(u), end);
    }
    EXPECT_EQ(parts_.side_size(), end);
}

TEST_P(Splits, TakesEveryWeightAndItsStateToItsPlace) {
    parts_.take_apart(whole_.weights(), parts(), 2);
    expect_parts(whole_.net(), dense_.net(), side_.data());
    for (const Index slot : {0, 1}) {
        expect_parts(whole_slot(slot),
                     {parts_.dense(), dense_.slots.data() + slot * parts_.dense().size()},
                     side_slots_.data() + slot * parts_.side_size());
    }
    Index used = 0;
    for (const Layer& layer : whole_.network.layers()) used += (layer.fan_in + 1) * layer.fan_out;
    const auto nonzero = [](const float* values, Index n) {
        return n - std::count(values, values + n, 0.0f);
    };
    // Random weights and biases are not 0: nothing is there twice, and padding is empty.
    EXPECT_EQ(nonzero(dense_.params.data(), parts_.dense().size()) +
                  nonzero(side_.data(), parts_.side_size()),
              used);
}

TEST_P(Splits, TakesNoMoreStateThanThereIs) {
    parts_.take_apart(whole_.weights(), parts(), 1);
    const float* second = side_slots_.data() + parts_.side_size();
    EXPECT_TRUE(std::all_of(second, second + parts_.side_size(), [](float x) { return x == 0; }));
    Weights stateless = whole_.weights();
    stateless.slots = nullptr;
    parts_.take_apart(stateless, parts(), 0);
    expect_parts(whole_.net(), dense_.net(), side_.data());
}

TEST_P(Splits, PutTogetherItIsWhatItWas) {
    parts_.take_apart(whole_.weights(), parts(), 2);
    // Whose padding is not 0: it is not to be touched.
    TestModel copy(whole_.network, AlignedBuffer<float>());
    std::fill_n(copy.params.data(), whole_.network.size(), 7.0f);
    std::fill_n(copy.slots.data(), 2 * whole_.network.size(), 7.0f);
    parts_.put_together(parts(), copy.weights(), 2);
    EXPECT_EQ(copy.net().distance(whole_.net()), 0);
    for (const Index slot : {0, 1}) {
        const plain::Net made{whole_.network, copy.slots.data() + slot * whole_.network.size()};
        EXPECT_EQ(made.distance(whole_slot(slot)), 0);
    }
    const auto sevens =
        std::count(copy.params.data(), copy.params.data() + copy.network.size(), 7.0f);
    Index used = 0;
    for (const Layer& layer : whole_.network.layers()) used += (layer.fan_in + 1) * layer.fan_out;
    EXPECT_EQ(sevens, whole_.network.size() - used);
}

}  // namespace fastae::split_network_test
