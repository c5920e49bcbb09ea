#include <cmath>

#include "bindings/arrays.hpp"
#include "bindings/functions.hpp"
#include "bindings/options.hpp"
#include "bindings/targets.hpp"

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

bool not_negative(double value) { return value >= 0 && std::isfinite(value); }

void check_solver(const SolverOptions& o, Index n_layers) {
    require(o.learning_rate > 0 && std::isfinite(o.learning_rate),
            "learning_rate must be positive and finite");
    const bool has_end = o.schedule == Schedule::kCosine || o.schedule == Schedule::kOneCycle;
    require(!has_end || o.samples_total > 0, "samples_total must be positive for this schedule");
    require(not_negative(o.power), "power must be at least 0 and finite");
    require(not_negative(o.annealing), "annealing must be at least 0 and finite");
    require(o.momentum >= 0 && o.momentum < 1, "momentum must be in [0, 1)");
    require(o.momentum_start >= 0 && o.momentum_start < 1, "momentum_start must be in [0, 1)");
    require(not_negative(o.momentum_ramp), "momentum_ramp must be at least 0 and finite");
    require(o.rho >= 0 && o.rho < 1, "rho must be in [0, 1)");
    require(o.beta_1 >= 0 && o.beta_1 < 1, "beta_1 must be in [0, 1)");
    require(o.beta_2 >= 0 && o.beta_2 < 1, "beta_2 must be in [0, 1)");
    // The product of two of them must stay a normal float.
    require(o.epsilon >= 1e-18, "epsilon must be at least 1e-18");
    require(not_negative(o.l1) && not_negative(o.l2), "l1 and l2 must be at least 0 and finite");
    require(o.max_w2 > 0, "max_w2 must be positive");
    require(o.layer_rates.empty() || static_cast<Index>(o.layer_rates.size()) == n_layers,
            "layer_rates must have one entry per layer");
    for (const double rate : o.layer_rates) {
        require(not_negative(rate), "layer_rates must be at least 0 and finite");
    }
    require(o.thaw_steps.empty() || static_cast<Index>(o.thaw_steps.size()) == n_layers,
            "thaw_steps must have one entry per layer");
    for (const double steps : o.thaw_steps) {
        require(not_negative(steps) && steps == std::floor(steps),
                "thaw_steps must be whole numbers of at least 0");
    }
}

void check_objective(const Objective& o, Index n_layers) {
    require(o.loss != Loss::kHuber || o.loss_parameter > 0, "Huber's delta must be positive");
    require(o.loss != Loss::kQuantile || (o.loss_parameter > 0 && o.loss_parameter < 1),
            "the quantile must be in (0, 1)");
    require(o.input_dropout >= 0 && o.input_dropout < 1, "input_dropout must be in [0, 1)");
    require(not_negative(o.input_noise), "input_noise must be at least 0 and finite");
    require(o.hidden_dropout.empty() || static_cast<Index>(o.hidden_dropout.size()) == n_layers - 1,
            "hidden_dropout must have one entry per hidden layer");
    for (const double p : o.hidden_dropout) {
        require(p >= 0 && p < 1, "hidden_dropout must be in [0, 1)");
    }
    require(not_negative(o.target_weight), "target_weight must be at least 0 and finite");
    require(not_negative(o.reconstruction_weight),
            "reconstruction_weight must be at least 0 and finite");
    require(not_negative(o.margin), "margin must be at least 0 and finite");
    require(not_negative(o.sparsity_beta), "sparsity_beta must be at least 0 and finite");
    require(std::isfinite(o.average_activation), "average_activation must be finite");
}

SolverOptions solver_options(Options& given) {
    SolverOptions o;
    o.solver = solver_named(given.take<std::string>("solver"));
    o.learning_rate = given.take<double>("learning_rate");
    o.schedule = schedule_named(given.take<std::string>("schedule", "constant"));
    o.samples_total = given.take<double>("samples_total", 0.0);
    o.power = given.take<double>("power", o.power);
    o.annealing = given.take<double>("annealing", o.annealing);
    o.momentum = given.take<double>("momentum", o.momentum);
    o.momentum_start = given.take<double>("momentum_start", o.momentum_start);
    o.momentum_ramp = given.take<double>("momentum_ramp", o.momentum_ramp);
    o.dampening = given.take<bool>("dampening", o.dampening);
    o.nesterov = given.take<bool>("nesterov", o.nesterov);
    o.rho = given.take<double>("rho", o.rho);
    o.beta_1 = given.take<double>("beta_1", o.beta_1);
    o.beta_2 = given.take<double>("beta_2", o.beta_2);
    o.epsilon = given.take<double>("epsilon", o.epsilon);
    o.l1 = given.take<double>("l1", o.l1);
    o.l2 = given.take<double>("l2", o.l2);
    o.max_w2 = given.take<double>("max_w2", o.max_w2);
    o.layer_rates = given.take<std::vector<double>>("layer_rates", {});
    o.thaw_steps = given.take<std::vector<double>>("thaw_steps", {});
    return o;
}

