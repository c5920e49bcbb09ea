#include "fastae/max_norm.hpp"
#include "steps.hpp"

namespace fastae::max_norm_test {

// Layers of both orientations, square ones, and of one, two and four parts.
const std::vector<std::vector<Index>> kWidths{
    {1, 1},        {7, 3, 7},      {3, 7, 3},        {17, 17},   {130, 20, 130},
    {20, 130, 20}, {300, 20, 300}, {257, 1000, 257}, {300, 300}, {70, 300, 140, 20, 70}};

/// The squared norms of the weights into every unit, largest first.
std::vector<double> norms(const plain::Matrix& W) {
    std::vector<double> result(static_cast<std::size_t>(W.cols()));
    for (Index o = 0; o < W.cols(); ++o) {
        result[static_cast<std::size_t>(o)] = W.col(o).squaredNorm();
    }
    std::sort(result.rbegin(), result.rend());
    return result;
}

class MaxNormOf : public ::testing::TestWithParam<std::vector<Index>> {
  protected:
    TestModel model_ = TestModel::deep(GetParam(), Activation::kTanh, Activation::kIdentity, 3);

    /// Limits the model's weights; the parts are taken in groups of so many.
    TestModel limited(double max_w2, int group = kParts) const {
        TestModel result(model_.network, model_.params);
        const PartedModel parted(result, {});
        float* params = parted.weights().params;
        MaxNorm max_norm(parted.layout, max_w2);
        for (int part = 0; part < kParts; part += group) {
            max_norm.add_up(part, std::min(part + group, kParts), params);
        }
        for (int part = 0; part < kParts; part += group) {
            max_norm.limit(part, std::min(part + group, kParts), params, {}, 0);
        }
        parted.unpack();
        return result;
    }

    /// Norms that about half of the first layer's units exceed.
    double middle() const {
        const std::vector<double> all = norms(model_.net().W[0]);
        return all[all.size() / 2] * 0.999;
    }
    double largest() const {
        double result = 0;
        for (const plain::Matrix& W : model_.net().W) result = std::max(result, norms(W)[0]);
        return result;
    }
};
INSTANTIATE_TEST_SUITE_P(Widths, MaxNormOf, ::testing::ValuesIn(kWidths));

TEST_P(MaxNormOf, ScalesTheUnitsThatExceedIt) {
    for (const double max_w2 : {middle(), 1e-3}) {
        plain::Net expected = model_.net();
        for (plain::Matrix& W : expected.W) {
            for (Index o = 0; o < W.cols(); ++o) {
                const double w2 = W.col(o).squaredNorm();
                if (w2 > max_w2) W.col(o) *= std::sqrt(max_w2 / w2);
            }
        }
        const TestModel result = limited(max_w2);
        EXPECT_LT(result.net().distance(expected), 1e-6);
        EXPECT_TRUE(result.padding_is_zero());
        for (const plain::Matrix& W : result.net().W) EXPECT_LT(norms(W)[0], max_w2 * (1 + 1e-5));
        for (std::size_t l = 0; l < expected.b.size(); ++l) {
            EXPECT_EQ(result.net().b[l], model_.net().b[l]);
        }
    }
}

TEST_P(MaxNormOf, UnitsThatDoNotExceedItKeepTheirBits) {
    const double max_w2 = middle();
    const plain::Net before = model_.net(), after = limited(max_w2).net();
    for (std::size_t l = 0; l < before.W.size(); ++l) {
        for (Index o = 0; o < before.W[l].cols(); ++o) {
            const bool exceeds = before.W[l].col(o).squaredNorm() > max_w2;
            EXPECT_EQ(before.W[l].col(o) == after.W[l].col(o), !exceeds);
        }
    }
    EXPECT_TRUE(same_state(limited(largest() * 1.001), model_));
}

TEST_P(MaxNormOf, AnyGroupingOfThePartsGivesTheSameBits) {
    const TestModel whole = limited(middle());
    for (const int group : {1, 2, 3}) EXPECT_TRUE(same_state(limited(middle(), group), whole));
}

TEST_P(MaxNormOf, LayersThatAreNotTrainedKeepTheirBits) {
    const Index n_layers = model_.network.n_layers();
    TestModel result(model_.network, model_.params);
    const PartedModel parted(result, {});
    MaxNorm max_norm(parted.layout, 1e-3);
    SolverOptions options;
    options.layer_rates.assign(static_cast<std::size_t>(n_layers), 0.5);
    options.layer_rates.back() = 0;
    max_norm.add_up(0, kParts, parted.weights().params);
    const std::vector<double>& rates = options.layer_rates;
    max_norm.limit(0, kParts, parted.weights().params, options, 0);
    parted.unpack();
    const TestModel all = limited(1e-3);
    for (std::size_t l = 0; l < rates.size(); ++l) {
        EXPECT_EQ(result.net().W[l], (rates[l] == 0 ? model_ : all).net().W[l]);
    }
}

TEST_P(MaxNormOf, StepsAreLimitedAfterTheUpdate) {
    const RowMatrix<float> X = random_matrix(6, GetParam()[0], 3);
    Setting setting;
    setting.solver.solver = Solver::kSgd;
    setting.solver.learning_rate = 0.1;
    TestModel free(model_.network, model_.params);
    batch_step(free, X, rows_in_order(6), setting);
    const double largest_free = [&] {
        double result = 0;
        for (const plain::Matrix& W : free.net().W) result = std::max(result, norms(W)[0]);
        return result;
    }();
    for (const double share : {0.3, 2.0}) {
        setting.solver.max_w2 = share * largest_free;
        TestModel batch(model_.network, model_.params), online(model_.network, model_.params);
        batch_step(batch, X, rows_in_order(6), setting);
        online_steps(online, X, rows_in_order(6), setting);
        for (const TestModel* model : {&batch, &online}) {
            for (const plain::Matrix& W : model->net().W) {
                EXPECT_LT(norms(W)[0], setting.solver.max_w2 * (1 + 1e-5));
            }
        }
        EXPECT_EQ(static_cast<bool>(same_state(batch, free)), share > 1);
    }
}

}  // namespace fastae::max_norm_test
