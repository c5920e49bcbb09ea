#include "fastae/score.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/arrays.hpp"
#include "bindings/functions.hpp"

namespace fastae::bindings {

namespace {

/// What every scoring function is given.
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

struct Model {
    Network network;
    const float* params;
    Scaling scaling;
    int n_threads;
    Missing missing;

    Model(const FloatArray& params_array, const std::vector<Index>& widths,
          const std::vector<std::string>& activations, const DoubleArray& shift,
          const DoubleArray& scale, int threads, const std::string& missing_name = "none",
          double limit = kUnlimited, bool autoencoder = true)
        : network(autoencoder ? autoencoder_of(widths, activations)
                              : network_of(widths, activations)),
          params(checked_params(network, params_array)),
          scaling(checked_scaling(shift, scale, network.n_inputs(), limit)),
          n_threads(checked_threads(threads)),
          missing(missing_named(missing_name)) {}
};

/// Calls compute(T) with the arithmetic that suits the rows, and T* into a new (n, width) array of
/// it. The GIL is released for the computation: it touches raw pointers only.
template <class Compute>
py::array evaluate(const RowsView& rows, Index width, Compute&& compute) {
    const auto run = [&](auto zero) {
        using T = decltype(zero);
        py::array_t<T> out({rows.n_rows, width});
        T* data = out.mutable_data();
        const py::gil_scoped_release nogil;
        compute(data);
        return out;
    };
    if (needs_double(rows.dtype)) return run(double{});
    return run(float{});
}

using IndexArray = py::array_t<std::uint32_t, py::array::c_style>;

const std::uint32_t* checked_rows(const IndexArray& rows, Index n_rows) {
    if (rows.ndim() != 1) throw std::invalid_argument("rows must have 1 dimension");
    for (Index i = 0; i < rows.shape(0); ++i) {
        if (static_cast<Index>(rows.data()[i]) >= n_rows) {
            throw std::invalid_argument("rows must be below " + std::to_string(n_rows));
        }
    }
    return rows.data();
}

using Widths = std::vector<Index>;
using Names = std::vector<std::string>;

DoubleArray score(const py::array& X, const FloatArray& params, const Widths& widths,
                  const Names& activations, const DoubleArray& shift, const DoubleArray& scale,
                  int n_threads, const std::optional<IndexArray>& chosen,
                  const std::string& missing, double limit) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit);
    const RowsView rows = rows_view(X, model.network.n_inputs(), "X");
    const std::uint32_t* order = chosen ? checked_rows(*chosen, rows.n_rows) : nullptr;
    const Index n_rows = chosen ? chosen->shape(0) : rows.n_rows;
    DoubleArray mse(n_rows);
    double* out = mse.mutable_data();
    const auto run = needs_double(rows.dtype) ? &row_mse<double> : &row_mse<float>;
    {
        const py::gil_scoped_release nogil;  // only raw pointers from here to the brace
        run(model.network, model.params, rows, order, n_rows, model.scaling, model.missing, out,
            model.n_threads);
    }
    return mse;
}

py::array feature_errors(const py::array& X, const FloatArray& params, const Widths& widths,
                         const Names& activations, const DoubleArray& shift,
                         const DoubleArray& scale, int n_threads, const std::string& missing,
                         double limit) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit);
    const RowsView rows = rows_view(X, model.network.n_inputs(), "X");
    return evaluate(rows, model.network.n_outputs(), [&](auto* out) {
        fastae::feature_errors(model.network, model.params, rows, model.scaling, model.missing, out,
                               model.n_threads);
    });
}

py::array reconstruct(const py::array& X, const FloatArray& params, const Widths& widths,
                      const Names& activations, const DoubleArray& shift, const DoubleArray& scale,
                      int n_threads, const std::string& missing, double limit) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit);
    const RowsView rows = rows_view(X, model.network.n_inputs(), "X");
    return evaluate(rows, model.network.n_outputs(), [&](auto* out) {
        fastae::reconstruct(model.network, model.params, rows, model.scaling, model.missing, out,
                            model.n_threads);
    });
}

py::array hidden_activations(const py::array& X, const FloatArray& params, const Widths& widths,
                             const Names& activations, const DoubleArray& shift,
                             const DoubleArray& scale, Index n_layers, int n_threads,
                             const std::string& missing, double limit) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit, false);
    const RowsView rows = rows_view(X, model.network.n_inputs(), "X");
    if (n_layers < 0 || n_layers > model.network.n_layers()) {
        throw std::invalid_argument("n_layers must be between 0 and " +
                                    std::to_string(model.network.n_layers()));
    }
    return evaluate(rows, model.network.width(n_layers), [&](auto* out) {
        fastae::activations(model.network, model.params, rows, model.scaling, model.missing,
                            n_layers, out, model.n_threads);
    });
}

py::array decode(const py::array& H, const FloatArray& params, const Widths& widths,
                 const Names& activations, const DoubleArray& shift, const DoubleArray& scale,
                 Index first_layer, int n_threads) {
    const Model model(params, widths, activations, shift, scale, n_threads);
    if (first_layer < 0 || first_layer > model.network.n_layers()) {
        throw std::invalid_argument("first_layer must be between 0 and " +
                                    std::to_string(model.network.n_layers()));
    }
    const RowsView rows = rows_view(H, model.network.width(first_layer), "H");
    return evaluate(rows, model.network.n_outputs(), [&](auto* out) {
        fastae::decode(model.network, model.params, rows, model.scaling, first_layer, out,
                       model.n_threads);
    });
}

}  // namespace

void add_score(py::module_& m) {
    using py::arg;
    m.def("score", &score, arg("X").noconvert(), arg("params").noconvert(), py::kw_only(),
          arg("widths"), arg("activations"), arg("shift"), arg("scale"), arg("n_threads"),
          arg("rows").noconvert() = py::none(), arg("missing") = "none", arg("limit") = kUnlimited);
    m.def("feature_errors", &feature_errors, arg("X").noconvert(), arg("params").noconvert(),
          py::kw_only(), arg("widths"), arg("activations"), arg("shift"), arg("scale"),
          arg("n_threads"), arg("missing") = "none", arg("limit") = kUnlimited);
    m.def("reconstruct", &reconstruct, arg("X").noconvert(), arg("params").noconvert(),
          py::kw_only(), arg("widths"), arg("activations"), arg("shift"), arg("scale"),
          arg("n_threads"), arg("missing") = "none", arg("limit") = kUnlimited);
    m.def("activations", &hidden_activations, arg("X").noconvert(), arg("params").noconvert(),
          py::kw_only(), arg("widths"), arg("activations"), arg("shift"), arg("scale"),
          arg("n_layers"), arg("n_threads"), arg("missing") = "none", arg("limit") = kUnlimited);
    m.def("decode", &decode, arg("H").noconvert(), arg("params").noconvert(), py::kw_only(),
          arg("widths"), arg("activations"), arg("shift"), arg("scale"), arg("first_layer"),
          arg("n_threads"));
}

}  // namespace fastae::bindings
