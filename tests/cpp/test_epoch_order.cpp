#include <algorithm>

#include "fastae/epoch_order.hpp"
#include "steps.hpp"

namespace fastae::epoch_order_test {

class EpochOrderOf : public ::testing::TestWithParam<Index> {
  protected:
    /// The order of an epoch of this many rows, with these weights.
    Order shuffled(const float* weights, Index epoch = 3, std::uint64_t seed = 42) const {
        const RowMatrix<float> X = RowMatrix<float>::Zero(GetParam(), 1);
        const TestModel model({1, 1}, {Activation::kTanh});
        const RowsView view = view_of(X);
        const Scaling scaling = model.scaling();
        EpochOrder order({view, scaling, weights});
        order.shuffle(seed, 100);  // what went before is forgotten
        order.shuffle(seed, epoch);
        return Order(order.data(), order.data() + order.size());
    }
    Order expected(std::size_t n, std::uint64_t epoch = 3, std::uint64_t seed = 42) const {
        Order order(n);
        shuffle_rows(seed, epoch, order);
        return order;
    }
    std::size_t n() const { return static_cast<std::size_t>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Rows, EpochOrderOf, ::testing::Values(1, 2, 7, 100));

TEST_P(EpochOrderOf, WithoutWeightsIsThatOfShuffleRows) {
    EXPECT_EQ(shuffled(nullptr), expected(n()));
    EXPECT_EQ(shuffled(nullptr, 4), expected(n(), 4));
    EXPECT_EQ(shuffled(nullptr, 3, 43), expected(n(), 3, 43));
}

TEST_P(EpochOrderOf, PositiveWeightsDoNotChangeIt) {
    std::vector<float> weights(n(), 1.0f);
    EXPECT_EQ(shuffled(weights.data()), expected(n()));
    for (std::size_t i = 0; i < n(); ++i) weights[i] = 1e-30f + static_cast<float>(i);
    EXPECT_EQ(shuffled(weights.data()), expected(n()));
}

TEST_P(EpochOrderOf, RowsOfWeightZeroAreLeftOut) {
    std::vector<float> weights(n());
    Order kept;
    for (std::uint32_t i = 0; i < n(); ++i) {
        weights[i] = i % 3 == 1 ? 0.0f : 0.5f;
        if (weights[i] > 0) kept.push_back(i);
    }
    Order order = shuffled(weights.data());
    const Order places = expected(kept.size());
    ASSERT_EQ(order.size(), kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(order[i], kept[places[i]]);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, kept);
}

}  // namespace fastae::epoch_order_test
