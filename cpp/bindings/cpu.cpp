#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

// Compiled for the baseline: tells which instruction-set levels may be loaded here.

namespace {

std::vector<std::string> supported_isas() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    std::vector<std::string> isas;
    const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    if (v2) isas.emplace_back("v2");
    if (v3) isas.emplace_back("v3");
    if (v4) isas.emplace_back("v4");
    return isas;
#else
    return {"generic"};
#endif
}

}  // namespace

PYBIND11_MODULE(_cpu, m, pybind11::mod_gil_not_used()) {
    m.doc() = "Which instruction-set levels this processor can run.";
    m.def("supported_isas", &supported_isas, "Names of the levels, weakest first.");
}
