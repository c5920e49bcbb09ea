"""``fastae info`` and ``fastae export``: what is in a model's file, and the model as ONNX."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._cli.errors import CliError, UsageError, os_reason
from fastae._cli.files import STANDARD, check_writable
from fastae._cli.matching import Columns
from fastae._cli.models import load_any
from fastae._cli.screens import Screen
from fastae._cli.tables import print_layers
from fastae._cli.training import model_errors, warnings_as_notes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_N_SHOWN = 60  # columns that are named on a screen


def describe(path: Path) -> dict[str, Any]:
    """Return what is to be said of a model, as what JSON can hold.

    Raises
    ------
    CliError
        If the file holds no model.
    """
    from fastae._archive import read
    from fastae._saving import KIND, VERSION

    model = load_any(path)
    meta = read(path, kind=KIND, version=VERSION)[1]
    columns = Columns(model)
    names = columns.names or [f"C{j + 1}" for j in range(len(columns.kinds))]
    history = model.history_ if hasattr(model, "history_") else None
    made = {
        "class": type(model).__name__,
        "fastae": meta["fastae"],
        "columns": [
            {"name": name, "kind": kind} for name, kind in zip(names, columns.kinds, strict=True)
        ],
        "named": columns.names is not None,
        "hidden_layer_sizes": list(map(int, model.hidden_layer_sizes_)),
        "n_weights": int(
            sum(W.size + b.size for W, b in zip(model.coefs_, model.intercepts_, strict=True))
        ),
        "parameters": _changed(model),
        "scaling": model.scaling_,
        "training": None if history is None else _training(model, history),
        "layers": [_plain(row) for row in model.summary().rows()],
    }
    if hasattr(model, "offset_"):
        calibration = model._calibration
        made["decision"] = {
            "anomaly_score": _plain(getattr(model, "anomaly_score", "mse")),
            "threshold": _plain(float(-model.offset_)),
            "calibration_rows": 0 if calibration is None else len(calibration[0]),
        }
    return made


def info(path: Path, *, as_json: bool) -> None:
    """Print what is in a model's file.

    Raises
    ------
    CliError
        If it holds no model.
    """
    about = describe(path)
    if as_json:
        print(json.dumps(about, indent=2, ensure_ascii=False))
        return
    screen = Screen()
    for name, text in _lines(about):
        screen.print(f"{name:<12}  {text}", highlight=False, markup=False, soft_wrap=True)
    screen.print()
    print_layers(screen, load_any(path))


def export(
    path: Path, output: Path, *, outputs: Sequence[str] | None, opset: int | None, dtype: str
) -> list[str]:
    """Write a model as ONNX and return its inputs and outputs, as text.

    An input that could not be named as its column is followed by the column's name.

    Parameters
    ----------
    path, output : Path
    outputs, opset, dtype
        As of `to_onnx`; None for its default.

    Raises
    ------
    CliError
        If there is no model, no such output or no package for it.
    """
    if output == STANDARD:
        message = "OUT: an ONNX graph goes to a file, not to standard output"
        raise UsageError(message)
    check_writable(output, inputs=(path,))
    model = load_any(path)
    options = {} if opset is None else {"opset": opset}
    try:
        with warnings_as_notes(), model_errors(str(path)):
            made = model.to_onnx(output, outputs=outputs, dtype=dtype, **options)
    except OSError as error:
        message = f"cannot write {output}: {os_reason(error)}; name another place"
        raise CliError(message) from error
    columns = _columns_of(made)
    lines = []
    for value in made.graph.input:
        column = columns.get(value.name, value.name)
        renamed = (
            "" if column == value.name else f" (column {json.dumps(column, ensure_ascii=False)})"
        )
        lines.append(f"input {value.name}{renamed}")
    return lines + [f"output {value.name}" for value in made.graph.output]


def _columns_of(made: Any) -> dict[str, str]:
    """Return the column behind each input of a graph that is of one column."""
    about = {entry.key: entry.value for entry in made.metadata_props}
    return {
        entry["name"]: entry["columns"][0]
        for entry in json.loads(about["inputs"])
        if isinstance(entry["columns"], list) and len(made.graph.input) > 1
    }


def _lines(about: dict[str, Any]) -> list[tuple[str, str]]:
    columns = [_quoted(column["name"]) for column in about["columns"]]
    kinds = [column["kind"] for column in about["columns"]]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    text = f"{len(columns)} ({counts})"
    if about["named"]:
        more = ", ..." if len(columns) > _N_SHOWN else ""
        text += f": {', '.join(columns[:_N_SHOWN])}{more}"
    lines = [
        ("class", f"{about['class']}, written by fastae {about['fastae']}"),
        ("columns", text),
        ("scaling", about["scaling"]),
        ("hidden", ", ".join(map(str, about["hidden_layer_sizes"])) or "none"),
        ("weights", f"{about['n_weights']:,}"),
    ]
    given = about["parameters"]
    shown = (f"{k}={_short(v)}" for k, v in given.items())
    lines.append(("parameters", ", ".join(shown) or "all defaults"))
    if about["training"]:
        t = about["training"]
        names = [name for name in t if name.startswith("training_")]
        metric = "training_mse" if "training_mse" in names else names[0]
        label = metric.removeprefix("training_").replace("mse", "MSE")
        text = f"{t['samples']:,} samples, {t['epochs']:.4g} epochs, {label} {t[metric]:.6g}"
        lines.append(("training", f"{text}, ended by {t['stop_reason']}"))
    if "decision" in about:
        d = about["decision"]
        scores = d["anomaly_score"]
        name = ", ".join(scores) if isinstance(scores, list) else scores
        lines.append(("threshold", f"{d['threshold']:.6g} ({'MSE' if name == 'mse' else name})"))
        lines.append(("calibration", f"{d['calibration_rows']:,} rows"))
    return lines


def _quoted(name: str) -> str:
    """Return a column's name, in quotes if it would not be seen where it ends."""
    is_plain = name and name == name.strip() and name.isprintable() and not set(name) & set(",\"'")
    return name if is_plain else json.dumps(name, ensure_ascii=False)


def _short(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, list | dict) else str(value)
    return text if len(text) <= _N_SHOWN else f"{text[: _N_SHOWN - 3]}..."


def _training(model: Any, history: Any) -> dict[str, Any]:
    last = {name: float(history[name][-1]) for name in history if "_" in name}
    return {
        "samples": int(model.n_samples_seen_),
        "epochs": float(history["epochs"][-1]),
        "seconds": float(history["duration"][-1]),
        "stop_reason": getattr(model, "stop_reason_", "partial_fit"),
    } | {
        name: value + 0.0
        for name, value in last.items()
        if name.startswith(("training_", "validation_")) and np.isfinite(value)
    }


def _changed(model: Any) -> dict[str, Any]:
    """Return the parameters that are not at their defaults."""
    defaults = type(model)().get_params(deep=False)
    params = model.get_params(deep=False)
    return {
        name: _plain(value) for name, value in params.items() if not _same(value, defaults[name])
    }


def _same(one: Any, two: Any) -> bool:
    try:
        return bool(one == two)
    except ValueError:  # arrays, which are no defaults
        return False


def _plain(value: Any) -> Any:
    """Return a value as what JSON can hold: numbers that are none as None."""
    if isinstance(value, dict):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