Objective objective_of(Options& given) {
    Objective o;
    o.loss = loss_named(given.take<std::string>("loss", "squared_error"));
    o.loss_parameter = given.take<double>("loss_parameter", 0.0);
    o.n_targets = given.take<Index>("n_targets", 0);
    o.target_weight = given.take<double>("target_weight", 1.0);
    o.reconstruction_weight = given.take<double>("reconstruction_weight", 1.0);
    o.margin = given.take<double>("margin", 0.0);
    o.missing = missing_named(given.take<std::string>("missing", "none"));
    o.input_dropout = given.take<double>("input_dropout", 0.0);
    o.input_noise = given.take<double>("input_noise", 0.0);
    o.hidden_dropout = given.take<std::vector<double>>("hidden_dropout", {});
    o.sparsity_beta = given.take<double>("sparsity_beta", 0.0);
    o.average_activation = given.take<double>("average_activation", 0.0);
    return o;
}

/// (learning rate, momentum) of the step after `steps` steps on `samples` rows, and after how many
/// steps online ADADELTA makes up for the decay of its squared gradients.
py::tuple step_rates(double samples, double steps, const py::kwargs& more) {
    Options given(more);
    const SolverOptions solver = solver_options(given);
    objective_of(given);  // of no influence, like the next
    given.take<std::string>("parallel", "deterministic");
    given.take<double>("limit", 0.0);
    const bool has_factors = !given.take<py::object>("factors", py::none()).is_none();
    given.expect_none_left();
    return py::make_tuple(solver.step_rate(samples, steps), solver.momentum_at(samples),
                          has_factors ? 1.0 : solver.decay_period());
}

/// Everything but the arrays, checked.
TrainOptions train_options(Options& given, Index n_layers, Index n_rows) {
    TrainOptions o;
    o.solver = solver_options(given);
    o.objective = objective_of(given);
    o.batch_size = given.take<Index>("batch_size");
    o.seed = given.take<std::uint64_t>("seed", 0);
    o.first_epoch = given.take<Index>("first_epoch", 0);
    o.first_row = given.take<Index>("first_row", 0);
    const auto n_epochs = given.take<Index>("n_epochs", 1);
    require(n_epochs >= 0 && o.first_epoch >= 0, "n_epochs and first_epoch must be at least 0");
    require(n_epochs < (Index{1} << 62) / n_rows, "n_epochs is too large");
    o.n_samples = given.take<Index>("n_samples", n_epochs * n_rows - o.first_row);
    o.samples_done = given.take<double>("samples_done", 0.0);
    o.steps_done = given.take<double>("steps_done", 0.0);
    o.parallel = parallel_named(given.take<std::string>("parallel", "deterministic"));
    o.n_threads = checked_threads(given.take<int>("n_threads", 1));
    given.expect_none_left();
    require(o.batch_size >= 1, "batch_size must be at least 1");
    require(o.n_samples >= 0, "n_samples must be at least 0");
    require(o.first_row >= 0 && o.first_row < n_rows && o.first_row % o.batch_size == 0,
            "first_row must be a row of the epoch, after whole mini-batches");
    require(o.samples_done >= 0 && o.steps_done >= 0,
            "samples_done and steps_done must be at least 0");
    check_solver(o.solver, n_layers);
    check_objective(o.objective, n_layers);
    return o;
}

