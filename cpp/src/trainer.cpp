#include "fastae/trainer.hpp"

#include <omp.h>

#include <algorithm>
#include <memory>

#include "fastae/hogwild.hpp"
#include "fastae/online.hpp"
#include "fastae/rng.hpp"
#include "fastae/training_clock.hpp"

namespace fastae {

namespace {

/// What training reads and writes.
struct Task {
    const PartedLayout& layout;
    const Weights& weights;  ///< in that layout
    const RowsView& X;
    const Scaling& scaling;
    const TrainOptions& options;
};

/// Threads that train together, turn by turn. Every thread calls the same functions with the same
/// arguments but its own number.
class Team {
  public:
    virtual ~Team() = default;
    virtual Index rows_per_turn() const = 0;

    /// Trains on rows order[0 .. n - 1], after `samples` rows in `steps` steps; n_next more rows
    /// follow in `order`. The first thread books the errors; what it makes of clock.stop() all
    /// threads see on return.
    virtual void turn(int thread, const std::uint32_t* order, Index n, Index n_next, double samples,
                      double steps, TrainingClock& clock) = 0;
    virtual Index steps_per_turn(Index n) const = 0;
    virtual void wait(int thread) = 0;
};

/// A turn is a mini-batch.
class BatchTeam : public Team {
  public:
    BatchTeam(const Task& task, int size)
        : task_(task),
          batch_size_(std::min(task.options.batch_size, task.X.n_rows)),
          batch_(task.layout, batch_size_, size) {}

    Index rows_per_turn() const override { return batch_size_; }
    Index steps_per_turn(Index) const override { return 1; }
    void wait(int thread) override { batch_.wait(thread); }

    void turn(int thread, const std::uint32_t* order, Index n, Index n_next, double samples,
              double steps, TrainingClock& clock) override {
        batch_.forward_backward(thread, task_.weights.params, task_.X, task_.scaling, order, n);
        if (thread == 0) {
            clock.book(n, 1, batch_.squared_error(n));
            clock.watch();
        }
        const StepConstants constants(task_.options.solver, samples, steps);
        batch_.apply_gradient(thread, task_.options.solver, constants, n, task_.weights,
                              {&task_.X, order + n, std::min(n_next, batch_size_)});
    }

  private:
    const Task& task_;
    const Index batch_size_;
    MiniBatch batch_;
};

/// A turn is some rows, one after another, all threads at work on each.
class OnlineTeam : public Team {
  public:
    OnlineTeam(const Task& task, int size)
        : task_(task),
          rows_per_turn_(
              std::clamp<Index>(kWeightsPerTurn / task.layout.network().n_weights(), 1, 64)),
          decay_period_(task.options.solver.decay_period()),
          exchange_(task.layout.network().widest(), size) {
        for (int t = 0; t < size; ++t) {
            workers_.push_back(std::make_unique<OnlineWorker>(task.layout, exchange_, t));
        }
    }

    Index rows_per_turn() const override { return rows_per_turn_; }
    Index steps_per_turn(Index n) const override { return n; }
    void wait(int thread) override { exchange_.wait(thread); }

    void turn(int thread, const std::uint32_t* order, Index n, Index n_next, double samples,
              double steps, TrainingClock& clock) override {
        OnlineWorker& worker = *workers_[static_cast<std::size_t>(thread)];
        for (Index k = 0; k < n; ++k) {
            const StepConstants constants(task_.options.solver, samples + static_cast<double>(k),
                                          steps + static_cast<double>(k), decay_period_);
            if (k + 1 < n + n_next) prefetch_row(task_.X, order[k + 1], worker.read_columns());
            worker.train(task_.options.solver, constants, task_.X, task_.scaling, order[k],
                         task_.weights);
        }
        worker.take_squared_error(squared_error_);  // every part has one owner
        wait(thread);
        if (thread == 0) {
            double total = 0;
            for (double& part : squared_error_) {
                total += part;
                part = 0;
            }
            clock.book(n, n, total);
            clock.watch();
        }
        wait(thread);
    }

  private:
    /// About 10 ms of work on one core.
    static constexpr Index kWeightsPerTurn = 20'000'000;

    const Task& task_;
    const Index rows_per_turn_;
    const double decay_period_;
    Exchange exchange_;
    std::vector<std::unique_ptr<OnlineWorker>> workers_;
    double squared_error_[kParts] = {};
};

/// One thread's way through all epochs.
void train_epochs(Team& team, int thread, const Task& task, std::vector<std::uint32_t>& order,
                  TrainingClock& clock) {
    const Index n_rows = task.X.n_rows;
    double samples = task.options.samples_done;
    double steps = task.options.steps_done;
    for (Index epoch = 0; epoch < task.options.n_epochs && !clock.stop(); ++epoch) {
        team.wait(thread);  // all have seen stop() before the first thread can change it
        if (thread == 0) {
            clock.begin_epoch();
            shuffle_rows(task.options.seed,
                         static_cast<std::uint64_t>(task.options.first_epoch + epoch), order);
        }
        team.wait(thread);
        Index start = 0;
        for (; start < n_rows && !clock.stop(); start += team.rows_per_turn()) {
            const Index n = std::min(team.rows_per_turn(), n_rows - start);
            team.turn(thread, order.data() + start, n, n_rows - start - n, samples, steps, clock);
            samples += static_cast<double>(n);
            steps += static_cast<double>(team.steps_per_turn(n));
        }
        if (thread == 0 && start >= n_rows) clock.end_epoch(n_rows);
        team.wait(thread);
    }
}

/// Mini-batches in order, each shared by all threads.
TrainResult train_deterministic(const Task& task, const Tick& tick) {
    const Index batch_size = std::min(task.options.batch_size, task.X.n_rows);
    const bool online = batch_size == 1;
    const Index most = online ? task.layout.column_groups() : MiniBatch::kHalves * batch_size;
    const int n_threads = static_cast<int>(std::clamp<Index>(task.options.n_threads, 1, most));
    std::vector<std::uint32_t> order(static_cast<std::size_t>(task.X.n_rows));
    TrainResult result;
    TrainingClock clock(task.layout, task.weights, tick, result);
    FirstException error;
    std::unique_ptr<Team> team;
#pragma omp parallel num_threads(n_threads)
    {
#pragma omp single
        error.run([&] {
            const int size = omp_get_num_threads();  // may be fewer than asked for
            if (online) {
                team = std::make_unique<OnlineTeam>(task, size);
            } else {
                team = std::make_unique<BatchTeam>(task, size);
            }
        });
        if (team) train_epochs(*team, omp_get_thread_num(), task, order, clock);
    }
    error.rethrow();
    clock.rethrow();
    return result;
}

}  // namespace

TrainResult train(const Network& network, const Weights& weights, const RowsView& X,
                  const Scaling& scaling, const TrainOptions& options, const Tick& tick) {
    const PartedLayout layout(network);
    const int n_slots = options.solver.n_slots();
    const PartedWeights parted(layout, n_slots);
    layout.pack(weights, parted.weights(), n_slots);
    const bool lock_free = options.parallel == Parallel::kHogwild && options.n_threads > 1;
    TrainResult result;
    FirstException error;
    error.run([&] {
        result = lock_free
                     ? hogwild::train(layout, parted.weights(), X, scaling, options, tick)
                     : train_deterministic({layout, parted.weights(), X, scaling, options}, tick);
    });
    layout.unpack(parted.weights(), weights, n_slots);
    error.rethrow();
    return result;
}

}  // namespace fastae
