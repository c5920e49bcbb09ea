#include <omp.h>
#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/functions.hpp"
#include "fastae/column_stats.hpp"
#include "fastae/parted.hpp"
#include "fastae/peak.hpp"
#include "fastae/rng.hpp"
#include "fastae/simd.hpp"

namespace fastae::bindings {

namespace {

py::dict build_info() {
    py::dict info;
    info["version"] = FASTAE_VERSION;
    info["isa"] = FASTAE_ISA_NAME;
    info["vector_bytes"] = kVectorBytes;
#if defined(__clang__)
    info["compiler"] = "clang " __clang_version__;
#else
    info["compiler"] = "gcc " __VERSION__;
#endif
    info["openmp"] = _OPENMP;
    info["eigen"] = std::to_string(EIGEN_WORLD_VERSION) + "." +
                    std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
#ifdef NDEBUG
    info["ndebug"] = true;
#else
    info["ndebug"] = false;
#endif
    return info;
}

/// A network of which only the widths matter.
Network network_of_widths(const std::vector<Index>& widths) {
    const std::size_t n_layers = widths.empty() ? 0 : widths.size() - 1;
    return network_of(widths, std::vector<std::string>(n_layers, "identity"));
}

py::tuple layout(const std::vector<Index>& widths) {
    const Network network = network_of_widths(widths);
    py::list layers;
    for (const Layer& layer : network.layers()) {
        layers.append(py::make_tuple(layer.weight_offset, layer.n_rows, layer.stride,
                                     layer.fan_in_is_wide, layer.bias_offset));
    }
    return py::make_tuple(network.size(), layers);
}

int column_groups(const std::vector<Index>& widths) {
    const Network network = network_of_widths(widths);
    return PartedLayout(network).column_groups();
}

py::tuple column_stats(const py::object& X, int n_threads,
                       const std::optional<FloatArray>& sample_weight) {
    const RowsView view = table_view(X, n_columns_of(X), "X");
    require(view.n_rows >= 1 && view.n_cols >= 1, "X must have at least one row and column");
    checked_threads(n_threads);
    const auto [weights, n_rows] = checked_weights(sample_weight, view.n_rows);
    if (n_rows < 1) throw std::invalid_argument("every row of X has weight 0");
    DoubleArray mean(view.n_cols), minimum(view.n_cols), maximum(view.n_cols),
        variance(view.n_cols), count(view.n_cols);
    double* out[] = {mean.mutable_data(), minimum.mutable_data(), maximum.mutable_data(),
                     variance.mutable_data(), count.mutable_data()};
    double total = 0;
    {
        const py::gil_scoped_release nogil;  // only raw pointers from here to the brace
        total =
            fastae::column_stats(view, weights, out[0], out[1], out[2], out[3], out[4], n_threads);
    }
    return py::make_tuple(mean, minimum, maximum, variance, count, total);
}

py::array_t<std::int64_t> row_order(Index n_rows, std::uint64_t seed, std::uint64_t epoch) {
    if (n_rows < 0) throw std::invalid_argument("n_rows must not be negative");
    std::vector<std::uint32_t> order(static_cast<std::size_t>(n_rows));
    shuffle_rows(seed, epoch, order);
    py::array_t<std::int64_t> out(n_rows);
    std::copy(order.begin(), order.end(), out.mutable_data());
    return out;
}

double fma_peak(int n_threads, double seconds) {
    checked_threads(n_threads);
    const py::gil_scoped_release nogil;  // no Python object from here on
    return fma_peak_flops(n_threads, seconds);
}

}  // namespace

void add_info(py::module_& m) {
    m.attr("isa") = FASTAE_ISA_NAME;
    m.def("build_info", &build_info);
    m.def("layout", &layout, py::arg("widths"));
    m.def("column_groups", &column_groups, py::arg("widths"));
    m.def("column_stats", &column_stats, py::arg("X").noconvert(), py::kw_only(),
          py::arg("n_threads"), py::arg("sample_weight").noconvert() = py::none());
    m.def("fma_peak", &fma_peak, py::kw_only(), py::arg("n_threads"), py::arg("seconds") = 0.2);
    m.def("max_threads", &omp_get_max_threads);
    m.def("row_order", &row_order, py::arg("n_rows"), py::arg("seed"), py::arg("epoch"));
}

}  // namespace fastae::bindings
