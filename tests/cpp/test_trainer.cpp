#include <chrono>
#include <limits>
#include <stdexcept>

#include "fastae/rng.hpp"
#include "training.hpp"

namespace fastae::trainer_test {

TEST(Trainer, FollowsPlainGradientDescentOnTheShuffledRows) {
    const RowMatrix<float> X = table(11, 13, 1);
    TestModel model = small_model();
    plain::Net net = model.net();
    const TrainOptions options = options_of(Solver::kSgd, 0.1, 4, 33);
    const TrainResult result = run(model, X, options);
    std::vector<std::uint32_t> order(11);
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
        shuffle_rows(options.seed, epoch, order);
        double error = 0;
        for (std::size_t start = 0; start < 11; start += 4) {
            const std::size_t end = std::min<std::size_t>(start + 4, 11);
            plain::Matrix rows(static_cast<Index>(end - start), 13);
            for (std::size_t i = start; i < end; ++i) {
                rows.row(static_cast<Index>(i - start)) = X.row(order[i]).cast<double>();
            }
            error += net.squared_errors(rows).sum();
            net.add(-0.1, net.gradient(rows));
        }
        EXPECT_NEAR(result.parts.at(epoch).errors.reconstruction / error, 1, 1e-6);
        EXPECT_EQ(result.parts[epoch].rows, 11);
        EXPECT_GT(result.parts[epoch].seconds, 0);
    }
    EXPECT_LT(model.net().distance(net), 2e-6);
    EXPECT_EQ(result.samples, 33);
    EXPECT_EQ(result.steps, 9);
    EXPECT_EQ(result.parts.size(), 3u);
    EXPECT_EQ(result.status, TrainStatus::kOk);
}

TEST(Trainer, EverySolverLearns) {
    const RowMatrix<float> X = table(200, 13, 1);
    for (const TrainOptions& options : all_solvers(4, 30 * 200)) {
        TestModel model = small_model();
        const double before = model.net().squared_errors(X.cast<double>()).sum();
        const TrainResult result = run(model, X, options);
        EXPECT_EQ(result.status, TrainStatus::kOk);
        EXPECT_LT(errors_of(result).back(), before / 10) << static_cast<int>(options.solver.solver);
    }
}

TEST(Trainer, AnyNumberOfThreadsGivesTheSameBits) {
    const RowMatrix<float> X = table(70, 13, 1);
    for (const Index batch_size : {1, 3, 16, 32, 70, 1000}) {
        for (TrainOptions options : all_solvers(batch_size, 2 * 70)) {
            TestModel alone = small_model();
            const TrainResult expected = run(alone, X, options);
            EXPECT_EQ(expected.status, TrainStatus::kOk);
            for (const int n_threads : {2, 3, 4}) {
                SCOPED_TRACE(::testing::Message()
                             << batch_size << " rows, " << n_threads << " threads");
                options.n_threads = n_threads;
                TestModel shared = small_model();
                const TrainResult result = run(shared, X, options);
                EXPECT_TRUE(same_state(shared, alone));
                EXPECT_EQ(errors_of(result), errors_of(expected));
                EXPECT_EQ(result.samples, 140);
                EXPECT_EQ(result.steps, expected.steps);
            }
        }
    }
}

TEST(Trainer, WideNetworksGiveTheSameBitsToo) {
    for (const std::vector<Index>& widths :
         {std::vector<Index>{300, 64, 30, 300}, {130, 300, 130}, {64, 256, 300, 64}}) {
        const RowMatrix<float> X = table(120, widths[0], 1);
        for (const Index batch_size : {1, 100}) {
            TrainOptions options = options_of(Solver::kAdadelta, 1, batch_size, 2 * 120);
            const auto trained = [&](int n_threads) {
                TestModel model = TestModel::deep(widths, Activation::kRelu, Activation::kLogistic);
                options.n_threads = n_threads;
                EXPECT_EQ(run(model, X, options).status, TrainStatus::kOk);
                return model;
            };
            const TestModel alone = trained(1);
            for (const int n_threads : {2, 3, 4}) {
                EXPECT_TRUE(same_state(trained(n_threads), alone))
                    << ::testing::PrintToString(widths) << " on " << n_threads << " threads";
            }
        }
    }
}

TEST(Trainer, TheSeedDecidesTheOrder) {
    const RowMatrix<float> X = table(37, 13, 1);
    TrainOptions options = options_of(Solver::kSgd, 0.05, 1, 37);
    TestModel first = small_model(), other = small_model();
    run(first, X, options);
    options.seed = 43;
    run(other, X, options);
    EXPECT_FALSE(same_state(first, other));
}

