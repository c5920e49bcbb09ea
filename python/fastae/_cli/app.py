"""The program ``fastae``: its commands, their arguments and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fastae import __version__
from fastae._cli.errors import OneLineGroup
from fastae._cli.options import model_options

app = typer.Typer(
    name="fastae",
    cls=OneLineGroup,
    help="Find the odd rows of a table with a deep autoencoder.",
    epilog="Errors are one line on standard error and exit status 2; Ctrl-C gives 130.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fastae {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _read_delimiter(given: str) -> str:
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given, given)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        message = f"{given!r} is not one character such as ',' or ';', nor 'tab'"
        raise typer.BadParameter(message)
    return delimiter


@app.command()
@model_options
def detect(
    train: Annotated[
        Path, typer.Argument(help="CSV file to learn from.", metavar="TRAIN", show_default=False)
    ],
    test: Annotated[
        Path | None,
        typer.Argument(
            help="CSV file to score; TRAIN itself if absent.", metavar="TEST", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write all rows here: row, mse, rank, flag.", metavar="CSV"
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(help="Show so many of the worst rows.", min=1, metavar="INT")
    ] = 10,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave out a column, such as a label; may be repeated.", metavar="COLUMN"
        ),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="The first line holds names, or it does not; found out if neither is said.",
        ),
    ] = None,
    delimiter: Annotated[
        str, typer.Option(help="What separates fields.", metavar="CHAR", parser=_read_delimiter)
    ] = ",",
    *,
    parameters: dict[str, Any],
) -> None:
    """Train on TRAIN, score TEST (or TRAIN) and rank its rows by reconstruction error.

    Each row is a line of numbers. Rows count from 0, below the header. Columns without a header
    are called C1, C2, ... A row is flagged if its error is above a threshold that follows from
    the errors of the training rows (see --contamination).

    For example:

    ```
    fastae detect beats.csv
    fastae detect normal.csv new.csv --top 20 -o scores.csv
    fastae detect table.csv --drop id --drop label --contamination 0.01
    fastae detect normal.csv new.csv --hidden-layer-sizes 50,20,50 --l1 1e-5
    ```
    """
    from fastae._cli.detect import DetectJob
    from fastae._cli.detect import detect as run

    job = DetectJob(
        train=train,
        test=test,
        output=output,
        header=header,
        delimiter=delimiter,
        drop=tuple(drop or ()),
        top=top,
    )
    run(job, parameters)


@app.command()
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
