"""Names of rows and columns, made to fit beside a picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axis import Axis

# Characters of a row's or column's name that fit beside a picture.
_LONGEST_NAME = 22
# Characters that have room side by side.
_ROOM = 85


def shortened(names: Sequence[object], longest: int = _LONGEST_NAME) -> list[str]:
    """Return names that fit beside a picture; different ones stay different.

    Long names lose their middle. Those that would then be the same lose their common beginning
    instead, and are as long as it takes.

    Examples
    --------
    >>> from fastae.plot._names import shortened
    >>> shortened(["age", "temperature_sensor_north_1", "temperature_sensor_north_2"])
    ['age', 'temperature…or_north_1', 'temperature…or_north_2']
    >>> shortened(["a shared beginning, x, shared end", "a shared beginning, y, shared end"], 16)
    ['…ing, x,…red end', '…ing, y,…red end']
    """
    texts = list(map(str, names))
    short = {text: _cut(text, longest) for text in texts}
    same: dict[str, list[str]] = {}
    for text, cut in short.items():
        same.setdefault(cut, []).append(text)
    for group in same.values():
        if len(group) > 1:
            short |= zip(group, _without_beginning(group, longest), strict=True)
    if len(set(short.values())) < len(short):  # a name looks as another one's short form does
        return texts
    return [short[text] for text in texts]


def _cut(text: str, longest: int) -> str:
    """Return a text without its middle if it is long."""
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}…{text[len(text) - longest + longest // 2 + 1 :]}"


def _without_beginning(group: list[str], longest: int) -> list[str]:
    """Return texts that share their beginning from shortly before where they differ."""
    n_shared = len(os.path.commonprefix(group))  # noqa: RUF071 - of any texts, not of paths
    start = max(0, n_shared - longest // 3)
    rests = [f"{'…' * (start > 0)}{text[start:]}" for text in group]
    while True:
        cuts = [_cut(rest, longest) for rest in rests]
        if len(set(cuts)) == len(group):
            return cuts
        longest += 1


def name_ticks(axis: Axis, names: Sequence[object], *, most: int) -> None:
    """Write names along an axis, one per position from 0; of more than `most` only some.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
    names : sequence
    most : int
    """
    step = -(-len(names) // most)
    at = range(0, len(names), step)
    labels = shortened([names[i] for i in at])
    # Some names have room beside each other, more or longer ones only upright.
    wide = (1 + max(map(len, labels), default=0)) * len(labels) > min(2.2 * most, _ROOM)
    upright = wide and axis.axis_name == "x"  # type: ignore[attr-defined]
    axis.set_ticks(at, labels, fontsize=8, rotation=90 if upright else 0)
