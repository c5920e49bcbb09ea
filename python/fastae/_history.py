"""The scoring history: what was seen each time training was scored."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from math import isnan, nan, sqrt

from fastae._table import Table


@dataclass(frozen=True)
class Event:
    """One scoring of the network.

    Attributes
    ----------
    time : str
        When, in UTC (ISO 8601).
    duration : float
        Seconds of training so far, without scoring.
    obs_per_s : float
        Rows trained on per second since the event before; NaN for the first.
    epochs : float
        Passes over the training rows so far.
    iterations : int
        Updates of the weights so far.
    samples : int
        Rows trained on so far.
    training_rmse, training_mse : float
        Of the sample of training rows, with the weights of that moment.
    validation_rmse, validation_mse : float
        Of the validation rows; NaN if there are none.
    """

    time: str
    duration: float
    obs_per_s: float
    epochs: float
    iterations: int
    samples: int
    training_rmse: float
    training_mse: float
    validation_rmse: float
    validation_mse: float

    @property
    def metric(self) -> float:
        """What early stopping looks at: the validation MSE, or else the training MSE."""
        return self.training_mse if isnan(self.validation_mse) else self.validation_mse


def event(
    *,
    duration: float,
    epochs: float,
    iterations: int,
    samples: int,
    training_mse: float,
    validation_mse: float,
    before: Event | None,
) -> Event:
    """Return an event of now.

    Examples
    --------
    >>> from fastae import _history
    >>> first = _history.event(duration=0.0, epochs=0.0, iterations=0, samples=0,
    ...                        training_mse=0.25, validation_mse=float("nan"), before=None)
    >>> first.training_rmse, first.metric
    (0.5, 0.25)
    """
    rate = nan
    if before is not None and samples > before.samples:
        rate = float(round((samples - before.samples) / max(duration - before.duration, 1e-9)))
    return Event(
        time=datetime.now(UTC).isoformat(timespec="milliseconds"),
        duration=round(duration, 6),
        obs_per_s=rate,
        epochs=epochs,
        iterations=iterations,
        samples=samples,
        training_rmse=sqrt(training_mse) if training_mse >= 0 else nan,
        training_mse=training_mse,
        validation_rmse=sqrt(validation_mse) if validation_mse >= 0 else nan,
        validation_mse=validation_mse,
    )


def table(events: list[Event]) -> Table:
    """Return the events as a table, one row each."""
    rows = [astuple(one) for one in events]
    names = [field.name for field in fields(Event)]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return Table(columns, title="Scoring history")
