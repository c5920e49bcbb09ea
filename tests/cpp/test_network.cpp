#include "fastae/network.hpp"
#include "helpers.hpp"

namespace fastae::network_test {

const std::vector<std::vector<Index>> kWidths{
    {1, 1},          {6, 6},         {7, 3, 7},        {3, 7, 3},
    {16, 16, 16},    {784, 50, 784}, {256, 255, 256},  {512, 240, 1024, 512},
    {5, 4, 3, 4, 5}, {100, 1, 100},  {33, 17, 256, 33}};

TEST(Padded, IsWholeLinesAndNeverAWholeKibibyte) {
    for (Index n = 0; n < 3000; ++n) {
        const Index p = padded(n);
        EXPECT_GE(p, n);
        EXPECT_LE(p, n + 2 * kPad - 1);
        EXPECT_EQ(p % kPad, 0);
        if (n > 0) {
            EXPECT_NE(p % 256, 0) << n;
        }
    }
    EXPECT_EQ(padded(0), 0);
    EXPECT_EQ(padded(16), 16);
    EXPECT_EQ(padded(17), 32);
}

class NetworkLayout : public ::testing::TestWithParam<std::vector<Index>> {
  protected:
    const std::vector<Index>& widths() const { return GetParam(); }
    Network network_{GetParam(), std::vector<Activation>(GetParam().size() - 1, Activation::kElu)};
};
INSTANTIATE_TEST_SUITE_P(Widths, NetworkLayout, ::testing::ValuesIn(kWidths));

TEST_P(NetworkLayout, LayersHaveTheGivenWidths) {
    ASSERT_EQ(network_.n_layers(), static_cast<Index>(widths().size()) - 1);
    EXPECT_EQ(network_.n_inputs(), widths().front());
    EXPECT_EQ(network_.n_outputs(), widths().back());
    Index n_weights = 0;
    for (std::size_t l = 0; l < widths().size(); ++l) {
        EXPECT_EQ(network_.width(static_cast<Index>(l)), widths()[l]);
        if (l == 0) continue;
        const Layer& layer = network_.layers()[l - 1];
        EXPECT_EQ(layer.fan_in, widths()[l - 1]);
        EXPECT_EQ(layer.fan_out, widths()[l]);
        EXPECT_EQ(layer.activation, Activation::kElu);
        n_weights += layer.fan_in * layer.fan_out;
    }
    EXPECT_EQ(network_.n_weights(), n_weights);
}

TEST_P(NetworkLayout, RowsLieAlongTheNarrowerSide) {
    for (const Layer& layer : network_.layers()) {
        EXPECT_EQ(layer.n_rows, std::min(layer.fan_in, layer.fan_out));
        EXPECT_EQ(layer.n_cols, std::max(layer.fan_in, layer.fan_out));
        EXPECT_EQ(layer.fan_in_is_wide, layer.fan_in > layer.fan_out);
        EXPECT_GE(layer.padded_cols(), layer.n_cols);
        EXPECT_LT(layer.padded_cols(), layer.n_cols + kPad);
        EXPECT_EQ(layer.padded_cols() % kPad, 0);
        EXPECT_LE(layer.padded_cols(), layer.stride);
    }
}

TEST_P(NetworkLayout, EveryRowStartsOnALineAndNoTwoPartsOverlap) {
    Index end = 0;
    for (const Layer& layer : network_.layers()) {
        EXPECT_EQ(layer.weight_offset % kPad, 0);
        EXPECT_EQ(layer.stride % kPad, 0);
        EXPECT_EQ(layer.bias_offset % kPad, 0);
        EXPECT_NE(layer.stride % 256, 0);
        EXPECT_GE(layer.weight_offset, end);
        EXPECT_GE(layer.bias_offset, layer.weight_offset + layer.n_rows * layer.stride);
        end = layer.bias_offset + (layer.fan_out + kPad - 1) / kPad * kPad;
    }
    EXPECT_GE(network_.size(), end);
    EXPECT_EQ(network_.size() % kPad, 0);
}

TEST(Network, LayoutOfASmallNetworkIsAsDocumented) {
    const Network network({20, 3, 20}, {Activation::kTanh, Activation::kIdentity});
    const Layer& encoder = network.layers()[0];
    const Layer& decoder = network.layers()[1];
    EXPECT_TRUE(encoder.fan_in_is_wide);
    EXPECT_FALSE(decoder.fan_in_is_wide);
    EXPECT_EQ(encoder.weight_offset, 0);
    EXPECT_EQ(encoder.stride, 32);
    EXPECT_EQ(encoder.bias_offset, 3 * 32);
    EXPECT_EQ(decoder.weight_offset, 3 * 32 + 16);
    EXPECT_EQ(decoder.bias_offset, 3 * 32 + 16 + 3 * 32);
    EXPECT_EQ(network.size(), 3 * 32 + 16 + 3 * 32 + 32);
}

}  // namespace fastae::network_test
