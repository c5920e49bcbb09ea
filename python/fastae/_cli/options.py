"""The estimator's parameters as command-line options, the same for every command that trains."""

from __future__ import annotations

import functools
import inspect
import re
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastae import Autoencoder

if TYPE_CHECKING:
    from collections.abc import Callable

Activation = StrEnum("Activation", ["tanh", "relu", "elu", "logistic", "identity"])
Solver = StrEnum("Solver", ["adam", "adadelta", "sgd"])
Loss = StrEnum("Loss", ["squared_error", "absolute_error", "huber", "quantile"])
Rate = StrEnum("Rate", ["cosine", "constant", "invscaling", "onecycle"])
Pretraining = StrEnum("Pretraining", ["stacked"])
Init = StrEnum("Init", ["glorot_uniform", "uniform", "normal"])
Scaling = StrEnum("Scaling", ["auto", "range", "standard", "robust", "none"])
ConstantFeatures = StrEnum("ConstantFeatures", ["keep", "drop"])
Parallel = StrEnum("Parallel", ["deterministic", "hogwild"])


def read_number(given: Any) -> Any:
    """Return the number that a text stands for, or else the text.

    What is allowed the estimator knows and says; here nothing is checked a second time.
    """
    if isinstance(given, str):  # and not a default
        for kind in (int, float):
            try:
                return kind(given)
            except ValueError:
                continue
    return given


def read_sizes(given: Any) -> Any:
    """Return sizes such as ``50,20,50`` as a tuple, ``none`` as an empty one, or else the text."""
    if given == "none":
        return ()
    sizes = tuple(read_number(size) for size in str(given).split(","))
    return sizes if all(isinstance(size, int) for size in sizes) else given


def read_rates(given: Any) -> Any:
    """Return one number, or numbers such as ``0.5,0.2`` as a tuple, or else the text."""
    rates = tuple(read_number(rate) for rate in str(given).split(","))
    return rates[0] if len(rates) == 1 else rates


def _choice(panel: str, text: str) -> Any:
    return typer.Option(help=text, rich_help_panel=panel)


def _switch(panel: str, names: str, text: str) -> Any:
    return typer.Option(names, help=text, rich_help_panel=panel)


def _number(panel: str, metavar: str, text: str, parser: Callable[[Any], Any] = read_number) -> Any:
    return typer.Option(help=text, rich_help_panel=panel, metavar=metavar, parser=parser)


_NETWORK, _TRAINING, _SOLVERS = "Network", "Training", "Details of the solvers"
_PENALTIES, _STOPPING = "Penalties and noise", "Scoring and stopping"

