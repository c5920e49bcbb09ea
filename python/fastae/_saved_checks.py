"""What the attributes of an estimator from a file must be, so that it can score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae._anomaly_scores import MSE, Cloud, ScoreModel, names_of
from fastae._checks import ACTIVATIONS
from fastae._constant import Constants
from fastae._schema import Schema
from fastae._stream import ColumnStats
from fastae._units import Units

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_attribute(kind: type[Any], name: Any, parameters: Sequence[str]) -> None:
    """Raise ValueError for what a file must not set: methods, properties, parameters.

    Parameters
    ----------
    kind : type
        Of the estimator.
    name : object
    parameters : sequence of str
        Of the constructor.
    """
    taken = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    is_free = not (callable(taken) or hasattr(taken, "__get__"))
    if (
        not isinstance(name, str)
        or not name.isidentifier()
        or name.startswith("__")
        or name == "_network"
        or name in parameters
        or not is_free
    ):
        msg = f"{name!r} is no fitted attribute of {kind.__name__}"
        raise ValueError(msg)


def check_fitted(estimator: Any, widths: Sequence[int]) -> None:
    """Raise ValueError unless the attributes of a fitted estimator fit together.

    Parameters
    ----------
    estimator : Autoencoder, AutoencoderClassifier or AutoencoderRegressor
        With all attributes but `coefs_`, `intercepts_`, `_like` and `_state`.
    widths : sequence of int
        Of its network.
    """
    units = _check_columns(estimator, widths)
    _check_layers(estimator, widths)
    if hasattr(estimator, "_n_targets"):
        _check_targets(estimator)
        n_targets = estimator._n_targets
        _require(widths[-1] - n_targets in (0, units.n_outputs), "outputs")
    else:
        _require(widths[-1] == units.n_outputs, "outputs")
        _require(isinstance(estimator.offset_, float), "offset_")
        _check_scores(estimator, units.n_numbers + len(units.n_levels))
        for name in ("_errors", "_calibration"):
            kept = getattr(estimator, name, None)
            _require(kept is None or _are_errors(kept), name)
    _require(hasattr(estimator, "classes_") == hasattr(estimator, "predict_proba"), "classes_")


def _check_layers(estimator: Any, widths: Sequence[int]) -> None:
    _require(estimator.hidden_layer_sizes_ == tuple(widths[1:-1]), "hidden_layer_sizes_")
    _require(estimator.n_layers_ == len(widths), "n_layers_")
    activations = estimator._activations
    _require(isinstance(activations, tuple), "_activations")
    _require(len(activations) == len(widths) - 1, "_activations")
    _require(set(activations) <= set(ACTIVATIONS), "_activations")
    _require(estimator._missing in ("ignore", "impute", "error"), "_missing")
    _require(type(estimator._limit) is float and estimator._limit > 0, "_limit")
    _require(estimator._encoder is None, "_encoder")
    _require(isinstance(estimator._momentum, float), "_momentum")
    rates = estimator._step_sizes
    _require(isinstance(rates, list) and len(rates) in (0, len(widths) - 1), "_step_sizes")


def _check_columns(estimator: Any, widths: Sequence[int]) -> Units:
    """Check what inputs are made of, and return that."""
    n_columns, schema = estimator.n_features_in_, estimator._schema
    _require(type(n_columns) is int and n_columns >= 1, "n_features_in_")
    n_numbers: int = n_columns
    n_levels: tuple[int, ...] = ()
    if schema is not None:
        _require(isinstance(schema, Schema) and schema.n_columns == n_columns, "_schema")
        n_numbers = len(schema.numbers)
        n_levels = tuple(len(factor.levels) for factor in schema.factors)
    units = _checked_units(estimator._units, widths[0])
    _require(units.n_levels == n_levels and units.n_inputs == widths[0], "_units")
    _check_kept(estimator, units.n_numbers, n_numbers)
    for name in ("shift_", "scale_"):
        _require(_is_vector(getattr(estimator, name), np.float64, units.n_numbers), name)
    names = getattr(estimator, "feature_names_in_", None)
    _require(names is None or _is_vector(names, np.object_, n_columns), "feature_names_in_")
    stats = getattr(estimator, "_stats", None)
    if stats is not None:
        columns = (stats.count, *stats.columns)
        fits = all(_is_vector(column, np.float64, units.n_numbers) for column in columns)
        _require(isinstance(stats, ColumnStats) and fits, "_stats")
    return units


def _checked_units(units: Any, n_inputs: int) -> Units:
    if units is None:
        return Units(n_inputs)
    if not isinstance(units, Units):
        msg = "_units are none"
        raise TypeError(msg)
    _require(type(units.n_numbers) is int and units.n_numbers >= 0, "_units")
    _require(all(type(n) is int and n >= 0 for n in units.n_levels), "_units")
    _require(len(units.weights) == len(units.n_levels), "_units")
    _require(len(units.frequencies) == sum(units.n_levels), "_units")
    _require(all(type(x) is float for x in (*units.weights, *units.frequencies)), "_units")
    _require(units.loss in ("cross_entropy", "squared_error"), "_units")
    _require(type(units.marks_missing) is bool and not units.is_plain, "_units")
    return units


def _check_kept(estimator: Any, n_seen: int, n_numbers: int) -> None:
    """Check which numbers of the table the network sees."""
    constants, kept = estimator._constants, estimator._kept
    if constants is not None:
        _require(isinstance(constants, Constants), "_constants")
        n = len(constants.columns)
        _require(_is_places(constants.columns, n_numbers), "_constants")
        _require(_is_vector(constants.values, np.float64, n), "_constants")
    if kept is None:
        _require(n_seen == n_numbers, "_kept")
        return
    _require(constants is not None and _is_places(kept, n_numbers) and len(kept) == n_seen, "_kept")
    dropped = np.setdiff1d(np.arange(n_numbers), kept)
    _require(np.array_equal(dropped, constants.columns), "_kept")


def _check_targets(estimator: Any) -> None:
    n_targets, below = estimator._n_targets, estimator.autoencoder_
    _require(type(n_targets) is int and n_targets >= 1, "_n_targets")
    fitted = below is None or (hasattr(below, "reconstruct") and hasattr(below, "offset_"))
    _require(fitted, "autoencoder_")
    if hasattr(estimator, "classes_"):
        classes = estimator.classes_
        _require(isinstance(classes, np.ndarray) and classes.shape == (n_targets,), "classes_")
    else:
        for name in ("target_shift_", "target_scale_"):
            _require(_is_vector(getattr(estimator, name), np.float64, n_targets), name)
        _require(type(estimator._y_is_1d) is bool, "_y_is_1d")


def _check_scores(estimator: Any, n_columns: int) -> None:
    """Check what scores beyond the MSE compare with."""
    model = estimator._score_model
    if model is None:
        return
    _require(isinstance(model, ScoreModel) and isinstance(model.names, tuple), "_score_model")
    names = names_of(model.names)
    _require(names != (MSE,), "_score_model")
    _require(_is_vector(model.levels, np.float64, len(names)), "_score_model")
    _require(type(model.n_rows) is int, "_score_model")
    levels = model.column_errors
    fits = _is_vector(levels, np.float64, n_columns) if "standardized" in names else levels is None
    _require(fits, "_score_model")
    clouds = {"mahalanobis": (model.residuals, n_columns)}
    clouds["code_distance"] = (model.codes, min(estimator.hidden_layer_sizes_, default=n_columns))
    for name, (cloud, d) in clouds.items():
        _require((cloud is not None) == (name in names), "_score_model")
        _require(cloud is None or _is_cloud(cloud, d), "_score_model")


def _are_errors(kept: Any) -> bool:
    """Tell whether these are errors of rows, and how many rows each stands for."""
    if not (isinstance(kept, tuple) and len(kept) == 2 and isinstance(kept[0], np.ndarray)):
        return False
    n = len(kept[0]) if kept[0].ndim else 0
    return (
        n > 0
        and all(_is_vector(values, np.float64, n) for values in kept)
        and not np.isnan(kept[0]).any()
        and bool(np.isfinite(kept[1]).all() and (kept[1] >= 0).all() and kept[1].sum() > 0)
    )


def _is_cloud(cloud: Any, d: int) -> bool:
    return (
        isinstance(cloud, Cloud)
        and _is_vector(cloud.mean, np.float64, d)
        and isinstance(cloud.whitening, np.ndarray)
        and cloud.whitening.dtype == np.float64
        and cloud.whitening.shape == (d, d)
    )


def _is_vector(array: Any, dtype: npt.DTypeLike, size: int) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == (size,)


def _is_places(array: Any, end: int) -> bool:
    """Tell whether an array holds increasing positions below an end."""
    return (
        isinstance(array, np.ndarray)
        and array.dtype.kind == "i"
        and array.ndim == 1
        and bool((np.diff(array) > 0).all())
        and (not array.size or (array[0] >= 0 and array[-1] < end))
    )


def _require(condition: object, name: str) -> None:
    if not condition:
        msg = f"{name} does not fit the rest of the estimator"
        raise ValueError(msg)
