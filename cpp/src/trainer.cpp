#include "fastae/trainer.hpp"

#include <omp.h>

#include <algorithm>

#include "fastae/hogwild.hpp"
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
            for (Index start = 0; start < X.n_rows && !clock.stop(); start += batch_size) {
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
            if (thread == 0 && !clock.stop()) clock.end_epoch(X.n_rows);
            barrier.wait(team);
        }
    }
    clock.rethrow();
    return result;
}

}  // namespace

TrainResult train(const Network& network, const Weights& weights, const RowsView& X,
                  const Scaling& scaling, const TrainOptions& options, const Tick& tick) {
    if (options.parallel == Parallel::kHogwild && options.n_threads > 1) {
        return hogwild::train(network, weights, X, scaling, options, tick);
    }
    return train_deterministic(network, weights, X, scaling, options, tick);
}

}  // namespace fastae
