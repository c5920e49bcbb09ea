#include "fastae/trainer.hpp"

#include <omp.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "fastae/hogwild.hpp"
#include "fastae/online.hpp"
#include "fastae/rng.hpp"
#include "fastae/training_clock.hpp"

namespace fastae {

namespace {

/// Mini-batches in order, each shared by all threads.
TrainResult train_deterministic(const Network& network, const Weights& weights, const RowsView& X,
                                const Scaling& scaling, const TrainOptions& options,
                                const Tick& tick) {
    const Index batch_size = std::min(options.batch_size, X.n_rows);
    const int n_threads = static_cast<int>(std::clamp<Index>(options.n_threads, 1, batch_size));
    MiniBatch batch(network, batch_size);
    std::vector<std::uint32_t> order(static_cast<std::size_t>(X.n_rows));
    TrainResult result;
    TrainingClock clock(network, weights, tick, result);
    SpinBarrier barrier;

#pragma omp parallel num_threads(n_threads)
    {
        const int thread = omp_get_thread_num();
        const int team = omp_get_num_threads();  // may be fewer than asked for
        const Range tasks = batch.tasks_of(thread, team);
        double samples = options.samples_done;
        double steps = options.steps_done;
        for (Index epoch = 0; epoch < options.n_epochs && !clock.stop(); ++epoch) {
            barrier.wait(team);  // all have seen stop() before the first thread can change it
            if (thread == 0) {
                clock.begin_epoch();
                shuffle_rows(options.seed, static_cast<std::uint64_t>(options.first_epoch + epoch),
                             order);
            }
            barrier.wait(team);
            Index start = 0;
            for (; start < X.n_rows && !clock.stop(); start += batch_size) {
                const Index n = std::min(batch_size, X.n_rows - start);
                batch.forward_backward(weights.params, X, scaling, order.data() + start, n,
                                       split(n, thread, team));
                barrier.wait(team);
                const StepConstants constants(options.solver, samples, steps);
                batch.apply_gradient(options.solver, constants, n, tasks, weights);
                samples += static_cast<double>(n);
                ++steps;
                if (thread == 0) {
                    clock.book(n, 1, batch.squared_error(n));
                    clock.watch();
                }
                barrier.wait(team);
            }
            if (thread == 0 && start >= X.n_rows) clock.end_epoch(X.n_rows);
            barrier.wait(team);
        }
    }
    clock.rethrow();
    return result;
}

/// Mini-batches of one: all threads work on the same observation, each on its own columns.
class OnlineTraining {
  public:
    OnlineTraining(const Network& network, const Weights& weights, const RowsView& X,
                   const Scaling& scaling, const TrainOptions& options, const Tick& tick)
        : network_(network),
          weights_(weights),
          X_(X),
          scaling_(scaling),
          options_(options),
          clock_(network, weights, tick, result_),
          order_(static_cast<std::size_t>(X.n_rows)),
          rows_between_looks_(
              std::clamp<Index>(kWeightsBetweenLooks / network.n_weights(), 1, 64)) {}

    TrainResult run() {
        const int n_threads = std::clamp(options_.n_threads, 1, Exchange::kGroups);
        FirstException error;
        std::atomic<bool> ready{true};
#pragma omp parallel num_threads(n_threads)
        {
#pragma omp single
            if (!error.run([&] {
                    exchange_ =
                        std::make_unique<Exchange>(network_.widest(), omp_get_num_threads());
                })) {
                ready = false;
            }
            std::optional<OnlineWorker> worker;
            if (ready &&
                !error.run([&] { worker.emplace(network_, *exchange_, omp_get_thread_num()); })) {
                ready = false;
            }
#pragma omp barrier
            if (ready) train(*worker, omp_get_thread_num() == 0);
        }
        error.rethrow();
        clock_.rethrow();
        return result_;
    }

  private:
    /// About 10 ms of work on one core.
    static constexpr Index kWeightsBetweenLooks = 20'000'000;

    void train(OnlineWorker& worker, bool leader) {
        double samples = options_.samples_done;
        double steps = options_.steps_done;
        for (Index epoch = 0; epoch < options_.n_epochs && !clock_.stop(); ++epoch) {
            exchange_->wait();
            if (leader) {
                clock_.begin_epoch();
                shuffle_rows(options_.seed,
                             static_cast<std::uint64_t>(options_.first_epoch + epoch), order_);
            }
            exchange_->wait();
            Index i = 0;
            for (; i < X_.n_rows && !clock_.stop(); i += rows_between_looks_) {
                const Index n = std::min(rows_between_looks_, X_.n_rows - i);
                for (Index k = i; k < i + n; ++k) {
                    const StepConstants constants(options_.solver, samples++, steps++);
                    worker.train(options_.solver, constants, X_, scaling_,
                                 order_[static_cast<std::size_t>(k)], weights_);
                }
                look(worker, leader, n);
            }
            if (leader && i >= X_.n_rows) clock_.end_epoch(X_.n_rows);
            exchange_->wait();
        }
    }

    /// Adds up the errors of n rows, and lets the first thread see to the clock.
    void look(OnlineWorker& worker, bool leader, Index n) {
        worker.take_squared_error(squared_error_);  // every group has one owner
        exchange_->wait();
        if (leader) {
            double total = 0;
            for (double& part : squared_error_) {
                total += part;
                part = 0;
            }
            clock_.book(n, n, total);
            clock_.watch();
        }
        exchange_->wait();
    }

    const Network& network_;
    const Weights& weights_;
    const RowsView& X_;
    const Scaling& scaling_;
    const TrainOptions& options_;
    TrainResult result_;
    TrainingClock clock_;
    std::vector<std::uint32_t> order_;
    const Index rows_between_looks_;
    std::unique_ptr<Exchange> exchange_;
    double squared_error_[Exchange::kGroups] = {};
};

}  // namespace

TrainResult train(const Network& network, const Weights& weights, const RowsView& X,
                  const Scaling& scaling, const TrainOptions& options, const Tick& tick) {
    if (options.parallel == Parallel::kHogwild && options.n_threads > 1) {
        return hogwild::train(network, weights, X, scaling, options, tick);
    }
    if (std::min(options.batch_size, X.n_rows) == 1) {
        return OnlineTraining(network, weights, X, scaling, options, tick).run();
    }
    return train_deterministic(network, weights, X, scaling, options, tick);
}

}  // namespace fastae
