#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fastae/simd.hpp"

namespace fastae {

struct SolverOptions {
    static constexpr double kPi = 3.14159265358979323846;

    Solver solver = Solver::kAdam;
    double learning_rate = 0.001;
    Schedule schedule = Schedule::kConstant;
    double samples_total = 0;  ///< kCosine, kOneCycle: the rate is (nearly) 0 after so many
    double power = 0.5;        ///< kInverseScaling
    double annealing = 0.0;    ///< SGD: rate / (1 + annealing * samples)
    double momentum = 0.0;
    double momentum_start = 0.0;  ///< momentum grows from it in a straight line ...
    double momentum_ramp = 0.0;   ///< ... over so many samples; 0: it is `momentum` at once
    bool dampening = false;       ///< gradients enter the velocity times 1 - momentum
    bool nesterov = true;
    double rho = 0.99;
    double beta_1 = 0.9;
    double beta_2 = 0.999;
    double epsilon = 1e-8;
    double l1 = 0.0;
    double l2 = 0.0;
    double max_w2 = std::numeric_limits<double>::infinity();  ///< see MaxNorm
    std::vector<double> layer_rates;  ///< factor of every layer's rate, 0: not trained; or empty
    std::vector<double> thaw_steps;   ///< steps before every layer's first; or empty

    /// The learning rate after `samples` rows in `steps` steps.
    double rate(double samples, double steps) const {
        const double progress = std::min(samples / samples_total, 1.0);
        switch (schedule) {
            case Schedule::kCosine:  // Loshchilov & Hutter 2017
                return learning_rate * cosine(1, 0, progress);
            case Schedule::kInverseScaling:
                return learning_rate / std::pow(1 + steps, power);
            case Schedule::kOneCycle: {  // Smith & Topin 2018
                constexpr double kRise = 0.3, kFirst = 1.0 / 25, kLast = kFirst * 1e-4;
                if (progress < kRise) return learning_rate * cosine(kFirst, 1, progress / kRise);
                return learning_rate * cosine(1, kLast, (progress - kRise) / (1 - kRise));
            }
            default:
                return learning_rate;
        }
    }

    /// The same with SGD's annealing: what steps are multiplied by, but for Adam's bias correction.
    double step_rate(double samples, double steps) const {
        const double now = rate(samples, steps);
        return solver == Solver::kSgd ? now / (1 + annealing * samples) : now;
    }

    double momentum_at(double samples) const {
        if (!(samples < momentum_ramp)) return momentum;
        return momentum_start + (momentum - momentum_start) * (samples / momentum_ramp);
    }

    float layer_rate(Index layer) const {
        if (layer_rates.empty()) return 1;
        return static_cast<float>(layer_rates[static_cast<std::size_t>(layer)]);
    }

    /// Steps before the layer's first.
    double thaw_step(Index layer) const {
        return thaw_steps.empty() ? 0 : thaw_steps[static_cast<std::size_t>(layer)];
    }

    /// True if the layer changes in the step after `steps` steps.
    bool trains(Index layer, double steps) const {
        return layer_rate(layer) != 0 && steps >= thaw_step(layer);
    }

    /// The lowest of so many layers that does, or n_layers.
    Index first_trained_layer(Index n_layers, double steps) const {
        Index layer = 0;
        while (layer < n_layers && !trains(layer, steps)) ++layer;
        return layer;
    }

    /// ADADELTA may put off the decay of its squared gradients for so many steps: until it is 1/4.
    double decay_period() const {
        return std::clamp(std::floor(std::log(0.25) / std::log(rho)), 1.0, 1000.0);
    }

    /// State vectors per parameter.
    int n_slots() const {
        if (solver == Solver::kSgd) return has_momentum() ? 1 : 0;
        return 2;
    }
    bool has_momentum() const { return momentum > 0 || (momentum_start > 0 && momentum_ramp > 0); }

