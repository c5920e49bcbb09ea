#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <stdexcept>
#include <string>

namespace fastae::bindings {

namespace py = pybind11;

/// Keyword arguments that are taken one by one; what is left over at the end was a mistake.
class Options {
  public:
    explicit Options(const py::dict& given) : left_(given.attr("copy")()) {}

    template <class T>
    T take(const char* name) {
        if (!left_.contains(name)) {
            throw py::type_error(std::string("missing option '") + name + "'");
        }
        const py::object value = left_.attr("pop")(name);
        try {
            return value.cast<T>();
        } catch (const py::cast_error&) {
            throw py::type_error(std::string("option '") + name +
                                 "' has the wrong type: " + std::string(py::repr(value)));
        }
    }

    template <class T>
    T take(const char* name, T otherwise) {
        return left_.contains(name) ? take<T>(name) : otherwise;
    }

    void expect_none_left() const {
        if (left_.empty()) return;
        throw py::type_error("unknown option " + std::string(py::repr((*left_.begin()).first)));
    }

  private:
    py::dict left_;
};

}  // namespace fastae::bindings