/// The averages that the objective needs, or null.
float* checked_averages(const Network& network, const Objective& objective,
                        std::optional<FloatArray>& averages) {
    if (!objective.is_sparse()) return nullptr;
    require(averages && averages->ndim() == 1 &&
                averages->shape(0) >= network.hidden_offset(network.n_layers()),
            "averages must have one entry per hidden unit, layers in whole lines of 16");
    return averages->mutable_data();
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

/// How many errors of a row its mean is taken over.
double reconstructed_columns(const Network& network, const Objective& objective,
                             const std::optional<Factors>& factors) {
    if (!factors) return static_cast<double>(network.n_outputs() - objective.n_targets);
    auto n = static_cast<double>(factors->n_numbers);
    for (Index f = 0; f < factors->n_factors(); ++f) n += factors->n_errors(f);
    return factors->reconstructed ? n : 0.0;
}

py::dict train(const py::object& X, FloatArray params, FloatArray slots,
               const std::vector<Index>& widths, const std::vector<std::string>& activations,
               const DoubleArray& shift, const DoubleArray& scale,
               const std::optional<FloatArray>& sample_weight, std::optional<FloatArray> averages,
               const std::optional<py::array>& target,
               const std::optional<DoubleArray>& target_shift,
               const std::optional<DoubleArray>& target_scale,
               const std::optional<ClassArray>& classes, const std::optional<BoolArray>& anomalous,
               const std::optional<py::dict>& described, const std::optional<CodeArray>& codes,
               py::object tick, const py::kwargs& more) {
    const Network network = network_of(widths, activations);
    const std::optional<Factors> factors =
        factors_of(described, shift.ndim() == 1 ? shift.shape(0) : 0);
    const RowsView view = table_view(X, factors ? factors->n_numbers : network.n_inputs(), "X");
    require(!factors || !view.is_sparse(), "sparse rows have no factors");
    const auto [row_weights, n_rows] = checked_weights(sample_weight, view.n_rows);
    require(n_rows >= 1, "X must have at least one row whose weight is not 0");
    Options given(more);
    const double limit = given.take<double>("limit", std::numeric_limits<double>::infinity());
    TrainOptions options = train_options(given, network.n_layers(), n_rows);
    options.objective.classes = classes.has_value();
    check_outputs(network, options.objective, factors);
    if (factors) {
        check_widths(network, *factors, options.objective.n_targets);
        require(std::isinf(options.solver.max_w2), "max_w2 is not there for factors");
        require(!factors->marks_missing || options.objective.missing != Missing::kImputed,
                "marks_missing is for missing values that are ignored");
    }
    const Targets targets(target, target_shift, target_scale, classes, anomalous, view.n_rows,
                          options.objective);
    const Scaling scaling = checked_scaling(shift, scale, view.n_cols, limit);
    checked_params(network, params);
    const Slots state = checked_slots(network, options.solver, slots);
    const Weights weights{params.mutable_data(), state.data, state.stride,
                          checked_averages(network, options.objective, averages)};
    TrainingTable table = targets.of_rows(view, scaling, row_weights);
    table.factors = factors ? &*factors : nullptr;
    table.codes = checked_codes(codes, factors, view.n_rows);

    PythonTick python_tick(std::move(tick));
    TrainResult result;
    {
        const py::gil_scoped_release nogil;  // python_tick takes it back while it runs
        result = fastae::train(network, weights, table, options, std::ref(python_tick));
    }
    py::list rows, squared_error, target_error, seconds, mse;
    const double n_columns = reconstructed_columns(network, options.objective, factors);
    Index booked = options.first_row;
    for (const EpochPart& part : result.parts) {
        booked += part.rows;
        rows.append(part.rows);
        squared_error.append(part.errors.reconstruction);
        target_error.append(part.errors.targets);
        seconds.append(part.seconds);
        mse.append(part.errors.reconstruction / (static_cast<double>(part.rows) * n_columns));
    }
    py::dict out;
    out["rows"] = rows;
    out["squared_error"] = squared_error;
    out["target_error"] = target_error;
    out["seconds"] = seconds;
    out["mse"] = mse;
    out["epochs"] = booked / n_rows;
    out["samples"] = result.samples;
    out["steps"] = result.steps;
    out["status"] = status_name(result, python_tick);
    return out;
}

}  // namespace

void add_train(py::module_& m) {
    using py::arg;
    m.def("step_rates", &step_rates, py::kw_only(), arg("samples"), arg("steps"));
    m.def("train", &train, arg("X").noconvert(), arg("params").noconvert(),
          arg("slots").noconvert(), py::kw_only(), arg("widths"), arg("activations"), arg("shift"),
          arg("scale"), arg("sample_weight").noconvert() = py::none(),
          arg("averages").noconvert() = py::none(), arg("target").noconvert() = py::none(),
          arg("target_shift").noconvert() = py::none(),
          arg("target_scale").noconvert() = py::none(), arg("classes").noconvert() = py::none(),
          arg("anomalous").noconvert() = py::none(), arg("factors") = py::none(),
          arg("codes").noconvert() = py::none(), arg("tick") = py::none());
}

}  // namespace fastae::bindings
