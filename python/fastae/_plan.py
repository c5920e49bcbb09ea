"""When training is scored, and what ends it before its last epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastae._checks import is_auto

if TYPE_CHECKING:
    from collections.abc import Callable

# With "auto", a training is scored at least so often, if that costs little enough.
LEAST_EVENTS = 10


@dataclass(frozen=True)
class Plan:
    """What `Training` does beside training.

    Attributes
    ----------
    total : int
        Rows to train on.
    every : int
        Rows between two scorings.
    exact : bool
        Score after every so many rows exactly. False: at multiples of `every`, as far apart as
        the duty cycle demands; only where no weight depends on the scores.
    interval : float
        Least seconds between two scorings.
    duty_cycle : float
        Most of the time that scoring may take.
    rounds, tolerance : int, float
        Of `MovingAverageStop`; 0 rounds: no early stopping.
    keep_best : bool
        End with the weights of the best scoring.
    target_mse : float
        Stop when the training MSE is not above it; -inf: never.
    max_time : float
        Stop after so many seconds; inf: never.
    callback : callable or None
        Called with every event as a dict; stops the training by returning True.
    checkpoint : str or path-like or None
    checkpoint_interval : float
        Seconds.
    """

    total: int
    every: int
    exact: bool = False
    interval: float = 0.0
    duty_cycle: float = 0.05
    rounds: int = 0
    tolerance: float = 0.0
    keep_best: bool = False
    target_mse: float = -math.inf
    max_time: float = math.inf
    callback: Callable[[dict[str, Any]], object] | None = None
    checkpoint: Any = None
    checkpoint_interval: float = math.inf


def rows_in(epochs: float, n_samples: int) -> int:
    """Return how many rows are trained on in so many epochs.

    Examples
    --------
    >>> from fastae import _plan
    >>> _plan.rows_in(13.3, 20)  # not 267, as 13.3 * 20 is a bit above 266
    266
    """
    return math.ceil(round(epochs * n_samples, 6))


def plan(
    estimator: Any, n_samples: int, *, has_validation: bool, has_listeners: bool = False
) -> Plan:
    """Return the plan that an estimator's checked parameters describe.

    Parameters
    ----------
    estimator : Autoencoder
    n_samples : int
        Rows trained on per epoch.
    has_validation : bool
        Whether there are rows to validate with.
    has_listeners : bool
        Whether somebody else than the estimator waits for scorings.
    """
    total = rows_in(float(estimator.max_epochs), n_samples)
    early_stopping = bool(estimator.early_stopping)
    keep_best = bool(estimator.restore_best_weights) and (early_stopping or has_validation)
    every = estimator.score_every
    if is_auto(every):
        every = max(1, min(n_samples, total // LEAST_EVENTS))
    depends_on_scores = keep_best or early_stopping or estimator.target_mse is not None
    heard = has_listeners or estimator.callback is not None
    return Plan(
        total=total,
        every=int(every),
        exact=depends_on_scores or heard or not is_auto(estimator.score_every),
        interval=float(estimator.score_interval),
        duty_cycle=float(estimator.score_duty_cycle),
        rounds=int(estimator.stopping_rounds) if early_stopping else 0,
        tolerance=float(estimator.stopping_tolerance),
        keep_best=keep_best,
        target_mse=-math.inf if estimator.target_mse is None else float(estimator.target_mse),
        max_time=math.inf if estimator.max_time is None else float(estimator.max_time),
        callback=estimator.callback,
        checkpoint=estimator.checkpoint,
        checkpoint_interval=(
            math.inf if estimator.checkpoint is None else float(estimator.checkpoint_interval)
        ),
    )
