#include "fastae/optimiser.hpp"
#include "helpers.hpp"

namespace fastae::optimiser_test {

constexpr Index kParams = 64;
constexpr int kSteps = 8;
constexpr double kRowsPerStep = 5;

/// One parameter and its state in double precision; the formulas are those of the papers.
struct Reference {
    const SolverOptions& o;
    double w, a = 0, b = 0;

    /// The rate before step t = 1, 2, ..; what it is at all times is in test_schedules.
    double scheduled(int t) const { return o.rate((t - 1) * kRowsPerStep, t - 1); }

    /// Zeiler 2012, Algorithm 1: a = E[g^2], b = E[dx^2].
    double adadelta(double g, int t) {
        a = o.rho * a + (1 - o.rho) * g * g;
        const double dx = std::sqrt(b + o.epsilon) / std::sqrt(a + o.epsilon) * g;
        b = o.rho * b + (1 - o.rho) * dx * dx;
        return -scheduled(t) * dx;
    }

    /// Kingma & Ba 2015, Algorithm 1: a = m, b = v; t counts from 1.
    double adam(double g, int t) {
        a = o.beta_1 * a + (1 - o.beta_1) * g;
        b = o.beta_2 * b + (1 - o.beta_2) * g * g;
        const double m_hat = a / (1 - std::pow(o.beta_1, t));
        const double v_hat = b / (1 - std::pow(o.beta_2, t));
        return -scheduled(t) * m_hat / (std::sqrt(v_hat) + o.epsilon);
    }

    /// Sutskever et al. 2013: a = v, rate annealed by the rows seen before; momentum grows with
    /// them. Dampened gradients count 1 - momentum in both places.
    double sgd(double g, int t) {
        const double rows = (t - 1) * kRowsPerStep;
        const double rate = scheduled(t) / (1 + o.annealing * rows);
        const double grown = std::min(rows / o.momentum_ramp, 1.0);
        const double momentum =
            o.momentum_ramp > 0 ? (1 - grown) * o.momentum_start + grown * o.momentum : o.momentum;
        const double part = o.dampening ? rate * (1 - momentum) : rate;
        if (o.n_slots() == 0) return -rate * g;
        a = momentum * a - part * g;
        return o.nesterov ? momentum * a - part * g : a;
    }

