#include "fastae/hogwild.hpp"
#include "helpers.hpp"

namespace fastae::hogwild_test {

TrainOptions options_of(Solver solver, double rate, Index batch_size, int n_threads) {
    TrainOptions options;
    options.solver.solver = solver;
    options.solver.learning_rate = rate;
    options.batch_size = batch_size;
    options.parallel = Parallel::kHogwild;
    options.n_threads = n_threads;
    return options;
}

TrainResult run(Model& model, const RowMatrix<float>& X, const TrainOptions& options) {
    return train(model.network, model.weights(options.solver), view_of(X), model.scaling(), options,
                 {});
}

Model small_model(std::uint64_t seed) {
    return Model({13, 20, 4, 13}, {Activation::kTanh, Activation::kElu, Activation::kIdentity},
                 seed);
}

TEST(Hogwild, EveryRowIsVisitedOnceAnEpoch) {
    // At rate 0 the weights stay, and the mean error of an epoch tells which rows it saw: the
    // errors differ so much that a row left out or seen twice would show.
    RowMatrix<float> X = random_matrix(203, 13, 5);
    for (Index i = 0; i < X.rows(); ++i) X.row(i) *= 1 + static_cast<float>(i) / 10;
    for (const Index batch_size : {1, 4, 64}) {
        for (const int n_threads : {2, 3, 4}) {
            SCOPED_TRACE(::testing::Message()
                         << batch_size << " rows, " << n_threads << " threads");
            Model model = small_model(1);
            TrainOptions options = options_of(Solver::kSgd, 0, batch_size, n_threads);
            options.n_epochs = 5;
            const TrainResult result = run(model, X, options);
            const double expected = model.net().squared_errors(X.cast<double>()).mean() / 13;
            ASSERT_EQ(result.mse.size(), 5u);
            for (const double mse : result.mse) EXPECT_NEAR(mse / expected, 1, 1e-6);
            EXPECT_EQ(result.samples, 5 * 203);
            EXPECT_EQ(result.steps, 5 * ((203 + batch_size - 1) / batch_size));
        }
    }
}

TEST(Hogwild, ReachesTheLossOfOneThread) {
    // Long enough for the threads to meet, and for every run to come near the best loss.
    const RowMatrix<float> X = table(2000, 100, 1);
    for (TrainOptions options :
         {options_of(Solver::kAdadelta, 1, 1, 1), options_of(Solver::kAdam, 0.002, 4, 1),
          options_of(Solver::kSgd, 0.02, 4, 1)}) {
        options.n_epochs = 8;
        for (options.seed = 1; options.seed <= 2; ++options.seed) {
            const auto last_mse = [&](int n_threads) {
                options.n_threads = n_threads;
                Model model = Model::deep({100, 20, 100}, Activation::kTanh, Activation::kIdentity,
                                          options.seed);
                const TrainResult result = run(model, X, options);
                EXPECT_EQ(result.status, TrainStatus::kOk);
                return result.mse.back();
            };
            const double expected = last_mse(1);
            for (const int n_threads : {2, 4}) {
                const double ratio = last_mse(n_threads) / expected;
                // Lost updates make fewer steps of many: up to 2.1 was seen with plain SGD,
                // below 1.5 with the others; untrained, the loss is more than 50 times as high.
                EXPECT_GT(ratio, 0.5) << n_threads << " threads";
                EXPECT_LT(ratio, 3.0) << n_threads << " threads";
            }
        }
    }
}

TEST(Hogwild, OneThreadIsTheDeterministicWay) {
    const RowMatrix<float> X = table(50, 13, 1);
    TrainOptions options = options_of(Solver::kAdam, 0.01, 4, 1);
    options.n_epochs = 3;
    Model lock_free = small_model(1), ordered = small_model(1);
    const TrainResult result = run(lock_free, X, options);
    options.parallel = Parallel::kDeterministic;
    const TrainResult expected = run(ordered, X, options);
    EXPECT_EQ(result.mse, expected.mse);
    EXPECT_TRUE(same_bits(lock_free.params.data(), ordered.params.data(), ordered.network.size()));
}

TEST(Hogwild, MoreThreadsThanMiniBatchesWork) {
    const RowMatrix<float> X = table(5, 13, 1);
    for (const Index batch_size : {2, 5, 100}) {
        Model model = small_model(1);
        TrainOptions options = options_of(Solver::kAdadelta, 1, batch_size, 4);
        options.n_epochs = 3;
        const TrainResult result = run(model, X, options);
        EXPECT_EQ(result.samples, 15);
        EXPECT_EQ(result.mse.size(), 3u);
    }
}

TEST(Hogwild, PaddingStaysZero) {
    const RowMatrix<float> X = table(200, 13, 1);
    Model model = small_model(1);
    TrainOptions options = options_of(Solver::kAdadelta, 1, 2, 4);
    options.solver.l1 = 1e-4;
    options.n_epochs = 3;
    run(model, X, options);
    EXPECT_TRUE(model.padding_is_zero());
}

}  // namespace fastae::hogwild_test
