#include "fastae/trainer.hpp"

#include <omp.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "fastae/epoch_order.hpp"
#include "fastae/hogwild.hpp"
#include "fastae/online.hpp"
#include "fastae/sparse_layers.hpp"
#include "fastae/training_clock.hpp"

namespace fastae {

namespace {

/// What training reads and writes.
struct Task {
    const PartedLayout& layout;
    const Weights& weights;  ///< in that layout
    const TrainingTable& table;
    const TrainOptions& options;
    const SplitNetwork* split;  ///< of which the layout's network is the dense one, or null
};

/// Rows order[0 .. n - 1] to train on next, after `samples` rows in `steps` steps; n_next more rows
/// follow in `order`.
struct Turn {
    const std::uint32_t* order;
    Index n, n_next;
    Noise noise;
    double samples, steps;
};

/// Threads that train together, turn by turn. Every thread calls the same functions with the same
/// arguments but its own number.
class Team {
  public:
    virtual ~Team() = default;
    /// Of `left` rows that are left to train on.
    virtual Index rows_per_turn(Index left) const = 0;

    /// The first thread books the errors; what it makes of clock.stop() all threads see on return.
    virtual void turn(int thread, const Turn& turn, TrainingClock& clock) = 0;
    virtual Index steps_per_turn(Index n) const = 0;
    virtual void wait(int thread) = 0;
};

/// A turn is a mini-batch.
class BatchTeam : public Team {
  public:
    BatchTeam(const Task& task, Index batch_size, int size)
        : task_(task),
          batch_size_(batch_size),
          batch_(task.layout, task.options.objective, task.options.solver.max_w2, batch_size, size,
                 side_layers(task.split, task.table, task.options.objective, batch_size, size)) {}

    Index rows_per_turn(Index) const override { return batch_size_; }
    Index steps_per_turn(Index) const override { return 1; }
    void wait(int thread) override { batch_.wait(thread); }

