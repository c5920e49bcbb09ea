// Training allocates before its loop and never in it. The global operator new of the whole test
// program is replaced by one that counts.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "training.hpp"

namespace fastae::allocation_test {

std::atomic<long> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
    return std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);
}

void* checked(void* memory) { return memory ? memory : throw std::bad_alloc(); }

// Out of line: inlined, free looks like a mistake to the compiler.
__attribute__((noinline)) void release(void* memory) { std::free(memory); }

constexpr std::size_t kOrdinary = alignof(std::max_align_t);

}  // namespace fastae::allocation_test

using fastae::allocation_test::checked;
using fastae::allocation_test::counted;
using fastae::allocation_test::kOrdinary;
using fastae::allocation_test::release;

void* operator new(std::size_t size) { return checked(counted(size, kOrdinary)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return checked(counted(size, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return counted(size, kOrdinary);
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }

namespace fastae::allocation_test {

long allocations_of(Index n_rows, const TrainOptions& options, bool weighted = false,
                    const bool* anomalous = nullptr) {
    const RowMatrix<float> X = table(n_rows, 17, 1);
    TestModel model({17, 5, 20, 17}, {Activation::kTanh, Activation::kElu, Activation::kLogistic});
    const Weights weights = model.weights();
    const Scaling scaling = model.scaling();
    const RowsView view = view_of(X);
    const std::vector<float> row_weights(static_cast<std::size_t>(n_rows), 1.0f);
    TrainingTable rows{view, scaling, weighted ? row_weights.data() : nullptr};
    rows.anomalous = anomalous;
    const Tick tick = [](Index) { return false; };
    const long before = allocations;
    train(model.network, weights, rows, options, tick);
    return allocations - before;
}

/// Of training a network with targets beside its inputs: numbers, or classes.
long allocations_with_targets(Index n_rows, TrainOptions options, bool classes) {
    constexpr Index kTargets = 5;
    const RowMatrix<float> X = table(n_rows, 17, 1), Y = table(n_rows, kTargets, 2);
    const std::vector<std::int32_t> of_rows(static_cast<std::size_t>(n_rows), kTargets - 1);
    TestModel model({17, 5, 20, 17 + kTargets},
                    {Activation::kTanh, Activation::kElu, Activation::kIdentity});
    options.objective.n_targets = kTargets;
    options.objective.classes = classes;
    options.solver.thaw_steps = {5, 0, 0};
    const Weights weights = model.weights();
    const Scaling scaling = model.scaling();
    const Scaling Y_scaling(model.shift.data(), model.scale.data(), kTargets);
    const RowsView view = view_of(X), Y_view = view_of(Y);
    const TrainingTable rows{view,
                             scaling,
                             nullptr,
                             classes ? nullptr : &Y_view,
                             classes ? nullptr : &Y_scaling,
                             classes ? of_rows.data() : nullptr};
    const Tick tick = [](Index) { return false; };
    const long before = allocations;
    const TrainResult result = train(model.network, weights, rows, options, tick);
    EXPECT_EQ(result.samples, options.n_samples);
    EXPECT_GT(result.parts[0].errors.targets, 0);
    return allocations - before;
}

using Way = std::tuple<Parallel, int, Index>;  // threads, rows of a mini-batch

class TrainingAllocations : public ::testing::TestWithParam<Way> {
  protected:
    TrainOptions options(Solver solver, Index n_samples) const {
        TrainOptions result;
        result.solver.solver = solver;
        result.solver.learning_rate = 1e-3;
        result.solver.l1 = 1e-4;
        result.n_samples = n_samples;
        std::tie(result.parallel, result.n_threads, result.batch_size) = GetParam();
        return result;
    }
};
INSTANTIATE_TEST_SUITE_P(
    Ways, TrainingAllocations,
    ::testing::Values(Way(Parallel::kDeterministic, 1, 8), Way(Parallel::kDeterministic, 2, 8),
                      Way(Parallel::kDeterministic, 1, 1), Way(Parallel::kDeterministic, 2, 1),
                      Way(Parallel::kHogwild, 2, 8), Way(Parallel::kHogwild, 2, 1)));

TEST_P(TrainingAllocations, DoNotGrowWithTheMiniBatches) {
    for (const Solver solver : {Solver::kAdadelta, Solver::kAdam, Solver::kSgd}) {
        const long few = allocations_of(16, options(solver, 2 * 16));
        EXPECT_GT(few, 0);
        EXPECT_EQ(allocations_of(300, options(solver, 2 * 300)), few);
    }
}

TEST_P(TrainingAllocations, DoNotGrowWithTheEpochs) {
    // The list of epochs may double its room now and then: not from 40 to 60.
    EXPECT_EQ(allocations_of(20, options(Solver::kAdam, 60 * 20)),
              allocations_of(20, options(Solver::kAdam, 40 * 20)));
}

TEST_P(TrainingAllocations, DoNotGrowWithTargets) {
    for (const bool classes : {false, true}) {
        const long few = allocations_with_targets(16, options(Solver::kAdam, 2 * 16), classes);
        EXPECT_EQ(allocations_with_targets(240, options(Solver::kAdam, 2 * 240), classes), few);
    }
}

TEST_P(TrainingAllocations, DoNotGrowWithAnomalies) {
    const std::unique_ptr<bool[]> anomalous(new bool[300]{true, false, true});
    const auto of_rows = [&](Index n_rows) {
        TrainOptions margin = options(Solver::kAdam, 2 * n_rows);
        margin.objective.margin = 0.5;
        return allocations_of(n_rows, margin, false, anomalous.get());
    };
    EXPECT_EQ(of_rows(300), of_rows(16));
}

TEST_P(TrainingAllocations, DoNotGrowWithEverythingOn) {
    const auto [parallel, n_threads, batch_size] = GetParam();
    const auto options = [&](std::size_t solver, Index n_samples) {
        TrainOptions result = all_with_everything(batch_size, n_samples, 3)[solver];
        result.parallel = parallel;
        result.n_threads = n_threads;
        return result;
    };
    for (std::size_t solver = 0; solver < 4; ++solver) {
        const auto growth = [&](bool weighted) {
            return allocations_of(300, options(solver, 2 * 300), weighted) -
                   allocations_of(260, options(solver, 2 * 260), weighted);
        };
        EXPECT_EQ(growth(false), 0);
        EXPECT_EQ(growth(true), 0);  // a list of rows doubles its room at 257, not here
    }
}

}  // namespace fastae::allocation_test
