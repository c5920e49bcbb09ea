"""Windows and samples of a table that comes in batches and need not fit into memory."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

Array = npt.NDArray[Any]
Parts = tuple[Array, ...]

_DRAWS = 4096  # random numbers drawn at a time
_LEAST = 2.0**-60  # in place of a random number that is 0
_FAR = 2.0**40  # rows; no skip is longer


def windows(
    batches: Iterable[Array | Sequence[Array]],
    rows: int,
    *,
    dtypes: Sequence[npt.DTypeLike] | None = None,
) -> Generator[Parts]:
    """Put batches together to windows of equally many rows.

    Two buffers are filled in turn: a window is valid until the one after the next is asked for.
    So ``ReadAhead(lambda: windows(batches, rows), prefetch=1)`` fills one while the caller works
    on the other, and memory holds two windows and a batch.

    Parameters
    ----------
    batches : iterable of arrays, or of tuples of arrays
        The arrays of a batch, as ``(numbers, codes)``, have equally many rows, their first
        dimension; batches differ in the number of rows only. If it has a `close` method, as
        generators have, that is called at the end.
    rows : int
        Rows of a window; the last one may have fewer.
    dtypes : sequence of dtypes or None
        Those of the windows' arrays. None: those of the batches; after one that needs wider types
        than those before it, windows have these.

    Yields
    ------
    window : tuple of C-contiguous ndarrays of shape (n, ...)
        In the order of the batches; empty batches leave no trace.

    Raises
    ------
    ValueError
        If `rows` is below 1, or a batch is not like the first one: it is named.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._windows import windows
    >>> batches = [(np.array([[1], [2], [3]]),), (np.array([[4], [5]]),)]
    >>> [window[0][:, 0].tolist() for window in windows(batches, rows=2)]
    [[1, 2], [3, 4], [5]]
    """
    _check_count("rows", rows)
    with ExitStack() as at_the_end:
        if hasattr(batches, "close"):
            at_the_end.callback(batches.close)
        layout: _Layout | None = None
        buffers: list[Parts] = []
        turn = filled = 0
        for index, parts in enumerate(map(_parts, batches)):
            n = _length(parts, index)
            if n == 0:
                continue
            layout = layout or _Layout(parts, dtypes)
            if layout.widened(parts, index):  # who has the old buffer keeps it
                buffers = [layout.cast(buffer) for buffer in buffers]
            start = 0
            while start < n:
                if turn == len(buffers):  # the second one only if there is a second window
                    buffers.append(layout.empty(rows))
                taken = min(rows - filled, n - start)
                for buffer, part in zip(buffers[turn], parts, strict=True):
                    buffer[filled : filled + taken] = part[start : start + taken]
                filled += taken
                start += taken
                if filled == rows:
                    yield buffers[turn]
                    turn, filled = 1 - turn, 0
        if filled:
            yield tuple(buffer[:filled] for buffer in buffers[turn])


def sample_rows(
    batches: Iterable[Array | Sequence[Array]],
    n: int,
    *,
    seed: int | Sequence[int] = 0,
    dtypes: Sequence[npt.DTypeLike] | None = None,
) -> Parts:
    """Draw n rows at random, each set of n rows equally likely, in one pass over batches.

    Parameters
    ----------
    batches : iterable of arrays, or of tuples of arrays
        As for `windows`.
    n : int
        Rows to draw; if there are not more, all of them are returned.
    seed : int or sequence of ints
        The same rows are drawn for the same seed, however they are split into batches.
    dtypes : sequence of dtypes or None
        As for `windows`.

    Returns
    -------
    sample : tuple of C-contiguous ndarrays of shape (min(n, n_rows), ...)
        In the order in which the rows came; an empty tuple if there was not one.

    Raises
    ------
    ValueError
        If `n` is below 1, or a batch is not like the first one: it is named.

    Notes
    -----
    Algorithm L of Li, "Reservoir-Sampling Algorithms of Time Complexity O(n(1 + log(N/n)))", ACM
    TOMS 20, 1994: it draws how many rows to skip, so that most rows cost nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._windows import sample_rows
    >>> table = np.arange(1000)
    >>> one, = sample_rows([table], 5)
    >>> two, = sample_rows(np.split(table, [1, 40, 700]), 5)
    >>> one.size, bool((one == two).all())
    (5, True)
    """
    _check_count("n", n)
    with ExitStack() as at_the_end:
        if hasattr(batches, "close"):
            at_the_end.callback(batches.close)
        layout: _Layout | None = None
        kept: Parts = ()
        origin = np.empty(n, dtype=np.int64)
        replacements = _Replacements(n, seed)
        seen = 0
        for index, parts in enumerate(map(_parts, batches)):
            size = _length(parts, index)
            if size == 0:
                continue
            if layout is None:
                layout = _Layout(parts, dtypes)
                kept = layout.empty(n)
            if layout.widened(parts, index):
                kept = layout.cast(kept)
            slots, positions = replacements.until(seen + size)
            for buffer, part in zip(kept, parts, strict=True):
                buffer[slots] = part[positions - seen]
            origin[slots] = positions
            seen += size
    order = np.argsort(origin[: min(n, seen)])
    return tuple(buffer[order] for buffer in kept)


class _Replacements:
    """Which slot of a reservoir of n each row goes to; most go to none."""

    def __init__(self, n: int, seed: int | Sequence[int]) -> None:
        self._n = n
        self._rng = np.random.default_rng(seed)
        self._log_w = 0.0
        self._last = n - 1.0  # the last row of which it is known where it goes
        self._rows = np.arange(n, dtype=np.float64)
        self._slots = np.arange(n)

    def until(self, stop: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return slots and rows of those before `stop` that are kept, each slot once."""
        while self._last < stop:
            self._draw()
        end = int(np.searchsorted(self._rows, stop))
        slots, rows = self._slots[:end], self._rows[:end].astype(np.int64)
        self._slots, self._rows = self._slots[end:], self._rows[end:]
        # Of several rows for one slot the last one stays.
        slots, first_from_behind = np.unique(slots[::-1], return_index=True)
        return slots, rows[::-1][first_from_behind]

    def _draw(self) -> None:
        draws = self._rng.random((_DRAWS, 3))
        logs = np.log(np.maximum(draws[:, :2], _LEAST))
        # w, the product of u^(1/n) so far, is what the greatest of n random keys looks like.
        log_w = self._log_w + np.cumsum(logs[:, 0]) / self._n
        with np.errstate(divide="ignore", over="ignore"):  # w may be too small: an infinite skip
            skips = logs[:, 1] / np.log1p(-np.exp(log_w))
        rows = self._last + np.cumsum(np.minimum(np.floor(skips), _FAR) + 1)
        self._log_w, self._last = float(log_w[-1]), float(rows[-1])
        self._rows = np.concatenate([self._rows, rows])
        self._slots = np.concatenate([self._slots, (draws[:, 2] * self._n).astype(np.int64)])


