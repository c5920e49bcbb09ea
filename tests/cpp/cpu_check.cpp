// Ends the program with status 77 (skipped) where the processor lacks the instructions that the
// rest of it is compiled for: before any other code of it runs, static initialisers included.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#if defined(__x86_64__)

namespace {

bool supported(std::string_view isa) {
    __builtin_cpu_init();
    const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    return isa == "v4" ? v4 : isa == "v3" ? v3 : v2;
}

__attribute__((constructor(101))) void check_cpu() {
    if (supported(FASTAE_ISA_NAME)) return;
    std::fputs("skipped: this processor does not support " FASTAE_ISA_NAME "\n", stderr);
    std::_Exit(77);
}

}  // namespace

#endif
