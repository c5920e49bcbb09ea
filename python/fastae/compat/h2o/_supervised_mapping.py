"""What H2O's parameters are called here: those of a network with a response."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from fastae._stopping import MovingAverageStop
from fastae.compat.h2o._mapping import (
    NEVER,
    check_parameters,
    loss_of_numbers,
    shared_parameters,
)
from fastae.compat.h2o._parameters import choice

if TYPE_CHECKING:
    from collections.abc import Sequence

_MUST_BE_FACTOR = ValueError(
    "For CrossEntropy the response must be a factor: turn it into one with asfactor()."
)
_CLASS_LOSSES = {
    "automatic": "log_loss",
    "cross_entropy": "log_loss",
    **dict.fromkeys(
        ("quadratic", "absolute", "huber", "quantile", "modified_huber"),
        ValueError("loss must be Automatic or CrossEntropy where the response is a factor."),
    ),
}
_CLASS_DISTRIBUTIONS = dict.fromkeys(("auto", "bernoulli", "multinomial"), "log_loss")
# By which column of the history to stop early; only these two are those that keep the best weights.
_CLASS_METRICS = {"auto": "logloss", "logloss": "logloss", "misclassification": "error"}
_NUMBER_METRICS = {"auto": "mse", "deviance": "mse", "mse": "mse", "rmse": "rmse"}
_NATIVE = ("logloss", "mse")


def supervised_parameters(
    parameters: dict[str, Any], levels: Sequence[str], *, n_rows: int | None = None
) -> dict[str, Any]:
    """Return the parameters of the estimator that does what H2O's network would.

    Parameters
    ----------
    parameters : dict
        All of H2O's parameters that mean something here, by H2O's names.
    levels : sequence of str
        The response's, none for numbers.
    n_rows : int or None, default=None
        Rows of the training frame.

    Returns
    -------
    parameters : dict
        Keyword arguments of `fastae.AutoencoderClassifier` or, without levels,
        `fastae.AutoencoderRegressor`.

    Raises
    ------
    ValueError
        If a value is not one that H2O would take, or that cannot be done here.
    """
    check_supervised(parameters)
    if levels:
        choice(parameters, "loss", _CLASS_LOSSES)
        choice(parameters, "distribution", _CLASS_DISTRIBUTIONS)
        factor, metrics = 1.0, _CLASS_METRICS
        evenly = parameters["balance_classes"] and class_factors(parameters, levels) is None
        made: dict[str, Any] = {"class_weight": "balanced" if evenly else None}
    else:
        if parameters["balance_classes"]:
            msg = "balance_classes needs a factor as response: turn it into one with asfactor()."
            raise ValueError(msg)
        loss, factor = loss_of_numbers(parameters)
        metrics = _NUMBER_METRICS
        made = {"loss": loss, "quantile": float(parameters["quantile_alpha"])}
    made |= shared_parameters(parameters, factor, n_rows)
    made["scaling"] = "standard" if parameters["standardize"] else "none"
    return made | _stopping(parameters, made, choice(parameters, "stopping_metric", metrics))


def check_supervised(parameters: dict[str, Any]) -> None:
    """Check what can be checked before the response is known."""
    check_parameters(parameters)
    shared_parameters(parameters, 1.0, None)
    choice(parameters, "stopping_metric", _CLASS_METRICS | _NUMBER_METRICS)
    if parameters["sparsity_beta"]:
        msg = "sparsity_beta is for autoencoders only, as in H2O."
        raise ValueError(msg)
    if parameters["offset_column"] is not None:
        msg = "offset_column does not exist here: subtract the offset from the response."
        raise ValueError(msg)


def class_factors(parameters: dict[str, Any], levels: Sequence[str]) -> list[float] | None:
    """Return how much more the rows of each class count, where the user says so.

    H2O draws them so much more often.
    """
    factors = parameters["class_sampling_factors"]
    if not parameters["balance_classes"] or factors is None:
        return None
    if len(factors) != len(levels) or not all(factor > 0 for factor in factors):
        msg = f"class_sampling_factors must be {len(levels)} numbers above 0, got {factors!r}."
        raise ValueError(msg)
    return list(map(float, factors))


def _stopping(parameters: dict[str, Any], made: dict[str, Any], metric: str) -> dict[str, Any]:
    """Return when to stop for another reason than early stopping by the metric of training."""
    is_factor = "class_weight" in made
    rule = StopRule(
        "error" if is_factor else "mse",
        parameters["classification_stop" if is_factor else "regression_stop"],
    )
    if metric in _NATIVE:
        return {"callback": rule}
    rounds, tolerance = int(parameters["stopping_rounds"]), parameters["stopping_tolerance"]
    rule.metric, rule.moving = metric, MovingAverageStop(rounds, tolerance)
    return {"callback": rule, "stopping_rounds": NEVER}


@dataclass
class StopRule:
    """Says after each scoring whether to stop, where fastae has no parameter for it.

    Attributes
    ----------
    goal_metric : str
        Training stops when this figure of the training frame ...
    goal : float
        ... is not above this.
    metric : str
        Early stopping goes by this one; "": not by this rule.
    moving : MovingAverageStop or None
    """

    goal_metric: str
    goal: float
    metric: str = ""
    moving: MovingAverageStop | None = None

    def __call__(self, event: dict[str, Any]) -> bool:
        """Tell whether to stop."""
        converged = False
        if self.moving is not None:
            value = event[f"validation_{self.metric}"]
            value = event[f"training_{self.metric}"] if isnan(value) else value
            converged = self.moving.add(value)
        return bool(converged or event[f"training_{self.goal_metric}"] <= self.goal)