  private:
    /// From one value to another along half a period of a cosine, 0 <= progress <= 1.
    static double cosine(double from, double to, double progress) {
        return to + (from - to) * 0.5 * (1 + std::cos(kPi * progress));
    }
};

/// What the update of one mini-batch needs, in the precision it is used in.
struct StepConstants {
    double steps_done;
    double step_rate;  ///< SolverOptions::step_rate
    float rate;
    float momentum;
    float momentum_rate;  ///< SGD: rate at which gradients enter the velocity
    float rho;
    float decay;             ///< ADADELTA: of the squared gradients, in this step; 1: none
    float gradient_scale;    ///< of every gradient, before the rule
    float gradient_epsilon;  ///< ADADELTA: epsilon on the scale of the squared gradients
    float beta_1, one_minus_beta_1;
    float beta_2, one_minus_beta_2;
    float root_correction;  ///< Adam: 1 / sqrt(1 - beta_2^t)
    float epsilon;
    float l1, l2;
    bool nesterov;

    /// Constants of the step after `steps` steps on `samples` rows.
    ///
    /// decay_period: ADADELTA's sum of squared gradients decays at every so-manieth step only.
    /// In between, what is added is scaled up instead: tau steps later, with q = rho^(-tau / 2),
    /// the state is q^2 G, to which (q g)^2 is added. One of twelve multiplications per weight
    /// disappears (it would not pay for the steps: they are divided by the sum before their own
    /// square joins it). The state then belongs to its count of steps.
    StepConstants(const SolverOptions& o, double samples, double steps, double decay_period = 1)
        : steps_done(steps),
          step_rate(o.step_rate(samples, steps)),
          rate(static_cast<float>(step_rate)),
          momentum(static_cast<float>(o.momentum_at(samples))),
          momentum_rate(0),
          rho(static_cast<float>(o.rho)),
          decay(1),
          gradient_scale(1),
          gradient_epsilon(0),
          beta_1(static_cast<float>(o.beta_1)),
          one_minus_beta_1(static_cast<float>(1 - o.beta_1)),
          beta_2(static_cast<float>(o.beta_2)),
          one_minus_beta_2(static_cast<float>(1 - o.beta_2)),
          root_correction(1),
          epsilon(static_cast<float>(o.epsilon)),
          l1(static_cast<float>(o.l1)),
          l2(static_cast<float>(o.l2)),
          nesterov(o.nesterov) {
        if (o.solver == Solver::kAdam) {
            correct_bias(o, steps + 1);
        } else if (o.solver == Solver::kAdadelta) {
            const double tau = std::fmod(steps, decay_period);
            const double q = std::pow(o.rho, -tau / 2);
            decay = tau == 0 ? static_cast<float>(std::pow(o.rho, decay_period)) : 1.0f;
            gradient_scale = static_cast<float>(q);
            epsilon = static_cast<float>(o.epsilon / (1 - o.rho));
            gradient_epsilon = static_cast<float>(o.epsilon / (1 - o.rho) * q * q);
        } else if (o.solver == Solver::kSgd) {
            momentum_rate = static_cast<float>(
                o.dampening ? step_rate * (1 - o.momentum_at(samples)) : step_rate);
        }
    }

    /// Of a layer whose rate is `factor` times the others'.
    StepConstants with_rate(float factor) const {
        StepConstants k = *this;
        k.rate *= factor;
        k.momentum_rate *= factor;
        return k;
    }

    /// Of one layer, with a rate of its own; Adam counts its steps from where it thawed.
    StepConstants of_layer(const SolverOptions& o, Index layer) const {
        StepConstants k = *this;
        const double thawed = o.thaw_step(layer);
        if (o.solver == Solver::kAdam && thawed > 0) k.correct_bias(o, steps_done + 1 - thawed);
        return k.with_rate(o.layer_rate(layer));
    }

  private:
    /// Adam's averages began at 0 and have seen t gradients.
    void correct_bias(const SolverOptions& o, double t) {
        rate = static_cast<float>(step_rate / (1 - std::pow(o.beta_1, t)));
        root_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(o.beta_2, t)));
    }
};

// One struct per rule: the change of w for gradient g; a and b are its state.

