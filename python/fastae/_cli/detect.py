"""``fastae detect`` and ``fastae score``: say which rows do not look like the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from fastae._cli.decision import Decision, rank_all
from fastae._cli.errors import FLAGGED_STATUS, UsageError
from fastae._cli.inputs import check_standard_input
from fastae._cli.models import load_model
from fastae._cli.options import option_name
from fastae._cli.outputs import Output, scores_frame
from fastae._cli.rows import Rows
from fastae._cli.screens import Screen
from fastae._cli.streaming import files_of
from fastae._cli.tables import print_model, print_ranking
from fastae._cli.train import fit_tables, name_of
from fastae._cli.training import checked, model_errors

if TYPE_CHECKING:
    from pathlib import Path

    from fastae import Autoencoder
    from fastae._cli.tables import Ranking
    from fastae._cli.train import Tables


@dataclass(frozen=True, kw_only=True)
class Results:
    """What becomes of the scores.

    Attributes
    ----------
    output : Path or None
        File for all rows; "-" is standard output.
    form : str or None
        Its format; None: by its ending.
    top : int
        How many of the worst rows to print.
    quiet : bool
        Print nothing.
    fail_on_anomaly : bool
        End with a status of its own if a row is flagged.
    """

    output: Path | None
    form: str | None = None
    top: int = 10
    quiet: bool = False
    fail_on_anomaly: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelRows:
    """A model and the rows that it is to judge.

    Attributes
    ----------
    model, data : Path
    calibration : Path or None
        Normal rows that it was not trained on.
    header, delimiter, decimal, stream
        As of `Tables`.
    """

    model: Path
    data: Path
    calibration: Path | None = None
    header: bool | None = None
    delimiter: str = ","
    decimal: str = "."
    stream: bool = False

    @property
    def how(self) -> dict[str, Any]:
        """How CSV files are read."""
        return {"header": self.header, "delimiter": self.delimiter, "decimal": self.decimal}

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read, none of which may be written over."""
        return (self.model, *files_of(self.data), *files_of(self.calibration))

    def open(self) -> tuple[Autoencoder, Rows]:
        """Return the model, calibrated, and the rows.

        Raises
        ------
        CliError
            If a file is not what it should be.
        """
        check_standard_input(self.data, self.calibration)
        model = load_model(self.model)
        if self.calibration is not None:
            calibrate(model, self, self.calibration, str(self.model))
        return model, self._rows(model, self.data, stream=self.stream)

    def _rows(self, model: Autoencoder, path: Path, *, stream: bool = False) -> Rows:
        return Rows.open(model, path, model_label=str(self.model), stream=stream, **self.how)


def calibrate(model: Autoencoder, tables: ModelRows | Tables, path: Path, label: str) -> None:
    """Let a model keep the errors of normal rows that it was not trained on.

    Parameters
    ----------
    model : Autoencoder
    tables : ModelRows or Tables
        For how CSV files are read.
    path : Path
    label : str
        What messages call the model.
    """
    rows = Rows.open(model, path, model_label=label, **tables.how)
    with model_errors(rows.label):
        model.calibrate(rows.table)


def score(given: ModelRows, decision: Decision, results: Results) -> None:
    """Score rows by a model and write a line per row.

    Raises
    ------
    CliError
        If a file or a cell is not as it should be; nothing is written then.
    typer.Exit
        If rows are flagged and that is to be a failure.
    """
    assert results.output is not None
    decision.check_calibration(given.calibration)
    output = Output(results.output, results.form, given.files)
    model, rows = given.open()
    decision.set_on(model, str(given.model))
    ranking = rank_all(model, rows, decision)
    output.write(scores_frame(ranking))
    _end(ranking, results)


