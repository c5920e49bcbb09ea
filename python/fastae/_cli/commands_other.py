"""The commands that need no table: demo and bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fastae._cli import arguments as arg
from fastae._cli.parameters import Parallel, Solver
from fastae._cli.readers import read_number, read_sizes


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for the pictures; made if absent.", metavar="DIR")
    ] = Path("fastae-demo"),
    random_state: Annotated[
        int, typer.Option(help="Seed.", min=0, max=2**32 - 1, metavar="INT")
    ] = 0,
) -> None:
    """Find three bad heartbeats among twenty good ones, and the oddest handwritten digits.

    Needs no file and no network: the heartbeats come from a published model of the
    electrocardiogram, the digits are the real ones that come with scikit-learn.

    For example:

    ```
    fastae demo --out pictures
    ```
    """
    from fastae._cli.demo import run

    run(out, random_state=random_state)


def bench(
    hidden_layer_sizes: Annotated[
        Any,
        typer.Option(help="Units of the hidden layers.", metavar="SIZES", parser=read_sizes),
    ] = "50",
    columns: Annotated[int, arg.top("Columns of the table.")] = 784,
    rows: Annotated[int, arg.top("Rows of the table.")] = 20_000,
    batch_size: Annotated[
        Any, typer.Option(help="Rows of a mini-batch.", metavar="auto|INT", parser=read_number)
    ] = "128",
    max_epochs: Annotated[
        Any,
        typer.Option(help="Passes per run, more than 0.", metavar="FLOAT", parser=read_number),
    ] = "1",
    solver: Annotated[Solver, typer.Option(help="Optimiser.")] = Solver.adam,
    parallel: Annotated[
        Parallel, typer.Option(help="Same seed, same result; or threads without locks.")
    ] = Parallel.deterministic,
    threads: Annotated[
        int | None, arg.top("Threads: 1, 2, 4, ... up to this; all processors if not said.")
    ] = None,
    repeat: Annotated[int, arg.top("Runs, of which the median is shown.")] = 5,
) -> None:
    """Measure rows per second of training and scoring on this machine, with made-up rows.

    GFLOP/s count the multiplications and additions of the layers alone; the peak is that of fused
    multiply-adds, measured beside it.

    For example:

    ```
    fastae bench
    fastae bench --hidden-layer-sizes 1000,500,250,30,250,500,1000 --rows 5000 --threads 2
    ```
    """
    from fastae._cli.bench import bench as run

    parameters = {
        "hidden_layer_sizes": hidden_layer_sizes, "batch_size": batch_size,
        "max_epochs": max_epochs, "solver": solver.value, "parallel": parallel.value,
    }  # fmt: skip
    run(parameters, n_rows=rows, n_columns=columns, max_threads=threads, repeat=repeat)
