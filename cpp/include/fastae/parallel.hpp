#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

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

/// Barrier for a team that meets every few microseconds. Each thread announces its arrival in a
/// line of its own and reads those of the others: no line is written by two, and one transfer
/// between two caches is all the waiting that a pair of punctual threads does.
///
/// A thread spins briefly, then sleeps. Sleeping, not yielding, is what gets two threads that share
/// one core apart: the scheduler moves a thread to an idle core when it wakes up, but leaves
/// threads that keep running where they are.
class SpinBarrier {
  public:
    explicit SpinBarrier(int team) : arrivals_(static_cast<std::size_t>(team)) {}

    int team() const { return static_cast<int>(arrivals_.size()); }

    /// Returns when every thread 0 .. team - 1 has called it with its own number.
    void wait(int thread) {
        if (arrivals_.size() == 1) return;
        std::atomic<unsigned>& own = arrivals_[static_cast<std::size_t>(thread)].count;
        const unsigned count = own.load(std::memory_order_relaxed) + 1;
        own.store(count, std::memory_order_release);
        for (const Arrivals& other : arrivals_) {
            // The other may be one ahead already.
            for (int spins = 0; other.count.load(std::memory_order_acquire) - count > 1; ++spins) {
                if (spins < kSpins) {
                    pause();
                } else {
                    std::this_thread::sleep_for(std::chrono::microseconds(20));
                }
            }
        }
    }

  private:
    static constexpr int kSpins = 4000;

    struct Arrivals {
        alignas(128) std::atomic<unsigned> count{0};  // two lines: prefetchers fetch pairs
    };

    static void pause() {
#if defined(__x86_64__) || defined(__i386__)
        _mm_pause();
#elif defined(__aarch64__)
        asm volatile("isb");  // some 10 ns; yield is over at once
#endif
    }

    std::vector<Arrivals> arrivals_;
};

/// Part `part` of `parts` nearly equal parts of 0 .. n - 1.
constexpr Range split(Index n, Index part, Index parts) {
    return {n * part / parts, n * (part + 1) / parts};
}

}  // namespace fastae
