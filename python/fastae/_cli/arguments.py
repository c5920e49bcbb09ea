"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fastae._cli.readers import read_decimal, read_delimiter, read_number, read_threshold

Format = StrEnum("Format", ["csv", "parquet", "npy"])

_READING, _DECISION = "Reading tables", "Decision"

Model = Annotated[
    Path, typer.Argument(help="Model that fastae train has written.", metavar="MODEL")
]
Data = Annotated[
    Path,
    typer.Argument(
        help="Rows: CSV, Parquet or npy file, folder, pattern; - is standard input.", metavar="DATA"
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="The first line holds names, or it does not; found out if neither is said.",
        rich_help_panel=_READING,
    ),
]
Delimiter = Annotated[
    str,
    typer.Option(
        help="What separates fields of CSV files: a character, or tab.",
        metavar="CHAR",
        parser=read_delimiter,
        rich_help_panel=_READING,
    ),
]
Decimal = Annotated[
    str,
    typer.Option(
        help="What stands before the decimals of numbers in CSV files: a point or a comma.",
        metavar="CHAR",
        parser=read_decimal,
        rich_help_panel=_READING,
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(
        help="Leave out a column, such as a label; may be repeated.",
        metavar="COLUMN",
        rich_help_panel=_READING,
    ),
]
Stream = Annotated[
    bool,
    typer.Option(
        "--stream",
        help="Read the table in batches, for what does not fit into memory; folders and patterns"
        " always are.",
        rich_help_panel=_READING,
    ),
]
Form = Annotated[
    Format | None,
    typer.Option("--format", help="Of the output; by its ending if not said, CSV if it has none."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but notes and errors.")]
FailOnAnomaly = Annotated[
    bool, typer.Option("--fail-on-anomaly", help="End with status 3 if a row is flagged.")
]
Threshold = Annotated[
    Any,
    typer.Option(
        help="In place of the model's: a number, mad, evt, or arguments of set_threshold such as"
        " quantile=0.99.",
        metavar="RULE",
        parser=read_threshold,
        rich_help_panel=_DECISION,
    ),
]
Contamination = Annotated[
    Any,
    typer.Option(
        help="Flag as many as would be this share of the training rows; auto: by their errors.",
        metavar="auto|FLOAT",
        parser=read_number,
        rich_help_panel=_DECISION,
    ),
]
FalsePositiveRate = Annotated[
    float | None,
    typer.Option(
        help="Flag a normal row with this probability at most.",
        metavar="FLOAT",
        rich_help_panel=_DECISION,
    ),
]
Fdr = Annotated[
    float | None,
    typer.Option(
        help="Of the flagged rows, let this share be normal at most (Benjamini and Hochberg).",
        metavar="FLOAT",
        rich_help_panel=_DECISION,
    ),
]
PValues = Annotated[
    bool,
    typer.Option("--p-values", help="Add p-values to the output file.", rich_help_panel=_DECISION),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        help="Normal rows that the model was not trained on, for all of these.",
        metavar="FILE",
        rich_help_panel=_DECISION,
    ),
]


def top(text: str) -> Any:
    """Return an option for how many of something to show."""
    return typer.Option(help=text, min=1, metavar="INT")


def output(text: str, metavar: str = "FILE") -> Any:
    """Return an option for a file to write."""
    return typer.Option("--output", "-o", help=text, metavar=metavar)
