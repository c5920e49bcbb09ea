#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fastae/network.hpp"
#include "fastae/rows.hpp"
#include "fastae/trainer.hpp"

// Checks and views; nothing here computes. std::invalid_argument becomes ValueError.

namespace fastae::bindings {

namespace py = pybind11;

using FloatArray = py::array_t<float, py::array::c_style>;
using DoubleArray = py::array_t<double, py::array::c_style>;

inline DType dtype_of(const py::array& X) {
    const py::dtype type = X.dtype();
    const bool native = type.byteorder() == '=' || type.byteorder() == '|';
    const char kind = type.kind();
    const auto size = type.itemsize();
    if (native && kind == 'b') return DType::kBool;
    if (native && kind == 'f' && size == 4) return DType::kFloat32;
    if (native && kind == 'f' && size == 8) return DType::kFloat64;
    if (native && (kind == 'i' || kind == 'u')) {
        const bool is_signed = kind == 'i';
        switch (size) {
            case 1:
                return is_signed ? DType::kInt8 : DType::kUint8;
            case 2:
                return is_signed ? DType::kInt16 : DType::kUint16;
            case 4:
                return is_signed ? DType::kInt32 : DType::kUint32;
            case 8:
                return is_signed ? DType::kInt64 : DType::kUint64;
            default:
                break;
        }
    }
    throw std::invalid_argument(
        "X must be bool, (u)int8..64, float32 or float64 in native byte "
        "order, got " +
        std::string(py::str(type)));
}

/// X as it lies in memory, with n_cols columns.
inline RowsView rows_view(const py::array& X, Index n_cols, const char* name) {
    if (X.ndim() != 2) {
        throw std::invalid_argument(std::string(name) + " must have 2 dimensions, got " +
                                    std::to_string(X.ndim()));
    }
    if (X.shape(1) != n_cols) {
        throw std::invalid_argument(std::string(name) + " must have " + std::to_string(n_cols) +
                                    " columns, got " + std::to_string(X.shape(1)));
    }
    if (X.shape(0) > static_cast<Index>(UINT32_MAX)) {
        throw std::invalid_argument(std::string(name) + " must have fewer than 2^32 rows");
    }
    return {X.data(), dtype_of(X), X.shape(0), X.shape(1), X.strides(0), X.strides(1)};
}

inline void require(bool ok, const char* message) {
    if (!ok) throw std::invalid_argument(message);
}

/// Three arrays and a whole number, as table_view takes them; a list would be read as a copy that
/// nobody keeps.
inline py::tuple sparse_parts(const py::object& X) {
    const auto parts = py::reinterpret_borrow<py::tuple>(X);
    bool fits = parts.size() == 4 && py::isinstance<py::int_>(parts[3]);
    for (std::size_t i = 0; i < 3 && fits; ++i) fits = py::isinstance<py::array>(parts[i]);
    if (!fits) {
        throw std::invalid_argument(
            "sparse rows are four objects: values, indices, indptr (arrays) and n_columns (int)");
    }
    return parts;
}

/// Of a table as table_view takes it.
inline Index n_columns_of(const py::object& X) {
    if (py::isinstance<py::tuple>(X)) return py::cast<Index>(sparse_parts(X)[3]);
    if (!py::isinstance<py::array>(X)) throw py::type_error("X must be an array, or sparse rows");
    const auto table = py::reinterpret_borrow<py::array>(X);
    require(table.ndim() == 2, "X must have 2 dimensions and at least one row and column");
    return table.shape(1);
}

/// Nothing may lie outside of the arrays, and columns must ascend.
inline void check_sparse(const RowsView& X, Index n_stored) {
    bool fits = X.indptr[0] >= 0 && X.indptr[X.n_rows] <= n_stored;
    for (Index i = 0; i < X.n_rows && fits; ++i) fits = X.indptr[i] <= X.indptr[i + 1];
    for (Index i = 0; i < X.n_rows && fits; ++i) {
        std::int32_t before = -1;
        for (Index k = X.indptr[i]; k < X.indptr[i + 1]; ++k) {
            fits = fits && X.indices[k] > before && X.indices[k] < X.n_cols;
            before = X.indices[k];
        }
    }
    if (!fits) {
        throw std::invalid_argument(
            "sparse rows must have ascending columns within the table, each once");
    }
}

/// The values of a CSR matrix: (values (n_stored), indices (n_stored) int32, indptr (n_rows + 1)
/// int64, n_cols), columns ascending within a row; or a dense table.
inline RowsView table_view(const py::object& X, Index n_cols, const char* name) {
    if (py::isinstance<py::array>(X)) {
        return rows_view(py::reinterpret_borrow<py::array>(X), n_cols, name);
    }
    if (!py::isinstance<py::tuple>(X)) {
        throw py::type_error(std::string(name) + " must be an array, or sparse rows");
    }
    const py::tuple parts = sparse_parts(X);
    const auto values = py::reinterpret_borrow<py::array>(parts[0]);
    const auto indices = py::reinterpret_borrow<py::array>(parts[1]);
    const auto indptr = py::reinterpret_borrow<py::array>(parts[2]);
    const bool fits = py::isinstance<py::array_t<std::int32_t, py::array::c_style>>(indices) &&
                      py::isinstance<py::array_t<std::int64_t, py::array::c_style>>(indptr) &&
                      (values.flags() & py::array::c_style) != 0 && values.ndim() == 1 &&
                      indices.ndim() == 1 && indptr.ndim() == 1 && indptr.shape(0) >= 1 &&
                      values.shape(0) == indices.shape(0);
    if (!fits) {
        throw std::invalid_argument(
            "sparse rows are contiguous values, indices (int32) and indptr (int64)");
    }
    if (py::cast<Index>(parts[3]) != n_cols) {
        throw std::invalid_argument(std::string(name) + " must have " + std::to_string(n_cols) +
                                    " columns, got " + std::string(py::str(parts[3])));
    }
    RowsView view{values.data(), dtype_of(values), indptr.shape(0) - 1, n_cols, 0, 0};
    view.indices = static_cast<const std::int32_t*>(indices.data());
    view.indptr = static_cast<const std::int64_t*>(indptr.data());
    if (view.n_rows > static_cast<Index>(UINT32_MAX)) {
        throw std::invalid_argument(std::string(name) + " must have fewer than 2^32 rows");
    }
    check_sparse(view, values.shape(0));
    return view;
}

/// The value with this name; the error lists all names.
template <class Value>
Value named(const char* what, const std::string& name,
            const std::vector<std::pair<const char*, Value>>& choices) {
    std::string listed;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (name == choices[i].first) return choices[i].second;
        listed += i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ";
        listed += choices[i].first;
    }
    throw std::invalid_argument("unknown " + std::string(what) + " '" + name + "': choose " +
                                listed);
}

