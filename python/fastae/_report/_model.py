"""What the page says of the model: its settings, how it ended, and how to make it again."""

from __future__ import annotations

import ast
import inspect
import platform
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy
import sklearn

from fastae._config import _LABELS, get_config
from fastae._report._words import number, rule_in_words
from fastae._rules import rule_of_parameters
from fastae._table import Table

if TYPE_CHECKING:
    from fastae._rules import Rule

_MOST_HISTORY = 12
_HISTORY = (
    "duration", "epochs", "samples", "obs_per_s", "training_mse", "validation_mse",
)  # fmt: skip
_LAYERS = ("layer", "units", "type", "dropout", "l1", "l2", "mean_weight", "weight_sd", "mean_bias")
# Whatever the threshold is recomputed by are the same float64 numbers, added in another order.
_TOLERANCE = 1e-9

SCALINGS = {
    "range": "(x - mean) / (max - min), per column",
    "standard": "(x - mean) / standard deviation, per column",
    "robust": "(x - median) / spread by the quartiles, per column, no further than -10 to 10",
    "none": "as they are",
}
STOPS = {
    "max_epochs": "all epochs done",
    "early_stopping": "the MSE had ceased to fall",
    "target_mse": "the wanted MSE was reached",
    "max_time": "the time was up",
    "callback": "a callback asked for it",
    "interrupted": "interrupted",
}


class Parameter(NamedTuple):
    """A parameter that is not at its default."""

    name: str
    value: str
    default: str


def changed_parameters(estimator: Any) -> list[Parameter]:
    """Return the parameters that differ from the defaults, in the constructor's order.

    Examples
    --------
    >>> from fastae import Autoencoder
    >>> from fastae._report._model import changed_parameters
    >>> changed_parameters(Autoencoder(solver="sgd"))
    [Parameter(name='solver', value="'sgd'", default="'adam'")]
    """
    defaults = inspect.signature(type(estimator).__init__).parameters
    given = estimator.get_params(deep=False)
    return [
        Parameter(name, repr(given[name]), repr(parameter.default))
        for name, parameter in defaults.items()
        if name in given and repr(given[name]) != repr(parameter.default)
    ]


def snippet(estimator: Any, *, threshold_moved: bool) -> str:
    """Return the code that makes the estimator again.

    Parameters
    ----------
    estimator : Autoencoder
    threshold_moved : bool
        Whether `set_threshold` has to follow `fit`.

    Examples
    --------
    >>> from fastae import Autoencoder
    >>> from fastae._report._model import snippet
    >>> print(snippet(Autoencoder(solver="sgd"), threshold_moved=False))
    from fastae import Autoencoder
    <BLANKLINE>
    model = Autoencoder(
        solver='sgd',
    )
    model.fit(X)  # the training rows
    """
    kind = type(estimator)
    module = "fastae" if kind.__module__.startswith("fastae._") else kind.__module__
    lines = [f"from {module} import {kind.__name__}", "", f"model = {kind.__name__}("]
    for name, value, _ in changed_parameters(estimator):
        text = " ".join(value.split())
        lines.append(f"    {name}={text}," if _is_literal(value) else f"    # {name}: {text[:60]}")
    lines += [")", "model.fit(X)  # the training rows"]
    if threshold_moved:
        lines.append(f"model.set_threshold({-float(estimator.offset_)!r})")
    return "\n".join(lines)


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def outcomes(estimator: Any) -> list[tuple[str, str]]:
    """Return what training came to, as pairs of words."""
    widths = estimator._network.widths
    weights = sum(
        W.size + b.size for W, b in zip(estimator.coefs_, estimator.intercepts_, strict=True)
    )
    pairs = [
        ("network", " → ".join(f"{width:,}" for width in widths)),
        ("weights and biases", number(weights)),
        ("scaling", f"{estimator.scaling_}: {SCALINGS[estimator.scaling_]}"),
    ]
    names = (
        ("batch_size_", "rows per update"),
        ("n_iter_", "complete epochs"),
        ("n_samples_seen_", "rows trained on, once per epoch"),
    )
    pairs += [
        (words, number(getattr(estimator, name)))
        for name, words in names
        if hasattr(estimator, name)
    ]
    reason = getattr(estimator, "stop_reason_", None)
    if reason is not None:
        pairs.append(("training ended", f"{reason}: {STOPS.get(reason, reason)}"))
    return pairs


