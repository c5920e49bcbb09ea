"""An H2O autoencoder's exported weights as a fitted `fastae.Autoencoder`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastae import Autoencoder
from fastae.compat.h2o._encoder import MISSING, FrameEncoder
from fastae.compat.h2o._parameters import choice
from fastae.compat.h2o._weights import matrices, names_of, vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

_ACTIVATIONS = {
    "tanh": "tanh",
    "tanh_with_dropout": "tanh",
    "rectifier": "relu",
    "rectifier_with_dropout": "relu",
    "exp_rectifier": "elu",
    "exp_rectifier_with_dropout": "elu",
    "linear": "identity",
}


def from_h2o(
    weights: Sequence[Any],
    biases: Sequence[Any],
    *,
    activation: str = "tanh",
    output_activation: str | None = None,
    normmul: npt.ArrayLike | None = None,
    normsub: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
    factor_levels: Mapping[str, Sequence[str]] | None = None,
    hidden_dropout_ratios: Sequence[float] | None = None,
) -> Autoencoder:
    """Return a fitted `Autoencoder` that scores as an H2O autoencoder does.

    Parameters
    ----------
    weights, biases : sequence of frame or array-like
        What ``model.weights(i)`` and ``model.biases(i)`` return with
        ``export_weights_and_biases=True``, for i = 0, 1, ...: tables of shape (outputs, inputs),
        and columns of shape (outputs,) or (outputs, 1).
    activation : str, default="tanh"
        H2O's, such as "Tanh" or "RectifierWithDropout".
    output_activation : str or None, default=None
        None is the same one, which is how H2O builds autoencoders.
    normmul, normsub : array-like of shape (n_numbers,) or None, default=None
        ``model.normmul()`` and ``model.normsub()``: the network sees ``(x - normsub) * normmul``.
        None for a model with ``standardize=False``.
    names : sequence of str or None, default=None
        The network's inputs as H2O names them: "column.level", "column.missing(NA)", and numbers
        by their column. None takes the column names of ``weights[0]`` if it is a frame; an array
        stands for columns of numbers C1, C2, ...
    factor_levels : mapping of str to sequence of str or None, default=None
        Levels of each factor, in the order of the inputs. None finds them in `names`.
    hidden_dropout_ratios : sequence of float or None, default=None
        Of a model with dropout: H2O multiplies hidden units by 1 minus these when it scores. The
        next layer's weights take that in, so `deep_features` are without the factor.

    Returns
    -------
    model : Autoencoder
        It takes frames with the original columns, in which values may be missing, and arrays.
        `offset_` is minus infinity: nothing is odd until it is set.

    Raises
    ------
    ValueError
        If shapes, names and scaling do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.compat.h2o import from_h2o
    >>> W, b = [np.full((1, 2), 0.5), np.ones((2, 1))], [[0.0], [0.0, 0.0]]
    >>> model = from_h2o(W, b, activation="Tanh", normmul=[0.1, 1], normsub=[0, 1])
    >>> model.reconstruction_error([[1.0, 2.0], [np.nan, 2.0]]).round(4)
    array([0.2102, 0.2547])
    """
    coefs = matrices(weights, "weights")
    _check_ends_meet(coefs[0].shape[0], coefs[-1].shape[1])
    intercepts = vectors(biases, coefs, "biases")
    inputs = names if names is not None else names_of(weights[0])
    encoder = _encoder(coefs[0].shape[0], inputs, factor_levels, normmul, normsub)
    hidden, output = _activations(activation, output_activation)
    if hidden_dropout_ratios is not None:
        _fold_in(hidden_dropout_ratios, coefs)
    model: Autoencoder = Autoencoder._assembled(
        coefs=coefs,
        intercepts=intercepts,
        shift=encoder.shift,
        scale=encoder.scale,
        encoder=encoder,
        activation=hidden,
        output_activation=output,
        scaling="none" if normmul is None else "range",
    )
    return model


def _activations(activation: str, output_activation: str | None) -> tuple[str, str]:
    given = {"activation": activation, "output_activation": output_activation or activation}
    return (
        choice(given, "activation", _ACTIVATIONS),
        choice(given, "output_activation", _ACTIVATIONS),
    )


def _check_ends_meet(n_inputs: int, n_outputs: int) -> None:
    if n_inputs != n_outputs:
        msg = (
            "An autoencoder has as many outputs as inputs, but these weights have "
            f"{n_inputs} inputs and {n_outputs} outputs."
        )
        raise ValueError(msg)


def _fold_in(ratios: Sequence[float], coefs: list[Any]) -> None:
    """Multiply each layer's input weights by the share of units that training kept."""
    if len(ratios) != len(coefs) - 1:
        msg = f"hidden_dropout_ratios must be {len(coefs) - 1} numbers, got {len(ratios)}."
        raise ValueError(msg)
    for layer, ratio in enumerate(ratios, start=1):
        coefs[layer] = coefs[layer] * (1.0 - ratio)


def _encoder(
    n_inputs: int,
    names: Sequence[str] | None,
    factor_levels: Mapping[str, Sequence[str]] | None,
    normmul: npt.ArrayLike | None,
    normsub: npt.ArrayLike | None,
) -> FrameEncoder:
    factors = _factors(names or []) if factor_levels is None else factor_levels
    n_units = sum(len(levels) + 1 for levels in factors.values())
    n_numbers = n_inputs - n_units
    if n_numbers < 0 or (names is not None and len(names) != n_inputs):
        n_given = n_units if names is None else len(names)
        msg = f"names must be those of the {n_inputs} inputs, got {n_given}."
        raise ValueError(msg)
    numbers = [f"C{i + 1}" for i in range(n_numbers)] if names is None else list(names[n_units:])
    encoder = FrameEncoder.for_network(
        {name: tuple(levels) for name, levels in factors.items()},
        numbers,
        _per_number(normsub, 0.0, n_numbers, "normsub"),
        _per_number(normmul, 1.0, n_numbers, "normmul"),
    )
    wrong = [a for a, b in zip(names or [], encoder.names, strict=False) if a != b]
    if wrong:
        msg = f"names must be as H2O exports them: {wrong[0]!r} does not fit the factors' levels."
        raise ValueError(msg)
    return encoder


def _per_number(values: npt.ArrayLike | None, default: float, n_numbers: int, name: str) -> Any:
    if values is None:
        return np.full(n_numbers, default)
    made = np.asarray(values, dtype=np.float64).ravel()
    if made.size != n_numbers:
        msg = f"{name} must have one value per column of numbers, {n_numbers}, got {made.size}."
        raise ValueError(msg)
    return made


def _factors(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the factors and levels in H2O's input names: a factor's last unit tells its name."""
    factors: dict[str, tuple[str, ...]] = {}
    start = 0
    for end, name in enumerate(names):
        if name.endswith(f".{MISSING}"):
            prefix = name.removesuffix(MISSING)
            levels = [level.removeprefix(prefix) for level in names[start:end]]
            factors[prefix[:-1]] = tuple(levels)
            start = end + 1
    return factors
