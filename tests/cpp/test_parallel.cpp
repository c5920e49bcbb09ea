#include <chrono>
#include <stdexcept>
#include <vector>

#include "fastae/parallel.hpp"
#include "helpers.hpp"

namespace fastae::parallel_test {

TEST(SpinBarrier, NobodyPassesBeforeAllHaveCome) {
    for (const int n_threads : {1, 2, 3, 4}) {
        constexpr int kRounds = 500;
        SpinBarrier barrier(n_threads);
        std::vector<int> round(static_cast<std::size_t>(n_threads), 0);  // not atomic, on purpose
        std::vector<int> behind(round);
        on_team(n_threads, [&](int thread) {
            const auto self = static_cast<std::size_t>(thread);
            for (int r = 1; r <= kRounds; ++r) {
                round[self] = r;
                if (r % 50 == thread) std::this_thread::sleep_for(std::chrono::microseconds(200));
                barrier.wait(thread);
                for (const int other : round) behind[self] += other != r;
                barrier.wait(thread);
            }
        });
        for (const int count : behind) EXPECT_EQ(count, 0) << n_threads << " threads";
    }
}

/// Runs a parallel region in which every thread throws, and rethrows.
template <class Error>
void throw_in_region(const Error& thrown) {
    FirstException error;
#pragma omp parallel num_threads(4)
    error.run([&] { throw thrown; });
    error.rethrow();
}

TEST(FirstException, LeavesAParallelRegion) {
    EXPECT_THROW(throw_in_region(std::out_of_range("x")), std::out_of_range);
    EXPECT_THROW(throw_in_region(std::bad_alloc()), std::bad_alloc);
    EXPECT_THROW(throw_in_region(17), int);
    EXPECT_THROW(throw_in_region("text"), const char*);
}

TEST(FirstException, KeepsTheFirst) {
    FirstException error;
    EXPECT_TRUE(error.run([] {}));
    EXPECT_FALSE(error.run([] { throw 1; }));
    EXPECT_FALSE(error.run([] { throw 2; }));
    EXPECT_TRUE(error.run([] {}));
    try {
        error.rethrow();
        FAIL() << "nothing was thrown";
    } catch (const int value) {
        EXPECT_EQ(value, 1);
    }
}

TEST(FirstException, OtherThreadsFinishTheirWork) {
    FirstException error;
    std::vector<int> done(100, 0);
#pragma omp parallel for num_threads(4) schedule(dynamic, 1)
    for (int i = 0; i < 100; ++i) {
        error.run([&] {
            if (i == 3) throw std::runtime_error("x");
            done[static_cast<std::size_t>(i)] = 1;
        });
    }
    EXPECT_THROW(error.rethrow(), std::runtime_error);
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(done[i], i != 3);
}

TEST(FirstException, NothingThrownIsNothingRethrown) {
    FirstException error;
    EXPECT_TRUE(error.run([] {}));
    EXPECT_NO_THROW(error.rethrow());
}

TEST(Split, CoversEveryElementOnceInEqualParts) {
    for (Index n = 0; n <= 100; ++n) {
        for (int parts = 1; parts <= 17; ++parts) {
            Index end = 0;
            for (int part = 0; part < parts; ++part) {
                const Range range = split(n, part, parts);
                EXPECT_EQ(range.begin, end);
                EXPECT_GE(range.end - range.begin, n / parts);
                EXPECT_LE(range.end - range.begin, (n + parts - 1) / parts);
                end = range.end;
            }
            EXPECT_EQ(end, n);
        }
    }
}

}  // namespace fastae::parallel_test
