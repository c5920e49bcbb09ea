// A training in several calls, which end anywhere in an epoch, is the training in one.

#include "training.hpp"

namespace fastae::continuing_test {

constexpr Index kRows = 37;

using Way = std::tuple<Index, bool>;  // rows of a mini-batch, row weights

class Continuing : public ::testing::TestWithParam<Way> {
  protected:
    Continuing() {
        const bool weighted = std::get<1>(GetParam());
        for (Index i = 0; i < kRows; ++i) {
            weights_.push_back(i % 9 == 4 ? 0.0f : 0.6f + 0.02f * static_cast<float>(i));
            n_ += !weighted || i % 9 != 4;
        }
    }

    const float* weights() const { return std::get<1>(GetParam()) ? weights_.data() : nullptr; }

    std::vector<TrainOptions> all(Index n_samples) const {
        const Index batch_size = std::get<0>(GetParam());
        std::vector<TrainOptions> result = all_solvers(batch_size, n_samples);
        for (TrainOptions& options : all_with_everything(batch_size, n_samples, 3)) {
            result.push_back(options);
        }
        return result;
    }

    /// Moves the options behind what a call has trained on.
    void go_on(TrainOptions& options, const TrainResult& done) const {
        options.first_row += done.samples;
        options.first_epoch += options.first_row / n_;
        options.first_row %= n_;
        options.n_samples -= done.samples;
        options.samples_done += static_cast<double>(done.samples);
        options.steps_done += static_cast<double>(done.steps);
    }

    RowMatrix<float> X_ = table(kRows, 13, 1);
    std::vector<float> weights_;
    Index n_ = 0;  ///< rows of an epoch
};
INSTANTIATE_TEST_SUITE_P(Ways, Continuing,
                         ::testing::Combine(::testing::Values(1, 5, 8, 64), ::testing::Bool()));

TEST_P(Continuing, InSeveralCallsGivesTheSameBits) {
    for (const TrainOptions& options : all(4 * n_)) {
        TestModel whole = small_model(), divided = small_model();
        const TrainResult expected = run(whole, X_, options, {}, weights());
        ASSERT_EQ(expected.status, TrainStatus::kOk);
        TrainOptions rest = options;
        std::vector<double> errors(4, 0.0);
        std::vector<Index> rows(4, 0);
        Index steps = 0;
        for (const Index n_samples : {3, 17, 0, 40, 1, 20, 1000000}) {
            TrainOptions now = rest;
            now.n_samples = std::min(n_samples, rest.n_samples);
            now.n_threads = steps % 2 ? 2 : 1;  // which makes no difference either
            const TrainResult result = run(divided, X_, now, {}, weights());
            EXPECT_GE(result.samples, now.n_samples);
            EXPECT_LT(result.samples, now.n_samples + options.batch_size);
            for (std::size_t i = 0; i < result.parts.size(); ++i) {
                const std::size_t epoch = static_cast<std::size_t>(now.first_epoch) + i;
                errors.at(epoch) += result.parts[i].errors.reconstruction;
                rows.at(epoch) += result.parts[i].rows;
            }
            steps += result.steps;
            go_on(rest, result);
        }
        EXPECT_EQ(rest.n_samples, 0);
        EXPECT_EQ(steps, expected.steps);
        EXPECT_TRUE(same_state(divided, whole));
        for (std::size_t epoch = 0; epoch < 4; ++epoch) {
            EXPECT_EQ(rows[epoch], expected.parts[epoch].rows);
            EXPECT_NEAR(errors[epoch] / expected.parts[epoch].errors.reconstruction, 1, 1e-12);
        }
    }
}

TEST_P(Continuing, AfterEveryMiniBatchGivesTheSameBits) {
    for (const TrainOptions& options : all(2 * n_)) {
        TestModel whole = small_model(), divided = small_model();
        run(whole, X_, options, {}, weights());
        TrainOptions rest = options;
        while (rest.n_samples > 0) {
            TrainOptions now = rest;
            now.n_samples = 1;
            const TrainResult result = run(divided, X_, now, {}, weights());
            EXPECT_EQ(result.steps, 1);
            ASSERT_EQ(result.parts.size(), 1u);
            EXPECT_EQ(result.parts[0].rows, result.samples);
            go_on(rest, result);
        }
        EXPECT_TRUE(same_state(divided, whole));
    }
}

TEST_P(Continuing, AfterATickStoppedItGivesTheSameBits) {
    TrainOptions options = all_with_everything(std::get<0>(GetParam()), 10000000, 3)[1];
    TestModel whole = small_model(), divided = small_model();
    const Tick stop = [](Index) { return true; };
    const TrainResult first = run(divided, X_, options, stop, weights());
    ASSERT_EQ(first.status, TrainStatus::kStopped);
    Index booked = 0;
    for (const EpochPart& part : first.parts) booked += part.rows;
    EXPECT_EQ(booked, first.samples);
    TrainOptions rest = options;
    go_on(rest, first);
    rest.n_samples = 30;
    const TrainResult second = run(divided, X_, rest, {}, weights());
    options.n_samples = first.samples + second.samples;
    run(whole, X_, options, {}, weights());
    EXPECT_TRUE(same_state(divided, whole));
}

TEST_P(Continuing, LockFreeVisitsTheRestOfTheEpoch) {
    // At rate 0 the errors of an epoch's parts add up to those of the whole epoch.
    TrainOptions options = options_of(Solver::kSgd, 0, std::get<0>(GetParam()), 3 * n_);
    options.parallel = Parallel::kHogwild;
    options.n_threads = 3;
    TestModel model = small_model();
    const std::vector<double> expected = errors_of(run(model, X_, options, {}, weights()));
    ASSERT_EQ(expected.size(), 3u);
    std::vector<double> errors(3, 0.0);
    TrainOptions rest = options;
    for (const Index n_samples : {10, 1, 50, 1000}) {
        TrainOptions now = rest;
        now.n_samples = std::min(n_samples, rest.n_samples);
        const TrainResult result = run(model, X_, now, {}, weights());
        EXPECT_GE(result.samples, now.n_samples);
        EXPECT_LT(result.samples, now.n_samples + options.batch_size);
        for (std::size_t i = 0; i < result.parts.size(); ++i) {
            errors.at(static_cast<std::size_t>(now.first_epoch) + i) +=
                result.parts[i].errors.reconstruction;
        }
        go_on(rest, result);
    }
    EXPECT_EQ(rest.n_samples, 0);
    for (std::size_t e = 0; e < 3; ++e) EXPECT_NEAR(errors[e] / expected[e], 1, 1e-6);
}

}  // namespace fastae::continuing_test
