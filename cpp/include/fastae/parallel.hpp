#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

#include "fastae/types.hpp"

namespace fastae {

/// Keeps the first exception thrown inside a parallel region; call rethrow() after the region.
class FirstException {
  public:
    template <class Body>
    bool run(Body&& body) noexcept {
        try {
            body();
            return true;
        } catch (...) {
            std::call_once(once_, [this] { error_ = std::current_exception(); });
            return false;
        }
    }

    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

  private:
    std::once_flag once_;
    std::exception_ptr error_;
};

/// Barrier for a team that meets every few microseconds: spins briefly, then sleeps. Sleeping, not
/// yielding, is what gets two threads that share one core apart: the scheduler moves a thread to an
/// idle core when it wakes up, but leaves threads that keep running where they are.
class SpinBarrier {
  public:
    /// Returns when all n_threads threads of the team have called it.
    void wait(int n_threads) {
        if (n_threads == 1) return;
        const unsigned phase = phase_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_threads) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(phase + 1);
            if (sleepers_.load() > 0) {
                {
                    const std::lock_guard<std::mutex> lock(mutex_);
                }
                wake_.notify_all();
            }
            return;
        }
        for (int spins = 0; spins < kSpins; ++spins) {
            if (phase_.load(std::memory_order_acquire) != phase) return;
            pause();
        }
        std::unique_lock<std::mutex> lock(mutex_);
        ++sleepers_;
        wake_.wait(lock, [&] { return phase_.load() != phase; });
        --sleepers_;
    }

  private:
    static constexpr int kSpins = 1000;

    static void pause() {
#if defined(__x86_64__) || defined(__i386__)
        _mm_pause();
#endif
    }

    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<unsigned> phase_{0};
    std::atomic<int> sleepers_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
};

/// Part `part` of `parts` nearly equal parts of 0 .. n - 1.
constexpr Range split(Index n, int part, int parts) {
    return {n * part / parts, n * (part + 1) / parts};
}

}  // namespace fastae
