#include "steps.hpp"
#include "training.hpp"

namespace fastae::row_weights_test {

constexpr Index kRows = 37;

using Way = std::tuple<Index, int>;  // rows of a mini-batch, threads

class RowWeights : public ::testing::TestWithParam<Way> {
  protected:
    std::vector<TrainOptions> all(bool everything = false) const {
        const auto [batch_size, n_threads] = GetParam();
        const Index n = 3 * kRows - 20;
        std::vector<TrainOptions> result =
            everything ? all_with_everything(batch_size, n, 3) : all_solvers(batch_size, n);
        for (TrainOptions& options : result) options.n_threads = n_threads;
        return result;
    }

    RowMatrix<float> X_ = table(kRows, 13, 1);
};
INSTANTIATE_TEST_SUITE_P(Ways, RowWeights,
                         ::testing::Values(Way(1, 1), Way(1, 2), Way(8, 1), Way(8, 2), Way(50, 1)));

TEST_P(RowWeights, OfOneChangeNothing) {
    const std::vector<float> ones(kRows, 1.0f);
    for (const TrainOptions& options : all(true)) {
        TestModel with = small_model(), without = small_model();
        const TrainResult result = run(with, X_, options, {}, ones.data());
        const TrainResult expected = run(without, X_, options);
        EXPECT_TRUE(same_state(with, without));
        EXPECT_EQ(errors_of(result), errors_of(expected));
    }
}

TEST_P(RowWeights, ARowOfWeightZeroIsNotThere) {
    RowMatrix<float> rest(kRows, 13);
    std::vector<float> weights, rest_weights;
    for (Index i = 0; i < kRows; ++i) {
        weights.push_back(i % 4 == 1 ? 0.0f : 0.5f + 0.05f * static_cast<float>(i));
        if (i % 4 == 1) {
            X_.row(i).setConstant(std::numeric_limits<float>::quiet_NaN());
        } else {
            rest.row(static_cast<Index>(rest_weights.size())) = X_.row(i);
            rest_weights.push_back(weights.back());
        }
    }
    const RowMatrix<float> kept = rest.topRows(static_cast<Index>(rest_weights.size()));
    for (const TrainOptions& options : all()) {
        TestModel with = small_model(), without = small_model();
        const TrainResult result = run(with, X_, options, {}, weights.data());
        const TrainResult expected = run(without, kept, options, {}, rest_weights.data());
        EXPECT_EQ(result.status, TrainStatus::kOk);
        EXPECT_TRUE(same_state(with, without));
        EXPECT_EQ(errors_of(result), errors_of(expected));
        EXPECT_EQ(result.parts[0].rows, kept.rows());
        EXPECT_EQ(result.steps, expected.steps);
    }
}

TEST_P(RowWeights, NorIsOneBehindTheOthersWithEverythingOn) {
    // Noise depends on the row's number, so only the last rows can be left out.
    std::vector<float> weights(kRows, 1.25f);
    std::fill(weights.begin() + 30, weights.end(), 0.0f);
    const RowMatrix<float> kept = X_.topRows(30);
    X_.bottomRows(7).setConstant(std::numeric_limits<float>::quiet_NaN());
    for (const TrainOptions& options : all(true)) {
        TestModel with = small_model(), without = small_model();
        const TrainResult result = run(with, X_, options, {}, weights.data());
        const TrainResult expected = run(without, kept, options, {}, weights.data());
        EXPECT_EQ(result.status, TrainStatus::kOk);
        EXPECT_TRUE(same_state(with, without));
        EXPECT_EQ(errors_of(result), errors_of(expected));
    }
}

TEST(RowWeightsOfABatch, AreRepetitions) {
    for (const std::vector<Index>& widths :
         {std::vector<Index>{7, 4, 7}, {4, 7, 4}, {9, 20, 5, 9}, {130, 300, 20, 130}}) {
        const TestModel start = TestModel::deep(widths, Activation::kTanh, Activation::kLogistic);
        const RowMatrix<float> X = random_matrix(10, widths[0], 3);
        const std::vector<float> counts{1, 2, 1, 5, 3, 1, 1, 4, 2, 1};
        Setting weighted{large_steps()}, repeated{large_steps()};
        weighted.objective.sparsity_beta = repeated.objective.sparsity_beta = 0.5;
        weighted.objective.loss = repeated.objective.loss = Loss::kHuber;
        weighted.objective.loss_parameter = repeated.objective.loss_parameter = 0.4;
        Order copies;
        for (std::uint32_t i = 0; i < 10; ++i) {
            weighted.row_weights.push_back(counts[i] * 10 / 21);
            copies.insert(copies.end(), static_cast<std::size_t>(counts[i]), i);
        }
        ASSERT_EQ(copies.size(), 21u);
        TestModel by_weight(start.network, start.params), by_copy(start.network, start.params);
        const double error = batch_step(by_weight, X, rows_in_order(10), weighted);
        const double expected = batch_step(by_copy, X, copies, repeated);
        EXPECT_NEAR(error * 21 / 10 / expected, 1, 1e-6);
        EXPECT_LT(gradient_of_step(start, by_weight).distance(gradient_of_step(start, by_copy)),
                  3e-6);
        for (std::size_t j = 0; j < by_copy.averages.size(); ++j) {
            EXPECT_NEAR(by_weight.averages[j], by_copy.averages[j], 1e-6);
        }
    }
}

TEST(RowWeightsOfATraining, PullTheNetworkToHeavyRows) {
    // Two groups of rows that one hidden unit cannot both reconstruct.
    RowMatrix<float> X = RowMatrix<float>::Zero(40, 6);
    for (Index i = 0; i < 40; ++i) X(i, i % 2 ? 0 : 5) = i % 4 < 2 ? 1.0f : -1.0f;
    for (const Index batch_size : {1, 8}) {
        for (const bool odd : {false, true}) {
            std::vector<float> weights(40);
            for (std::size_t i = 0; i < 40; ++i) weights[i] = (i % 2 == 1) == odd ? 1.9f : 0.1f;
            TestModel model({6, 1, 6}, {Activation::kIdentity, Activation::kIdentity});
            run(model, X, options_of(Solver::kSgd, 0.02, batch_size, 40 * 200), {}, weights.data());
            const plain::Vector errors = model.net().squared_errors(X.cast<double>());
            EXPECT_LT(errors[odd ? 1 : 0], 0.1);
            EXPECT_GT(errors[odd ? 0 : 1], 0.5);
        }
    }
}

}  // namespace fastae::row_weights_test
