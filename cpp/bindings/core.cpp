#include "bindings/functions.hpp"

#define FASTAE_PYBIND_MODULE_(name, m) PYBIND11_MODULE(name, m, pybind11::mod_gil_not_used())
#define FASTAE_PYBIND_MODULE(name, m) FASTAE_PYBIND_MODULE_(name, m)

FASTAE_PYBIND_MODULE(FASTAE_MODULE, m) {
    m.doc() = "The compiled core of fastae for one instruction-set level.";
    fastae::bindings::add_info(m);
    fastae::bindings::add_train(m);
    fastae::bindings::add_score(m);
}
