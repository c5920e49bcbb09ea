"""The package's logger, and what ``verbose=1`` shows where the application has not set up logging.

That is a line per scoring on standard error, and in a notebook one line with a bar that is written
over, by IPython's own means: notebooks paint standard error red, and keep every line of it.
"""

from __future__ import annotations

import html
import importlib
import logging
import sys
import time
import weakref
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger("fastae")


@dataclass(frozen=True)
class Step:
    """Where a training stands, for handlers that draw it: log records carry it as `fastae_step`.

    Attributes
    ----------
    run : object
        The training, which lets weak references to it be made.
    done, total : float
        Epochs.
    ended : str
        Why it ended before its time; "" otherwise.
    """

    run: object
    done: float
    total: float
    ended: str = ""


def show_log() -> None:
    """Make ``verbose=1`` visible where the application has not set up logging."""
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        logger.addHandler(NotebookHandler() if _in_notebook() else logging.StreamHandler())


def _in_notebook() -> bool:
    """Tell whether a kernel runs this, which can write over what it has shown."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class NotebookHandler(logging.Handler):
    """Shows the last line about a training with a bar, and other lines on standard output."""

    def __init__(self) -> None:
        super().__init__()
        self._display: Any = None
        self._run: weakref.ref[object] | None = None  # the one that the display is of
        self._done = self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        step = getattr(record, "fastae_step", None)
        if step is None:
            print(self.format(record))
            return
        try:
            self._show(step, self.format(record))
        except Exception:  # noqa: BLE001, as handlers do: logging never ends a training
            self.handleError(record)

    def _show(self, step: Step, line: str) -> None:
        # Not by name: it is no dependency, but there where a kernel runs.
        display = importlib.import_module("IPython.display").display
        is_new = self._run is None or self._run() is not step.run or step.done < self._done
        if is_new:
            self._run, self._started = weakref.ref(step.run), time.monotonic()
        self._done = step.done
        words = f"{line}{self._left(step)}"
        bundle = {"text/plain": words, "text/html": _bar(step, words)}
        if is_new:
            self._display = display(bundle, raw=True, display_id=True)
        else:
            self._display.update(bundle, raw=True)

    def _left(self, step: Step) -> str:
        """Return how long it will go on, in words."""
        seconds = time.monotonic() - self._started
        if step.ended:
            return f", ended by {step.ended}"
        if not 0 < step.done < step.total or seconds < 1:
            return ""
        return f", {seconds * (step.total / step.done - 1):.0f} s left"


def _bar(step: Step, words: str) -> str:
    """Return a line with a bar as HTML.

    Examples
    --------
    >>> from fastae._log import Step, _bar
    >>> _bar(Step(None, 1.0, 4.0), "epoch 1/4")
    '<div><progress max="1" value="0.25"></progress> epoch 1/4</div>'
    """
    share = 1.0 if step.ended or not step.total else min(step.done / step.total, 1.0)
    return f'<div><progress max="1" value="{share:.4g}"></progress> {html.escape(words)}</div>'
