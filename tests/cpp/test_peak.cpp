#include "fastae/peak.hpp"
#include "helpers.hpp"

namespace fastae::peak_test {

TEST(Peak, IsAPlausibleNumberOfFlops) {
    for (const int n_threads : {1, 2}) {
        const double flops = fma_peak_flops(n_threads, 0.01);
        EXPECT_GT(flops, 1e6);
        EXPECT_LT(flops, 1e12 * n_threads);
    }
}

}  // namespace fastae::peak_test