def detect_by(
    given: ModelRows, decision: Decision, results: Results, parameters: dict[str, Any]
) -> None:
    """Rank rows by a model and print the outcome.

    Parameters
    ----------
    given : ModelRows
    decision : Decision
    results : Results
    parameters : dict
        Of the estimator, as they were given: only those that a fitted model still has a use for.

    Raises
    ------
    UsageError
        If there is another parameter.
    CliError, typer.Exit
        As in `score`.
    """
    rule = {name: parameters.pop(name, None) for name in ("threshold", "contamination")}
    n_jobs = parameters.pop("n_jobs", None)
    if parameters:
        option = option_name(next(iter(parameters)))
        message = f"{option} is for training, and with --model nothing is trained: leave out one"
        raise UsageError(message)
    decision = replace(decision, **rule)
    decision.check_calibration(given.calibration)
    output = None
    if results.output is not None:
        output = Output(results.output, results.form, given.files)
    model, rows = given.open()
    if n_jobs is not None:
        model.set_params(n_jobs=n_jobs)
    decision.set_on(model, str(given.model))
    _report(Screen(), rank_all(model, rows, decision), rows, results, output)


def detect(
    tables: Tables,
    decision: Decision,
    results: Results,
    parameters: dict[str, Any],
    calibration: Path | None,
) -> None:
    """Train on one table, score another, print the outcome and write it down.

    Parameters
    ----------
    tables : Tables
    decision : Decision
        For the rules that are no parameters of the estimator.
    results : Results
    parameters : dict
        Keyword arguments of `fastae.Autoencoder`.
    calibration : Path or None
        Normal rows to calibrate with.

    Raises
    ------
    CliError
        If a file, a cell or a parameter is not as it should be; nothing is written then.
    typer.Exit
        As in `score`.
    """
    rule: dict[str, Any] = {name: parameters.get(name) for name in ("threshold", "contamination")}
    decision = replace(decision, **rule)
    decision.check_calibration(calibration)
    later = calibration is not None
    _check_calibration(decision, tables, parameters, later=later)
    model = checked(parameters | ({} if later else decision.as_parameters()))
    output = None
    if results.output is not None:
        output = Output(results.output, results.form, (*tables.files, *files_of(calibration)))
    check_standard_input(*tables.paths, calibration)
    fitted = fit_tables(model, tables)
    if calibration is not None:
        calibrate(model, tables, calibration, "the model")
        decision.set_on(model, "the model")
    scored = tables.train if tables.test is None else tables.test
    if fitted.X_test is None:
        rows = Rows.open(model, scored, model_label="the model", stream=True, **tables.how)
    else:
        rows = Rows(name_of(scored), table=fitted.X_test)
    ranking = rank_all(model, rows, decision)
    screen = Screen(quiet=results.quiet or (output is not None and output.is_standard))
    print_model(screen, model)
    _report(screen, ranking, rows, results, output)


def _report(
    screen: Screen, ranking: Ranking, rows: Rows, results: Results, output: Output | None
) -> None:
    if output is not None:
        output.write(scores_frame(ranking))
    if not (results.quiet or (output is not None and output.is_standard)):
        print_ranking(screen, ranking, top=results.top, title=f"Rows of {rows.label}, worst first")
    _end(ranking, results)


def _end(ranking: Ranking, results: Results) -> None:
    if results.fail_on_anomaly and ranking.flag.any():
        raise typer.Exit(FLAGGED_STATUS)


def _check_calibration(
    decision: Decision, tables: Tables, parameters: dict[str, Any], *, later: bool
) -> None:
    """Raise UsageError before the training if what comes after it cannot work."""
    if decision.fdr is None and not decision.p_values:
        return
    option = "--p-values" if decision.fdr is None else "--fdr"
    if tables.test is None:
        message = f"{option} is for rows that were not trained on: give a TEST"
        raise UsageError(message)
    if not later and not parameters.get("calibration_fraction"):
        message = (
            f"{option} needs normal rows that were not trained on: say --calibration-fraction, such"
            " as 0.2, or --calibration FILE"
        )
        raise UsageError(message)