# Every parameter of the estimator that can be written on a command line, in the order of --help.
# Names, defaults and what is allowed are the estimator's own.
MODEL_OPTIONS: dict[str, Any] = {
    "hidden_layer_sizes": Annotated[
        Any,
        _number(
            _NETWORK,
            "SIZES",
            "Units of the hidden layers, such as 50,20,50; auto: one layer, the square root of the"
            " number of columns; none: no hidden layer.",
            read_sizes,
        ),
    ],
    "activation": Annotated[Activation, _choice(_NETWORK, "Activation of the hidden layers.")],
    "output_activation": Annotated[Activation, _choice(_NETWORK, "Activation of the output.")],
    "init": Annotated[Init, _choice(_NETWORK, "Distribution of the first weights.")],
    "init_scale": Annotated[
        Any, _number(_NETWORK, "FLOAT", "Half-width (uniform) or deviation (normal) of that.")
    ],
    "scaling": Annotated[
        Scaling,
        _choice(
            _NETWORK,
            "Divide each centred column by its range, its deviation or its quartiles' gap.",
        ),
    ],
    "constant_features": Annotated[
        ConstantFeatures, _choice(_NETWORK, "What becomes of columns that hold a single value.")
    ],
    "loss": Annotated[Loss, _choice(_TRAINING, "What training minimises.")],
    "huber_delta": Annotated[
        Any, _number(_TRAINING, "FLOAT", "huber: errors beyond it count linearly.")
    ],
    "quantile": Annotated[Any, _number(_TRAINING, "FLOAT", "quantile: which one.")],
    "solver": Annotated[Solver, _choice(_TRAINING, "Optimiser.")],
    "max_epochs": Annotated[Any, _number(_TRAINING, "FLOAT", "Passes over the training rows.")],
    "batch_size": Annotated[
        Any, _number(_TRAINING, "auto|INT", "Rows of a mini-batch; 1: online training.")
    ],
    "learning_rate_init": Annotated[
        Any, _number(_TRAINING, "auto|FLOAT", "Length of the first steps.")
    ],
    "learning_rate": Annotated[
        Rate, _choice(_TRAINING, "How the length of the steps changes over the training.")
    ],
    "power_t": Annotated[Any, _number(_TRAINING, "FLOAT", "invscaling: its exponent.")],
    "layer_rate_decay": Annotated[
        Any, _number(_TRAINING, "FLOAT", "Factor between the rates of a layer and the next.")
    ],
    "pretraining": Annotated[Pretraining | None, _choice(_TRAINING, "Train layer by layer first.")],
    "pretraining_epochs": Annotated[
        Any, _number(_TRAINING, "FLOAT", "Epochs per layer for that; default: --max-epochs.")
    ],
    "contamination": Annotated[
        Any,
        _number(
            _TRAINING, "auto|FLOAT", "Share of the training rows to flag; auto: by their errors."
        ),
    ],
    "parallel": Annotated[
        Parallel, _choice(_TRAINING, "Same seed, same result; or threads without locks.")
    ],
    "n_jobs": Annotated[Any, _number(_TRAINING, "INT", "Threads; -1: all processors.")],
    "random_state": Annotated[
        int | None,
        typer.Option(
            help="Seed, to get the same result again.",
            rich_help_panel=_TRAINING,
            metavar="INT",
            min=0,
            max=2**32 - 1,
        ),
    ],
    "l1": Annotated[Any, _number(_PENALTIES, "FLOAT", "Penalty on the weights' absolute values.")],
    "l2": Annotated[Any, _number(_PENALTIES, "FLOAT", "Penalty on the weights' squares.")],
    "max_w2": Annotated[
        Any, _number(_PENALTIES, "FLOAT", "Limit of the sum of squared weights into a unit.")
    ],
    "input_dropout": Annotated[
        Any, _number(_PENALTIES, "FLOAT", "Probability that an input is hidden while training.")
    ],
    "hidden_dropout": Annotated[
        Any,
        _number(
            _PENALTIES,
            "FLOATS",
            "Probability that a hidden unit is off while training; such as 0.5, or 0.5,0.2 for two"
            " layers.",
            read_rates,
        ),
    ],
    "input_noise": Annotated[
        Any, _number(_PENALTIES, "FLOAT", "Deviation of noise on the scaled inputs.")
    ],
    "sparsity_beta": Annotated[
        Any, _number(_PENALTIES, "FLOAT", "Penalty on average activations off their target.")
    ],
    "average_activation": Annotated[Any, _number(_PENALTIES, "FLOAT", "That target.")],
    "validation_fraction": Annotated[
        Any, _number(_STOPPING, "FLOAT", "Share of the training rows to validate with instead.")
    ],
    "early_stopping": Annotated[
        bool, _switch(_STOPPING, "--early-stopping", "Stop when the error has ceased to fall.")
    ],
    "stopping_rounds": Annotated[
        Any, _number(_STOPPING, "INT", "Scorings per moving average of the error.")
    ],
    "stopping_tolerance": Annotated[
        Any, _number(_STOPPING, "FLOAT", "By how much it has to fall, relatively.")
    ],
    "restore_best_weights": Annotated[
        bool,
        _switch(
            _STOPPING,
            "--restore-best-weights/--last",
            "End with the best weights when validating or stopping early, or with the last.",
        ),
    ],
    "target_mse": Annotated[Any, _number(_STOPPING, "FLOAT", "Stop at this training MSE.")],
    "max_time": Annotated[Any, _number(_STOPPING, "SECONDS", "Stop training then.")],
    "score_every": Annotated[
        Any, _number(_STOPPING, "auto|INT", "Rows between two lines of the history.")
    ],
    "score_interval": Annotated[
        Any, _number(_STOPPING, "SECONDS", "Least time between two lines of the history.")
    ],
    "score_duty_cycle": Annotated[
        Any, _number(_STOPPING, "FLOAT", "Most of the time that scoring may take.")
    ],
    "score_training_samples": Annotated[
        Any, _number(_STOPPING, "INT", "Training rows to score; 0: all.")
    ],
    "score_validation_samples": Annotated[
        Any, _number(_STOPPING, "INT", "Validation rows to score; 0: all.")
    ],
    "checkpoint": Annotated[
        str | None,
        typer.Option(
            help="File to go on from after a crash, and to write for that.",
            rich_help_panel=_STOPPING,
            metavar="FILE",
        ),
    ],
    "checkpoint_interval": Annotated[
        Any, _number(_STOPPING, "SECONDS", "Time between two writings of it.")
    ],
    "momentum": Annotated[Any, _number(_SOLVERS, "FLOAT", "sgd: momentum.")],
    "momentum_start": Annotated[
        Any, _number(_SOLVERS, "FLOAT", "sgd: the first momentum, if it is to grow.")
    ],
    "momentum_ramp": Annotated[Any, _number(_SOLVERS, "FLOAT", "sgd: rows over which it grows.")],
    "momentum_dampening": Annotated[
        bool, _choice(_SOLVERS, "sgd: multiply gradients by 1 - momentum.")
    ],
    "nesterovs_momentum": Annotated[bool, _choice(_SOLVERS, "sgd: Nesterov's way of it.")],
    "annealing": Annotated[
        Any, _number(_SOLVERS, "FLOAT", "sgd: divide the rate by 1 + annealing x rows seen.")
    ],
    "rho": Annotated[Any, _number(_SOLVERS, "FLOAT", "adadelta: memory of squared gradients.")],
    "beta_1": Annotated[Any, _number(_SOLVERS, "FLOAT", "adam: memory of gradients.")],
    "beta_2": Annotated[Any, _number(_SOLVERS, "FLOAT", "adam: memory of squared gradients.")],
    "epsilon": Annotated[
        Any, _number(_SOLVERS, "FLOAT", "adadelta, adam: keeps them from dividing by 0.")
    ],
}