    void turn(int thread, const Turn& turn, TrainingClock& clock) override {
        const Index first_layer =
            task_.options.solver.first_trained_layer(task_.layout.network().n_layers(), turn.steps);
        const Batch rows{task_.table, turn.order, turn.n, turn.noise, turn.samples, first_layer};
        batch_.forward_backward(thread, task_.weights, rows);
        if (thread == 0) {
            clock.book(turn.n, 1, batch_.errors(turn.n));
            clock.watch();
        }
        const StepConstants constants(task_.options.solver, turn.samples, turn.steps);
        const NextRows next{&task_.table.X, turn.order + turn.n,
                            std::min(turn.n_next, batch_size_)};
        batch_.apply_gradient(thread, task_.options.solver, constants, turn.n, task_.weights, next);
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
          exchange_(task.layout, task.options.solver.max_w2, size) {
        for (int t = 0; t < size; ++t) {
            workers_.push_back(std::make_unique<OnlineWorker>(task.layout, task.options.objective,
                                                              exchange_, t, task.weights));
        }
    }

    Index rows_per_turn(Index left) const override { return std::min(rows_per_turn_, left); }
    Index steps_per_turn(Index n) const override { return n; }
    void wait(int thread) override { exchange_.wait(thread); }

    void turn(int thread, const Turn& turn, TrainingClock& clock) override {
        const Index n = turn.n;
        OnlineWorker& worker = *workers_[static_cast<std::size_t>(thread)];
        for (Index k = 0; k < n; ++k) {
            const Batch row{task_.table, turn.order + k, 1, turn.noise,
                            turn.samples + static_cast<double>(k)};
            const StepConstants constants(task_.options.solver, row.samples,
                                          turn.steps + static_cast<double>(k), decay_period_);
            if (k + 1 < n + turn.n_next) {
                prefetch_row(task_.table.X, turn.order[k + 1], worker.read_columns());
            }
            worker.train(task_.options.solver, constants, row, task_.weights);
        }
        worker.take_squared_error(squared_error_);  // every part has one owner
        worker.store_averages(task_.weights);
        wait(thread);
        if (thread == 0) {
            Errors total;
            for (double& part : squared_error_) {
                total.reconstruction += part;
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

/// One thread's way through the rows.
void train_epochs(Team& team, int thread, const Task& task, EpochOrder& order,
                  TrainingClock& clock) {
    const TrainOptions& options = task.options;
    double samples = options.samples_done;
    double steps = options.steps_done;
    Index left = options.n_samples;
    Index start = options.first_row;
    for (Index epoch = options.first_epoch; left > 0 && !clock.stop(); ++epoch, start = 0) {
        team.wait(thread);  // all have seen stop() before the first thread can change it
        if (thread == 0) {
            clock.begin_epoch();
            order.shuffle(options.seed, epoch);
        }
        team.wait(thread);
        while (start < order.size() && left > 0 && !clock.stop()) {
            const Index n = std::min(team.rows_per_turn(left), order.size() - start);
            const Noise noise{options.seed, static_cast<std::uint64_t>(epoch)};
            team.turn(thread,
                      {order.data() + start, n, order.size() - start - n, noise, samples, steps},
                      clock);
            start += n;
            left -= n;
            samples += static_cast<double>(n);
            steps += static_cast<double>(team.steps_per_turn(n));
        }
        if (thread == 0) clock.end_epoch();
        team.wait(thread);
    }
}

/// Mini-batches in order, each shared by all threads.
TrainResult train_deterministic(const Task& task, const Tick& tick) {
    EpochOrder order(task.table);
    const bool online = task.options.is_online();
    const Index batch_size = std::min(task.options.batch_size, order.size());
    const Index most = online ? task.layout.column_groups() : MiniBatch::kHalves * batch_size;
    const int n_threads = static_cast<int>(std::clamp<Index>(task.options.n_threads, 1, most));
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
                team = std::make_unique<BatchTeam>(task, batch_size, size);
            }
        });
        if (team) train_epochs(*team, omp_get_thread_num(), task, order, clock);
    }
    error.rethrow();
    clock.rethrow();
    return result;
}

}  // namespace

namespace {

/// Trains a network without units that are put aside, or the rest of one that has some.
TrainResult train_dense(const Network& network, const Weights& weights, const TrainingTable& table,
                        const TrainOptions& options, const SplitNetwork* split, const Tick& tick) {
    const PartedLayout layout(network);
    const int n_slots = options.solver.n_slots();
    const PartedWeights parted(layout, n_slots, weights.averages);
    Weights own = parted.weights();
    own.side = weights.side;
    own.side_slots = weights.side_slots;
    own.side_size = weights.side_size;
    layout.pack(weights, own, n_slots);
    const bool lock_free = options.parallel == Parallel::kHogwild && options.n_threads > 1;
    TrainResult result;
    FirstException error;
    error.run([&] {
        result = lock_free ? hogwild::train(layout, own, table, options, split, tick)
                           : train_deterministic({layout, own, table, options, split}, tick);
    });
    layout.unpack(own, weights, n_slots);
    error.rethrow();
    return result;
}

/// The network without the units that are to be put aside, if some are.
std::optional<SplitNetwork> split_network(const Network& network, const TrainingTable& table,
                                          const TrainOptions& options) {
    if (table.factors) {
        const Factors& factors = *table.factors;
        return SplitNetwork(network, factors.n_numbers, factors.n_input_units(),
                            factors.reconstructed ? factors.n_levels() : 0);
    }
    const Index batch_size = std::min(options.batch_size, table.X.n_rows);
    if (!table.X.is_sparse() || !SparseLayers::suits(network, options.objective,
                                                     options.solver.max_w2, table.X, batch_size)) {
        return std::nullopt;
    }
    const bool reconstructs = network.n_outputs() > options.objective.n_targets;
    return SplitNetwork(network, 0, table.X.n_cols, reconstructs ? table.X.n_cols : 0);
}

}  // namespace

TrainResult train(const Network& network, const Weights& weights, const TrainingTable& table,
                  const TrainOptions& options, const Tick& tick) {
    const std::optional<SplitNetwork> apart = split_network(network, table, options);
    if (!apart) return train_dense(network, weights, table, options, nullptr, tick);
    const SplitNetwork& split = *apart;
    const int n_slots = options.solver.n_slots();
    const Index stride = whole_lines(split.dense().size());
    AlignedBuffer<float> dense((n_slots + 1) * stride);
    AlignedBuffer<float> side((n_slots + 1) * split.side_size());
    const Weights parts{dense.data(),     dense.data() + stride, stride,
                        weights.averages, side.data(),           side.data() + split.side_size(),
                        split.side_size()};
    split.take_apart(weights, parts, n_slots);
    TrainOptions own = options;
    own.objective.has_units_aside = true;
    TrainResult result;
    FirstException error;
    error.run([&] { result = train_dense(split.dense(), parts, table, own, &split, tick); });
    split.put_together(parts, weights, n_slots);
    error.rethrow();
    return result;
}

}  // namespace fastae
