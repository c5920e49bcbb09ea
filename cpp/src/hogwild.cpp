#include "fastae/hogwild.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "fastae/epoch_order.hpp"
#include "fastae/online.hpp"
#include "fastae/training_clock.hpp"

namespace fastae::hogwild {

namespace {

/// What one thread owns; allocated before the threads start.
struct Worker {
    Worker(const PartedLayout& layout, const Weights& shared, const TrainingTable& table,
           const TrainOptions& options, const SplitNetwork* split, Index batch_size, bool first)
        : weights(shared) {
        if (options.is_online()) {
            exchange = std::make_unique<Exchange>(layout, options.solver.max_w2, 1);
            online =
                std::make_unique<OnlineWorker>(layout, options.objective, *exchange, 0, shared);
        } else {
            batch = std::make_unique<MiniBatch>(
                layout, options.objective, options.solver.max_w2, batch_size, 1,
                side_layers(split, table, options.objective, batch_size, 1));
        }
        if (options.solver.solver == Solver::kAdam && !first) {
            const Index size = options.solver.n_slots() * shared.slot_stride;
            moments = AlignedBuffer<float>(size);
            std::copy_n(shared.slots, size, moments.data());
            weights.slots = moments.data();
            const Index side_size = split ? options.solver.n_slots() * split->side_size() : 0;
            side_moments = AlignedBuffer<float>(side_size);
            std::copy_n(shared.side_slots, side_size, side_moments.data());
            weights.side_slots = side_moments.data();
        }
    }

    /// Trains on the rows; returns their errors.
    Errors train(const TrainOptions& options, const StepConstants& constants, const Batch& rows) {
        if (online) {
            online->train(options.solver, constants, rows, weights);
            online->store_averages(weights);
            double parts[kParts] = {};
            online->take_squared_error(parts);
            return {std::accumulate(parts, parts + kParts, 0.0), 0};
        }
        batch->forward_backward(0, weights, rows);
        batch->apply_gradient(0, options.solver, constants, rows.n, weights);
        return batch->errors(rows.n);
    }

    std::unique_ptr<MiniBatch> batch;      ///< of more than one row, or
    std::unique_ptr<Exchange> exchange;    ///< (with no other thread)
    std::unique_ptr<OnlineWorker> online;  ///< of one row
    Weights weights;
    AlignedBuffer<float> moments, side_moments;
    alignas(64) Errors errors;  ///< of this thread's rows since the books were kept
    Index samples = 0;
    Index unbooked_steps = 0;
    double steps = 0;  ///< of this thread: the count that its own moments have seen
};

/// Each worker counts its own steps, which are what its own moments have seen.
TrainOptions with_own_thaw(TrainOptions options, int n_threads) {
    for (double& thaw : options.solver.thaw_steps) {
        const double left = thaw - options.steps_done;
        if (left > 0) thaw = options.steps_done + std::ceil(left / n_threads);
    }
    return options;
}

}  // namespace

TrainResult train(const PartedLayout& layout, const Weights& weights, const TrainingTable& table,
                  const TrainOptions& given, const SplitNetwork* split, const Tick& tick) {
    EpochOrder order(table);
    const Index batch_size = std::min(given.batch_size, order.size());
    const Index n_batches = (order.size() + batch_size - 1) / batch_size;
    const int n_threads = static_cast<int>(std::clamp<Index>(given.n_threads, 1, n_batches));
    const TrainOptions options = with_own_thaw(given, n_threads);
    std::vector<std::unique_ptr<Worker>> workers;
    for (int t = 0; t < n_threads; ++t) {
        workers.push_back(
            std::make_unique<Worker>(layout, weights, table, options, split, batch_size, t == 0));
    }
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
        Index left = barrier ? options.n_samples : 0;
        Index first_batch = options.first_row / batch_size;
        for (Index epoch = options.first_epoch; left > 0 && !clock.stop(); ++epoch) {
            const Index end_batch =
                std::min(n_batches, first_batch + (left + batch_size - 1) / batch_size);
            barrier->wait(thread);
            if (thread == 0) {
                clock.begin_epoch();
                order.shuffle(options.seed, epoch);
                next.store(first_batch);
            }
            barrier->wait(thread);
            const Noise noise{options.seed, static_cast<std::uint64_t>(epoch)};
            for (Index k = next++; k < end_batch && !clock.stop(); k = next++) {
                const Index start = k * batch_size;
                const Index n = std::min(batch_size, order.size() - start);
                const double before =
                    options.samples_done + static_cast<double>(samples.fetch_add(n));
                const StepConstants constants(options.solver, before,
                                              options.steps_done + worker.steps);
                const Errors errors =
                    worker.train(options, constants,
                                 {table, order.data() + start, n, noise, before,
                                  options.solver.first_trained_layer(layout.network().n_layers(),
                                                                     constants.steps_done)});
                ++worker.steps;
                if (thread == 0) {
                    clock.book(n, 1, errors);
                    clock.watch();
                } else {
                    worker.errors += errors;
                    worker.samples += n;
                    ++worker.unbooked_steps;
                }
            }
            barrier->wait(thread);
            if (thread == 0) {
                for (int t = 1; t < team; ++t) {
                    Worker& other = *workers[static_cast<std::size_t>(t)];
                    clock.book(other.samples, other.unbooked_steps, other.errors);
                    other.samples = other.unbooked_steps = 0;
                    other.errors = {};
                }
                clock.end_epoch();
                clock.watch();  // the others may have left the first thread no batch to watch after
            }
            barrier->wait(thread);
            left -= std::min(end_batch * batch_size, order.size()) - first_batch * batch_size;
            first_batch = 0;
        }
    }
    error.rethrow();
    clock.rethrow();
    return result;
}

}  // namespace fastae::hogwild
