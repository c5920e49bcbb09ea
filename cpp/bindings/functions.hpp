#pragma once

#include <pybind11/pybind11.h>

namespace fastae::bindings {

void add_info(pybind11::module_& m);
void add_train(pybind11::module_& m);
void add_score(pybind11::module_& m);

}  // namespace fastae::bindings
