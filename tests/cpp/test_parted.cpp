#include "fastae/parted.hpp"
#include "helpers.hpp"

namespace fastae::parted_test {

const std::vector<std::vector<Index>> kWidths{
    {1, 1},         {7, 3, 7},      {3, 7, 3},       {100, 127, 128, 255, 256, 100},
    {784, 50, 784}, {300, 20, 300}, {257, 1000, 257}};

TEST(ColumnPart, PartsFollowEachOtherInWholeLines) {
    for (Index width = 1; width < 1100; ++width) {
        Index end = 0;
        for (int part = 0; part < kParts; ++part) {
            const Columns columns = column_part(width, part);
            EXPECT_EQ(columns.begin, end);
            EXPECT_GE(columns.count(), 0);
            EXPECT_EQ(columns.begin % kPad, 0);
            end = columns.end;
        }
        EXPECT_EQ(end, whole_lines(width));
    }
}

TEST(ColumnPart, AreOneOrTwoOrFourOfNearlyEqualWidth) {
    const auto parts_of = [](Index width) {
        std::vector<int> used;
        for (int part = 0; part < kParts; ++part) {
            if (column_part(width, part).count() > 0) used.push_back(part);
        }
        return used;
    };
    for (const Index width : {1, 64, 127}) EXPECT_EQ(parts_of(width), (std::vector{0}));
    for (const Index width : {128, 255}) EXPECT_EQ(parts_of(width), (std::vector{0, 2}));
    for (const Index width : {256, 784}) EXPECT_EQ(parts_of(width), (std::vector{0, 1, 2, 3}));
    for (const Index width : {128, 256, 784, 1000}) {
        const std::vector<int> parts = parts_of(width);
        for (const int part : parts) {
            const Index equal = width / static_cast<Index>(parts.size());
            EXPECT_NEAR(column_part(width, part).count(), equal, kPad) << width;
        }
    }
}

TEST(ColumnGroups, AreAsManyAsNearlyAllWeightsAllow) {
    const auto groups = [](const std::vector<Index>& widths) {
        const Network network(widths, std::vector<Activation>(widths.size() - 1));
        return PartedLayout(network).column_groups();
    };
    EXPECT_EQ(groups({10, 3, 10}), 1);
    EXPECT_EQ(groups({127, 127}), 1);
    EXPECT_EQ(groups({128, 50, 128}), 2);
    EXPECT_EQ(groups({255, 50, 255}), 2);
    EXPECT_EQ(groups({256, 50, 256}), 4);
    EXPECT_EQ(groups({784, 50, 10, 50, 784}), 4);    // 79,400 weights, 1,000 of them narrow
    EXPECT_EQ(groups({256, 100, 90, 100, 256}), 1);  // 18,000 of 69,200
}

class Parted : public ::testing::TestWithParam<std::vector<Index>> {
  protected:
    TestModel model_ = TestModel::deep(GetParam(), Activation::kTanh, Activation::kIdentity);
    PartedLayout layout_{model_.network};

    /// Calls f(part, first float, floats) for every stretch that holds weights or biases.
    template <class F>
    void for_each_stretch(F&& f) const {
        for (Index l = 0; l < model_.network.n_layers(); ++l) {
            const Layer& layer = model_.network.layers()[static_cast<std::size_t>(l)];
            for (int part = 0; part < kParts; ++part) {
                const PartedLayout::Block& block = layout_.block(l, part);
                const Index n = block.columns.count();
                if (n == 0) continue;
                for (Index r = 0; r < layer.n_rows; ++r) {
                    f(part, block.weight_offset + r * block.stride, n);
                }
                if (!layer.fan_in_is_wide) f(part, block.bias_offset, n);
                if (layer.fan_in_is_wide && part == 0) {
                    f(part, block.bias_offset, whole_lines(layer.fan_out));
                }
            }
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Widths, Parted, ::testing::ValuesIn(kWidths));

TEST_P(Parted, NothingOverlapsAndPartsAreAPageApart) {
    std::vector<int> owner(static_cast<std::size_t>(layout_.size()), -1);
    for_each_stretch([&](int part, Index first, Index n) {
        EXPECT_EQ(first % kPad, 0);
        for (Index i = first; i < first + n; ++i) {
            int& mine = owner[static_cast<std::size_t>(i)];
            EXPECT_EQ(mine, -1) << i;
            mine = part;
        }
    });
    int last = -1;
    Index end = 0;
    for (Index i = 0; i < layout_.size(); ++i) {
        const int part = owner[static_cast<std::size_t>(i)];
        if (part < 0) continue;
        if (last >= 0 && part != last) {
            EXPECT_GT(part, last);
            EXPECT_GE(i - end, kPage);
        }
        last = part;
        end = i + 1;
    }
}

TEST_P(Parted, SlotsAreNotWholePagesApart) {
    EXPECT_GE(layout_.slot_stride(), layout_.size());
    EXPECT_EQ(layout_.slot_stride() % kPad, 0);
    for (const Index slots : {1, 2}) EXPECT_NE(slots * layout_.slot_stride() % kPage, 0);
}

TEST_P(Parted, PackAndUnpackAreInverse) {
    Uniform uniform(5);
    const Weights weights = model_.weights();
    for (Index i = 0; i < 2 * model_.network.size(); ++i) {
        weights.slots[i] = static_cast<float>(uniform(-1, 1));
    }
    const PartedWeights parted(layout_, 2);
    layout_.pack(weights, parted.weights(), 2);
    TestModel copy(model_.network, AlignedBuffer<float>());
    layout_.unpack(parted.weights(), copy.weights(), 2);
    EXPECT_EQ(copy.net().distance(model_.net()), 0);
    for (const Layer& layer : model_.network.layers()) {
        for (Index r = 0; r < layer.n_rows; ++r) {
            const Index at = layer.weight_offset + r * layer.stride;
            for (const Index slot : {Index{0}, model_.network.size()}) {
                EXPECT_TRUE(same_bits(copy.slots.data() + slot + at, weights.slots + slot + at,
                                      layer.n_cols));
            }
        }
    }
}

TEST_P(Parted, HoldsEveryWeightWhereItSays) {
    const PartedWeights parted(layout_, 0);
    layout_.pack(model_.weights(), parted.weights(), 0);
    const float* params = parted.weights().params;
    const plain::Net net = model_.net();
    for (Index l = 0; l < model_.network.n_layers(); ++l) {
        const auto i = static_cast<std::size_t>(l);
        const Layer& layer = model_.network.layers()[i];
        for (int part = 0; part < kParts; ++part) {
            const PartedLayout::Block& block = layout_.block(l, part);
            for (Index c = block.columns.begin; c < std::min(block.columns.end, layer.n_cols);
                 ++c) {
                for (Index r = 0; r < layer.n_rows; ++r) {
                    const double w = layer.fan_in_is_wide ? net.W[i](c, r) : net.W[i](r, c);
                    EXPECT_EQ(
                        params[block.weight_offset + r * block.stride + c - block.columns.begin],
                        w);
                }
                if (!layer.fan_in_is_wide) {
                    EXPECT_EQ(params[block.bias_offset + c - block.columns.begin], net.b[i](c));
                }
            }
        }
        for (Index o = 0; layer.fan_in_is_wide && o < layer.fan_out; ++o) {
            EXPECT_EQ(params[layout_.block(l, 0).bias_offset + o], net.b[i](o));
        }
    }
}

}  // namespace fastae::parted_test
