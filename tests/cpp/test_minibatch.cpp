#include "steps.hpp"

namespace fastae::minibatch_test {

using plain::Matrix;
using plain::Net;

const std::vector<std::vector<Index>> kDeep{{6, 6},          {1, 1},       {1, 4, 1},
                                            {5, 9, 2, 9, 5}, {3, 8, 4, 3}, {4, 3, 2, 3, 4}};
const std::vector<std::vector<Index>> kLarge{{17, 16, 17},        {80, 17, 80},    {33, 100, 33},
                                             {16, 31, 8, 33, 16}, {1030, 3, 1030}, {81, 81}};

/// One step of a mini-batch of all rows of X, by a team; returns the sum of its squared errors.
double step(TestModel& model, const RowMatrix<float>& X, const SolverOptions& options,
            int team = 1) {
    return batch_step(model, X, rows_in_order(X.rows()), {options}, team);
}

Net gradient(const TestModel& model, const RowMatrix<float>& X, double l1 = 0, double l2 = 0) {
    TestModel moved(model.network, model.params);
    SolverOptions sgd = large_steps();
    sgd.l1 = l1;
    sgd.l2 = l2;
    step(moved, X, sgd);
    return gradient_of_step(model, moved);
}

void check_against_differences(const TestModel& model, std::uint64_t seed) {
    const RowMatrix<float> X = random_matrix(5, model.network.n_inputs(), seed, -1.5, 1.5);
    const Matrix rows = X.cast<double>();
    const Net exact = model.net().differences(rows);
    EXPECT_LT(model.net().gradient(rows).distance(exact), 1e-8);  // the reference itself
    EXPECT_LT(gradient(model, X).distance(exact), 2e-6 * std::max(1.0, exact.magnitude()));
}

TEST(MiniBatchGradient, EqualsFiniteDifferencesForEveryPairOfActivations) {
    for (const Activation hidden : kActivations) {
        for (const Activation output : kActivations) {
            SCOPED_TRACE(::testing::Message() << hidden << ", " << output);
            check_against_differences(TestModel({7, 4, 7}, {hidden, output}, 3), 4);
            check_against_differences(TestModel({4, 7, 4}, {hidden, output}, 5), 6);
        }
    }
}

TEST(MiniBatchGradient, EqualsFiniteDifferencesInDeepNetworks) {
    for (const auto& widths : kDeep) {
        for (const Activation hidden : kActivations) {
            SCOPED_TRACE(::testing::PrintToString(widths) + ::testing::PrintToString(hidden));
            check_against_differences(TestModel::deep(widths, hidden, Activation::kTanh, 7), 8);
            check_against_differences(TestModel::deep(widths, hidden, Activation::kIdentity, 9),
                                      10);
        }
    }
}

TEST(MiniBatchGradient, EqualsPlainInLargeNetworksForEveryBatch) {
    for (const auto& widths : kLarge) {
        for (const Index n : {1, 2, 3, 5, 63, 64, 65, 130}) {
            SCOPED_TRACE(::testing::PrintToString(widths) + " x " + std::to_string(n));
            const TestModel model =
                TestModel::deep(widths, Activation::kTanh, Activation::kIdentity);
            const RowMatrix<float> X = random_matrix(n, widths[0], 2);
            const Net exact = model.net().gradient(X.cast<double>());
            EXPECT_LT(gradient(model, X).distance(exact), 3e-6 * std::max(1.0, exact.magnitude()));
        }
    }
}

TEST(MiniBatchGradient, PenaltiesReachTheWeightsOnly) {
    const RowMatrix<float> X = random_matrix(6, 17, 2);
    const TestModel model({17, 5, 17}, {Activation::kTanh, Activation::kTanh});
    for (const auto& [l1, l2] : {std::pair(0.3, 0.0), std::pair(0.0, 0.7), std::pair(0.2, 0.1)}) {
        const Net exact = model.net().gradient(X.cast<double>(), l1, l2);
        EXPECT_LT(gradient(model, X, l1, l2).distance(exact), 3e-6);
        const Net without = gradient(model, X), with = gradient(model, X, l1, l2);
        for (std::size_t l = 0; l < 2; ++l) EXPECT_EQ(with.b[l], without.b[l]);
    }
}

TEST(MiniBatchGradient, RowsAreScaledAndOrdered) {
    TestModel model({6, 3, 6}, {Activation::kTanh, Activation::kIdentity});
    for (std::size_t j = 0; j < 6; ++j) {
        model.shift[j] = 0.5 * static_cast<double>(j);
        model.scale[j] = 2.0 / static_cast<double>(j + 1);
    }
    const RowMatrix<float> X = random_matrix(9, 6, 3, -2, 2);
    const Order order{8, 2, 2, 5};
    Matrix rows(4, 6);
    for (Index i = 0; i < 4; ++i) {
        rows.row(i) = model.scaled(X.cast<double>()).row(order[static_cast<std::size_t>(i)]);
    }
    const Net before = model.net();
    SolverOptions sgd;
    sgd.solver = Solver::kSgd;
    sgd.learning_rate = 1;
    const PartedModel parted(model, sgd);
    const Objective objective;
    MiniBatch batch(parted.layout, objective, sgd.max_w2, 7);
    const RowsView view = view_of(X);
    const Scaling scaling = model.scaling();
    const TrainingTable all_rows{view, scaling};
    batch.forward_backward(0, parted.weights(), {all_rows, order.data(), 4, {}, 0});
    batch.apply_gradient(0, sgd, StepConstants(sgd, 0, 0), 4, parted.weights());
    parted.unpack();
    EXPECT_NEAR(batch.errors(4).reconstruction, before.squared_errors(rows).sum(), 1e-5);
    EXPECT_NEAR(batch.errors(2).reconstruction, before.squared_errors(rows.topRows(2)).sum(), 1e-5);
    Net expected = before;
    expected.add(-1, before.gradient(rows));
    EXPECT_LT(model.net().distance(expected), 1e-5);
}

TEST(MiniBatch, SquaredErrorIsThatOfTheRows) {
    // 4 columns: the rest of the vector must not count, whatever the activation makes of zero.
    for (const Activation output : kActivations) {
        TestModel model({4, 3, 4}, {Activation::kTanh, output});
        const RowMatrix<float> X = random_matrix(70, 4, 3);
        const Net net = model.net();
        EXPECT_NEAR(step(model, X, {}), net.squared_errors(X.cast<double>()).sum(), 1e-4) << output;
    }
}

TEST(MiniBatch, AnyTeamGivesTheSameBits) {
    // With enough columns for every thread, with too few, and with other layers first and last.
    for (const std::vector<Index>& widths : {std::vector<Index>{300, 33, 300},
                                             {17, 40, 3, 40, 17},
                                             {130, 300, 130},
                                             {200, 200},
                                             {64, 256, 300, 20, 64},
                                             {2100, 5, 2100}}) {
        for (const SolverOptions& options : all_rules(0.1)) {
            for (const Index n : {1, 2, 5, 70}) {
                const RowMatrix<float> X = random_matrix(n, widths[0], 3);
                const TestModel start =
                    TestModel::deep(widths, Activation::kTanh, Activation::kLogistic);
                TestModel alone(start.network, start.params);
                const double error = step(alone, X, options);
                for (const int team : {2, 3, 4, 5, 6, 8}) {
                    TestModel shared(start.network, start.params);
                    EXPECT_EQ(step(shared, X, options, team), error);
                    EXPECT_TRUE(same_state(shared, alone))
                        << n << " rows, a team of " << team << ", "
                        << ::testing::PrintToString(widths);
                }
            }
        }
    }
}

TEST(MiniBatch, StepsOfATeamFollowEachOther) {
    const RowMatrix<float> X = random_matrix(30, 140, 3);
    const auto order = rows_in_order(30);
    const TestModel start({140, 20, 140}, {Activation::kTanh, Activation::kTanh});
    const auto trained = [&](int team) {
        TestModel model(start.network, start.params);
        const SolverOptions adam;
        const PartedModel parted(model, adam);
        const Objective objective;
        MiniBatch batch(parted.layout, objective, adam.max_w2, 4, team);
        const Scaling scaling = model.scaling();
        const RowsView view = view_of(X);
        const TrainingTable all_rows{view, scaling};
        on_team(team, [&](int thread) {
            for (Index i = 0; i < 30; i += 4) {
                const Index n = std::min<Index>(4, 30 - i);
                const double done = static_cast<double>(i);
                const NextRows next{&view, order.data() + i + n, std::min<Index>(4, 30 - i - n)};
                batch.forward_backward(thread, parted.weights(),
                                       {all_rows, order.data() + i, n, {}, done});
                batch.apply_gradient(thread, adam, StepConstants(adam, done, done), n,
                                     parted.weights(), next);
            }
        });
        parted.unpack();
        return model;
    };
    const TestModel alone = trained(1);
    for (const int team : {2, 3, 4}) EXPECT_TRUE(same_state(trained(team), alone)) << team;
}

TEST(MiniBatch, PaddingStaysZero) {
    for (const SolverOptions& options : all_rules(0.1)) {
        for (const Activation kind : kActivations) {
            TestModel model({17, 5, 20, 17}, {kind, kind, kind});
            for (int t = 0; t < 3; ++t) step(model, random_matrix(9, 17, 3), options);
            EXPECT_TRUE(model.padding_is_zero()) << kind;
        }
    }
}

}  // namespace fastae::minibatch_test
