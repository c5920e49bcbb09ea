#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/functions.hpp"

namespace fastae::bindings {

namespace {

struct Slots {
    float* data;
    Index stride;
};

/// (n_slots, >= size), rows on 64-byte boundaries are the caller's concern.
Slots checked_slots(const Network& network, const SolverOptions& solver, FloatArray& slots) {
    if (slots.ndim() != 2 || slots.shape(0) < solver.n_slots() || slots.shape(1) < network.size()) {
        throw std::invalid_argument("slots must have at least " + std::to_string(solver.n_slots()) +
                                    " rows of " + std::to_string(network.size()) + " floats");
    }
    return {solver.n_slots() ? slots.mutable_data() : nullptr, slots.shape(1)};
}

void check_options(const TrainOptions& o) {
    const auto require = [](bool ok, const char* message) {
        if (!ok) throw std::invalid_argument(message);
    };
    require(o.batch_size >= 1, "batch_size must be at least 1");
    require(o.n_epochs >= 0 && o.first_epoch >= 0, "n_epochs and first_epoch must be at least 0");
    checked_threads(o.n_threads);
    require(o.solver.learning_rate > 0, "learning_rate must be positive");
    require(o.solver.schedule == Schedule::kConstant || o.solver.samples_total > 0,
            "samples_total must be positive for this schedule");
    require(o.samples_done >= 0 && o.steps_done >= 0,
            "samples_done and steps_done must be at least 0");
    require(o.solver.annealing >= 0, "annealing must be at least 0");
    require(o.solver.momentum >= 0 && o.solver.momentum < 1, "momentum must be in [0, 1)");
    require(o.solver.rho >= 0 && o.solver.rho < 1, "rho must be in [0, 1)");
    require(o.solver.beta_1 >= 0 && o.solver.beta_1 < 1, "beta_1 must be in [0, 1)");
    require(o.solver.beta_2 >= 0 && o.solver.beta_2 < 1, "beta_2 must be in [0, 1)");
    // The product of two of them must stay a normal float.
    require(o.solver.epsilon >= 1e-18, "epsilon must be at least 1e-18");
    require(o.solver.l1 >= 0 && o.solver.l2 >= 0, "l1 and l2 must be at least 0");
}

/// Looks at signals and asks the user's tick, with the GIL held.
class PythonTick {
  public:
    explicit PythonTick(py::object tick) : tick_(std::move(tick)) {}

    bool interrupted() const { return interrupted_; }

    bool operator()(Index samples) {
        const py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) {
            if (!PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) throw py::error_already_set();
            PyErr_Clear();
            interrupted_ = true;
            return true;
        }
        return !tick_.is_none() && py::bool_(tick_(samples));
    }

  private:
    py::object tick_;
    bool interrupted_ = false;
};

const char* status_name(const TrainResult& result, const PythonTick& tick) {
    if (tick.interrupted()) return "interrupted";
    switch (result.status) {
        case TrainStatus::kStopped:
            return "stopped";
        case TrainStatus::kDiverged:
            return "diverged";
        default:
            return "ok";
    }
}

py::dict train(const py::array& X, FloatArray params, FloatArray slots,
               const std::vector<Index>& widths, const std::vector<std::string>& activations,
               const DoubleArray& shift, const DoubleArray& scale, const std::string& solver,
               double learning_rate, const std::string& schedule, double samples_total,
               double annealing, double momentum, bool nesterov, double rho, double beta_1,
               double beta_2, double epsilon, double l1, double l2, Index batch_size,
               std::uint64_t seed, Index first_epoch, Index n_epochs, double samples_done,
               double steps_done, const std::string& parallel, int n_threads, py::object tick) {
    const Network network = autoencoder_of(widths, activations);
    TrainOptions options;
    options.solver = {solver_named(solver),
                      learning_rate,
                      schedule_named(schedule),
                      samples_total,
                      annealing,
                      momentum,
                      nesterov,
                      rho,
                      beta_1,
                      beta_2,
                      epsilon,
                      l1,
                      l2};
    options.batch_size = batch_size;
    options.seed = seed;
    options.first_epoch = first_epoch;
    options.n_epochs = n_epochs;
    options.samples_done = samples_done;
    options.steps_done = steps_done;
    options.parallel = parallel_named(parallel);
    options.n_threads = n_threads;
    check_options(options);
    const RowsView view = rows_view(X, network.n_inputs(), "X");
    if (view.n_rows < 1) throw std::invalid_argument("X must have at least one row");
    const Scaling scaling = checked_scaling(shift, scale, network.n_inputs());
    checked_params(network, params);
    const Slots state = checked_slots(network, options.solver, slots);
    const Weights weights{params.mutable_data(), state.data, state.stride};

    PythonTick python_tick(std::move(tick));
    TrainResult result;
    {
        const py::gil_scoped_release nogil;  // python_tick takes it back while it runs
        result = fastae::train(network, weights, view, scaling, options, std::ref(python_tick));
    }
    py::dict out;
    out["mse"] = DoubleArray(static_cast<Index>(result.mse.size()), result.mse.data());
    out["seconds"] = DoubleArray(static_cast<Index>(result.seconds.size()), result.seconds.data());
    out["epochs"] = result.mse.size();
    out["samples"] = result.samples;
    out["steps"] = result.steps;
    out["status"] = status_name(result, python_tick);
    return out;
}

}  // namespace

void add_train(py::module_& m) {
    using py::arg;
    m.def("train", &train, arg("X").noconvert(), arg("params").noconvert(),
          arg("slots").noconvert(), py::kw_only(), arg("widths"), arg("activations"), arg("shift"),
          arg("scale"), arg("solver"), arg("learning_rate"), arg("schedule") = "constant",
          arg("samples_total") = 0.0, arg("annealing"), arg("momentum"), arg("nesterov"),
          arg("rho"), arg("beta_1"), arg("beta_2"), arg("epsilon"), arg("l1"), arg("l2"),
          arg("batch_size"), arg("seed"), arg("first_epoch"), arg("n_epochs"), arg("samples_done"),
          arg("steps_done"), arg("parallel"), arg("n_threads"), arg("tick") = py::none());
}

}  // namespace fastae::bindings