/// Zeiler 2012, scaled by the learning rate. The state is Zeiler's averages divided by 1 - rho,
/// which saves two multiplications: G = rho G + g^2 = E[g^2] / (1 - rho), and S for the steps
/// likewise.
template <bool kDecays>
struct AdadeltaRule {
    static constexpr int kSlots = 2;
    static Vec<float> change(const StepConstants& k, Vec<float> g, Vec<float>& G, Vec<float>& S) {
        G = (kDecays ? G * k.decay : G) + g * g;
        const Vec<float> x = S + k.epsilon;
        const Vec<float> step = (x * g) * rsqrt(x * (G + k.gradient_epsilon));
        S = S * k.rho + step * step;
        return step * -k.rate;
    }
};

/// Kingma & Ba 2015, Algorithm 1.
struct AdamRule {
    static constexpr int kSlots = 2;
    static Vec<float> change(const StepConstants& k, Vec<float> g, Vec<float>& m, Vec<float>& v) {
        m = m * k.beta_1 + g * k.one_minus_beta_1;
        v = v * k.beta_2 + (g * g) * k.one_minus_beta_2;
        return (m * -k.rate) / (sqrt(v) * k.root_correction + k.epsilon);
    }
};

/// Sutskever et al. 2013, classical or Nesterov.
struct MomentumRule {
    static constexpr int kSlots = 1;
    static Vec<float> change(const StepConstants& k, Vec<float> g, Vec<float>& v, Vec<float>&) {
        v = v * k.momentum - g * k.momentum_rate;
        return k.nesterov ? v * k.momentum - g * k.momentum_rate : v;
    }
};

struct SgdRule {
    static constexpr int kSlots = 0;
    static Vec<float> change(const StepConstants& k, Vec<float> g, Vec<float>&, Vec<float>&) {
        return g * -k.rate;
    }
};

/// Of a layer that is not trained.
struct FrozenRule {
    static constexpr int kSlots = 0;
    static Vec<float> change(const StepConstants&, Vec<float>, Vec<float>&, Vec<float>&) {
        return -Vec<float>{};  // w + -0 is w, even where w is -0
    }
};

/// Calls f with the struct of the rule that the options and this step choose.
template <class F>
inline auto with_rule(const SolverOptions& options, const StepConstants& constants, F&& f) {
    switch (options.solver) {
        case Solver::kAdadelta:
            return constants.decay == 1 ? f(AdadeltaRule<false>{}) : f(AdadeltaRule<true>{});
        case Solver::kAdam:
            return f(AdamRule{});
        default:
            break;
    }
    return options.has_momentum() ? f(MomentumRule{}) : f(SgdRule{});
}

/// w += change(g + l1 sign(w) + l2 w) for one vector of parameters; returns w before.
///
///   w, state    may be written by other threads meanwhile (Hogwild): each element is read
///               exactly once
///   g           gradient of the loss, times gradient_scale
///   penalised   false for biases, and where l1 and l2 are 0
template <class Rule>
inline Vec<float> update_vector(const StepConstants& k, bool penalised, Vec<float> g, float* w,
                                float* state, Index slot_stride) {
    Vec<float> a{}, b{};
    if constexpr (Rule::kSlots > 0) a = load_shared(state);
    if constexpr (Rule::kSlots > 1) b = load_shared(state + slot_stride);
    const Vec<float> old = load_shared(w);
    if (penalised) {
        const Vec<float> zero{};
        const Vec<float> sign = old > zero ? splat(k.l1) : (old < zero ? splat(-k.l1) : zero);
        g = g + (old * k.l2 + sign) * k.gradient_scale;
    }
    store(w, old + Rule::change(k, g, a, b));
    if constexpr (Rule::kSlots > 0) store(state, a);
    if constexpr (Rule::kSlots > 1) store(state + slot_stride, b);
    return old;
}

/// The same for n parameters, n a multiple of the lanes: g, w, state (n); the state vectors are
/// slot_stride apart.
template <class Rule>
inline void update_span(const StepConstants& k, bool penalised, Index n, const float* g, float* w,
                        float* state, Index slot_stride) {
    for (Index i = 0; i < n; i += kLanes<float>) {
        update_vector<Rule>(k, penalised, load(g + i) * k.gradient_scale, w + i, state + i,
                            slot_stride);
    }
}

}  // namespace fastae
