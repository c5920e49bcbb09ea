// The parts of a training step on their own, hot in the caches, as shares of this machine's peak.
//
//   products  fastae's tiles and Eigen's product, one thread
//   per 16    activation and optimiser, in nanoseconds per 16 elements, one thread
//   layout    two threads that update their halves of the same weights: rows interleaved in memory,
//             or every half on its own, a page apart

#include "fastae/kernels.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "fastae/activation.hpp"
#include "fastae/optimiser.hpp"
#include "fastae/parallel.hpp"
#include "fastae/parted.hpp"
#include "fastae/peak.hpp"
#include "fastae/scratch.hpp"

namespace fastae {

namespace {

/// Seconds of one of `repeats` calls, the least of 20 tries.
template <class F>
double seconds(int repeats, F&& f) {
    double best = 1e9;
    for (int i = 0; i < 20; ++i) {
        const auto start = std::chrono::steady_clock::now();
        for (int k = 0; k < repeats; ++k) f();
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        best = std::min(best, elapsed.count() / repeats);
    }
    return best;
}

AlignedBuffer<float> numbers(Index n) {
    AlignedBuffer<float> buffer(n);
    for (Index i = 0; i < n; ++i) buffer.data()[i] = 0.01f * static_cast<float>(i * 7 % 13 - 6);
    return buffer;
}

void products(double peak) {
    std::puts(
        "| rows x narrow x wide | expand | contract | gradient | Eigen's x W | Eigen's x W^T |");
    std::puts("|---|---|---|---|---|---|");
    const Index shapes[][3] = {{32, 50, 784},  {128, 50, 784},  {128, 50, 192},
                               {128, 30, 250}, {128, 250, 500}, {128, 500, 1000}};
    for (const auto& [n, n_rows, n_cols] : shapes) {
        const Index stride = padded(n_cols), narrow_stride = padded(n_rows);
        auto w = numbers(n_rows * stride), wide = numbers(n * stride),
             narrow = numbers(n * narrow_stride), out = numbers(n * stride);
        const double flops = 2.0 * static_cast<double>(n * n_rows * n_cols);
        const int repeats = flops > 1e8 ? 1 : 20;
        const Stretch<float> stretch{narrow.data(), narrow_stride, n_rows};
        const Piece<float> piece{wide.data(), stride, w.data(), stride, whole_lines(n_cols)};
        std::printf("| %td x %td x %td |", n, n_rows, n_cols);
        const auto report = [&](auto&& f) {
            std::printf(" %.0f %% |", 100 * flops / seconds(repeats, f) / peak);
        };
        report([&] {
            expand(n, &stretch, 1, whole_lines(n_cols), w.data(), stride,
                   static_cast<const float*>(nullptr), out.data(), stride);
        });
        report([&] { contract(n, n_rows, &piece, 1, out.data(), narrow_stride); });
        report([&] {
            alignas(64) float tile[kOuterRows * kPanel<float>];
            for (Index c = 0, width = 0; c < whole_lines(n_cols); c += width) {
                width = panel_width<float>(whole_lines(n_cols) - c);
                for (Index r = 0; r < n_rows; r += kOuterRows) {
                    gradient_tile(n, std::min<Index>(kOuterRows, n_rows - r), width,
                                  narrow.data() + r, narrow_stride, wide.data() + c, stride, tile);
                    std::copy_n(tile, kOuterRows * width, out.data());
                }
            }
        });
        using Map = Eigen::Map<const RowMatrix<float>, 0, Eigen::OuterStride<>>;
        const Map W(w.data(), n_rows, n_cols, Eigen::OuterStride<>(stride));
        const Map X(wide.data(), n, n_cols, Eigen::OuterStride<>(stride));
        const Map H(narrow.data(), n, n_rows, Eigen::OuterStride<>(narrow_stride));
        RowMatrix<float> Z(n, n_cols), C(n, n_rows);
        report([&] { Z.noalias() = H * W; });
        report([&] { C.noalias() = X * W.transpose(); });
        std::puts("");
    }
}

void elements() {
    constexpr Index n = 78'400;
    auto z = numbers(n), g = numbers(n), w = numbers(n), state = numbers(2 * n + kPad);
    std::fill_n(state.data(), 2 * n + kPad, 1e-4f);
    const auto report = [&](const char* name, double s) {
        std::printf("| %s | %.2f ns |\n", name, s * 1e9 / static_cast<double>(n / 16));
    };
    std::puts("\n| per 16 elements | |\n|---|---|");
    report("tanh", seconds(1, [&] {
               for (Index i = 0; i < n; i += kLanes<float>) {
                   store(w.data() + i, Tanh::forward(load(z.data() + i)));
               }
           }));
    for (const Solver solver : {Solver::kAdadelta, Solver::kAdam, Solver::kSgd}) {
        SolverOptions options;
        options.solver = solver;
        const StepConstants constants(options, 0, 10, options.decay_period());
        const char* names[] = {"ADADELTA", "Adam", "SGD"};
        with_rule(options, constants, [&](auto rule) {
            report(names[static_cast<int>(solver)], seconds(1, [&] {
                       update_span<decltype(rule)>(constants, false, n, g.data(), w.data(),
                                                   state.data(), n + kPad);
                   }));
        });
    }
}

/// Nanoseconds per 16 weights and thread of two threads that update 100 x 784 weights with
/// ADADELTA.
double two_threads(bool apart) {
    constexpr Index n_rows = 100, half = 400, sweeps = 300;
    const Index part = n_rows * half + kPage, slot_stride = 2 * part + 5 * kPad;
    auto memory = numbers(3 * slot_stride);
    std::fill_n(memory.data(), 3 * slot_stride, 1e-3f);
    SolverOptions options;
    options.solver = Solver::kAdadelta;
    const StepConstants constants(options, 0, 10, options.decay_period());
    const auto g = numbers(half);
    SpinBarrier barrier(2);
    double best = 1e9;
    for (int i = 0; i < 10; ++i) {
        const auto start = std::chrono::steady_clock::now();
        const auto work = [&](int thread) {
            float* first = memory.data() + thread * (apart ? part : half);
            const Index stride = apart ? half : 2 * half;
            for (Index sweep = 0; sweep < sweeps; ++sweep) {
                for (Index r = 0; r < n_rows; ++r) {
                    float* row = first + r * stride;
                    update_span<AdadeltaRule<false>>(constants, false, half, g.data(), row,
                                                     row + slot_stride, slot_stride);
                }
                barrier.wait(thread);
            }
        };
        std::thread other(work, 1);
        work(0);
        other.join();
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        best = std::min(best, elapsed.count() / static_cast<double>(sweeps * n_rows * half / 16));
    }
    return best * 1e9;
}

}  // namespace

}  // namespace fastae

int main() {
    using namespace fastae;
    const double peak = fma_peak_flops(1, 0.3);
    std::printf("%s, peak of one core %.0f GFLOP/s\n\n", FASTAE_ISA_NAME, peak / 1e9);
    products(peak);
    elements();
    std::printf("\n| ADADELTA on two threads, per 16 weights | |\n|---|---|\n");
    std::printf("| halves of every row interleaved | %.1f ns |\n", two_threads(false));
    std::printf("| halves a page apart | %.1f ns |\n", two_threads(true));
}
