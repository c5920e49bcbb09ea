#include "fastae/score.hpp"

#include <pybind11/stl.h>

#include <optional>

#include "bindings/factors.hpp"
#include "bindings/functions.hpp"

namespace fastae::bindings {

namespace {

/// What every scoring function is given.
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

using Widths = std::vector<Index>;
using Names = std::vector<std::string>;
using Description = std::optional<py::dict>;
using Codes = std::optional<CodeArray>;

struct Model {
    Network network;
    const float* params;
    std::optional<Factors> factors;
    Scaling scaling;
    int n_threads;
    Missing missing;

    Model(const FloatArray& params_array, const Widths& widths, const Names& activations,
          const DoubleArray& shift, const DoubleArray& scale, int threads,
          const std::string& missing_name, double limit, const Description& described)
        : network(network_of(widths, activations)),
          params(checked_params(network, params_array)),
          factors(factors_of(described, shift.ndim() == 1 ? shift.shape(0) : 0)),
          scaling(checked_scaling(shift, scale, n_numbers(), limit)),
          n_threads(checked_threads(threads)),
          missing(missing_named(missing_name)) {}

    Index n_numbers() const { return factors ? factors->n_numbers : network.n_inputs(); }

    /// Must give back as many columns as it takes.
    void check_autoencoder() const {
        if (factors) {
            check_widths(network, *factors, 0);
        } else if (network.n_outputs() != network.n_inputs()) {
            throw std::invalid_argument("an autoencoder's last width must equal its first");
        }
    }

    std::optional<FactorTable> table(const Codes& codes, Index n_rows) const {
        const std::int32_t* data = checked_codes(codes, factors, n_rows);
        if (!factors) return std::nullopt;
        return FactorTable{*factors, data};
    }
};

const FactorTable* pointer(const std::optional<FactorTable>& table) {
    return table ? &*table : nullptr;
}

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

/// (n_rows, n_factors), or nothing if there are no factors.
CodeArray new_codes(const Model& model, Index n_rows) {
    return CodeArray({n_rows, model.factors ? model.factors->n_factors() : Index{0}});
}

/// The rows alone, or with the most likely levels.
py::object with_levels(const Model& model, py::array rows, CodeArray levels) {
    if (!model.factors) return std::move(rows);
    return py::make_tuple(std::move(rows), std::move(levels));
}

DoubleArray score(const py::object& X, const FloatArray& params, const Widths& widths,
                  const Names& activations, const DoubleArray& shift, const DoubleArray& scale,
                  int n_threads, const std::optional<IndexArray>& chosen,
                  const std::string& missing, double limit, const Description& described,
                  const Codes& codes) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit,
                      described);
    model.check_autoencoder();
    const RowsView rows = table_view(X, model.n_numbers(), "X");
    const std::optional<FactorTable> table = model.table(codes, rows.n_rows);
    const std::uint32_t* order = chosen ? checked_rows(*chosen, rows.n_rows) : nullptr;
    const Index n_rows = chosen ? chosen->shape(0) : rows.n_rows;
    DoubleArray mse(n_rows);
    double* out = mse.mutable_data();
    const auto run = needs_double(rows.dtype) ? &row_mse<double> : &row_mse<float>;
    {
        const py::gil_scoped_release nogil;  // only raw pointers from here to the brace
        run(model.network, model.params, rows, order, n_rows, model.scaling, model.missing, out,
            model.n_threads, pointer(table));
    }
    return mse;
}

py::array feature_errors(const py::object& X, const FloatArray& params, const Widths& widths,
                         const Names& activations, const DoubleArray& shift,
                         const DoubleArray& scale, int n_threads, const std::string& missing,
                         double limit, const Description& described, const Codes& codes) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit,
                      described);
    model.check_autoencoder();
    const RowsView rows = table_view(X, model.n_numbers(), "X");
    const std::optional<FactorTable> table = model.table(codes, rows.n_rows);
    const Index width = rows.n_cols + (table ? table->factors.n_factors() : 0);
    return evaluate(rows, width, [&](auto* out) {
        fastae::feature_errors(model.network, model.params, rows, model.scaling, model.missing, out,
                               model.n_threads, pointer(table));
    });
}

py::object reconstruct(const py::object& X, const FloatArray& params, const Widths& widths,
                       const Names& activations, const DoubleArray& shift, const DoubleArray& scale,
                       int n_threads, const std::string& missing, double limit,
                       const Description& described, const Codes& codes) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit,
                      described);
    model.check_autoencoder();
    const RowsView rows = table_view(X, model.n_numbers(), "X");
    const std::optional<FactorTable> table = model.table(codes, rows.n_rows);
    CodeArray levels = new_codes(model, rows.n_rows);
    std::int32_t* levels_out = levels.mutable_data();
    py::array numbers = evaluate(rows, rows.n_cols, [&](auto* out) {
        fastae::reconstruct(model.network, model.params, rows, model.scaling, model.missing, out,
                            model.n_threads, pointer(table), levels_out);
    });
    return with_levels(model, std::move(numbers), std::move(levels));
}

