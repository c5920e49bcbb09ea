"""onnxruntime: scoring only, of the network that fastae trained, from uint8 rows to row errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from peers._worker import Job, Memory, repeated, timed, train_result

if TYPE_CHECKING:
    from collections.abc import Iterator

OPSET = 18
CHUNKS = (128, 512, 2_000, 10_000)


def run(jobs: list[Job]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        yield _score(job)


def _graph(job: Job) -> onnx.ModelProto:
    """Return the network as an ONNX model: scale, layers, mean squared error per row."""
    coefs, intercepts = job.weights()
    shift, scale = job.scaling()
    constants = {"shift": shift, "scale": scale}
    nodes = [
        helper.make_node("Cast", ["rows"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["floats", "shift"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["layer_0"]),
    ]
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        constants |= {f"W_{layer}": W, f"b_{layer}": b}
        inputs = [f"layer_{layer}", f"W_{layer}", f"b_{layer}"]
        nodes.append(helper.make_node("Gemm", inputs, [f"sum_{layer}"]))
        nodes.append(helper.make_node("Tanh", [f"sum_{layer}"], [f"layer_{layer + 1}"]))
    constants["axes"] = np.array([1], dtype=np.int64)
    nodes += [
        helper.make_node("Sub", [f"layer_{len(coefs)}", "layer_0"], ["difference"]),
        helper.make_node("Mul", ["difference", "difference"], ["squared"]),
        helper.make_node("ReduceMean", ["squared", "axes"], ["mse"], keepdims=0),
    ]
    initialisers = [
        numpy_helper.from_array(value if name == "axes" else value.astype(np.float32), name)
        for name, value in constants.items()
    ]
    rows = helper.make_tensor_value_info("rows", TensorProto.UINT8, ["n", shift.size])
    mse = helper.make_tensor_value_info("mse", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "autoencoder", [rows], [mse], initialisers)
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9)


def _score(job: Job) -> dict[str, Any]:
    X = job.test_table()[: job.n_rows]
    model = _graph(job)
    onnx.checker.check_model(model)
    memory = Memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job.n_threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def score(chunk: int) -> np.ndarray:
        starts = range(0, len(X), chunk)
        return np.concatenate([session.run(None, {"rows": X[i : i + chunk]})[0] for i in starts])

    mse = float(score(CHUNKS[-1]).mean())
    speed = {chunk: min(timed(lambda c=chunk: score(c)) for _ in range(3)) for chunk in CHUNKS}
    best = min(speed, key=speed.__getitem__)
    seconds = repeated(lambda: timed(lambda: score(best)), job.min_seconds)
    peak = memory.peak_mib()
    return train_result(job, seconds, peak, test_mse=mse, variant=f"{best} rows a call")