# A parameter's name in a message of the estimator's: at its start, before "=", or with an
# underscore inside; elsewhere "activation" or "scaling" may be plain English.
_PARAMETER = re.compile(
    rf"^({'|'.join(MODEL_OPTIONS)})\b"
    rf"|\b({'|'.join(MODEL_OPTIONS)})(?==)"
    rf"|\b({'|'.join(name for name in MODEL_OPTIONS if '_' in name)})\b"
)


def option_names(message: str) -> str:
    """Return a message of the estimator's with its parameters spelled as options."""
    return _PARAMETER.sub(lambda found: "--" + found[0].replace("_", "-"), message)


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, beside its own options, one for each entry of `MODEL_OPTIONS`.

    The command receives them as a dictionary named ``parameters``, ready for the estimator.
    Typer reads options off a function's signature, so the signature is what is rewritten.
    """
    defaults = inspect.signature(Autoencoder).parameters
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults[name].default,
            annotation=annotation,
        )
        for name, annotation in MODEL_OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapper(**options: Any) -> None:
        given = {name: options.pop(name) for name in MODEL_OPTIONS}
        parameters = {
            name: value.value if isinstance(value, Enum) else value for name, value in given.items()
        }
        command(**options, parameters=parameters)

    own = inspect.signature(command, eval_str=True).parameters
    kept = [parameter for name, parameter in own.items() if name != "parameters"]
    wrapper.__signature__ = inspect.Signature([*kept, *added])  # type: ignore[attr-defined]
    return wrapper
