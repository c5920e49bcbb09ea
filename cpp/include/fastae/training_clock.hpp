#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "fastae/parted.hpp"
#include "fastae/trainer.hpp"

namespace fastae {

/// What the first thread of a team does beside training: it watches the loss, lets the caller look
/// in, and keeps the books. Other threads only read stop().
class TrainingClock {
  public:
    TrainingClock(const PartedLayout& layout, const Weights& weights, const Tick& tick,
                  TrainResult& result)
        : layout_(layout), weights_(weights), tick_(tick), result_(result) {}

    bool stop() const { return stop_.load(std::memory_order_relaxed); }

    void begin_epoch() {
        epoch_errors_ = {};
        samples_before_ = result_.samples;
        epoch_start_ = Clock::now();
        if (result_.samples == 0) last_tick_ = epoch_start_;
    }

    /// Books mini-batches of n_rows rows in all with these errors.
    void book(Index n_rows, Index n_steps, const Errors& errors) {
        epoch_errors_ += errors;
        result_.samples += n_rows;
        result_.steps += n_steps;
        if (!errors.finite()) halt(TrainStatus::kDiverged);
    }

    /// Lets the caller look in if it is time to.
    void watch() {
        if (stop()) return;
        const auto now = Clock::now();
        if (tick_ && now - last_tick_ > std::chrono::milliseconds(50)) {
            last_tick_ = now;
            look_in();
        }
    }

    /// Books the rows of an epoch, or of the part of it that there was time for.
    void end_epoch() {
        const Index rows = result_.samples - samples_before_;
        if (result_.status == TrainStatus::kDiverged || rows == 0) return;
        if (!all_finite(weights_.params, layout_.size()) ||
            !all_finite(weights_.side, weights_.side_size)) {
            return halt(TrainStatus::kDiverged);
        }
        const std::chrono::duration<double> elapsed = Clock::now() - epoch_start_;
        result_.parts.push_back({rows, epoch_errors_, elapsed.count()});
    }

    void rethrow() const { error_.rethrow(); }

  private:
    using Clock = std::chrono::steady_clock;

    static bool all_finite(const float* p, Index n) {
        return std::all_of(p, p + n, [](float value) { return std::isfinite(value); });
    }

    void look_in() {
        bool wants_stop = false;
        if (!error_.run([&] { wants_stop = tick_(result_.samples); }) || wants_stop) {
            halt(TrainStatus::kStopped);
        }
    }

    void halt(TrainStatus status) {
        result_.status = status;
        stop_.store(true, std::memory_order_relaxed);
    }

    const PartedLayout& layout_;
    const Weights& weights_;
    const Tick& tick_;
    TrainResult& result_;
    FirstException error_;
    std::atomic<bool> stop_{false};
    Errors epoch_errors_;
    Index samples_before_ = 0;
    Clock::time_point epoch_start_{};
    Clock::time_point last_tick_{};
};

}  // namespace fastae
