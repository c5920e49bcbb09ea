#include "steps.hpp"
#include "training.hpp"

namespace fastae::sparsity_test {

class Averages : public ::testing::TestWithParam<std::vector<Index>> {
  protected:
    static constexpr Index kRows = 60;

    /// Steps that leave the weights alone.
    Setting setting(bool weighted) const {
        Objective sparse;
        sparse.sparsity_beta = 0.5;
        sparse.hidden_dropout = {0.3};
        Setting result = fitted({"", sparse, weighted}, model_.network, kRows, large_steps());
        result.solver.learning_rate = 0;
        return result;
    }

    /// By a plain loop; moves them on by a mini-batch.
    void follow(std::vector<plain::Vector>& averages, const Order& order,
                const Setting& setting) const {
        const plain::Task task = task_of(model_.network, X_, order, setting);
        const std::vector<plain::Vector> means = mean_activations(model_.net(), task);
        const auto n = static_cast<double>(order.size());
        const double memory = std::max(n, std::min(setting.samples + n, 1000.0));
        for (std::size_t l = 0; l < means.size(); ++l) {
            averages[l] += (means[l] - averages[l]) * (n / memory);
        }
    }

    std::vector<plain::Vector> zeros() const {
        std::vector<plain::Vector> result;
        for (Index l = 0; l <= model_.network.n_layers(); ++l) {
            result.emplace_back(plain::Vector::Zero(model_.network.width(l)));
        }
        return result;
    }

    void expect_near(const TestModel& model, const std::vector<plain::Vector>& expected) const {
        for (Index l = 1; l < model_.network.n_layers(); ++l) {
            const float* own = model.averages.data() + model_.network.hidden_offset(l);
            for (Index j = 0; j < model_.network.width(l); ++j) {
                ASSERT_NEAR(own[j], expected[static_cast<std::size_t>(l)][j], 3e-6) << l;
            }
        }
    }

    TestModel model_ = TestModel::deep(GetParam(), Activation::kLogistic, Activation::kIdentity);
    RowMatrix<float> X_ = random_matrix(kRows, GetParam()[0], 5);
};
INSTANTIATE_TEST_SUITE_P(Widths, Averages,
                         ::testing::Values(std::vector<Index>{7, 4, 7}, std::vector<Index>{4, 7, 4},
                                           std::vector<Index>{9, 20, 5, 3, 9},
                                           std::vector<Index>{20, 300, 130, 20}));

TEST_P(Averages, OfMiniBatchesFollowAPlainLoop) {
    for (const bool weighted : {false, true}) {
        Setting now = setting(weighted);
        TestModel model(model_.network, model_.params);
        std::vector<plain::Vector> expected = zeros();
        for (std::uint32_t t = 0; t < 30; ++t) {  // beyond 1000 rows
            Order order = rows_in_order(t % 2 ? 40 : 57);
            for (std::uint32_t& row : order) row = (row * 7 + t) % kRows;
            batch_step(model, X_, order, now);
            follow(expected, order, now);
            now.samples += static_cast<double>(order.size());
            now.noise.epoch = t;
            expect_near(model, expected);
        }
    }
}

TEST_P(Averages, OfOnlineStepsFollowAPlainLoop) {
    for (const bool weighted : {false, true}) {
        for (const double samples : {0.0, 975.0}) {
            Setting now = setting(weighted);
            now.samples = samples;
            TestModel model(model_.network, model_.params);
            std::vector<plain::Vector> expected = zeros();
            const Order order = rows_in_order(kRows);
            online_steps(model, X_, order, now);
            for (const std::uint32_t row : order) {
                follow(expected, {row}, now);
                ++now.samples;
            }
            expect_near(model, expected);
        }
    }
}

TEST_P(Averages, UpToTheirMemoryAreMeansOfAllRows) {
    const Setting now = setting(false);
    TestModel model(model_.network, model_.params);
    online_steps(model, X_, rows_in_order(kRows), now);
    const plain::Task all = task_of(model_.network, X_, rows_in_order(kRows), now);
    expect_near(model, mean_activations(model_.net(), all));
}

TEST_P(Averages, PushLaterBatchesToo) {
    // With averages that are not the batch's own.
    Setting now = setting(true);
    now.solver = large_steps();
    now.samples = 500;
    const Order order{3, 8, 1, 50};
    for (const bool online : {false, true}) {
        TestModel moved(model_.network, model_.params);
        std::vector<plain::Vector> averages = zeros();
        for (Index l = 1; l < model_.network.n_layers(); ++l) {
            averages[static_cast<std::size_t>(l)].setConstant(0.3);
            std::fill_n(moved.averages.begin() + model_.network.hidden_offset(l),
                        model_.network.width(l), 0.3f);
        }
        const Order rows = online ? Order{50} : order;
        if (online) {
            online_steps(moved, X_, rows, now);
        } else {
            batch_step(moved, X_, rows, now);
        }
        follow(averages, rows, now);
        expect_near(moved, averages);
        plain::Task task = task_of(model_.network, X_, rows, now);
        task.averages = averages;
        const plain::Net exact = plain::gradient(model_.net(), task);
        EXPECT_LT(gradient_of_step(model_, moved).distance(exact),
                  3e-6 * std::max(1.0, exact.magnitude()));
    }
}

TEST(AveragesOfATraining, AreMeansOfAllRowsOverEpochsAndCalls) {
    const RowMatrix<float> X = table(100, 13, 1);
    for (const Index batch_size : {1, 7, 32, 100}) {
        for (const int n_threads : {1, 2}) {
            TrainOptions options = options_of(Solver::kSgd, 0, batch_size, 200);
            options.objective.sparsity_beta = 1;
            options.n_threads = n_threads;
            TestModel model = small_model();
            run(model, X, options);
            options.first_epoch = 2;
            options.samples_done = 200;
            options.n_samples = 100;
            run(model, X, options);
            const std::vector<plain::Matrix> h = model.net().forward(X.cast<double>());
            for (Index l = 1; l <= 2; ++l) {
                for (Index j = 0; j < model.network.width(l); ++j) {
                    const auto at = static_cast<std::size_t>(model.network.hidden_offset(l) + j);
                    const double mean = h[static_cast<std::size_t>(l)].col(j).mean();
                    EXPECT_NEAR(model.averages[at], mean, 3e-6) << batch_size << " rows";
                }
            }
        }
    }
}

}  // namespace fastae::sparsity_test
