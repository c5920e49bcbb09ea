#include "steps.hpp"

namespace fastae::online_test {

// Every order of contracting, expanding and square layers, with few and with many columns: enough
// for every thread of the largest team, or for some only.
const std::vector<std::vector<Index>> kWidths{{1, 1},
                                              {5, 3, 5},
                                              {3, 5, 3},
                                              {17, 17, 17},
                                              {300, 20, 300},
                                              {130, 300, 130},
                                              {70, 300, 140, 20, 70},
                                              {300, 129, 64, 129, 300},
                                              {100, 200, 300, 400, 100},
                                              {260, 260},
                                              {2100, 3, 2100}};

/// Trains a team on rows of X in order; returns the sum of the squared errors.
double train_rows(TestModel& model, const RowMatrix<float>& X, const SolverOptions& options,
                  int team, double decay_period = 1) {
    return online_steps(model, X, rows_in_order(X.rows()), {options}, team, decay_period);
}

class Online : public ::testing::TestWithParam<std::vector<Index>> {
  protected:
    TestModel model(Activation hidden, Activation output) const {
        return TestModel::deep(GetParam(), hidden, output, 2);
    }
    RowMatrix<float> rows(Index n) const { return random_matrix(n, GetParam()[0], 3); }
};
INSTANTIATE_TEST_SUITE_P(Widths, Online, ::testing::ValuesIn(kWidths));

TEST_P(Online, StepsEqualPlainGradientDescent) {
    constexpr Index kSteps = 5;
    SolverOptions sgd;
    sgd.solver = Solver::kSgd;
    sgd.learning_rate = 0.01;
    for (const Activation hidden : kActivations) {
        for (const Activation output : {Activation::kIdentity, Activation::kTanh}) {
            SCOPED_TRACE(::testing::Message() << hidden << ", " << output);
            for (const double penalty : {0.0, 0.01}) {
                sgd.l1 = sgd.l2 = penalty;
                TestModel trained = model(hidden, output);
                plain::Net net = trained.net();
                const RowMatrix<float> X = rows(kSteps);
                double error = 0;
                for (Index i = 0; i < X.rows(); ++i) {
                    const plain::Matrix row = X.row(i).cast<double>();
                    error += net.squared_errors(row)[0];
                    net.add(-sgd.learning_rate, net.gradient(row, penalty, penalty));
                }
                EXPECT_NEAR(train_rows(trained, X, sgd, 1) / error, 1, 1e-5);
                // Of a weight that is zero but for rounding, l1 may take either sign once.
                EXPECT_LT(trained.net().distance(net), 5e-6 + 2 * sgd.learning_rate * penalty);
                EXPECT_TRUE(trained.padding_is_zero());
            }
        }
    }
}

TEST_P(Online, ATeamGivesTheSameBitsAsOneThread) {
    for (const Solver solver : {Solver::kAdadelta, Solver::kAdam, Solver::kSgd}) {
        SolverOptions options;
        options.solver = solver;
        options.l1 = 1e-4;
        TestModel alone = model(Activation::kTanh, Activation::kLogistic);
        const RowMatrix<float> X = rows(40);
        const double error = train_rows(alone, X, options, 1);
        EXPECT_TRUE(alone.is_finite());
        for (int team = 2; team <= kParts; ++team) {
            TestModel shared = model(Activation::kTanh, Activation::kLogistic);
            EXPECT_EQ(train_rows(shared, X, options, team), error);
            EXPECT_TRUE(same_state(shared, alone)) << "a team of " << team;
        }
    }
}

TEST(OnlineTraining, LazyDecayChangesRoundingOnly) {
    // Long enough for several periods; layers that contract, expand, and both in turn.
    SolverOptions options;
    options.solver = Solver::kAdadelta;
    options.learning_rate = 0.1;
    options.epsilon = 1e-5;  // large: the steps are smooth functions of the gradient
    options.l2 = 1e-2;
    options.rho = 0.95;
    ASSERT_LT(5 * options.decay_period(), 150);
    for (const auto& widths : {std::vector<Index>{33, 8, 33}, {8, 33, 8}, {20, 40, 9, 40, 20}}) {
        const RowMatrix<float> X = table(150, widths[0], 1);
        TestModel lazy = TestModel::deep(widths, Activation::kTanh, Activation::kIdentity);
        TestModel plain(lazy.network, lazy.params);
        const plain::Net start = lazy.net();
        train_rows(lazy, X, options, 1, options.decay_period());
        train_rows(plain, X, options, 1);
        EXPECT_GT(plain.net().distance(start), 0.05);
        EXPECT_LT(plain.net().distance(lazy.net()), 1e-4) << plain.net().distance(start);
    }
}

TEST(OnlineTraining, IsMiniBatchesOfOne) {
    // The other code that can train on one row at a time adds up in another order only.
    const RowMatrix<float> X = table(40, 33, 1);
    for (const Solver solver : {Solver::kAdadelta, Solver::kAdam, Solver::kSgd}) {
        SolverOptions options;
        options.solver = solver;
        options.learning_rate = solver == Solver::kAdadelta ? 1 : 0.01;
        options.epsilon = 1e-3;  // the first steps are smooth functions of the gradient
        TestModel online({33, 8, 33}, {Activation::kTanh, Activation::kTanh});
        TestModel batches(online.network, online.params);
        train_rows(online, X, options, 1);
        const PartedModel parted(batches, options);
        const Weights& weights = parted.weights();
        const Objective objective;
        MiniBatch batch(parted.layout, objective, options.max_w2, 1);
        const RowsView view = view_of(X);
        const Scaling scaling = batches.scaling();
        const TrainingTable all_rows{view, scaling};
        for (std::uint32_t i = 0; i < 40; ++i) {
            batch.forward_backward(0, weights, {all_rows, &i, 1, {}, static_cast<double>(i)});
            batch.apply_gradient(0, options, StepConstants(options, i, i), 1, weights);
        }
        parted.unpack();
        EXPECT_LT(online.net().distance(batches.net()), 1e-5);
    }
}

TEST(OnlineTraining, SquaredErrorsAreTakenOnce) {
    TestModel model({300, 4, 300}, {Activation::kTanh, Activation::kTanh});
    const SolverOptions options;
    const Objective objective;
    const PartedModel parted(model, options);
    Exchange exchange(parted.layout, options.max_w2, 1);
    OnlineWorker worker(parted.layout, objective, exchange, 0, parted.weights());
    const RowMatrix<float> X = random_matrix(1, 300, 3);
    const RowsView view = view_of(X);
    const Scaling scaling = model.scaling();
    const TrainingTable all_rows{view, scaling};
    const std::uint32_t first = 0;
    const double expected = model.net().squared_errors(X.cast<double>())[0];
    worker.train(options, StepConstants(options, 0, 0), {all_rows, &first, 1, {}, 0},
                 parted.weights());
    double errors[kParts] = {};
    worker.take_squared_error(errors);
    double total = 0;
    for (const double error : errors) total += error;
    EXPECT_NEAR(total / expected, 1, 1e-5);
    double again[kParts] = {};
    worker.take_squared_error(again);
    for (const double error : again) EXPECT_EQ(error, 0);
}

}  // namespace fastae::online_test
