"""A progress bar while a model trains; nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# The width from which there is room for the error beside speed and time.
_ROOMY = 80

OnProgress = Callable[[int, int, float], None]


@contextmanager
def training_bar(title: str) -> Iterator[OnProgress | None]:
    """Show a bar with rows per second, training MSE and the time left.

    Parameters
    ----------
    title : str
        Stands in front of the bar.

    Yields
    ------
    callable or None
        To be called with the samples done, the samples to do and the MSE so far; None if
        standard output or standard error is not a terminal.
    """
    with _bar(title, None) as update:
        if update is None:
            yield None
        else:
            yield lambda done, total, mse: update(done, total, f"MSE {mse:.6f}")


@contextmanager
def row_bar(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar with rows per second and the time left.

    Parameters
    ----------
    title : str
        Stands in front of the bar.
    total : int or None
        How many rows there are, if that is known.

    Yields
    ------
    callable
        To be called with how many rows more are done.
    """
    done = 0
    with _bar(title, total) as update:

        def advance(n_rows: int) -> None:
            nonlocal done
            done += n_rows
            if update is not None:
                update(done, total, "")

        yield advance


@contextmanager
def _bar(title: str, total: int | None) -> Iterator[Callable[[int, int | None, str], None] | None]:
    # On standard error, so that the bar never mixes with results; but results sent to a file
    # mean that nobody waits for them at the screen.
    console = Console(stderr=True)
    if not (sys.stdout.isatty() and console.is_terminal):
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}  {task.fields[more]} "),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=total, speed="", more="")

        has_room = console.width >= _ROOMY

        def update(done: int, total: int | None, more: str) -> None:
            progress.update(
                task,
                completed=done,
                total=total,
                speed=_speed(done, progress.tasks[0].elapsed),
                more=more if has_room else "",
            )

        yield update


def _speed(samples: int, elapsed: float | None) -> str:
    return f"{samples / elapsed:,.0f} obs/s" if elapsed else ""
