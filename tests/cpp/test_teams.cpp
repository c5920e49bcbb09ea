// Whoever does the work, the result has the same bits, with everything on together.

#include "steps.hpp"
#include "training.hpp"

namespace fastae::teams_test {

// With enough columns for every thread, with too few, and with layers of every orientation first
// and last.
const std::vector<std::vector<Index>> kWidths{
    {17, 40, 3, 40, 17},       {300, 33, 300}, {130, 300, 130}, {200, 200}, {64, 256, 300, 20, 64},
    {100, 200, 300, 400, 100}, {2100, 5, 2100}};

class Teams : public ::testing::TestWithParam<std::vector<Index>> {
  protected:
    /// Every solver with everything; the other losses are in test_gradient.
    std::vector<Setting> settings(Index n_rows) const {
        std::vector<Setting> all;
        for (const TrainOptions& options :
             all_with_everything(1, 3 * n_rows, start_.network.n_layers())) {
            all.push_back({options.solver, options.objective});
            for (Index i = 0; i < n_rows; ++i) {
                all.back().row_weights.push_back(0.5f + 0.25f * static_cast<float>(i % 5));
            }
        }
        return all;
    }
    RowMatrix<float> rows(Index n) const { return random_matrix(n, GetParam()[0], 3); }
    TestModel start() const { return TestModel(start_.network, start_.params); }

    TestModel start_ = TestModel::deep(GetParam(), Activation::kTanh, Activation::kLogistic);
};
INSTANTIATE_TEST_SUITE_P(Widths, Teams, ::testing::ValuesIn(kWidths));

TEST_P(Teams, GiveTheSameBitsOfAMiniBatch) {
    for (const Index n : {1, 2, 5, 70}) {
        const RowMatrix<float> X = rows(n);
        for (Setting setting : settings(n)) {
            setting.samples = 3;
            TestModel alone = start();
            const double error = batch_step(alone, X, rows_in_order(n), setting);
            EXPECT_TRUE(alone.is_finite());
            for (const int team : {2, 3, 4, 5, 8}) {
                TestModel shared = start();
                EXPECT_EQ(batch_step(shared, X, rows_in_order(n), setting, team), error);
                EXPECT_TRUE(same_state(shared, alone)) << n << " rows, a team of " << team;
            }
        }
    }
}

TEST_P(Teams, GiveTheSameBitsOnline) {
    const RowMatrix<float> X = rows(20);
    for (const Setting& setting : settings(20)) {
        TestModel alone = start();
        const double period = setting.solver.decay_period();
        const double error = online_steps(alone, X, rows_in_order(20), setting, 1, period);
        EXPECT_TRUE(alone.is_finite());
        for (int team = 2; team <= kParts; ++team) {
            TestModel shared = start();
            EXPECT_EQ(online_steps(shared, X, rows_in_order(20), setting, team, period), error);
            EXPECT_TRUE(same_state(shared, alone)) << "a team of " << team;
        }
    }
}

TEST_P(Teams, GiveTheSameBitsOfATraining) {
    const RowMatrix<float> X = table(24, GetParam()[0], 1);
    std::vector<float> weights;
    for (int i = 0; i < 24; ++i) weights.push_back(0.4f * static_cast<float>(i % 6));
    for (const Index batch_size : {1, 7, 64}) {
        for (TrainOptions options :
             all_with_everything(batch_size, 35, start_.network.n_layers())) {
            options.solver.learning_rate /= 4;
            TestModel alone = start();
            const TrainResult expected = run(alone, X, options, {}, weights.data());
            EXPECT_EQ(expected.status, TrainStatus::kOk);
            for (const int n_threads : {2, 3, 4}) {
                options.n_threads = n_threads;
                TestModel shared = start();
                const TrainResult result = run(shared, X, options, {}, weights.data());
                EXPECT_TRUE(same_state(shared, alone)) << batch_size << " rows, " << n_threads;
                EXPECT_EQ(errors_of(result), errors_of(expected));
                EXPECT_EQ(result.steps, expected.steps);
            }
        }
    }
}

}  // namespace fastae::teams_test
