"""Layers that a supervised network takes over from an autoencoder."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from fastae._checks import NOT_NEGATIVE, check_integer, check_number, fail
from fastae._reading import joined

if TYPE_CHECKING:
    from fastae._autoencoder import Autoencoder
    from fastae._reading import Table
    from fastae._weights import Network

Float64 = npt.NDArray[np.float64]


def check_takeover(estimator: Any) -> None:
    """Raise ValueError for a parameter about an autoencoder below that is out of its range."""
    if estimator.autoencoder is not None:
        inner = unwrapped(estimator.autoencoder)
        if isinstance(inner, type) or not hasattr(inner, "reconstruct"):
            allowed = "None or an Autoencoder"
            if isinstance(inner, Integral | list | tuple):
                allowed += f" (hidden_layer_sizes={inner!r} puts layers on top)"
            fail("autoencoder", allowed, estimator.autoencoder)
        if inner is not estimator.autoencoder and not inner.__sklearn_is_fitted__():
            msg = "autoencoder is frozen, but not fitted: fit it first."
            raise NotFittedError(msg)
    if estimator.encoder_layers is not None:
        check_integer("encoder_layers", estimator.encoder_layers, 0, "None or ")
    for name in ("encoder_rate", "thaw_epochs", "reconstruction_weight"):
        check_number(name, getattr(estimator, name), NOT_NEGATIVE)


def unwrapped(autoencoder: Any) -> Any:
    """Return what scikit-learn's FrozenEstimator keeps fitted, or the object itself."""
    inner = getattr(autoencoder, "estimator", None)
    return autoencoder if inner is None else inner


def fitted_clone(
    estimator: Any, given: Autoencoder, table: Table, more: Table | None, weights: Float64 | None
) -> Autoencoder:
    """Return an autoencoder like a given one, fitted on rows with and without labels.

    Parameters
    ----------
    estimator : AutoencoderClassifier or AutoencoderRegressor
        Whose `random_state` it gets if it has none.
    given : Autoencoder
    table : ndarray of shape (n, n_features)
    more : ndarray of shape (n_more, n_features) or None
        Rows without labels.
    weights : ndarray of shape (n,) or None
        Of the rows of `table`; others count 1.
    """
    if more is not None:
        table = joined(table, more)
        if weights is not None:
            weights = np.concatenate([weights, np.ones(len(more))])
    fresh: Autoencoder = clone(given)
    if fresh.random_state is None:
        fresh.random_state = estimator.random_state
    fitted = fresh.fit(table, sample_weight=weights)
    if hasattr(estimator, "feature_names_in_"):
        fitted.feature_names_in_ = estimator.feature_names_in_
    return fitted


def taken_layers(autoencoder: Autoencoder | None, encoder_layers: int | None) -> int:
    """Return how many hidden layers are taken over; None: up to the codes."""
    if autoencoder is None:
        return 0
    n_hidden = len(autoencoder.hidden_layer_sizes_)
    if encoder_layers is None:
        return autoencoder._feature_layer() if n_hidden else 0
    if encoder_layers > n_hidden:
        msg = (
            f"encoder_layers must be at most the autoencoder's hidden layers, {n_hidden}, "
            f"got {encoder_layers}."
        )
        raise ValueError(msg)
    return int(encoder_layers)


def copy_layers(autoencoder: Autoencoder, taken: int, network: Network) -> None:
    """Write the first layers of an autoencoder into a network.

    Where its code leads straight to outputs that reconstruct the inputs, as in the network, the
    decoder's layer is written as well.
    """
    for layer in range(taken):
        network.coefs[layer][...] = autoencoder.coefs_[layer]
        network.intercepts[layer][...] = autoencoder.intercepts_[layer]
    n_outputs = len(autoencoder.intercepts_[-1])
    is_last = len(autoencoder.coefs_) == len(network.coefs) == taken + 1
    reconstructs = network.widths[-1] > n_outputs
    if is_last and reconstructs and autoencoder._activations[-1] == "identity":
        network.coefs[-1][:, :n_outputs] = autoencoder.coefs_[-1]
        network.intercepts[-1][:n_outputs] = autoencoder.intercepts_[-1]


def check_same_columns(estimator: Any, autoencoder: Any) -> None:
    """Raise ValueError unless a table has the columns that an autoencoder was trained on."""
    if autoencoder.n_features_in_ != estimator.n_features_in_:
        msg = (
            f"X has {estimator.n_features_in_} columns, but the autoencoder was trained on "
            f"{autoencoder.n_features_in_}."
        )
        raise ValueError(msg)
    if autoencoder._schema is None and estimator._schema is not None and estimator._schema.factors:
        column = estimator._schema.factors[0].column
        msg = (
            f"Column {column} of X holds text or categories, but the autoencoder was trained on "
            "numbers only: convert it first, or train the autoencoder on such a table."
        )
        raise ValueError(msg)
    theirs = getattr(autoencoder, "feature_names_in_", None)
    ours = getattr(estimator, "feature_names_in_", None)
    if theirs is not None and ours is not None and not np.array_equal(theirs, ours):
        column = int(np.flatnonzero(np.asarray(theirs) != np.asarray(ours))[0])
        msg = (
            f"Column {column} of X is {ours[column]!r}, but {theirs[column]!r} in the table that "
            "the autoencoder was trained on: give the same columns in the same order."
        )
        raise ValueError(msg)
