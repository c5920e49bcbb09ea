// The gradients of everything that an objective can ask for, with fixed noise and masks.

#include "steps.hpp"

namespace fastae::gradient_test {

using plain::Net;

const Order kOrder{8, 2, 5, 0, 11, 3};  // of the table's 12 rows

// Every order of contracting and expanding layers.
const std::vector<std::vector<Index>> kSmall{{7, 4, 7},       {4, 7, 4},    {6, 6},
                                             {5, 9, 2, 9, 5}, {3, 8, 4, 3}, {4, 3, 2, 3, 4}};
// With layers of one, two and four parts.
const std::vector<std::vector<Index>> kLarge{
    {300, 20, 300}, {130, 300, 130}, {70, 300, 140, 20, 70}, {300, 129, 64, 129, 300}};

class EveryObjective : public ::testing::TestWithParam<NamedObjective> {
  protected:
    static RowMatrix<float> rows_for(const TestModel& model) {
        return random_matrix(12, model.network.n_inputs(), 4, -1.5, 1.5);
    }
    Setting setting_for(const TestModel& model) const {
        return fitted(GetParam(), model.network, 12, large_steps());
    }
    static void expect_near(const Net& actual, const Net& exact) {
        EXPECT_LT(actual.distance(exact), 3e-6 * std::max(1.0, exact.magnitude()));
    }

    /// Compares the steps of both codes with the plain gradient.
    void check(const TestModel& start) const {
        const RowMatrix<float> X = rows_for(start);
        const Setting setting = setting_for(start);
        const plain::Task all = task_of(start.network, X, kOrder, setting);
        TestModel batch(start.network, start.params);
        const double error = batch_step(batch, X, kOrder, setting);
        EXPECT_NEAR(error / plain::squared_error(start.net(), all), 1, 1e-5);
        expect_near(gradient_of_step(start, batch), plain::gradient(start.net(), all));
        for (const std::uint32_t row : {8u, 0u}) {
            const plain::Task one = task_of(start.network, X, {row}, setting);
            TestModel online(start.network, start.params);
            const double own_error = online_steps(online, X, {row}, setting);
            EXPECT_NEAR(own_error / plain::squared_error(start.net(), one), 1, 1e-5);
            expect_near(gradient_of_step(start, online), plain::gradient(start.net(), one));
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Objectives, EveryObjective, ::testing::ValuesIn(all_objectives()),
                         [](const auto& test) { return test.param.name; });

TEST_P(EveryObjective, PlainGradientEqualsFiniteDifferences) {
    for (const auto& widths : kSmall) {
        for (const Activation hidden : kActivations) {
            const TestModel model = TestModel::deep(widths, hidden, Activation::kTanh, 7);
            const plain::Task task =
                task_of(model.network, rows_for(model), kOrder, setting_for(model));
            const Net exact =
                model.net().differences([&](const Net& net) { return objective(net, task); });
            EXPECT_LT(plain::gradient(model.net(), task).distance(exact), 1e-8)
                << ::testing::PrintToString(widths) << hidden;
        }
    }
}

TEST_P(EveryObjective, StepsFollowThePlainGradient) {
    for (const auto& widths : kSmall) {
        for (const Activation hidden : kActivations) {
            for (const Activation output : {Activation::kIdentity, Activation::kLogistic}) {
                SCOPED_TRACE(::testing::Message()
                             << ::testing::PrintToString(widths) << hidden << output);
                check(TestModel::deep(widths, hidden, output, 9));
            }
        }
    }
}

TEST_P(EveryObjective, StepsFollowThePlainGradientInLargeNetworks) {
    for (const auto& widths : kLarge) {
        SCOPED_TRACE(::testing::PrintToString(widths));
        check(TestModel::deep(widths, Activation::kTanh, Activation::kIdentity, 9));
    }
}

TEST_P(EveryObjective, NoiseDependsOnTheRowAndNotOnItsPlace) {
    // The rows of one mini-batch, in another order: only the order of the sums changes.
    const TestModel start = TestModel::deep({40, 9, 40}, Activation::kTanh, Activation::kIdentity);
    const RowMatrix<float> X = rows_for(start);
    Setting setting = setting_for(start);
    const auto gradient = [&](const Order& order) {
        TestModel moved(start.network, start.params);
        batch_step(moved, X, order, setting);
        return gradient_of_step(start, moved);
    };
    const Net expected = gradient({8, 2, 5, 0, 11, 3});
    EXPECT_LT(gradient({3, 5, 0, 8, 11, 2}).distance(expected), 3e-6);
    const bool random = GetParam().name.find("dropout") != std::string::npos ||
                        GetParam().name.find("noise") != std::string::npos;
    for (const Noise noise : {Noise{43, 3}, Noise{42, 4}}) {
        setting.noise = noise;
        const double change = gradient({8, 2, 5, 0, 11, 3}).distance(expected);
        if (random) {
            EXPECT_GT(change, 1e-3);
        } else if (GetParam().name != "everything") {
            EXPECT_EQ(change, 0);
        }
    }
}

TEST_P(EveryObjective, OnlineStepsAreMiniBatchesOfOne) {
    // Many steps, in which averages go on; sums are taken in another order only.
    const TestModel start =
        TestModel::deep({70, 140, 20, 70}, Activation::kTanh, Activation::kIdentity);
    const RowMatrix<float> X = rows_for(start);
    SolverOptions sgd = large_steps();
    sgd.learning_rate = 0.01;
    Setting setting = fitted(GetParam(), start.network, 12, sgd);
    TestModel online(start.network, start.params), batches(start.network, start.params);
    const double error = online_steps(online, X, kOrder, setting);
    double expected = 0;
    for (const std::uint32_t row : kOrder) {
        expected += batch_step(batches, X, {row}, setting);
        ++setting.samples;
    }
    EXPECT_NEAR(error / expected, 1, 1e-5);
    EXPECT_LT(online.net().distance(batches.net()), 1e-5);
    for (std::size_t j = 0; j < online.averages.size(); ++j) {
        EXPECT_NEAR(online.averages[j], batches.averages[j], 1e-5);
    }
}

TEST_P(EveryObjective, PaddingStaysZero) {
    for (const Activation kind : kActivations) {
        for (const std::vector<Index>& widths :
             {std::vector<Index>{17, 5, 20, 17}, {300, 20, 300}, {17, 300, 5, 17}}) {
            TestModel batch = TestModel::deep(widths, kind, kind),
                      online(batch.network, batch.params);
            const RowMatrix<float> X = rows_for(batch);
            Setting setting = fitted(GetParam(), batch.network, 12, {});
            setting.solver.max_w2 = 0.5;
            for (int t = 0; t < 3; ++t) batch_step(batch, X, kOrder, setting);
            online_steps(online, X, kOrder, setting);
            EXPECT_TRUE(batch.padding_is_zero()) << kind;
            EXPECT_TRUE(online.padding_is_zero()) << kind;
        }
    }
}

}  // namespace fastae::gradient_test
