"""The commands that show what a model does and is: explain, features, plot, report, ..."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fastae._cli import arguments as arg
from fastae._cli.options import is_given
from fastae._cli.readers import read_names, read_shape

Kind = StrEnum(
    "Kind",
    ["history", "ranked", "histogram", "reconstructions", "curves", "heatmap", "codes", "weights"],
)
Dtype = StrEnum("Dtype", ["float64", "float32"])

Shape = Annotated[
    Any,
    typer.Option(
        help="Rows are images of this shape, such as 28x28 or 32x32x3.",
        metavar="SHAPE",
        parser=read_shape,
    ),
]


def explain(
    context: typer.Context,
    model: arg.Model,
    data: arg.Data,
    top: Annotated[int, arg.top("Columns per row.")] = 3,
    rows: Annotated[
        int, typer.Option(help="Explain so many of the worst rows; 0: all.", min=0, metavar="INT")
    ] = 10,
    row: Annotated[
        list[int] | None,
        typer.Option(help="Explain this row instead; may be repeated.", min=0, metavar="INT"),
    ] = None,
    output: Annotated[
        Path | None, arg.output("Write the reasons here; - prints them as CSV.")
    ] = None,
    form: arg.Form = None,
    header: arg.Header = None,
    delimiter: arg.Delimiter = ",",
    decimal: arg.Decimal = ".",
    stream: arg.Stream = False,
    threshold: arg.Threshold = None,
    contamination: arg.Contamination = None,
    false_positive_rate: arg.FalsePositiveRate = None,
) -> None:
    """Say which columns make rows odd, and what the model expected there.

    For example:

    ```
    fastae explain model.fastae new.csv
    fastae explain model.fastae new.csv --row 17 --top 10
    fastae explain model.fastae new.csv --rows 0 -o reasons.csv
    ```
    """
    from fastae._cli.decision import Decision
    from fastae._cli.detect import ModelRows
    from fastae._cli.errors import UsageError
    from fastae._cli.explain import explain as run

    if row and is_given(context, "rows"):
        message = "--row names rows, --rows asks for the worst ones; give one of them"
        raise UsageError(message)
    if form is not None and output is None:
        message = "--format is for the output file; name one with -o"
        raise UsageError(message)
    decision = Decision(
        threshold=threshold, contamination=contamination, false_positive_rate=false_positive_rate
    )
    if output is not None and decision.rules:
        message = f"{decision.rules[0]} is for the flags of the printed table, not for -o; give one"
        raise UsageError(message)
    given = ModelRows(
        model=model, data=data, header=header, delimiter=delimiter, decimal=decimal, stream=stream
    )
    run(given, decision, top=top, n_rows=rows, rows=row or (), output=output, form=form)


def features(
    model: arg.Model,
    data: arg.Data,
    layer: Annotated[
        int | None,
        typer.Option(
            help="0 is the first hidden layer, -1 the last; the narrowest if not said.",
            metavar="INT",
        ),
    ] = None,
    output: Annotated[Path, arg.output("Where to; standard output if not said.")] = Path("-"),
    form: arg.Form = None,
    header: arg.Header = None,
    delimiter: arg.Delimiter = ",",
    decimal: arg.Decimal = ".",
    stream: arg.Stream = False,
) -> None:
    """Write the deep features of rows: the output of a hidden layer.

    For example:

    ```
    fastae features model.fastae new.csv -o codes.csv
    fastae features model.fastae new.parquet --layer 0 -o layer0.npy
    ```
    """
    from fastae._cli.detect import ModelRows
    from fastae._cli.features import features as run

    given = ModelRows(
        model=model, data=data, header=header, delimiter=delimiter, decimal=decimal, stream=stream
    )
    run(given, layer=layer, output=output, form=form)


def plot(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What to draw.", metavar="KIND")],
    model: arg.Model,
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Rows; not for history and weights.", metavar="DATA", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path, arg.output("Picture to write: .png, .svg or .pdf; - is a PNG on standard output.")
    ] = ...,  # type: ignore[assignment]
    shape: Shape = None,
    n_rows: Annotated[int | None, arg.top("Rows of reconstructions, curves, heatmap.")] = None,
    n_columns: Annotated[int | None, arg.top("Columns of a heatmap.")] = None,
    n_units: Annotated[int | None, arg.top("Units of weights.")] = None,
    dpi: Annotated[int, typer.Option(help="Dots per inch.", min=10, max=1200, metavar="INT")] = 150,
    header: arg.Header = None,
    delimiter: arg.Delimiter = ",",
    decimal: arg.Decimal = ".",
    threshold: arg.Threshold = None,
    contamination: arg.Contamination = None,
    false_positive_rate: arg.FalsePositiveRate = None,
) -> None:
    """Draw a model, or what it says of rows.

    KIND is history (of the training), ranked (errors, the worst first), histogram (of errors),
    reconstructions (of the best, median and worst rows), curves (rows as curves, the flagged ones
    in red), heatmap (errors of the worst rows by column), codes (in two dimensions) or weights (of
    the first layer).

    For example:

    ```
    fastae plot history model.fastae -o history.png
    fastae plot ranked model.fastae new.csv -o ranked.png
    fastae plot reconstructions digits.fastae digits.npy --shape 28x28 -o digits.svg
    ```
    """
    from fastae._cli.decision import Decision
    from fastae._cli.detect import ModelRows
    from fastae._cli.errors import UsageError
    from fastae._cli.pictures import plot as run

    decision = Decision(
        threshold=threshold, contamination=contamination, false_positive_rate=false_positive_rate
    )
    given = None
    for name in ("header", "delimiter", "decimal"):
        if data is None and is_given(context, name):
            message = f"--{name} is for DATA, which plot {kind.value} is without; leave it out"
            raise UsageError(message)
    if data is not None:
        given = ModelRows(
            model=model, data=data, header=header, delimiter=delimiter, decimal=decimal
        )
    options = {"shape": shape, "n_rows": n_rows, "n_columns": n_columns, "n_units": n_units}
    run(kind.value, model, given, decision, options, output=output, dpi=dpi)


def report(
    model: arg.Model,
    data: arg.Data,
    output: Annotated[Path, arg.output("The page.", "HTML")],
    label: Annotated[
        str | None,
        typer.Option(
            help="Column of DATA that says which rows are known anomalies (1) and which are not"
            " (0): how well are they told apart?",
            metavar="COLUMN",
        ),
    ] = None,
    shape: Shape = None,
    top: Annotated[int, arg.top("Flagged rows to list.")] = 20,
    title: Annotated[str | None, typer.Option(help="Of the page.", metavar="TEXT")] = None,
    header: arg.Header = None,
    delimiter: arg.Delimiter = ",",
    decimal: arg.Decimal = ".",
    threshold: arg.Threshold = None,
    contamination: arg.Contamination = None,
    false_positive_rate: arg.FalsePositiveRate = None,
) -> None:
    """Write one HTML page, which needs no network: the data, the model, what is odd and why.

    For example:

    ```
    fastae report model.fastae new.csv -o report.html --title "Orders of May"
    ```
    """
    from fastae._cli.decision import Decision
    from fastae._cli.detect import ModelRows
    from fastae._cli.pictures import report as run

    decision = Decision(
        threshold=threshold, contamination=contamination, false_positive_rate=false_positive_rate
    )
    given = ModelRows(model=model, data=data, header=header, delimiter=delimiter, decimal=decimal)
    run(given, decision, output=output, label=label, shape=shape, top=top, title=title)


def export(
    model: arg.Model,
    out: Annotated[Path, typer.Argument(help="ONNX file to write.", metavar="OUT")],
    outputs: Annotated[
        Any,
        typer.Option(
            help="Which outputs there are to be, such as label,score; all if not said.",
            metavar="NAMES",
            parser=read_names,
        ),
    ] = None,
    opset: Annotated[
        int | None,
        typer.Option(help="Version of ONNX's operators, from 18.", metavar="INT"),
    ] = None,
    dtype: Annotated[Dtype, typer.Option(help="Of numbers, inputs and outputs.")] = Dtype.float64,
    quiet: arg.Quiet = False,
) -> None:
    """Write a model as an ONNX graph, from a table's cells to scores and labels.

    For example:

    ```
    fastae export model.fastae model.onnx
    fastae export model.fastae small.onnx --outputs label,score --dtype float32
    ```
    """
    from fastae._cli.info import export as run

    made = run(model, out, outputs=outputs, opset=opset, dtype=dtype.value)
    if not quiet:
        typer.echo("\n".join(made))


def info(
    model: arg.Model,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")] = False,
) -> None:
    """Say what is in a model's file: columns, layers, parameters, threshold, training.

    For example:

    ```
    fastae info model.fastae
    fastae info model.fastae --json
    ```
    """
    from fastae._cli.info import info as run

    run(model, as_json=json)