py::array hidden_activations(const py::object& X, const FloatArray& params, const Widths& widths,
                             const Names& activations, const DoubleArray& shift,
                             const DoubleArray& scale, Index n_layers, int n_threads,
                             const std::string& missing, double limit, const Description& described,
                             const Codes& codes) {
    const Model model(params, widths, activations, shift, scale, n_threads, missing, limit,
                      described);
    const RowsView rows = table_view(X, model.n_numbers(), "X");
    if (n_layers < 0 || n_layers > model.network.n_layers()) {
        throw std::invalid_argument("n_layers must be between 0 and " +
                                    std::to_string(model.network.n_layers()));
    }
    if (model.factors) {
        require(n_layers > 0, "n_layers must be above 0 with factors");
        check_widths(model.network, *model.factors,
                     model.network.n_outputs() - n_reconstructed(*model.factors));
    }
    const std::optional<FactorTable> table = model.table(codes, rows.n_rows);
    return evaluate(rows, model.network.width(n_layers), [&](auto* out) {
        fastae::activations(model.network, model.params, rows, model.scaling, model.missing,
                            n_layers, out, model.n_threads, pointer(table));
    });
}

py::object decode(const py::array& H, const FloatArray& params, const Widths& widths,
                  const Names& activations, const DoubleArray& shift, const DoubleArray& scale,
                  Index first_layer, int n_threads, const Description& described) {
    const Model model(params, widths, activations, shift, scale, n_threads, "none", kUnlimited,
                      described);
    model.check_autoencoder();
    if (first_layer < 0 || first_layer > model.network.n_layers()) {
        throw std::invalid_argument("first_layer must be between 0 and " +
                                    std::to_string(model.network.n_layers()));
    }
    require(!model.factors || first_layer > 0, "first_layer must be above 0 with factors");
    const RowsView rows = rows_view(H, model.network.width(first_layer), "H");
    CodeArray levels = new_codes(model, rows.n_rows);
    std::int32_t* levels_out = levels.mutable_data();
    py::array numbers = evaluate(rows, model.n_numbers(), [&](auto* out) {
        fastae::decode(model.network, model.params, rows, model.scaling, first_layer, out,
                       model.n_threads, model.factors ? &*model.factors : nullptr, levels_out);
    });
    return with_levels(model, std::move(numbers), std::move(levels));
}

}  // namespace

void add_score(py::module_& m) {
    using py::arg;
    m.def("score", &score, arg("X").noconvert(), arg("params").noconvert(), py::kw_only(),
          arg("widths"), arg("activations"), arg("shift"), arg("scale"), arg("n_threads"),
          arg("rows").noconvert() = py::none(), arg("missing") = "none", arg("limit") = kUnlimited,
          arg("factors") = py::none(), arg("codes").noconvert() = py::none());
    m.def("feature_errors", &feature_errors, arg("X").noconvert(), arg("params").noconvert(),
          py::kw_only(), arg("widths"), arg("activations"), arg("shift"), arg("scale"),
          arg("n_threads"), arg("missing") = "none", arg("limit") = kUnlimited,
          arg("factors") = py::none(), arg("codes").noconvert() = py::none());
    m.def("reconstruct", &reconstruct, arg("X").noconvert(), arg("params").noconvert(),
          py::kw_only(), arg("widths"), arg("activations"), arg("shift"), arg("scale"),
          arg("n_threads"), arg("missing") = "none", arg("limit") = kUnlimited,
          arg("factors") = py::none(), arg("codes").noconvert() = py::none());
    m.def("activations", &hidden_activations, arg("X").noconvert(), arg("params").noconvert(),
          py::kw_only(), arg("widths"), arg("activations"), arg("shift"), arg("scale"),
          arg("n_layers"), arg("n_threads"), arg("missing") = "none", arg("limit") = kUnlimited,
          arg("factors") = py::none(), arg("codes").noconvert() = py::none());
    m.def("decode", &decode, arg("H").noconvert(), arg("params").noconvert(), py::kw_only(),
          arg("widths"), arg("activations"), arg("shift"), arg("scale"), arg("first_layer"),
          arg("n_threads"), arg("factors") = py::none());
}

}  // namespace fastae::bindings
