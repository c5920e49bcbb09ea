#include <limits>
#include <stdexcept>
#include <thread>

#include "fastae/training_clock.hpp"
#include "helpers.hpp"

namespace fastae::training_clock_test {

class Clock : public ::testing::Test {
  protected:
    static void wait() { std::this_thread::sleep_for(std::chrono::milliseconds(60)); }

    TestModel model_{{3, 2, 3}, {Activation::kTanh, Activation::kTanh}};
    PartedLayout layout_{model_.network};
    PartedWeights parted_{layout_, 2};
    Weights weights_ = parted_.weights();
    TrainResult result_;
};

TEST_F(Clock, BooksWhatItIsTold) {
    const Tick tick;
    TrainingClock clock(layout_, weights_, tick, result_);
    for (int epoch = 0; epoch < 2; ++epoch) {
        clock.begin_epoch();
        clock.book(4, 1, {6.0, 0});
        clock.book(2, 3, {12.0 * epoch, 0});
        clock.end_epoch();
    }
    ASSERT_EQ(result_.parts.size(), 2u);
    for (const EpochPart& part : result_.parts) {
        EXPECT_EQ(part.rows, 6);
        EXPECT_GE(part.seconds, 0);
    }
    EXPECT_EQ(result_.parts[0].errors.reconstruction, 6.0);
    EXPECT_EQ(result_.parts[1].errors.reconstruction, 18.0);
    EXPECT_EQ(result_.samples, 12);
    EXPECT_EQ(result_.steps, 8);
    EXPECT_EQ(result_.status, TrainStatus::kOk);
    EXPECT_FALSE(clock.stop());
}

TEST_F(Clock, BooksPartsOfAnEpochThatHaveRows) {
    const Tick tick;
    TrainingClock clock(layout_, weights_, tick, result_);
    clock.begin_epoch();
    clock.end_epoch();
    EXPECT_TRUE(result_.parts.empty());
    clock.begin_epoch();
    clock.book(2, 1, {5.0, 0});
    clock.end_epoch();
    ASSERT_EQ(result_.parts.size(), 1u);
    EXPECT_EQ(result_.parts[0].rows, 2);
}

TEST_F(Clock, TicksOnlyWhenItIsTime) {
    int calls = 0;
    const Tick tick = [&](Index samples) {
        EXPECT_EQ(samples, 5);
        return ++calls == 2;
    };
    TrainingClock clock(layout_, weights_, tick, result_);
    clock.begin_epoch();
    clock.book(5, 1, {1.0, 0});
    wait();
    clock.watch();
    clock.watch();
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(clock.stop());
    wait();
    clock.watch();
    EXPECT_EQ(calls, 2);
    EXPECT_TRUE(clock.stop());
    EXPECT_EQ(result_.status, TrainStatus::kStopped);
}

TEST_F(Clock, KeepsTheExceptionOfATick) {
    const Tick tick = [](Index) -> bool { throw std::runtime_error("from the tick"); };
    TrainingClock clock(layout_, weights_, tick, result_);
    clock.begin_epoch();
    wait();
    clock.watch();
    EXPECT_TRUE(clock.stop());
    EXPECT_THROW(clock.rethrow(), std::runtime_error);
}

TEST_F(Clock, InfiniteErrorsAndWeightsAreDivergence) {
    const Tick tick;
    for (const double error :
         {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        TrainResult result;
        TrainingClock clock(layout_, weights_, tick, result);
        clock.begin_epoch();
        clock.book(1, 1, {error, 0});
        EXPECT_TRUE(clock.stop());
        EXPECT_EQ(result.status, TrainStatus::kDiverged);
    }
    TrainingClock clock(layout_, weights_, tick, result_);
    clock.begin_epoch();
    clock.book(1, 1, {1.0, 0});
    weights_.params[1] = std::numeric_limits<float>::quiet_NaN();
    clock.end_epoch();
    EXPECT_TRUE(clock.stop());
    EXPECT_EQ(result_.status, TrainStatus::kDiverged);
    EXPECT_TRUE(result_.parts.empty());
}

TEST_F(Clock, AStopDoesNotHideDivergence) {
    const Tick tick = [](Index) { return true; };
    TrainingClock clock(layout_, weights_, tick, result_);
    clock.begin_epoch();
    wait();
    clock.book(1, 1, {std::numeric_limits<double>::quiet_NaN(), 0});
    clock.watch();
    EXPECT_EQ(result_.status, TrainStatus::kDiverged);
}

}  // namespace fastae::training_clock_test
