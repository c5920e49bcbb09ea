#include "fastae/optimiser.hpp"
#include "helpers.hpp"

namespace fastae::schedules_test {

SolverOptions scheduled(Schedule schedule) {
    SolverOptions options;
    options.learning_rate = 0.2;
    options.schedule = schedule;
    options.samples_total = 1000;
    return options;
}

TEST(Schedules, ConstantIsConstant) {
    for (const double samples : {0.0, 500.0, 1e9}) {
        EXPECT_EQ(scheduled(Schedule::kConstant).rate(samples, samples), 0.2);
    }
    EXPECT_EQ(SolverOptions().rate(5, 5), 0.001);  // which needs no total
}

TEST(Schedules, CosineIsHalfAPeriod) {
    const SolverOptions options = scheduled(Schedule::kCosine);
    EXPECT_EQ(options.rate(0, 0), 0.2);
    EXPECT_NEAR(options.rate(250, 1), 0.2 * (1 + std::sqrt(0.5)) / 2, 1e-15);
    EXPECT_NEAR(options.rate(500, 2), 0.1, 1e-15);
    EXPECT_NEAR(options.rate(750, 3), 0.2 * (1 - std::sqrt(0.5)) / 2, 1e-15);
    for (const double samples : {1000.0, 1500.0, 1e9}) {
        EXPECT_NEAR(options.rate(samples, 4), 0, 1e-15);
    }
}

TEST(Schedules, InverseScalingIsAPowerOfTheSteps) {
    SolverOptions options = scheduled(Schedule::kInverseScaling);
    options.samples_total = 0;
    EXPECT_EQ(options.rate(0, 0), 0.2);
    EXPECT_NEAR(options.rate(50, 3), 0.1, 1e-15);
    EXPECT_NEAR(options.rate(1e9, 9999), 0.002, 1e-15);
    options.power = 1;
    EXPECT_NEAR(options.rate(0, 3), 0.05, 1e-15);
    options.power = 0;
    EXPECT_EQ(options.rate(1e9, 1e9), 0.2);
}

TEST(Schedules, OneCycleRisesForThreeTenthsAndFalls) {
    const SolverOptions options = scheduled(Schedule::kOneCycle);
    const double first = 0.2 / 25, last = first / 1e4;
    EXPECT_NEAR(options.rate(0, 0), first, 1e-15);
    EXPECT_NEAR(options.rate(150, 0), (first + 0.2) / 2, 1e-15);
    EXPECT_NEAR(options.rate(300, 0), 0.2, 1e-15);
    EXPECT_NEAR(options.rate(650, 0), (0.2 + last) / 2, 1e-15);
    EXPECT_NEAR(options.rate(1000, 0), last, 1e-15);
    EXPECT_NEAR(options.rate(1e9, 0), last, 1e-15);
    for (double samples = 1; samples <= 1000; ++samples) {
        const double change = options.rate(samples, 0) - options.rate(samples - 1, 0);
        EXPECT_EQ(change > 0, samples <= 300) << samples;
        EXPECT_LT(std::abs(change), 2e-3) << samples;  // no jump
    }
}

TEST(Momentum, GrowsInAStraightLine) {
    SolverOptions options;
    options.momentum = 0.9;
    options.momentum_start = 0.5;
    EXPECT_EQ(options.momentum_at(0), 0.9);
    options.momentum_ramp = 200;
    EXPECT_EQ(options.momentum_at(0), 0.5);
    EXPECT_NEAR(options.momentum_at(50), 0.6, 1e-15);
    EXPECT_NEAR(options.momentum_at(150), 0.8, 1e-15);
    for (const double samples : {200.0, 201.0, 1e9}) EXPECT_EQ(options.momentum_at(samples), 0.9);
}

TEST(Momentum, HasAStateIfItIsEverAboveZero) {
    SolverOptions options;
    options.solver = Solver::kSgd;
    EXPECT_EQ(options.n_slots(), 0);
    options.momentum_start = 0.5;
    EXPECT_EQ(options.n_slots(), 0);  // never used
    options.momentum_ramp = 100;
    EXPECT_EQ(options.n_slots(), 1);
    options.momentum_start = 0;
    EXPECT_EQ(options.n_slots(), 0);
    options.momentum = 0.9;
    EXPECT_EQ(options.n_slots(), 1);
}

TEST(StepConstantsOfSgd, DampenTheGradientOnly) {
    SolverOptions options;
    options.solver = Solver::kSgd;
    options.learning_rate = 0.1;
    options.annealing = 0.01;
    options.momentum = 0.9;
    options.momentum_start = 0.5;
    options.momentum_ramp = 200;
    for (const bool dampening : {false, true}) {
        options.dampening = dampening;
        const StepConstants k(options, 100, 7);
        EXPECT_FLOAT_EQ(k.rate, 0.05f);
        EXPECT_FLOAT_EQ(k.momentum, 0.7f);
        EXPECT_FLOAT_EQ(k.momentum_rate, dampening ? 0.05f * 0.3f : 0.05f);
    }
}

TEST(StepConstantsOfALayer, HaveItsRate) {
    for (const Solver solver : {Solver::kAdadelta, Solver::kAdam, Solver::kSgd}) {
        SolverOptions options;
        options.solver = solver;
        options.momentum = 0.9;
        const StepConstants k(options, 100, 7), slower = k.with_rate(0.25f);
        EXPECT_EQ(slower.rate, k.rate / 4);
        EXPECT_EQ(slower.momentum_rate, k.momentum_rate / 4);
        EXPECT_EQ(slower.momentum, k.momentum);
        EXPECT_EQ(slower.gradient_scale, k.gradient_scale);
        EXPECT_EQ(slower.root_correction, k.root_correction);
    }
    SolverOptions options;
    EXPECT_EQ(options.layer_rate(3), 1.0f);
    options.layer_rates = {0.5, 2};
    EXPECT_EQ(options.layer_rate(0), 0.5f);
    EXPECT_EQ(options.layer_rate(1), 2.0f);
}

TEST(StepConstantsOfALayer, CountAdamsStepsFromItsThaw) {
    SolverOptions options;
    options.layer_rates = {0.5, 0, 1};
    options.thaw_steps = {20, 0, 10};
    const StepConstants k(options, 700, 21);
    const StepConstants first(options, 700, 1), late(options, 700, 11);
    EXPECT_EQ(k.of_layer(options, 0).rate, first.rate / 2);
    EXPECT_EQ(k.of_layer(options, 0).root_correction, first.root_correction);
    EXPECT_EQ(k.of_layer(options, 2).rate, late.rate);
    for (const auto& [steps, expected] : {std::pair{0.0, 3}, {9.0, 3}, {10.0, 2}, {20.0, 0}}) {
        EXPECT_EQ(options.first_trained_layer(3, steps), expected) << steps;
    }
    EXPECT_FALSE(options.trains(1, 1e9));
    EXPECT_EQ(SolverOptions{}.first_trained_layer(3, 0), 0);
}

}  // namespace fastae::schedules_test
