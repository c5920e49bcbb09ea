"""The commands that train and judge: train, score, detect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fastae._cli import arguments as arg
from fastae._cli.options import is_given, model_options


@model_options
def train(
    train: Annotated[
        Path,
        typer.Argument(
            help="Table to learn from: CSV, Parquet or npy file, folder, pattern, or -.",
            metavar="TRAIN",
        ),
    ],
    output: Annotated[Path, arg.output("The model's file.", "MODEL")],
    validation: Annotated[
        Path | None, typer.Option(help="Rows to validate with.", metavar="FILE")
    ] = None,
    anomalous: Annotated[
        Path | None,
        typer.Option(
            help="Rows that are known to be anomalies, not to be reconstructed.", metavar="FILE"
        ),
    ] = None,
    quiet: arg.Quiet = False,
    drop: arg.Drop = None,
    header: arg.Header = None,
    delimiter: arg.Delimiter = ",",
    decimal: arg.Decimal = ".",
    stream: arg.Stream = False,
    *,
    parameters: dict[str, Any],
) -> None:
    """Train on a table and write the model to a file, for the other commands.

    Columns of text are categories, those of dates and of true and false are numbers, and empty
    cells are missing values. Columns without a header are called C1, C2, ...

    For example:

    ```
    fastae train normal.csv -o model.fastae
    fastae train orders.csv -o orders.fastae --drop id --categorical-features zip --max-epochs 30
    fastae train "logs/*.parquet" -o logs.fastae --hidden-layer-sizes 50,20,50
    fastae train normal.csv -o model.fastae --anomalous known.csv --calibration-fraction 0.2
    ```
    """
    from fastae._cli.train import Tables
    from fastae._cli.train import train as run

    tables = Tables(
        train=train, validation=validation, anomalous=anomalous, header=header,
        delimiter=delimiter, decimal=decimal, drop=tuple(drop or ()), stream=stream,
    )  # fmt: skip
    run(tables, output, parameters, quiet=quiet)


def score(
    model: arg.Model,
    data: arg.Data,
    output: Annotated[Path, arg.output("Where to; standard output if not said.")] = Path("-"),
    form: arg.Form = None,
    fail_on_anomaly: arg.FailOnAnomaly = False,
    header: arg.Header = None,
    delimiter: arg.Delimiter = ",",
    decimal: arg.Decimal = ".",
    stream: arg.Stream = False,
    threshold: arg.Threshold = None,
    contamination: arg.Contamination = None,
    false_positive_rate: arg.FalsePositiveRate = None,
    fdr: arg.Fdr = None,
    calibration: arg.Calibration = None,
    p_values: arg.PValues = False,
) -> None:
    """Score rows by a model: a line per row with its error, rank and flag.

    Columns of the output: row (from 0, below the header), anomaly_score (if the model decides by
    another score than the MSE), mse, p_value (if asked for), rank (1 is the oddest), flag (0 or 1).
    Columns of DATA that the model does not know are left out, with a note.

    For example:

    ```
    fastae score model.fastae new.csv -o scores.csv
    fastae score model.fastae - < new.csv | sort -t, -k3 -n | head
    fastae score model.fastae new.parquet -o scores.parquet --false-positive-rate 0.01
    fastae score model.fastae new.csv --fdr 0.05 --fail-on-anomaly
    ```
    """
    from fastae._cli.decision import Decision
    from fastae._cli.detect import ModelRows, Results
    from fastae._cli.detect import score as run

    decision = Decision(
        threshold=threshold, contamination=contamination, fdr=fdr, p_values=p_values,
        false_positive_rate=false_positive_rate,
    )  # fmt: skip
    given = ModelRows(
        model=model, data=data, calibration=calibration, header=header, delimiter=delimiter,
        decimal=decimal, stream=stream,
    )  # fmt: skip
    run(given, decision, Results(output=output, form=form, fail_on_anomaly=fail_on_anomaly))


@model_options
def detect(
    context: typer.Context,
    train: Annotated[
        Path | None,
        typer.Argument(
            help="Table to learn from; with --model, the rows.", metavar="TRAIN", show_default=False
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Argument(
            help="Table to score; TRAIN itself if absent.", metavar="TEST", show_default=False
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Do not train: judge the rows by this model.", metavar="MODEL"),
    ] = None,
    output: Annotated[
        Path | None,
        arg.output("Write all rows here, as fastae score does; - prints them instead."),
    ] = None,
    form: arg.Form = None,
    top: Annotated[int, arg.top("Show so many of the worst rows.")] = 10,
    quiet: arg.Quiet = False,
    fail_on_anomaly: arg.FailOnAnomaly = False,
    drop: arg.Drop = None,
    header: arg.Header = None,
    delimiter: arg.Delimiter = ",",
    decimal: arg.Decimal = ".",
    stream: arg.Stream = False,
    false_positive_rate: arg.FalsePositiveRate = None,
    fdr: arg.Fdr = None,
    calibration: arg.Calibration = None,
    p_values: arg.PValues = False,
    *,
    parameters: dict[str, Any],
) -> None:
    """Train on TRAIN, score TEST (or TRAIN) and rank its rows by reconstruction error.

    Rows count from 0, below the header. A row is flagged if its error is above a threshold that
    follows from the errors of the training rows (see --contamination). With --model, nothing is
    trained, and only the options about the decision are taken. With --quiet, the file of -o or the
    status of --fail-on-anomaly is all there is.

    For example:

    ```
    fastae detect beats.csv
    fastae detect normal.csv new.csv --top 20 -o scores.csv
    fastae detect table.csv --drop id --drop label --contamination 0.01
    fastae detect normal.csv new.csv --hidden-layer-sizes 50,20,50 --l1 1e-5
    fastae detect --model model.fastae new.csv --false-positive-rate 0.01
    ```
    """
    from fastae._cli.decision import Decision
    from fastae._cli.detect import ModelRows, Results, detect_by
    from fastae._cli.detect import detect as run
    from fastae._cli.errors import UsageError
    from fastae._cli.rules import check_beside
    from fastae._cli.train import Tables

    if train is None:
        message = (
            "TRAIN is missing: give the table to learn from, or --model MODEL and rows to judge"
            if model is None
            else "--model judges rows: give their table, as in fastae detect --model MODEL new.csv"
        )
        raise UsageError(message)
    decision = Decision(false_positive_rate=false_positive_rate, fdr=fdr, p_values=p_values)
    results = Results(
        output=output, form=form, top=top, quiet=quiet, fail_on_anomaly=fail_on_anomaly
    )
    if output is None and (form is not None or p_values):
        option = "--p-values" if form is None else "--format"
        message = f"{option} is for the output file; name one with -o"
        raise UsageError(message)
    if quiet and output is None and not fail_on_anomaly:
        message = "--quiet leaves nothing to say; name a file with -o, or add --fail-on-anomaly"
        raise UsageError(message)
    if is_given(context, "top") and (quiet or output == Path("-")):
        other = "--quiet" if quiet else "-o -"
        message = f"--top is for the table of the worst rows, which {other} leaves out; give one"
        raise UsageError(message)
    if model is None:
        tables = Tables(
            train=train, test=test, header=header, delimiter=delimiter, decimal=decimal,
            drop=tuple(drop or ()), stream=stream,
        )  # fmt: skip
        check_beside(parameters)
        if calibration is not None and parameters.get("calibration_fraction"):
            message = (
                "--calibration and --calibration-fraction are two ways to get rows to calibrate"
                " with; give one"
            )
            raise UsageError(message)
        run(tables, decision, results, parameters, calibration)
        return
    if test is not None or drop:
        message = (
            "with --model one table is judged, and none is trained on: give one, not two"
            if test is not None
            else "--drop is for training: --model leaves out by itself what it does not know"
        )
        raise UsageError(message)
    given = ModelRows(
        model=model, data=train, calibration=calibration, header=header, delimiter=delimiter,
        decimal=decimal, stream=stream,
    )  # fmt: skip
    detect_by(given, decision, results, parameters)
