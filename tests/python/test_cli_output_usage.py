"""Command lines that are wrong, whatever the files hold: status 2, and one sentence."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from clirun import fails, invoke, succeeds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a table, and two models of it: one with calibration rows."""
    path = tmp_path_factory.mktemp("usage")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    X.to_csv(path / "x.csv", index=False)
    args = ("train", path / "x.csv", "-q", "--max-epochs", 1, "--random-state", 0, "-o")
    succeeds(*args, path / "m.fastae")
    succeeds(*args, path / "c.fastae", "--calibration-fraction", 0.2)
    return path


def refuses(folder, tmp_path, monkeypatch, args, words):
    """Check that a command line is refused, and that nothing was written."""
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    result = invoke(*[str(arg).replace("OUT", str(tmp_path / "out")) for arg in args])
    fails(result, words, status=2)
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(f"; see 'fastae {args[0]} --help'\n")
    assert "Value error" not in result.stderr
    assert "None" not in result.stderr
    assert not re.search(
        r"\b(hidden_layer_sizes|max_epochs|false_positive_rate must)", result.stderr
    )
    assert sorted(folder.iterdir()) == before
    assert not list(tmp_path.iterdir())


SCORE = ("score", "m.fastae", "x.csv")
TRAIN = ("train", "x.csv", "-o", "OUT")
EXPORT = ("export", "m.fastae", "OUT.onnx")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((*SCORE, "--fdr", 2), "--fdr must be a number in (0, 1), got 2.0"),
        ((*SCORE, "--fdr", "x"), "'--fdr': it must be a number"),
        ((*SCORE, "--threshold", "foo"), "--threshold must be a number >= 0, mad, evt, or"),
        ((*SCORE, "--threshold", "nan"), "--threshold must be a number >= 0, mad, evt, or"),
        ((*SCORE, "--threshold", "quantile=2"), "--threshold: quantile must be a number in (0, 1)"),
        ((*SCORE, "--threshold", "method=foo"), "--threshold: method must be 'mad' or 'evt'"),
        ((*SCORE, "--threshold", "value=1,quantile=0.5"), "--threshold: a threshold is one of"),
        (
            (*SCORE, "--contamination", 0.9),
            "--contamination must be 'auto' or a number in (0, 0.5]",
        ),
        ((*SCORE, "--false-positive-rate", 1), "--false-positive-rate must be a number in (0, 1)"),
        (("explain", *SCORE[1:], "--threshold", "foo"), "--threshold must be"),
        (("explain", *SCORE[1:], "--row", "x"), "'--row': it must be a whole number"),
        (("explain", *SCORE[1:], "--row", -1), "'--row': it must be 0 or more"),
        (("report", *SCORE[1:], "-o", "OUT", "--contamination", 0.9), "--contamination must be"),
        (("report", *SCORE[1:], "-o", "OUT.pdf"), "out.pdf: the name of a page ends in .html"),
        (("features", *SCORE[1:], "--layer", 9), "--layer must be from -1 to 0"),
        (("features", *SCORE[1:], "--format", "xls"), "'--format': 'xls' is not one of 'csv'"),
        ((*EXPORT, "--opset", 3), "--opset must be a whole number >= 18, got 3"),
        ((*EXPORT, "--opset", 999), "--opset must be from 18 to"),
        ((*EXPORT, "--outputs", "foo"), "--outputs must be some of 'label', 'score'"),
        (("plot", "history", "m.fastae", "-o", "OUT.png", "--dpi", 20000), "must be 1200 or less"),
        (("plot", "history", "m.fastae", "-o", "OUT.png", "--dpi", 1), "must be 10 or more"),
        ((*TRAIN, "--hidden-layer-sizes", 0), "--hidden-layer-sizes must be"),
        ((*TRAIN, "--activation", "foo"), "'--activation': 'foo' is not one of 'tanh', 'relu'"),
        ((*TRAIN, "--random-state", "x"), "'--random-state': it must be a whole number"),
        ((*TRAIN, "--threshold", "quantile=2"), "--threshold: quantile must be"),
        ((*TRAIN, "--n-jobs", 0), "--n-jobs must be a positive number of threads"),
        (("bench", "--solver", "foo"), "'--solver': 'foo' is not one of 'adam', 'adadelta', 'sgd'"),
        (("bench", "--parallel", "foo"), "'foo' is not one of 'deterministic', 'hogwild'"),
        (("bench", "--hidden-layer-sizes", "foo"), "--hidden-layer-sizes must be"),
        (("bench", "--batch-size", 0), "--batch-size must be"),
        (("bench", "--max-epochs", 0), "--max-epochs must be at least 1/20000"),
        (("bench", "--max-epochs", 1e-9, "--rows", 10), "--max-epochs must be at least 1/10"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_values_out_of_range(folder, tmp_path, monkeypatch, args, words):
    refuses(folder, tmp_path, monkeypatch, args, words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            (*TRAIN, "--validation", "x.csv", "--validation-fraction", 0.3),
            "--validation and --validation-fraction are two ways",
        ),
        ((*TRAIN, "--momentum", 0.5), "--momentum is for --solver sgd:"),
        (
            (*TRAIN, "--solver", "sgd", "--momentum-ramp", 10),
            "--momentum-ramp is for --momentum-start:",
        ),
        ((*TRAIN, "--no-nesterovs-momentum"), "--nesterovs-momentum is for --solver sgd:"),
        ((*TRAIN, "--rho", 0.9), "--rho is for --solver adadelta:"),
        ((*TRAIN, "--solver", "sgd", "--beta-1", 0.8), "--beta-1 is for --solver adam:"),
        (
            (*TRAIN, "--solver", "sgd", "--epsilon", 1e-7),
            "--epsilon is for --solver adadelta or --solver adam:",
        ),
        ((*TRAIN, "--huber-delta", 2), "--huber-delta is for --loss huber:"),
        ((*TRAIN, "--quantile", 0.9), "--quantile is for --loss quantile:"),
        ((*TRAIN, "--power-t", 0.4), "--power-t is for --learning-rate invscaling:"),
        ((*TRAIN, "--init-scale", 0.4), "--init-scale is for --init uniform or --init normal:"),
        ((*TRAIN, "--pretraining-epochs", 2), "is for --pretraining stacked:"),
        ((*TRAIN, "--stopping-rounds", 3), "--stopping-rounds is for --early-stopping:"),
        ((*TRAIN, "--checkpoint-interval", 3), "--checkpoint-interval is for --checkpoint:"),
        ((*TRAIN, "--average-activation", 0.1), "--average-activation is for --sparsity-beta:"),
        (
            (*TRAIN, "--missing", "impute", "--missing-indicator"),
            "--missing-indicator is for --missing ignore:",
        ),
        (
            (*TRAIN, "--hidden-layer-sizes", "none", "--hidden-dropout", 0.2),
            "--hidden-dropout is for hidden layers:",
        ),
        ((*TRAIN, "--last"), "--last is for --early-stopping or rows to validate with:"),
        ((*TRAIN, "--score-validation-samples", 9), "is for rows to validate with:"),
        ((*TRAIN, "--anomaly-margin", 3), "--anomaly-margin is for known anomalies:"),
        (
            (*TRAIN, "--checkpoint", "k", "--calibration-fraction", 0.1),
            "--calibration-fraction with --checkpoint needs --random-state",
        ),
        (
            ("detect", "x.csv", "--anomaly-weight", 3, "-o", "OUT"),
            "--anomaly-weight is for known anomalies:",
        ),
        (
            ("detect", "x.csv", "x.csv", "--calibration", "x.csv", "--calibration-fraction", 0.1,
             "--fdr", 0.1),
            "--calibration and --calibration-fraction are two ways",
        ),
        (("detect", "x.csv", "-q"), "--quiet leaves nothing to say"),
        (("detect", "--model", "m.fastae", "x.csv", "-q"), "--quiet leaves nothing to say"),
        (("detect", "x.csv", "-q", "-o", "OUT", "--top", 3), "which --quiet leaves out"),
        (("detect", "x.csv", "-o", "-", "--top", 3), "which -o - leaves out"),
        ((*SCORE, "--calibration", "x.csv", "--threshold", 0.5), "--calibration is for a rule"),
        (
            (*SCORE, "--calibration", "x.csv", "--threshold", "value=0.5"),
            "--calibration is for a rule",
        ),
        (
            ("explain", *SCORE[1:], "-o", "OUT", "--threshold", 0.5),
            "--threshold is for the flags of the printed table",
        ),
        (
            ("plot", "history", "m.fastae", "-o", "OUT.png", "--threshold", 3),
            "--threshold is for plot ranked, histogram, reconstructions, curves, heatmap, codes",
        ),
        (
            ("plot", "weights", "m.fastae", "-o", "OUT.png", "--contamination", 0.1),
            "--contamination is for plot ranked",
        ),
        (("plot", "weights", "m.fastae", "-o", "OUT.png", "--no-header"), "--header is for DATA"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_options_that_would_be_ignored(folder, tmp_path, monkeypatch, args, words):
    refuses(folder, tmp_path, monkeypatch, args, words)


@pytest.mark.parametrize(
    "more",
    [
        ("--solver", "sgd", "--momentum", 0.5),
        ("--solver", "sgd", "--momentum-start", 0, "--momentum-ramp", 10),
        ("--validation-fraction", 0.2, "--last", "--score-validation-samples", 9),
        ("--validation", "x.csv", "--validation-fraction", 0, "--last"),
        ("--early-stopping", "--stopping-rounds", 3),
        ("--anomalous", "x.csv", "--anomaly-margin", 3),
        ("--init", "normal", "--init-scale", 0.1),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_options_that_are_not_ignored(folder, tmp_path, monkeypatch, more):
    monkeypatch.chdir(folder)
    succeeds("train", "x.csv", "-o", tmp_path / "m", "--max-epochs", 1, "-q", *more)


def test_rules_that_the_rows_do_not_support_are_the_tables_fault(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for args, words in (
        (("--threshold", "quantile=0.99999"), "a quantile of 0.99999 is finer than the errors"),
        (("--false-positive-rate", 1e-5), "a false-positive rate of 1e-05 is finer than"),
        (("--contamination", 1e-5), "a contamination of 1e-05 is finer than"),
        (("--fdr", 0.1), "--fdr needs normal rows that the network was not trained on"),
        (("--p-values",), "--p-values needs normal rows that the network was not trained on"),
    ):
        fails(invoke(*SCORE, *args), words)
    fails(invoke("score", "c.fastae", "x.csv", "--threshold", "evt"), "--threshold evt needs 200")


def test_notes_give_the_cures_of_the_command_line(folder, monkeypatch):
    monkeypatch.chdir(folder)
    note = invoke(*SCORE, "--false-positive-rate", 0.1).stderr
    assert "train with --calibration-fraction" in note
    assert "calibrate(" not in note


def test_tables_that_memory_does_not_hold(monkeypatch):
    result = invoke("bench", "--rows", 10**11, "--columns", 1000)
    fails(result, "100,000,000,000 rows of 1,000 columns take 400,000 GB", "fewer --rows")


def test_pictures_of_too_many_dots(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("fastae._cli.pictures._MOST_DOTS", 1_000_000)
    args = ("plot", "history", "m.fastae", "-o", tmp_path / "h.png", "--dpi", 300)
    fails(invoke(*args), "dots, which is too many; say a smaller --dpi", status=2)
    assert not list(tmp_path.iterdir())


def test_quiet_is_for_scripts(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    args = ("detect", "--model", "m.fastae", "x.csv", "-q", "--threshold", 0)
    assert succeeds(*args, "-o", tmp_path / "out.csv") == ""
    assert len(pd.read_csv(tmp_path / "out.csv")) == 300
    result = invoke(*args, "--fail-on-anomaly")
    assert (result.exit_code, result.output) == (3, "")


def test_help_of_bench_names_the_choices():
    text = invoke("bench", "--help", columns=120).stdout
    assert "adam|adadelta|sgd" in text
    assert "deterministic|hogwild" in text


def test_commands_that_are_nearly_right():
    result = invoke("detekt")
    fails(result, "No such command 'detekt' (did you mean 'detect'?)", status=2)
    assert result.stderr.endswith("; see 'fastae --help'\n")
