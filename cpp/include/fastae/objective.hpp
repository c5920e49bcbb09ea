#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "fastae/noise.hpp"

namespace fastae {

/// What training minimises, but for the penalties on weights, which the optimiser adds to the
/// gradient: the mean over the rows of sum_j loss(r_j - t_j), plus the penalty on the hidden units'
/// average activation.
///
/// An autoencoder's targets t are its inputs, of which it sees a corrupted copy. With n_targets > 0
/// the last n_targets outputs have targets of their own: numbers, or one class among as many, whose
/// loss is the cross-entropy of the softmax of these outputs. Where a target is NaN, or the class
/// negative, it is not known and there is no loss. Outputs before them, if any, reconstruct the
/// inputs (Le, Patterson, White 2018, "Supervised autoencoders").
///
/// The loss of a row that is known to be anomalous is minus that of the reconstruction, as long as
/// its mean squared error is below a margin; from there on it is constant (a hinge on the error:
/// Zhao, Mathieu, LeCun 2017, "Energy-based Generative Adversarial Networks", eq. 1).
struct Objective {
    Loss loss = Loss::kSquared;
    double loss_parameter = 0;           ///< Huber's delta, or the quantile
    Missing missing = Missing::kNone;    ///< NaN among the inputs
    double input_dropout = 0;            ///< probability
    double input_noise = 0;              ///< standard deviation, in scaled units
    std::vector<double> hidden_dropout;  ///< one probability per hidden layer, or empty
    Index n_targets = 0;
    bool classes = false;              ///< the targets are one class
    double target_weight = 1;          ///< of the targets' loss
    double reconstruction_weight = 1;  ///< of the reconstruction's, where there are targets too
    double margin = 0;                 ///< of anomalous rows' mean squared error
    double sparsity_beta = 0;          ///< strength; 0: no penalty
    double average_activation = 0;     ///< its target
    bool has_units_aside = false;      ///< the network is the dense part of a SplitNetwork

    /// True if the network does not see what it is to reconstruct.
    bool corrupts_input() const { return input_dropout > 0 || input_noise > 0; }
    /// True if the inputs are not simply compared with what the network sees of them.
    bool keeps_inputs() const { return corrupts_input() || missing == Missing::kIgnored; }
    /// The same of all outputs.
    bool has_own_target() const { return keeps_inputs() || n_targets > 0; }
    /// True if every row is to be reconstructed, and nothing else.
    bool is_plain() const { return n_targets == 0 && margin == 0 && !has_units_aside; }
    bool is_sparse() const { return sparsity_beta > 0; }
    /// Of the output of `layer` layers, 0 < layer <= number of hidden layers.
    Dropout dropout(Index layer) const {
        return Dropout(
            hidden_dropout.empty() ? 0.0 : hidden_dropout[static_cast<std::size_t>(layer - 1)]);
    }
};

/// Sums over rows of weight * error, as seen while training.
struct Errors {
    double reconstruction = 0;  ///< sum_j (r_j - x'_j)^2
    double targets = 0;  ///< the same over outputs with targets; of a class the cross-entropy

    Errors& operator+=(const Errors& more) {
        reconstruction += more.reconstruction;
        targets += more.targets;
        return *this;
    }
    bool finite() const { return std::isfinite(reconstruction) && std::isfinite(targets); }
};

// One struct per loss: its derivative by the error e = r - x'.

struct SquaredLoss {  ///< e^2 / 2
    static Vec<float> derivative(Vec<float> e) { return e; }
};

struct AbsoluteLoss {  ///< |e|
    static Vec<float> derivative(Vec<float> e) {
        return e > 0.0f ? splat(1.0f) : (e < 0.0f ? splat(-1.0f) : Vec<float>{});
    }
};

/// Huber 1964: e^2 / 2 up to delta, delta (|e| - delta / 2) beyond.
struct HuberLoss {
    float delta;
    Vec<float> derivative(Vec<float> e) const { return at_most(at_least(e, -delta), delta); }
};

/// Koenker & Bassett 1978: quantile * (x' - r) where r is too small, (1 - quantile) * (r - x')
/// where it is too large; its minimum is that quantile of x'.
struct QuantileLoss {
    float quantile;
    Vec<float> derivative(Vec<float> e) const {
        return e > 0.0f ? splat(1 - quantile) : (e < 0.0f ? splat(-quantile) : Vec<float>{});
    }
};

/// Calls f with the struct of the loss.
template <class F>
inline auto with_loss(const Objective& objective, F&& f) {
    const auto parameter = static_cast<float>(objective.loss_parameter);
    switch (objective.loss) {
        case Loss::kAbsolute:
            return f(AbsoluteLoss{});
        case Loss::kHuber:
            return f(HuberLoss{parameter});
        case Loss::kQuantile:
            return f(QuantileLoss{parameter});
        default:
            return f(SquaredLoss{});
    }
}

/// Corrupts columns first .. first + n - 1 of one row: out = dropout(in + noise).
///
///   in, out  (n, padded) from column `first` on; out's padding is not 0 afterwards
inline void corrupt(const Objective& objective, NoiseKey key, Index first, Index n, const float* in,
                    float* out) {
    const Dropout dropout(objective.input_dropout);
    // Stream 0 is the dropout's, so noise gets a key of its own.
    const NoiseKey noise_key{key.first ^ 0x5bd1e995u, key.second};
    const auto sd = static_cast<float>(objective.input_noise);
    for (Index j = 0; j < n; j += kLanes<float>) {
        Vec<float> x = load(in + j);
        if (sd > 0) x += random_normal(noise_key, first + j) * sd;
        if (dropout.active()) x = x * dropout.factors(key, first + j);
        store(out + j, x);
    }
}

/// Running averages of hidden units' activations, from which the sparsity penalty
/// beta / 2 sum_j (average_j - target)^2 gets its derivative beta (average_j - target) by every
/// average. The average is over all rows up to kMemory, then forgets exponentially, as if over the
/// last kMemory; a mini-batch of more is its own average.
class ActivationAverage {
  public:
    static constexpr double kMemory = 1000;

    /// The share of n new rows after `samples` earlier ones.
    static float share(Index n, double samples) {
        const auto rows = static_cast<double>(n);
        return static_cast<float>(rows / std::max(rows, std::min(samples + rows, kMemory)));
    }

    /// For n new rows after `samples` earlier ones.
    ActivationAverage(const Objective& objective, Index n, double samples)
        : share_(share(n, samples)),
          beta_(static_cast<float>(objective.sparsity_beta)),
          target_(static_cast<float>(objective.average_activation)) {}

    /// Takes the mean over the new rows into the average; returns the penalty's derivative by it.
    Vec<float> add(Vec<float> mean, float* average) const {
        const Vec<float> old = load(average);
        const Vec<float> now = old + (mean - old) * share_;
        store(average, now);
        return (now - target_) * beta_;
    }

  private:
    float share_, beta_, target_;
};

}  // namespace fastae
