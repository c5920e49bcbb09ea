"""Rules for the threshold, as the user gives them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fastae._checks import (
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    UP_TO_HALF,
    Number,
    check_number,
    fail,
    is_auto,
)
from fastae._threshold import (
    MIN_ROWS_FOR_TAIL,
    mad_threshold,
    n_rows,
    quantiles,
    rank_threshold,
    tail_threshold,
    threshold,
)

if TYPE_CHECKING:
    from fastae._threshold import Float64

ARGUMENTS = (
    "value",
    "contamination",
    "quantile",
    "false_positive_rate",
    "method",
    "n_deviations",
)

# Iglewicz and Hoaglin's; and how rare false alarms are by default where a tail is fitted.
N_DEVIATIONS = 3.5
TAIL_RATE = 1e-3
# A fitted tail gives rates so many times finer than the rows alone do; the
# realised one is up to three times as high there (benchmarks/results/decisions.md, tails).
TAIL_REACH = 5


@dataclass(frozen=True)
class Rule:
    """How a threshold comes from errors.

    Attributes
    ----------
    method : {"value", "contamination", "quantile", "rate", "mad", "evt"}
    level : float or "auto"
        The threshold itself, a share, a quantile, a rate, or a number of deviations.
    lenient : bool
        Take a share that is finer than the data for "the worst row".
    """

    method: Literal["value", "contamination", "quantile", "rate", "mad", "evt"]
    level: float | Literal["auto"]
    lenient: bool = False

    @property
    def promises(self) -> bool:
        """Whether it is about rows that are not among those that it looks at."""
        return self.method in ("rate", "evt")

    @property
    def wants_all(self) -> bool:
        """Whether it is a share of the training rows, and not only of some of them."""
        return self.method in ("contamination", "quantile") and self.level != "auto"

    def threshold(self, errors: Float64, weights: Float64 | None, kind: str) -> float:
        """Return the largest error that still counts as normal.

        Parameters
        ----------
        errors : ndarray of shape (n,), float64
        weights : ndarray of shape (n,), float64, or None
        kind : {"training", "calibration"}
            What the rows are for, for messages.

        Raises
        ------
        ValueError
            If there are too few errors for such a rule.
        """
        self.check_suits(n_rows(errors, weights), kind)
        if self.method == "contamination":
            return threshold(errors, self.level, weights)
        level = float(self.level)
        if self.method == "quantile":
            return float(quantiles(errors, [level], weights)[0])
        if self.method == "rate":
            return rank_threshold(errors, level, weights)
        if self.method == "mad":
            return mad_threshold(errors, level, weights)
        return tail_threshold(errors, level, weights) if self.method == "evt" else level

    def check_suits(self, n: float, kind: str) -> None:
        """Raise ValueError if `n` rows do not support the rule."""
        if self.lenient or self.level == "auto" or self.level == 0:
            return
        level, rows = float(self.level), f"the errors of {n:,.0f} {kind} rows"
        if self.method == "evt" and n < MIN_ROWS_FOR_TAIL:
            msg = f"method='evt' needs {MIN_ROWS_FOR_TAIL} rows or more, but there are {rows}."
            raise ValueError(msg)
        if self.method == "quantile" and _finer(1 - level, 1 / n):
            msg = f"quantile={level:g} is finer than {rows} support: at most {1 - 1 / n:.6g}."
            raise ValueError(msg)
        # The least share by the rows there are, and how many rows this share needs.
        limits = {
            "contamination": (1 / n, 1 / level),
            "rate": (1 / (n + 1), 1 / level - 1),
            "evt": (1 / (TAIL_REACH * n), 1 / (TAIL_REACH * level)),
        }
        if self.method in limits and _finer(level, limits[self.method][0]):
            least, needed = limits[self.method]
            name = "contamination" if self.method == "contamination" else "false_positive_rate"
            advice = f"give {math.ceil(needed - 1e-6):,} rows or more"
            if kind == "training" and name == "false_positive_rate":
                advice = f"calibrate with {math.ceil(needed - 1e-6):,} rows or more"
            if self.method == "rate" and n >= MIN_ROWS_FOR_TAIL and level * TAIL_REACH * n >= 1:
                advice += ", or method='evt' for a fit to the tail"
            msg = f"{name}={level:g} is finer than {rows} support: at least {least:.6g}; {advice}."
            raise ValueError(msg)


def rule_of(value: Any = None, **given: Any) -> Rule:
    """Return the rule that `set_threshold`'s arguments name.

    Parameters
    ----------
    value : float or None
    **given
        The other arguments; None where they were not given.

    Raises
    ------
    ValueError
        If it is not one rule, or a number is out of its range.

    Examples
    --------
    >>> from fastae._rules import rule_of
    >>> rule_of(quantile=0.99), rule_of(method="mad").level
    (Rule(method='quantile', level=0.99, lenient=False), 3.5)
    """
    arguments = {"value": value, **given}
    named = {name: v for name, v in arguments.items() if v is not None}
    method = named.pop("method", None)
    if method is not None and not (isinstance(method, str) and method in ("mad", "evt")):
        fail("method", "'mad' or 'evt'", method)
    allowed = {None: _SINGLE, "mad": {"n_deviations"}, "evt": {"false_positive_rate"}}[method]
    if not set(named) <= set(allowed) or (method is None and len(named) != 1):
        given = {name: arguments.get(name) for name in ARGUMENTS}
        words = ", ".join(f"{name}={v!r}" for name, v in given.items() if v is not None)
        msg = (
            "A threshold is one of value, contamination, quantile, false_positive_rate, "
            "method='mad' with n_deviations, and method='evt' with false_positive_rate, got "
            f"{words or 'nothing'}."
        )
        raise ValueError(msg)
    if method == "mad":
        return Rule("mad", _number("n_deviations", named.get("n_deviations", N_DEVIATIONS)))
    if method == "evt":
        return Rule(
            "evt", _number("false_positive_rate", named.get("false_positive_rate", TAIL_RATE))
        )
    ((name, level),) = named.items()
    if name == "contamination" and is_auto(level):
        return Rule("contamination", "auto")
    return Rule(_SINGLE[name], _number(name, level))


def rule_of_parameters(param: Any, contamination: Any) -> Rule:
    """Return the rule that the parameters `threshold` and `contamination` name.

    Raises
    ------
    ValueError
        If `threshold` is nothing that it can be.
    """
    if param is None:
        return Rule("contamination", contamination, lenient=True)
    if isinstance(param, str) and param in ("mad", "evt"):
        return rule_of(method=param)
    if isinstance(param, dict) and param and set(param) <= set(ARGUMENTS):
        try:
            return rule_of(**param)
        except ValueError as error:
            msg = f"threshold={param!r}: {error}"
            raise ValueError(msg) from None
    words = "None, a number >= 0, 'mad', 'evt', or a dict of set_threshold's arguments"
    check_number("threshold", param, Number(words, lambda value: value >= 0))
    return Rule("value", float(param))


_SINGLE: dict[str, Any] = {
    "value": "value",
    "contamination": "contamination",
    "quantile": "quantile",
    "false_positive_rate": "rate",
}
_RANGES = {
    "value": (NOT_NEGATIVE, ""),
    "contamination": (UP_TO_HALF, "'auto' or "),
    "quantile": (SHARE, ""),
    "false_positive_rate": (SHARE, ""),
    "n_deviations": (POSITIVE, ""),
}


def _number(name: str, value: Any) -> float:
    number, prefix = _RANGES[name]
    check_number(name, value, number, prefix)
    return float(value)


def _finer(share: float, least: float) -> bool:
    return share < least * (1 - 1e-9)
