"""Numbers, cells and rules as people read them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae.plot import _names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._rules import Rule

NOTHING = "-"
LONGEST = 60  # names on the page


def number(value: Any) -> str:
    """Return a number with four digits, of integers all.

    Examples
    --------
    >>> from fastae._report._words import number
    >>> [number(value) for value in (12345, 0.012345, 123456.7, 1e-9, float("nan"), None)]
    ['12,345', '0.01235', '123,457', '1e-09', '-', '-']
    """
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return NOTHING
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    if 1e4 <= abs(value) < 1e9:
        return f"{float(value):,.0f}"
    return f"{float(value):.4g}"


def percent(share: float) -> str:
    """Return a share in percent.

    Examples
    --------
    >>> from fastae._report._words import percent
    >>> percent(0.5), percent(0.0123), percent(0.0), percent(1e-5)
    ('50 %', '1.2 %', '0 %', '<0.1 %')
    """
    if math.isnan(share):
        return NOTHING
    if 0.0 < share < 0.001:
        return "<0.1 %"
    rounded = f"{100 * share:.1f}".removesuffix(".0")
    return f"{rounded if share < 0.1 or share > 0.9 else f'{100 * share:.0f}'} %"


def cell(value: Any) -> str:
    """Return a cell of a table of any kind; a date without time where it is midnight.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._report._words import cell
    >>> cell(np.float32(0.1)), cell("red"), cell(np.datetime64("2026-01-02T03:04:05.678"))
    ('0.1', 'red', '2026-01-02 03:04:05')
    >>> cell(np.datetime64("2026-01-02T00:00"))
    '2026-01-02'
    """
    if isinstance(value, np.datetime64):
        return moment(value)
    if isinstance(value, np.timedelta64):
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "isoformat") and hasattr(value, "hour"):
        return str(value.isoformat(sep=" ", timespec="seconds")).removesuffix(" 00:00:00")
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return number(value)
    return shortened(value)


def moment(value: np.datetime64, *, time: bool | None = None) -> str:
    """Return a date, and the time of day if there is one, or if it is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._report._words import moment
    >>> midnight = np.datetime64("2026-01-02T00:00:00")
    >>> moment(midnight), moment(midnight, time=True)
    ('2026-01-02', '2026-01-02 00:00:00')
    """
    text = str(value.astype("datetime64[s]")).replace("T", " ")
    is_whole_day = text.endswith(" 00:00:00") if time is None else not time
    return text.removesuffix(" 00:00:00") if is_whole_day else text


def told_apart(names: Sequence[object], longest: int = LONGEST) -> list[str]:
    """Return names that fit on the page; different ones stay different.

    Examples
    --------
    >>> from fastae._report._words import told_apart
    >>> told_apart(["a long name", "a long game"], 8)
    ['…g name', '…g game']
    """
    return _names.shortened(names, longest)


def listed(words: Sequence[object], longest: int = LONGEST) -> list[str]:
    """Return names or levels that stand in one sentence, in quotes where they would blur it.

    Examples
    --------
    >>> from fastae._report._words import listed
    >>> listed(["red", "green, light", ""])
    ['red', '"green, light"', '""']
    """
    texts = told_apart(words, longest)
    return [json.dumps(text, ensure_ascii=False) if _blurs(text) else text for text in texts]


def _blurs(text: str) -> bool:
    return not text or text != text.strip() or bool(set(text) & set(',;"'))


def shortened(value: object, longest: int = LONGEST) -> str:
    """Return an object's text, its middle left out if it is long.

    Examples
    --------
    >>> from fastae._report._words import shortened
    >>> shortened("a long name", 8)
    'a lo…ame'
    """
    text = str(value)
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}…{text[len(text) - longest + longest // 2 + 1 :]}"


def printable(value: Any) -> Any:
    r"""Return text with what has no glyph spelled out: control characters, halves of characters.

    Examples
    --------
    >>> from fastae._report._words import printable
    >>> printable("a" + chr(0) + "b" + chr(0x202E)), printable(3)
    ('a\\x00b\\u202e', 3)
    """
    if type(value) is not str or value.isprintable():
        return value
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in value)


def rule_in_words(rule: Rule) -> str:
    """Return how a threshold comes from errors, to follow "It is ".

    Examples
    --------
    >>> from fastae._report._words import rule_in_words
    >>> from fastae._rules import Rule
    >>> rule_in_words(Rule("quantile", 0.99))
    'the 0.99 quantile of their errors'
    """
    level = rule.level
    if rule.method == "contamination" and level == "auto":
        return (
            "the outer fence of a box plot of the logarithms of their errors, and from 200 rows on "
            "at most their 99.5 % quantile"
        )
    assert level != "auto"
    return {
        "value": f"the number {number(level)}",
        "contamination": f"the error that {percent(level)} of them exceed",
        "quantile": f"the {number(level)} quantile of their errors",
        "rate": f"the error that a new row exceeds with a probability of at most {percent(level)}",
        "mad": (
            f"{number(level)} robust standard deviations above the median of the "
            "logarithms of their errors"
        ),
        "evt": (
            f"the error that {percent(level)} of new rows exceed, by a generalised "
            "Pareto distribution fitted to their largest errors"
        ),
    }[rule.method]
