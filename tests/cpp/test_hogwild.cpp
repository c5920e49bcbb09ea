#include "fastae/hogwild.hpp"
#include "helpers.hpp"

namespace fastae {
namespace {

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
    const RowMatrix<float> X = table(400, 13, 1);
    for (TrainOptions options :
         {options_of(Solver::kAdadelta, 1, 1, 1), options_of(Solver::kAdam, 0.003, 4, 1),
          options_of(Solver::kSgd, 0.05, 4, 1)}) {
        options.n_epochs = 20;
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            options.seed = seed;
            options.n_threads = 1;
            Model alone = small_model(seed);
            const double expected = run(alone, X, options).mse.back();
            for (const int n_threads : {2, 4}) {
                options.n_threads = n_threads;
                Model shared = small_model(seed);
                const TrainResult result = run(shared, X, options);
                EXPECT_EQ(result.status, TrainStatus::kOk);
                EXPECT_GT(result.mse.back(), 0.5 * expected);
                EXPECT_LT(result.mse.back(), 1.5 * expected)
                    << n_threads << " threads, seed " << seed << ", solver "
                    << static_cast<int>(options.solver.solver);
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

}  // namespace
}  // namespace fastae