inline Activation activation_named(const std::string& name) {
    return named<Activation>("activation", name,
                             {{"tanh", Activation::kTanh},
                              {"relu", Activation::kRelu},
                              {"elu", Activation::kElu},
                              {"logistic", Activation::kLogistic},
                              {"identity", Activation::kIdentity}});
}

inline Solver solver_named(const std::string& name) {
    return named<Solver>(
        "solver", name,
        {{"adadelta", Solver::kAdadelta}, {"adam", Solver::kAdam}, {"sgd", Solver::kSgd}});
}

inline Schedule schedule_named(const std::string& name) {
    return named<Schedule>("schedule", name,
                           {{"constant", Schedule::kConstant},
                            {"cosine", Schedule::kCosine},
                            {"invscaling", Schedule::kInverseScaling},
                            {"onecycle", Schedule::kOneCycle}});
}

inline Loss loss_named(const std::string& name) {
    return named<Loss>("loss", name,
                       {{"squared_error", Loss::kSquared},
                        {"absolute_error", Loss::kAbsolute},
                        {"huber", Loss::kHuber},
                        {"quantile", Loss::kQuantile}});
}

inline Missing missing_named(const std::string& name) {
    return named<Missing>(
        "missing", name,
        {{"none", Missing::kNone}, {"ignore", Missing::kIgnored}, {"impute", Missing::kImputed}});
}

inline Parallel parallel_named(const std::string& name) {
    return named<Parallel>(
        "parallel", name,
        {{"deterministic", Parallel::kDeterministic}, {"hogwild", Parallel::kHogwild}});
}

inline Network network_of(const std::vector<Index>& widths,
                          const std::vector<std::string>& activations) {
    if (widths.size() < 2) throw std::invalid_argument("widths must have at least 2 entries");
    double size = 0;
    for (std::size_t l = 0; l < widths.size(); ++l) {
        if (widths[l] < 1) throw std::invalid_argument("every width must be at least 1");
        if (l > 0) size += static_cast<double>(widths[l - 1]) * static_cast<double>(widths[l]);
    }
    constexpr double kMostWeights = 1e12;  // 4 TB, and far from where an Index overflows
    if (size > kMostWeights || static_cast<double>(widths.back()) > kMostWeights) {
        throw std::invalid_argument("the widths are too large: more than 1e12 weights");
    }
    if (activations.size() + 1 != widths.size()) {
        throw std::invalid_argument("activations must have one entry per layer");
    }
    std::vector<Activation> kinds;
    for (const std::string& name : activations) kinds.push_back(activation_named(name));
    return Network(widths, kinds);
}

inline const float* checked_params(const Network& network, const FloatArray& params) {
    if (params.ndim() != 1 || params.shape(0) < network.size()) {
        throw std::invalid_argument("params must be a flat buffer of at least " +
                                    std::to_string(network.size()) + " floats");
    }
    return params.data();
}

inline Scaling checked_scaling(const DoubleArray& shift, const DoubleArray& scale, Index n_cols,
                               double limit = std::numeric_limits<double>::infinity()) {
    if (!(limit > 0)) throw std::invalid_argument("limit must be positive");
    if (shift.ndim() != 1 || scale.ndim() != 1 || shift.shape(0) != n_cols ||
        scale.shape(0) != n_cols) {
        throw std::invalid_argument("shift and scale must have one entry per column (" +
                                    std::to_string(n_cols) + ")");
    }
    return Scaling(shift.data(), scale.data(), n_cols, limit);
}

/// (n_rows) or None; returns null for None, and the number of rows whose weight is not 0.
inline std::pair<const float*, Index> checked_weights(const std::optional<FloatArray>& weights,
                                                      Index n_rows) {
    if (!weights) return {nullptr, n_rows};
    if (weights->ndim() != 1 || weights->shape(0) != n_rows) {
        throw std::invalid_argument("sample_weight must have one entry per row");
    }
    Index n = 0;
    for (Index i = 0; i < n_rows; ++i) {
        const float weight = weights->data()[i];
        if (!(weight >= 0 && std::isfinite(weight))) {
            throw std::invalid_argument("sample_weight must be finite and at least 0");
        }
        n += weight > 0;
    }
    return {weights->data(), n};
}

inline int checked_threads(int n_threads) {
    if (n_threads < 1 || n_threads > 4096) {
        throw std::invalid_argument("n_threads must be between 1 and 4096");
    }
    return n_threads;
}

}  // namespace fastae::bindings
