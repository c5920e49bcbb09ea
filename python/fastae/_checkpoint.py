"""Checkpoints: a training that was killed goes on from its last one as if nothing had happened."""

from __future__ import annotations

import hashlib
import os
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae import _archive
from fastae._history import Event
from fastae._reading import arrays_of
from fastae._weights import aligned_zeros

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastae._data import TrainingData
    from fastae._reading import Table
    from fastae._training import Training

KIND = "checkpoint"
VERSION = 2

# What may differ between the run that wrote a checkpoint and the one that goes on from it.
_FREE = {
    "callback",
    "checkpoint",
    "checkpoint_interval",
    "contamination",
    "max_epochs",
    "max_time",
    "n_jobs",
    "score_duty_cycle",
    "score_interval",
    "target_mse",
    "threshold",
    "verbose",
    "warm_start",
}
# Why a training ended, where more epochs do not let it go on.
_FINAL = ("early_stopping", "target_mse", "callback")
_COUNTERS = (
    "seed",
    "epoch",
    "epoch_rows",
    "epoch_error",
    "samples",
    "run_start",
    "samples_before",
    "epochs_before",
    "steps",
    "steps_before",
    "seconds",
    "loss_curve",
)


@dataclass(frozen=True, eq=False)
class Saved:
    """What a checkpoint file holds.

    Attributes
    ----------
    path : str or path-like
    arrays : dict of str to ndarray
    meta : dict
    """

    path: str | os.PathLike[str]
    arrays: dict[str, npt.NDArray[Any]]
    meta: dict[str, Any]

    @property
    def seed(self) -> int:
        """Of the training that it is of."""
        return int(self.meta["seed"])


def load(path: str | os.PathLike[str] | None) -> Saved | None:
    """Read a checkpoint; None if there is no path or no such file.

    Raises
    ------
    ValueError
        If the file is damaged, or of an older version.
    """
    if path is None or not Path(path).exists():
        return None
    saved = Saved(path, *_archive.read(path, kind=KIND, version=VERSION))
    if any(len(event) != len(fields(Event)) for event in saved.meta["events"]):
        msg = (
            f"Checkpoint {os.fspath(path)!r} was written by an older fastae: remove the file to "
            "start anew."
        )
        raise ValueError(msg)
    return saved


def identity(
    estimator: Any,
    data: TrainingData,
    samples_before: int,
    others: dict[str, list[npt.NDArray[Any]]],
    **arrays: npt.NDArray[Any],
) -> dict[str, str]:
    """Return what two runs must have in common to be the same training.

    Parameters
    ----------
    estimator : Autoencoder
        Its parameters, but for those that change no weight.
    data : TrainingData
        Its shape, type, weights and some of its rows.
    samples_before : int
        Rows that the network had been trained on before this `fit`.
    others : dict of str to list of ndarray
        What else there is, by its name.
    **arrays : ndarray
        More that describes the data: the scaling of its columns.

    Returns
    -------
    identity : dict of str to str
        Short values as they are, arrays as hashes.
    """
    parameters = {
        name: _text(value) for name, value in estimator.get_params().items() if name not in _FREE
    }
    parts = [*arrays_of(_some(data.X)), *arrays.values()]
    parts += [part for part in data.arguments().values() if part is not None]
    if data.validation is not None:
        parts += arrays_of(_some(data.validation.X))
    shape = f"{data.X.shape[0]} rows of {data.X.shape[1]} columns, {data.X.dtype}"
    return (
        parameters
        | {
            "the number of rows trained on before": str(samples_before),
            "the table's shape": shape,
            "the table": _hash(*parts),
        }
        | {name: _hash(*parts) for name, parts in others.items()}
    )


def _some(table: Table) -> Table:
    """Return about a thousand rows."""
    return table[:: max(1, table.shape[0] // 1000)]


def save(path: str | os.PathLike[str], training: Training) -> None:
    """Write a checkpoint, atomically.

    Parameters
    ----------
    path : str or path-like
    training : Training

    Raises
    ------
    OSError
        If it cannot be written; an older one is then as it was.
    """
    state, best = training.state, training.best
    arrays = {
        "params": state.network.params,
        "slots": state.slots,
        "averages": state.averages,
    }
    if best.kept:
        arrays["best"] = best.params
    meta = {name: getattr(state, name) for name in _COUNTERS}
    meta |= {
        "identity": training.identity,
        "widths": list(training.params.widths),
        "events": [list(astuple(event)) for event in state.events],
        "stopping": training.stop.values,
        "best_metric": best.metric,
        "next_event": training.next_event,
        # A run that its epochs or the clock ended may go on with more of them.
        "stop_reason": training.stop_reason if training.stop_reason in _FINAL else "",
    }
    _archive.write(path, arrays, meta, kind=KIND, version=VERSION)


def resume(saved: Saved, training: Training) -> None:
    """Bring a training to where a checkpoint left it.

    Parameters
    ----------
    saved : Saved
    training : Training
        Fresh; changed in place.

    Raises
    ------
    ValueError
        If the checkpoint belongs to another training: says in what they differ.
    """
    path, arrays, meta = saved.path, saved.arrays, saved.meta
    _check_identity(path, meta["identity"], training.identity)
    state = training.state
    targets = {"params": state.network.params, "slots": state.slots, "averages": state.averages}
    for name, target in targets.items():
        if arrays[name].shape != target.shape or arrays[name].dtype != target.dtype:
            msg = f"Checkpoint {os.fspath(path)!r} has weights of another shape: remove the file."
            raise ValueError(msg)
        target[...] = arrays[name]
    for name in _COUNTERS:
        setattr(state, name, meta[name])
    state.events = [Event(*values) for values in meta["events"]]
    training.stop = type(training.stop)(
        training.plan.rounds, training.plan.tolerance, meta["stopping"]
    )
    if "best" in arrays:
        best = aligned_zeros(arrays["best"].shape)
        best[...] = arrays["best"]
        training.best.offer(meta["best_metric"], best)
    reason = str(meta["stop_reason"])
    best_mse = min((event.training.get("mse", 0.0) for event in state.events), default=0.0)
    if reason == "target_mse" and best_mse > training.plan.target_mse:
        reason = ""  # the target is lower now
    training.go_on(int(meta["next_event"]), reason)


def _check_identity(
    path: str | os.PathLike[str], theirs: dict[str, str], ours: dict[str, str]
) -> None:
    for name in ours | theirs:
        mine, other = ours.get(name, "unknown"), theirs.get(name, "unknown")
        if mine == other:
            continue
        difference = f"{name} was {other} and is {mine}"
        if name == "the table":
            difference = "the table's values, labels, weights or scaling differ"
        elif name == "the autoencoder":
            difference = "the autoencoder's weights differ"
        msg = (
            f"Checkpoint {os.fspath(path)!r} is of another training: {difference}. Give another "
            "path, or remove the file to start anew."
        )
        raise ValueError(msg)


def _text(value: Any) -> str:
    if isinstance(value, np.random.RandomState):
        return "a RandomState"
    if isinstance(value, list | tuple) and any(hasattr(item, "shape") for item in value):
        return _hash(*map(np.asarray, value))
    return repr(value)


def _hash(*arrays: npt.NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]