def layer_table(estimator: Any) -> Table:
    """Return the columns of `summary()` that say something, and fit a page."""
    layers = estimator.summary()
    said = [name for name in _LAYERS if not _is_silent(layers[name])]
    return Table({name: layers[name] for name in said})


def _is_silent(column: Any) -> bool:
    return column.dtype.kind == "f" and not np.nan_to_num(column).any()


def thinned_history(estimator: Any) -> Table | None:
    """Return some evenly spaced rows of the history, the first and the last among them."""
    if not hasattr(estimator, "history_"):
        return None
    history = estimator.history_
    rows = np.unique(np.linspace(0, history.n_rows - 1, _MOST_HISTORY).round().astype(int))
    said = [name for name in _HISTORY if name in history and not np.isnan(history[name]).all()]
    return Table({name: history[name][rows] for name in said})


class ThresholdStory(NamedTuple):
    """How the threshold came about: a sentence, and whether `set_threshold` moved it."""

    words: str
    moved: bool


def threshold_story(estimator: Any) -> ThresholdStory:
    """Return how the threshold came about, as far as the estimator tells.

    The rule of the parameters is applied again to the errors that the estimator keeps: if that
    gives the threshold, it was this rule; if not, `set_threshold` has been called since.
    """
    rule = rule_of_parameters(estimator.threshold, estimator.contamination)
    threshold = -float(estimator.offset_)
    errors = getattr(estimator, "_errors", None)
    if not np.isfinite(threshold) or errors is None:
        words = "The weights were taken over, not trained here, "
        if not np.isfinite(threshold):
            return ThresholdStory(f"{words}and nobody has set a threshold.", moved=False)
        return ThresholdStory(f"{words}and the threshold was set for them.", moved=True)
    sources = {"training": errors, "calibration": estimator._calibration}
    for kind, kept in sources.items():
        if kept is not None and _gives(rule, kept, kind, threshold):
            return ThresholdStory(_sentence(rule, kind, kept[0].size), moved=False)
    if rule.wants_all and estimator._calibration is None:
        words = f"{_sentence(rule, 'training', None)} Unless set_threshold has moved it since."
        return ThresholdStory(words, moved=False)
    return ThresholdStory("It was moved by set_threshold after fit.", moved=True)


def _gives(rule: Rule, kept: Any, kind: str, threshold: float) -> bool:
    errors, weights = kept
    try:
        value = rule.threshold(errors, weights, kind)
    except ValueError:  # too few errors for such a rule: it was not applied to these
        return False
    return bool(abs(value - threshold) <= _TOLERANCE * max(abs(value), abs(threshold)))


def _sentence(rule: Rule, kind: str, n: int | None) -> str:
    if rule.method == "value":
        return f"It is {rule_in_words(rule)}, a parameter."
    rows = f"the {kind} rows" if n is None else f"{n:,} {kind} rows"
    return f"It is set by the errors of {rows}: {rule_in_words(rule)}."


def versions() -> list[tuple[str, str]]:
    """Return what `fastae.show_config` says, and the versions of what it stands on."""
    config = get_config()
    pairs = [
        (_LABELS[key], ", ".join(value) if isinstance(value, list) else str(value))
        for key, value in config.items()
    ]
    libraries = {"NumPy": np, "SciPy": scipy, "scikit-learn": sklearn}
    return [
        *pairs,
        ("Python", platform.python_version()),
        *((name, str(library.__version__)) for name, library in libraries.items()),
        ("system", f"{platform.system()} {platform.machine()}"),
    ]
