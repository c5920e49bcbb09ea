"""Types of the compiled core; every instruction-set level offers these functions."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

class TrainResult(TypedDict):
    mse: Float64
    seconds: Float64
    epochs: int
    samples: int
    steps: int
    status: Literal["ok", "stopped", "interrupted", "diverged"]

isa: str

def available_isas() -> list[str]: ...
def load(isa: str) -> Any: ...
def build_info() -> dict[str, Any]: ...
def max_threads() -> int: ...
def fma_peak(*, n_threads: int, seconds: float = 0.2) -> float: ...
def row_order(n_rows: int, seed: int, epoch: int) -> npt.NDArray[np.int64]: ...
def layout(widths: Sequence[int]) -> tuple[int, list[tuple[int, int, int, bool, int]]]: ...
def column_groups(widths: Sequence[int]) -> int: ...
def column_stats(X: Array, *, n_threads: int) -> tuple[Float64, Float64, Float64, Float64]: ...
def train(
    X: Array,
    params: Float32,
    slots: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    solver: str,
    learning_rate: float,
    schedule: str = "constant",
    samples_total: float = 0.0,
    annealing: float,
    momentum: float,
    nesterov: bool,
    rho: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    l1: float,
    l2: float,
    batch_size: int,
    seed: int,
    first_epoch: int,
    n_epochs: int,
    samples_done: int,
    steps_done: int,
    parallel: str,
    n_threads: int,
    tick: Callable[[int], bool | None] | None = None,
) -> TrainResult: ...
def score(
    X: Array,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_threads: int,
) -> Float64: ...
def feature_errors(
    X: Array,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_threads: int,
) -> Array: ...
def reconstruct(
    X: Array,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_threads: int,
) -> Array: ...
def activations(
    X: Array,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_layers: int,
    n_threads: int,
) -> Array: ...
def decode(
    H: Array,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    first_layer: int,
    n_threads: int,
) -> Array: ...
