"""A progress bar while a model trains; nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

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
        TextColumn("{task.fields[speed]}  {task.fields[mse]} "),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, speed="", mse="")

        def update(samples_done: int, samples_total: int, mse: float) -> None:
            progress.update(
                task,
                completed=samples_done,
                total=samples_total,
                speed=_speed(samples_done, progress.tasks[0].elapsed),
                mse=f"MSE {mse:.6f}",
            )

        yield update


def _speed(samples: int, elapsed: float | None) -> str:
    return f"{samples / elapsed:,.0f} obs/s" if elapsed else ""
