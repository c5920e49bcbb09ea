"""The scoring history: what was seen each time training was scored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan, nan
from typing import Any

from fastae._table import Table

Metrics = dict[str, float]


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
    training : dict of str to float
        Metrics of the sample of training rows, with the weights of that moment.
    validation : dict of str to float
        The same of the validation rows; NaN if there are none.
    decisive : str
        The name of the metric that early stopping looks at; less is better.
    """

    time: str
    duration: float
    obs_per_s: float
    epochs: float
    iterations: int
    samples: int
    training: Metrics
    validation: Metrics
    decisive: str

    @property
    def metric(self) -> float:
        """What early stopping looks at, of the validation rows if there are any."""
        value = self.validation[self.decisive]
        return self.training[self.decisive] if isnan(value) else value

    def row(self) -> dict[str, Any]:
        """Return the event as a row of the history."""
        row: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        row |= {f"training_{name}": value for name, value in self.training.items()}
        return row | {f"validation_{name}": value for name, value in self.validation.items()}


_PLAIN = ("time", "duration", "obs_per_s", "epochs", "iterations", "samples")


def event(
    *,
    duration: float,
    epochs: float,
    iterations: int,
    samples: int,
    training: Metrics,
    validation: Metrics | None,
    decisive: str,
    before: Event | None,
) -> Event:
    """Return an event of now.

    Examples
    --------
    >>> from fastae import _history
    >>> first = _history.event(duration=0.0, epochs=0.0, iterations=0, samples=0,
    ...                        training={"mse": 0.25}, validation=None, decisive="mse",
    ...                        before=None)
    >>> first.metric, first.row()["validation_mse"]
    (0.25, nan)
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
        training=training,
        validation=dict.fromkeys(training, nan) if validation is None else validation,
        decisive=decisive,
    )


def table(events: list[Event]) -> Table:
    """Return the events as a table, one row each."""
    rows = [one.row() for one in events]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return Table(columns, title="Scoring history")