class _Layout:
    """Types and shapes that all batches share."""

    def __init__(self, parts: Parts, dtypes: Sequence[npt.DTypeLike] | None) -> None:
        self._shapes = [part.shape[1:] for part in parts]
        self._is_given = dtypes is not None
        self._dtypes = [part.dtype for part in parts]
        if dtypes is not None:
            if len(dtypes) != len(parts):
                msg = f"dtypes must name one per array of a batch, {len(parts)}, got {dtypes!r}."
                raise ValueError(msg)
            self._dtypes = [np.dtype(dtype) for dtype in dtypes]

    def empty(self, rows: int) -> Parts:
        """Return arrays for so many rows."""
        pairs = zip(self._shapes, self._dtypes, strict=True)
        return tuple(np.empty((rows, *shape), dtype) for shape, dtype in pairs)

    def cast(self, parts: Parts) -> Parts:
        """Return arrays in these types."""
        return tuple(
            part.astype(dtype, copy=False) for part, dtype in zip(parts, self._dtypes, strict=True)
        )

    def widened(self, parts: Parts, index: int) -> bool:
        """Tell whether the types had to become wider for a batch.

        Raises
        ------
        ValueError
            If the batch is not like those before it, or does not fit into the types named.
        """
        shapes = [part.shape[1:] for part in parts]
        if shapes != self._shapes:
            msg = (
                f"Batch {index} has arrays with rows of shape {shapes}, but those before it "
                f"have {self._shapes}: all batches must be alike."
            )
            raise ValueError(msg)
        old = self._dtypes
        if not self._is_given:
            pairs = zip(old, parts, strict=True)
            self._dtypes = [np.result_type(dtype, part.dtype) for dtype, part in pairs]
            return self._dtypes != old
        for part, dtype in zip(parts, old, strict=True):
            if not np.can_cast(part.dtype, dtype, "same_kind"):
                msg = (
                    f"Batch {index} holds {part.dtype}, which does not fit into {dtype}, the "
                    f"type of the windows."
                )
                raise ValueError(msg)
        return False


def _parts(batch: Array | Sequence[Array]) -> Parts:
    return (batch,) if isinstance(batch, np.ndarray) else tuple(map(np.asarray, batch))


def _length(parts: Parts, index: int) -> int:
    lengths = {part.shape[0] if part.ndim else None for part in parts}
    if len(lengths) != 1 or None in lengths:
        shapes = ", ".join(str(part.shape) for part in parts)
        msg = f"The arrays of batch {index} must have equally many rows, got shapes {shapes}."
        raise ValueError(msg)
    (length,) = lengths
    return length or 0


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        msg = f"{name} must be an integer of at least 1, got {value!r}."
        raise ValueError(msg)