TEST(Trainer, OneRowAndOneColumnAreEnough) {
    const RowMatrix<float> X = RowMatrix<float>::Constant(1, 1, 0.5f);
    TrainOptions options = options_of(Solver::kSgd, 0.1, 32, 100);
    options.n_threads = 4;
    for (const std::vector<Index>& widths : {std::vector<Index>{1, 1}, {1, 3, 1}}) {
        TestModel model = TestModel::deep(widths, Activation::kTanh, Activation::kIdentity);
        const TrainResult result = run(model, X, options);
        EXPECT_EQ(result.samples, 100);
        EXPECT_LT(errors_of(result).back(), errors_of(result).front() / 2 + 1e-9);
    }
}

TEST(Trainer, DivergenceIsReported) {
    const RowMatrix<float> X = table(200, 13, 1);
    for (const Parallel parallel : {Parallel::kDeterministic, Parallel::kHogwild}) {
        for (const int n_threads : {1, 2, 4}) {
            for (const Index batch_size : {1, 4}) {
                TrainOptions options = options_of(Solver::kSgd, 1e20, batch_size, 50 * 200);
                options.parallel = parallel;
                options.n_threads = n_threads;
                TestModel model = small_model();
                const TrainResult result = run(model, X, options);
                EXPECT_EQ(result.status, TrainStatus::kDiverged);
                EXPECT_LE(result.samples, 2 * 200);  // noticed soon
                EXPECT_LT(result.parts.size(), 2u);
            }
        }
    }
}

TEST(Trainer, NanInTheRowsIsDivergenceToo) {
    RowMatrix<float> X = table(40, 13, 1);
    X(17, 12) = std::numeric_limits<float>::quiet_NaN();
    for (const Parallel parallel : {Parallel::kDeterministic, Parallel::kHogwild}) {
        for (const Index batch_size : {1, 4}) {
            TrainOptions options = options_of(Solver::kAdam, 0.01, batch_size, 50 * 40);
            options.parallel = parallel;
            options.n_threads = 2;
            TestModel model = small_model();
            const TrainResult result = run(model, X, options);
            EXPECT_EQ(result.status, TrainStatus::kDiverged);
            EXPECT_TRUE(result.parts.empty());
        }
    }
}

using Way = std::tuple<Parallel, int, Index>;  // threads, rows of a mini-batch

class TrainerTick : public ::testing::TestWithParam<Way> {
  protected:
    /// Far more rows than a test has time for.
    TrainOptions endless() const {
        TrainOptions options = options_of(Solver::kAdam, 1e-4, 1, 40000000000);
        std::tie(options.parallel, options.n_threads, options.batch_size) = GetParam();
        return options;
    }

    RowMatrix<float> X_ = table(40, 13, 1);
    TestModel model_ = small_model();
};
INSTANTIATE_TEST_SUITE_P(
    Ways, TrainerTick,
    ::testing::Values(Way(Parallel::kDeterministic, 1, 2), Way(Parallel::kDeterministic, 2, 2),
                      Way(Parallel::kDeterministic, 1, 1), Way(Parallel::kDeterministic, 2, 1),
                      Way(Parallel::kHogwild, 2, 2), Way(Parallel::kHogwild, 3, 1)));

TEST_P(TrainerTick, TrueStops) {
    std::vector<Index> seen;
    const auto start = std::chrono::steady_clock::now();
    const TrainResult result = run(model_, X_, endless(), [&](Index samples) {
        seen.push_back(samples);
        return seen.size() == 3;
    });
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(result.status, TrainStatus::kStopped);
    ASSERT_EQ(seen.size(), 3u);
    EXPECT_GE(elapsed.count(), 0.14);  // about every 50 ms
    EXPECT_LT(seen[0], seen[2]);
    EXPECT_GE(result.samples, seen[2]);
    Index booked = 0;
    for (const EpochPart& part : result.parts) booked += part.rows;
    EXPECT_EQ(booked, result.samples);
    EXPECT_EQ(static_cast<Index>(result.parts.size()), (result.samples + 39) / 40);
    EXPECT_TRUE(model_.is_finite());
}

TEST_P(TrainerTick, ExceptionsComeThrough) {
    EXPECT_THROW(run(model_, X_, endless(), [](Index) -> bool { throw std::range_error("x"); }),
                 std::range_error);
    EXPECT_THROW(run(model_, X_, endless(), [](Index) -> bool { throw 5; }), int);
    EXPECT_TRUE(model_.is_finite());
}

}  // namespace fastae::trainer_test
