"""Types of the compiled core; every instruction-set level offers these functions."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, overload

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
# Codes of levels, one column per factor; negative: no level.
Codes: TypeAlias = npt.NDArray[np.int32]
# Values, their columns (ascending within a row), where rows begin (one more than rows), and how
# many columns there are. What is not stored is 0.
SparseRows: TypeAlias = tuple[Array, npt.NDArray[np.int32], npt.NDArray[np.int64], int]
Rows: TypeAlias = Array | SparseRows

class Factors(TypedDict):
    # Numbers come first among inputs and outputs: as many as shift and scale have entries.
    n_levels: Sequence[int]
    weights: Sequence[float]  # of the factors' errors
    loss: NotRequired[Literal["cross_entropy", "squared_error"]]
    marks_missing: NotRequired[bool]  # one more input per number
    reconstructed: NotRequired[bool]  # default: True
    full_levels: NotRequired[int]  # beyond it, training draws levels to compare with
    n_sampled: NotRequired[int]  # so many
    frequencies: NotRequired[Sequence[float]]  # one per level, above 0: how often each is drawn

class TrainResult(TypedDict):
    # One entry per epoch that was touched, incomplete ones included.
    rows: list[int]
    squared_error: list[float]
    target_error: list[float]
    seconds: list[float]
    mse: list[float]  # of the reconstruction, per row; anomalous rows count 0
    epochs: int  # complete
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
def column_stats(
    X: Rows, *, n_threads: int, sample_weight: Float32 | None = None
) -> tuple[Float64, Float64, Float64, Float64, Float64, float]: ...
def step_rates(*, samples: float, steps: float, **options: Any) -> tuple[float, float, float]: ...
def train(
    X: Rows,
    params: Float32,
    slots: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    sample_weight: Float32 | None = None,
    averages: Float32 | None = None,
    target: Array | None = None,
    target_shift: Float64 | None = None,
    target_scale: Float64 | None = None,
    classes: npt.NDArray[np.int32] | None = None,
    anomalous: npt.NDArray[np.bool_] | None = None,
    factors: Factors | None = None,
    codes: Codes | None = None,
    solver: Literal["adadelta", "adam", "sgd"],
    learning_rate: float,
    schedule: Literal["constant", "cosine", "invscaling", "onecycle"] = "constant",
    samples_total: float = 0.0,
    power: float = 0.5,
    annealing: float = 0.0,
    momentum: float = 0.0,
    momentum_start: float = 0.0,
    momentum_ramp: float = 0.0,
    dampening: bool = False,
    nesterov: bool = True,
    rho: float = 0.99,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    l1: float = 0.0,
    l2: float = 0.0,
    max_w2: float = ...,
    layer_rates: Sequence[float] = (),
    thaw_steps: Sequence[float] = (),
    loss: Literal["squared_error", "absolute_error", "huber", "quantile"] = "squared_error",
    loss_parameter: float = 0.0,
    missing: Literal["none", "ignore", "impute"] = "none",
    limit: float = ...,
    n_targets: int = 0,
    target_weight: float = 1.0,
    reconstruction_weight: float = 1.0,
    margin: float = 0.0,
    input_dropout: float = 0.0,
    input_noise: float = 0.0,
    hidden_dropout: Sequence[float] = (),
    sparsity_beta: float = 0.0,
    average_activation: float = 0.0,
    batch_size: int,
    seed: int = 0,
    first_epoch: int = 0,
    first_row: int = 0,
    n_epochs: int = 1,
    n_samples: int = ...,
    samples_done: float = 0.0,
    steps_done: float = 0.0,
    parallel: Literal["deterministic", "hogwild"] = "deterministic",
    n_threads: int = 1,
    tick: Callable[[int], bool | None] | None = None,
) -> TrainResult: ...
def score(
    X: Rows,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_threads: int,
    rows: npt.NDArray[np.uint32] | None = None,
    missing: Literal["none", "ignore", "impute"] = "none",
    limit: float = ...,
    factors: Factors | None = None,
    codes: Codes | None = None,
) -> Float64: ...
def feature_errors(
    X: Rows,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_threads: int,
    missing: Literal["none", "ignore", "impute"] = "none",
    limit: float = ...,
    factors: Factors | None = None,
    codes: Codes | None = None,
) -> Array: ...
@overload
def reconstruct(
    X: Rows,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_threads: int,
    missing: Literal["none", "ignore", "impute"] = "none",
    limit: float = ...,
    factors: None = None,
    codes: None = None,
) -> Array: ...
@overload
def reconstruct(
    X: Rows,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_threads: int,
    missing: Literal["none", "ignore", "impute"] = "none",
    limit: float = ...,
    factors: Factors,
    codes: Codes,
) -> tuple[Array, Codes]: ...  # the numbers, and the most likely levels
def activations(
    X: Rows,
    params: Float32,
    *,
    widths: Sequence[int],
    activations: Sequence[str],
    shift: Float64,
    scale: Float64,
    n_layers: int,
    n_threads: int,
    missing: Literal["none", "ignore", "impute"] = "none",
    limit: float = ...,
    factors: Factors | None = None,
    codes: Codes | None = None,
) -> Array: ...
@overload
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
    factors: None = None,
) -> Array: ...
@overload
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
    factors: Factors,
) -> tuple[Array, Codes]: ...  # the numbers, and the most likely levels
