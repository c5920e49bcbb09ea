#include "fastae/hogwild.hpp"

#include <omp.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "fastae/online.hpp"
#include "fastae/rng.hpp"
#include "fastae/training_clock.hpp"

namespace fastae::hogwild {

namespace {

/// What one thread owns; allocated before the threads start.
struct Worker {
    Worker(const PartedLayout& layout, const Weights& shared, const TrainOptions& options,
           Index batch_size, bool first)
        : weights(shared) {
        if (batch_size == 1) {
            exchange = std::make_unique<Exchange>(layout.network().widest(), 1);
            online = std::make_unique<OnlineWorker>(layout, *exchange, 0);
        } else {
            batch = std::make_unique<MiniBatch>(layout, batch_size);
        }
        if (options.solver.solver == Solver::kAdam && !first) {
            const Index size = options.solver.n_slots() * shared.slot_stride;
            moments = AlignedBuffer<float>(size);
            std::copy_n(shared.slots, size, moments.data());
            weights.slots = moments.data();
        }
    }

    /// Trains on rows order[0 .. n - 1]; returns their sum of squared errors.
    double train(const TrainOptions& options, const StepConstants& constants, const RowsView& X,
                 const Scaling& scaling, const std::uint32_t* order, Index n) {
        if (online) {
            online->train(options.solver, constants, X, scaling, *order, weights);
            double errors[kParts] = {};
            online->take_squared_error(errors);
            return std::accumulate(errors, errors + kParts, 0.0);
        }
        batch->forward_backward(0, weights.params, X, scaling, order, n);
        batch->apply_gradient(0, options.solver, constants, n, weights);
        return batch->squared_error(n);
    }

    std::unique_ptr<MiniBatch> batch;      ///< of more than one row, or
    std::unique_ptr<Exchange> exchange;    ///< (with no other thread)
    std::unique_ptr<OnlineWorker> online;  ///< of one row
    Weights weights;
    AlignedBuffer<float> moments;
    alignas(64) double squared_error = 0;  ///< of this thread's rows since the books were kept
    Index samples = 0;
    Index unbooked_steps = 0;
    double steps = 0;  ///< of this thread: the count that its own moments have seen
};

}  // namespace

TrainResult train(const PartedLayout& layout, const Weights& weights, const RowsView& X,
                  const Scaling& scaling, const TrainOptions& options, const Tick& tick) {
    const Index batch_size = std::min(options.batch_size, X.n_rows);
    const Index n_batches = (X.n_rows + batch_size - 1) / batch_size;
    const int n_threads = static_cast<int>(std::clamp<Index>(options.n_threads, 1, n_batches));
    std::vector<std::unique_ptr<Worker>> workers;
    for (int t = 0; t < n_threads; ++t) {
        workers.push_back(std::make_unique<Worker>(layout, weights, options, batch_size, t == 0));
    }
    std::vector<std::uint32_t> order(static_cast<std::size_t>(X.n_rows));
    TrainResult result;
    TrainingClock clock(layout, weights, tick, result);
    std::unique_ptr<SpinBarrier> barrier;
    std::atomic<Index> next{0};
    std::atomic<Index> samples{0};

    FirstException error;
#pragma omp parallel num_threads(n_threads)
    {
        const int thread = omp_get_thread_num();
        const int team = omp_get_num_threads();  // may be fewer than asked for
#pragma omp single
        error.run([&] { barrier = std::make_unique<SpinBarrier>(team); });
        Worker& worker = *workers[static_cast<std::size_t>(thread)];
        const Index n_epochs = barrier ? options.n_epochs : 0;
        for (Index epoch = 0; epoch < n_epochs && !clock.stop(); ++epoch) {
            barrier->wait(thread);
            if (thread == 0) {
                clock.begin_epoch();
                shuffle_rows(options.seed, static_cast<std::uint64_t>(options.first_epoch + epoch),
                             order);
                next.store(0);
            }
            barrier->wait(thread);
            for (Index k = next++; k < n_batches && !clock.stop(); k = next++) {
                const Index start = k * batch_size;
                const Index n = std::min(batch_size, X.n_rows - start);
                const double before =
                    options.samples_done + static_cast<double>(samples.fetch_add(n));
                const StepConstants constants(options.solver, before,
                                              options.steps_done + worker.steps);
                const double squared_error =
                    worker.train(options, constants, X, scaling, order.data() + start, n);
                ++worker.steps;
                if (thread == 0) {
                    clock.book(n, 1, squared_error);
                    clock.watch();
                } else {
                    worker.squared_error += squared_error;
                    worker.samples += n;
                    ++worker.unbooked_steps;
                }
            }
            barrier->wait(thread);
            if (thread == 0) {
                for (int t = 1; t < team; ++t) {
                    Worker& other = *workers[static_cast<std::size_t>(t)];
                    clock.book(other.samples, other.unbooked_steps, other.squared_error);
                    other.samples = other.unbooked_steps = 0;
                    other.squared_error = 0;
                }
                // Every epoch books all of its rows or is stopped on the way.
                if (result.samples == (epoch + 1) * X.n_rows) clock.end_epoch(X.n_rows);
                clock.watch();  // the others may have left the first thread no batch to watch after
            }
            barrier->wait(thread);
        }
    }
    error.rethrow();
    clock.rethrow();
    return result;
}

}  // namespace fastae::hogwild
