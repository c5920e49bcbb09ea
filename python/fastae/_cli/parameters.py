"""The estimator's parameters as command-line options, in the order of --help.

Defaults are repeated here, since to ask the estimator for them takes its import: --help and the
shell's completion would take seconds. A test compares them with its signature.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from fastae._cli.readers import (
    read_names,
    read_number,
    read_rates,
    read_scores,
    read_sizes,
    read_threshold,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_Activation = StrEnum("_Activation", ["tanh", "relu", "elu", "logistic", "identity"])
Solver = StrEnum("Solver", ["adam", "adadelta", "sgd"])
_Loss = StrEnum("_Loss", ["squared_error", "absolute_error", "huber", "quantile"])
_Rate = StrEnum("_Rate", ["cosine", "constant", "invscaling", "onecycle"])
_Pretraining = StrEnum("_Pretraining", ["stacked"])
_Init = StrEnum("_Init", ["glorot_uniform", "uniform", "normal"])
_Scaling = StrEnum("_Scaling", ["auto", "range", "standard", "robust", "none"])
_ConstantFeatures = StrEnum("_ConstantFeatures", ["keep", "drop"])
_Missing = StrEnum("_Missing", ["ignore", "impute", "error"])
_CategoricalLoss = StrEnum("_CategoricalLoss", ["cross_entropy", "squared_error"])
Parallel = StrEnum("Parallel", ["deterministic", "hogwild"])


class ModelOption(NamedTuple):
    """A parameter of the estimator: its type and its option as Typer knows them, its default."""

    kind: Any
    option: Any
    default: Any


def _choice(kind: Any, default: str | None, text: str) -> ModelOption:
    return ModelOption(kind, typer.Option(help=text), default)


def _switch(default: bool, text: str, names: str | None = None) -> ModelOption:
    return ModelOption(bool, typer.Option(*([names] if names else []), help=text), default)


def _number(
    default: Any, metavar: str, text: str, parser: Callable[[Any], Any] = read_number
) -> ModelOption:
    return ModelOption(Any, typer.Option(help=text, metavar=metavar, parser=parser), default)


def _panel(title: str, **options: ModelOption) -> dict[str, ModelOption]:
    for option in options.values():
        option.option.rich_help_panel = title
    return options


# Every parameter of the estimator that can be written on a command line. What is allowed the
# estimator says.
MODEL_OPTIONS: dict[str, ModelOption] = {
    **_panel(
        "Network",
        hidden_layer_sizes=_number(
            "auto", "SIZES",
            "Units of the hidden layers, such as 50,20,50; auto: one layer, the square root of the"
            " number of columns; none: no hidden layer.",
            read_sizes,
        ),
        activation=_choice(_Activation, "tanh", "Activation of the hidden layers."),
        output_activation=_choice(_Activation, "identity", "Activation of the output."),
        init=_choice(_Init, "glorot_uniform", "Distribution of the first weights."),
        init_scale=_number(1.0, "FLOAT", "Half-width (uniform) or deviation (normal) of that."),
    ),
    **_panel(
        "Columns",
        scaling=_choice(
            _Scaling, "auto",
            "Divide each centred column by its range, its deviation or its quartiles' gap.",
        ),
        constant_features=_choice(
            _ConstantFeatures, "keep", "What becomes of columns that hold a single value."
        ),
        missing=_choice(
            _Missing, "ignore",
            "Empty cells: neither input nor to be reconstructed, the column's mean, or an error.",
        ),
        missing_indicator=_switch(
            False, "Tell the network which numbers are missing.", "--missing-indicator"
        ),
        categorical_features=_number(
            "from_dtype", "COLUMNS",
            "Columns of numbers that are categories, such as zip,shop; those of text always are.",
            read_names,
        ),
        categorical_loss=_choice(
            _CategoricalLoss, "cross_entropy",
            "Error of a category: by its probability, or by columns of 0 and 1.",
        ),
        max_categories=_number(
            10_000, "INT", "Most categories of a column; rarer ones share one."
        ),
    ),
    **_panel(
        "Training",
        loss=_choice(_Loss, "squared_error", "What training minimises."),
        huber_delta=_number(1.0, "FLOAT", "huber: errors beyond it count linearly."),
        quantile=_number(0.5, "FLOAT", "quantile: which one."),
        solver=_choice(Solver, "adam", "Optimiser."),
        max_epochs=_number(100, "FLOAT", "Passes over the training rows."),
        batch_size=_number("auto", "auto|INT", "Rows of a mini-batch; 1: online training."),
        learning_rate_init=_number("auto", "auto|FLOAT", "Length of the first steps."),
        learning_rate=_choice(
            _Rate, "cosine", "How the length of the steps changes over the training."
        ),
        power_t=_number(0.5, "FLOAT", "invscaling: its exponent."),
        layer_rate_decay=_number(
            1.0, "FLOAT", "Factor between the rates of a layer and the next."
        ),
        pretraining=_choice(_Pretraining | None, None, "Train layer by layer first."),
        pretraining_epochs=_number(
            None, "FLOAT", "Epochs per layer for that; default: --max-epochs."
        ),
        anomaly_margin=_number(
            "auto", "auto|FLOAT", "Up to which MSE known anomalies (--anomalous) are pushed."
        ),
        anomaly_weight=_number("auto", "auto|FLOAT", "How much each of them counts."),
        parallel=_choice(
            Parallel, "deterministic", "Same seed, same result; or threads without locks."
        ),
        n_jobs=_number(None, "INT", "Threads; -1: all processors."),
        random_state=ModelOption(
            int | None,
            typer.Option(
                help="Seed, to get the same result again.", metavar="INT", min=0, max=2**32 - 1
            ),
            None,
        ),
    ),
    **_panel(
        "Scores and decision",
        anomaly_score=_number(
            "mse", "SCORES",
            "What the decision goes by: mse, standardized, mahalanobis, code_distance, or several"
            " such as standardized,code_distance.",
            read_scores,
        ),
        contamination=_number(
            "auto", "auto|FLOAT", "Share of the training rows to flag; auto: by their errors."
        ),
        threshold=_number(
            None, "RULE",
            "In place of it: a number, mad, evt, or arguments of set_threshold such as"
            " quantile=0.99, false_positive_rate=0.01 or method=mad,n_deviations=5.",
            read_threshold,
        ),
        calibration_fraction=_number(
            0.0, "FLOAT",
            "Share of the training rows to keep out of training, for the threshold and --fdr.",
        ),
    ),
    **_panel(
        "Penalties and noise",
        l1=_number(0.0, "FLOAT", "Penalty on the weights' absolute values."),
        l2=_number(0.0, "FLOAT", "Penalty on the weights' squares."),
        max_w2=_number(None, "FLOAT", "Limit of the sum of squared weights into a unit."),
        input_dropout=_number(0.0, "FLOAT", "Probability that an input is hidden while training."),
        hidden_dropout=_number(
            0.0, "FLOATS",
            "Probability that a hidden unit is off while training; such as 0.5, or 0.5,0.2 for two"
            " layers.",
            read_rates,
        ),
        input_noise=_number(0.0, "FLOAT", "Deviation of noise on the scaled inputs."),
        sparsity_beta=_number(0.0, "FLOAT", "Penalty on average activations off their target."),
        average_activation=_number(0.0, "FLOAT", "That target."),
    ),
    **_panel(
        "Scoring and stopping",
        validation_fraction=_number(
            0.0, "FLOAT", "Share of the training rows to validate with instead."
        ),
        early_stopping=_switch(
            False, "Stop when the error has ceased to fall.", "--early-stopping"
        ),
        stopping_rounds=_number(5, "INT", "Scorings per moving average of the error."),
        stopping_tolerance=_number(0.0, "FLOAT", "By how much it has to fall, relatively."),
        restore_best_weights=_switch(
            True,
            "End with the best weights when validating or stopping early, or with the last.",
            "--restore-best-weights/--last",
        ),
        target_mse=_number(None, "FLOAT", "Stop at this training MSE."),
        max_time=_number(None, "SECONDS", "Stop training then."),
        score_every=_number("auto", "auto|INT", "Rows between two lines of the history."),
        score_interval=_number(0.0, "SECONDS", "Least time between two lines of the history."),
        score_duty_cycle=_number(0.05, "FLOAT", "Most of the time that scoring may take."),
        score_training_samples=_number(10_000, "INT", "Training rows to score; 0: all."),
        score_validation_samples=_number(0, "INT", "Validation rows to score; 0: all."),
        checkpoint=ModelOption(
            str | None,
            typer.Option(
                help="File to go on from after a crash, and to write for that.", metavar="FILE"
            ),
            None,
        ),
        checkpoint_interval=_number(60.0, "SECONDS", "Time between two writings of it."),
    ),
    **_panel(
        "Details of the solvers",
        momentum=_number(0.9, "FLOAT", "sgd: momentum."),
        momentum_start=_number(None, "FLOAT", "sgd: the first momentum, if it is to grow."),
        momentum_ramp=_number(1e6, "FLOAT", "sgd: rows over which it grows."),
        momentum_dampening=_switch(
            False, "sgd: multiply gradients by 1 - momentum.", "--momentum-dampening"
        ),
        nesterovs_momentum=_switch(True, "sgd: Nesterov's way of it."),
        annealing=_number(0.0, "FLOAT", "sgd: divide the rate by 1 + annealing x rows seen."),
        rho=_number(0.99, "FLOAT", "adadelta: memory of squared gradients."),
        beta_1=_number(0.9, "FLOAT", "adam: memory of gradients."),
        beta_2=_number(0.999, "FLOAT", "adam: memory of squared gradients."),
        epsilon=_number(1e-8, "FLOAT", "adadelta, adam: keeps them from dividing by 0."),
    ),
}  # fmt: skip
