"""Exported graphs, run and compared with the estimators that they come from."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra 'onnx')")
onnxruntime = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is not installed: exported graphs cannot be run"
)

DETECTOR = ("label", "score", "decision", "errors", "reconstruction", "codes")


def inputs_of(proto):
    """Return what a graph says of its inputs."""
    about = {item.key: item.value for item in proto.metadata_props}
    return json.loads(about["inputs"])


def session(proto):
    """Return a session of a checked graph."""
    onnx.checker.check_model(proto, full_check=True)
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def run(proto, X):
    """Return the outputs of a graph, by name, for an array of numbers or a frame of pandas."""
    made = session(proto)
    names = [value.name for value in made.get_outputs()]
    return dict(zip(names, made.run(None, feed(proto, made, X)), strict=True))


def feed(proto, made, X):
    """Return a table as a graph wants it."""
    types = {value.name: value.type for value in made.get_inputs()}
    if list(types) == ["X"]:
        return {"X": np.asarray(X, dtype="f4" if types["X"] == "tensor(float)" else "f8")}
    frame = pd.DataFrame(X)
    return {
        about["name"]: cells(frame.iloc[:, j], about, types[about["name"]])
        for j, about in enumerate(inputs_of(proto))
    }


def cells(series, about, kind):
    """Return a column as its input takes it, (n, 1)."""
    missing = series.isna().to_numpy()
    if kind == "tensor(string)":
        marker = json.loads(about["missing"].removesuffix(" where missing").replace("'", '"'))
        texts = [marker if gone else str(v) for v, gone in zip(series, missing, strict=True)]
        return np.array(texts, dtype=object)[:, np.newaxis]
    if kind == "tensor(int64)":
        marker = int(about["missing"].removesuffix(" where missing"))
        whole = [marker if gone else int(v) for v, gone in zip(series, missing, strict=True)]
        return np.array(whole, dtype=np.int64)[:, np.newaxis]
    if "seconds" in about["holds"] or series.dtype.kind in "mM":
        series = series - pd.Timestamp(0) if series.dtype.kind == "M" else series
        values = series.dt.total_seconds()
    else:
        values = series.astype(object).where(~missing, np.nan)
    dtype = np.float32 if kind == "tensor(float)" else np.float64
    return np.asarray(values, dtype=dtype)[:, np.newaxis]


def numbers_of(frame, like):
    """Return the columns of a reconstruction that are no factors; times as seconds."""
    kinds = like._schema.kinds
    columns = []
    for j, kind in enumerate(kinds):
        series = frame.iloc[:, j]
        if kind == "datetime":
            columns.append((pd.to_datetime(series) - pd.Timestamp(0)).dt.total_seconds())
        elif kind == "duration":
            columns.append(pd.to_timedelta(series).dt.total_seconds())
        elif kind == "number":
            columns.append(series.astype(np.float64))
    return np.column_stack(columns)


def expected(model, X):
    """Return what a graph's outputs are to be, by the estimator's own methods."""
    rows = model.reconstruct(X)
    if model._schema is not None:
        rows = numbers_of(pd.DataFrame(rows), model) if model._schema.numbers else None
    return {
        "label": model.predict(X),
        "score": model.score_samples(X),
        "decision": model.decision_function(X),
        "errors": np.asarray(model.reconstruction_error(X, per_feature=True)),
        "reconstruction": None if rows is None else np.asarray(rows),
        "codes": np.asarray(model.transform(X)),
    }


def assert_same_outputs(model, X, *, tolerance=1e-9, seconds=None, **options):
    """Fail unless a graph's outputs are the estimator's; returns them.

    Only a label -1 may be 1, where the score is the threshold but for rounding. `seconds` is the
    tolerance of times, which tables hold rounded.
    """
    outputs = run(model.to_onnx(**options), X)
    wanted = {name: value for name, value in expected(model, X).items() if value is not None}
    assert tuple(outputs) == tuple(wanted)
    for name, value in wanted.items():
        if name == "label":
            np.testing.assert_array_equal(outputs[name][value == 1], 1)
            below = wanted["decision"] < -2e-5 * abs(model.offset_)
            np.testing.assert_array_equal(outputs[name][below], -1)
            continue
        slack = tolerance
        if name == "reconstruction":  # in units of any size
            slack = seconds or tolerance * np.nanmax(np.abs(value), initial=0.0)
        np.testing.assert_allclose(outputs[name], value, rtol=tolerance, atol=slack, err_msg=name)
    return outputs