    void step(double g, int t, bool penalised) {
        if (penalised) g += o.l1 * ((w > 0) - (w < 0)) + o.l2 * w;
        switch (o.solver) {
            case Solver::kAdadelta:
                w += adadelta(g, t);
                break;
            case Solver::kAdam:
                w += adam(g, t);
                break;
            case Solver::kSgd:
                w += sgd(g, t);
                break;
        }
    }
};

double square(double x) { return x * x; }

struct NamedOptions {
    std::string name;
    SolverOptions options;
};

std::vector<NamedOptions> all_rules() {
    std::vector<NamedOptions> rules;
    const auto add = [&](std::string name, Solver solver, double rate) -> SolverOptions& {
        rules.push_back({std::move(name), {}});
        rules.back().options.solver = solver;
        rules.back().options.learning_rate = rate;
        return rules.back().options;
    };
    add("adadelta", Solver::kAdadelta, 1.0).epsilon = 1e-8;
    add("adadelta_scaled", Solver::kAdadelta, 0.25).rho = 0.9;
    add("adam", Solver::kAdam, 0.01);
    auto& adam = add("adam_other_constants", Solver::kAdam, 0.05);
    adam.beta_1 = 0.7, adam.beta_2 = 0.99, adam.epsilon = 1e-3;
    add("sgd", Solver::kSgd, 0.1);
    add("sgd_annealed", Solver::kSgd, 0.1).annealing = 0.03;
    auto& classical = add("sgd_momentum", Solver::kSgd, 0.1);
    classical.momentum = 0.9, classical.nesterov = false;
    auto& nesterov = add("sgd_nesterov", Solver::kSgd, 0.1);
    nesterov.momentum = 0.9, nesterov.annealing = 0.01;
    auto& dampened = add("sgd_dampened", Solver::kSgd, 0.1);
    dampened.momentum = 0.8, dampened.nesterov = false, dampened.dampening = true;
    auto& nesterov_dampened = add("sgd_nesterov_dampened", Solver::kSgd, 0.1);
    nesterov_dampened.momentum = 0.8, nesterov_dampened.dampening = true;
    auto& growing = add("sgd_growing_momentum", Solver::kSgd, 0.05);
    growing.momentum = 0.95, growing.momentum_start = 0.5, growing.dampening = true;
    growing.momentum_ramp = 5 * kRowsPerStep;
    auto& falling = add("sgd_momentum_down_to_none", Solver::kSgd, 0.05);
    falling.momentum_start = 0.5, falling.momentum_ramp = 5.5 * kRowsPerStep;
    const std::pair<std::string, Schedule> schedules[] = {{"cosine", Schedule::kCosine},
                                                          {"invscaling", Schedule::kInverseScaling},
                                                          {"onecycle", Schedule::kOneCycle}};
    for (const auto& [schedule_name, schedule] : schedules) {
        for (const Solver solver : {Solver::kAdadelta, Solver::kAdam, Solver::kSgd}) {
            const std::string name = schedule_name + std::to_string(static_cast<int>(solver));
            auto& scheduled = add(name, solver, solver == Solver::kAdadelta ? 1 : 0.02);
            scheduled.schedule = schedule;
            scheduled.samples_total = 6 * kRowsPerStep;  // at the end of kSteps none is left
        }
    }
    return rules;
}

class EveryRule : public ::testing::TestWithParam<NamedOptions> {
  protected:
    /// Runs kSteps steps of the rule and of its formula on random gradients; compares both.
    void check(const SolverOptions& o, bool penalised, bool lazy_decay = false) {
        const double decay_period = lazy_decay ? o.decay_period() : 1;
        const int n_slots = o.n_slots();
        const bool adadelta = o.solver == Solver::kAdadelta;
        const double tolerance = adadelta ? 40 : 1;  // its square root has 14 bits
        RowMatrix<float> w = random_matrix(1, kParams, 1);
        w(0, 5) = 0;
        RowMatrix<float> state = RowMatrix<float>::Zero(2, kParams);
        std::vector<Reference> expected;
        for (Index i = 0; i < kParams; ++i) expected.push_back({o, w(0, i)});
        for (int t = 1; t <= (lazy_decay ? 3 * o.decay_period() : kSteps); ++t) {
            const RowMatrix<float> g = random_matrix(1, kParams, 100 + static_cast<unsigned>(t));
            const StepConstants constants(o, (t - 1) * kRowsPerStep, t - 1, decay_period);
            with_rule(o, constants, [&](auto rule) {
                EXPECT_EQ(decltype(rule)::kSlots, n_slots);
                update_span<decltype(rule)>(constants, penalised, kParams, g.data(), w.data(),
                                            state.data(), kParams);
            });
            for (Index i = 0; i < kParams; ++i) {
                Reference& r = expected[static_cast<std::size_t>(i)];
                r.step(g(0, i), t, penalised);
                ASSERT_NEAR(w(0, i), r.w, tolerance * 3e-6) << "step " << t;
                // ADADELTA keeps its averages divided by 1 - rho, the gradients' scaled up between
                // decays.
                const double unit = adadelta ? 1 - o.rho : 1.0;
                const double unit_a = unit / square(constants.gradient_scale);
                if (n_slots > 0) {
                    ASSERT_NEAR(state(0, i) * unit_a, r.a, 1e-6 + 3e-6 * std::abs(r.a));
                }
                if (n_slots > 1) {
                    ASSERT_NEAR(state(1, i) * unit, r.b, 1e-9 + tolerance * 5e-6 * std::abs(r.b));
                }
            }
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Rules, EveryRule, ::testing::ValuesIn(all_rules()),
                         [](const auto& test) { return test.param.name; });

TEST_P(EveryRule, FollowsItsFormula) { check(GetParam().options, false); }

TEST_P(EveryRule, FollowsItsFormulaWithLazyDecay) {
    if (GetParam().options.solver != Solver::kAdadelta) GTEST_SKIP() << "it does not decay";
    check(GetParam().options, false, true);
}

TEST(DecayPeriod, IsUntilAQuarterIsLeft) {
    SolverOptions o;
    for (const auto& [rho, period] : {std::pair(0.99, 137.0),
                                      {0.95, 27.0},
                                      {0.5, 2.0},
                                      {0.4, 1.0},
                                      {0.0, 1.0},
                                      {0.9999999, 1000.0}}) {
        o.rho = rho;
        EXPECT_EQ(o.decay_period(), period) << rho;
    }
}

TEST_P(EveryRule, PenaltiesAreAddedToTheGradient) {
    for (const auto& [l1, l2] : {std::pair(0.3, 0.0), std::pair(0.0, 0.2), std::pair(0.1, 0.05)}) {
        SolverOptions options = GetParam().options;
        options.l1 = l1;
        options.l2 = l2;
        check(options, true);
    }
}

TEST_P(EveryRule, PenaltiesDoNotReachWhatIsNotPenalised) {
    SolverOptions options = GetParam().options;
    options.l1 = options.l2 = 0;
    const auto run = [&](const SolverOptions& o) {
        RowMatrix<float> w = random_matrix(1, kParams, 1),
                         state = RowMatrix<float>::Zero(2, kParams);
        const RowMatrix<float> g = random_matrix(1, kParams, 2);
        const StepConstants constants(o, 0, 0);
        with_rule(o, constants, [&](auto rule) {
            update_span<decltype(rule)>(constants, false, kParams, g.data(), w.data(), state.data(),
                                        kParams);
        });
        return w;
    };
    const RowMatrix<float> expected = run(options);
    options.l1 = options.l2 = 0.5;
    EXPECT_TRUE(same_bits(run(options), expected));
}

TEST_P(EveryRule, ZeroGradientLeavesZerosAlone) {
    // The padding lies between the weights and is updated with them.
    SolverOptions options = GetParam().options;
    options.l1 = options.l2 = 0.5;
    const RowMatrix<float> zero = RowMatrix<float>::Zero(1, kParams);
    RowMatrix<float> w = zero, state = RowMatrix<float>::Zero(2, kParams);
    for (int t = 0; t < 5; ++t) {
        const StepConstants constants(options, t, t);
        with_rule(options, constants, [&](auto rule) {
            update_span<decltype(rule)>(constants, true, kParams, zero.data(), w.data(),
                                        state.data(), kParams);
        });
    }
    EXPECT_TRUE((w.array() == 0).all());
    EXPECT_TRUE((state.array() == 0).all());
}

TEST(StepConstants, AdamCorrectsBiasByItsOwnSteps) {
    SolverOptions o;
    o.learning_rate = 0.01;
    for (const double steps : {0.0, 1.0, 9.0, 1e4, 1e9}) {
        const StepConstants k(o, 12345, steps);
        EXPECT_NEAR(k.rate, 0.01 / (1 - std::pow(0.9, steps + 1)), 1e-8);
        EXPECT_NEAR(k.root_correction, 1 / std::sqrt(1 - std::pow(0.999, steps + 1)), 1e-5);
    }
}

}  // namespace fastae::optimiser_test
