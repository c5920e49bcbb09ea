"""PyTorch, written and tuned by hand: what a careful user's own training loop does.

The scaled table is one float32 tensor; there is no data loader. "tune" measures Adam's three
implementations, one shuffled copy per epoch against one gather per batch, and the best of these
with `torch.compile`; for scoring, the rows per call.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from peers._worker import (
    Job,
    Memory,
    range_scaling,
    repeated,
    scaled,
    seconds_to_target,
    timed,
    train_result,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADAM = {"plain": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
TUNING_BATCHES = 150
CHUNKS = (128, 512, 2_000, 10_000)


def run(jobs: list[Job]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        torch.set_num_threads(job.n_threads)
        if job.kind == "tune":
            yield _tune_scoring(job) if job.case == "scoring" else _tune_training(job)
        else:
            yield _train(job) if job.kind == "train" else _score(job)


def _network(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.Tanh()]
    return nn.Sequential(*layers)


def _initialise(network: nn.Sequential) -> None:
    """Draw Glorot's uniform weights; biases are 0."""
    for linear in network[::2]:
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)


class _Trainer:
    """A network and its training loop in one variant, such as "fused, copy, compile"."""

    def __init__(self, job: Job, X: torch.Tensor, variant: str) -> None:
        self._adam, self._gather, *compiled = variant.split(", ")
        self.X, self.job = X, job
        self.network = _network([X.shape[1], *job.hidden, X.shape[1]])
        self.reset()
        self._loss: Callable[[torch.Tensor], torch.Tensor] = self._mse
        if compiled:
            self._loss = torch.compile(self._mse, dynamic=False)

    def reset(self) -> None:
        """Start anew with the same parameter objects: what has been compiled stays valid."""
        torch.manual_seed(1)
        _initialise(self.network)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=self.job.rate, **ADAM[self._adam]
        )

    def _mse(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.mse_loss(self.network(x), x)

    def _batches(self, n_rows: int) -> Iterator[torch.Tensor]:
        order = torch.randperm(n_rows)
        if self._gather == "copy":
            yield from self.X[order].split(self.job.batch_size)
        else:
            for rows in order.split(self.job.batch_size):
                yield self.X[rows]

    def epoch(self, n_rows: int) -> None:
        for x in self._batches(n_rows):
            self.optimiser.zero_grad(set_to_none=True)
            # Another size would be compiled anew: the last, short batch runs uncompiled.
            loss = self._loss if len(x) == self.job.batch_size else self._mse
            loss(x).backward()
            self.optimiser.step()

    def test_mse(self, T: torch.Tensor) -> float:
        with torch.inference_mode():
            return self._mse(T).item()


def _rows_per_second(job: Job, X: torch.Tensor, variant: str) -> float:
    trainer = _Trainer(job, X, variant)
    n_rows = min(len(X), TUNING_BATCHES * job.batch_size) // job.batch_size * job.batch_size
    trainer.epoch(min(n_rows, 10 * job.batch_size))
    return n_rows / min(timed(lambda: trainer.epoch(n_rows)) for _ in range(3))


def _tried(
    variants: list[str], speed: Callable[[str], float], tried: dict[str, float | str]
) -> str:
    """Add the speed of variants, or their error in one line; return the best one so far."""
    for variant in variants:
        start = time.perf_counter()
        try:
            tried[variant] = speed(variant)
        except Exception as error:  # noqa: BLE001  whatever torch.compile may raise
            lines = str(error).strip().splitlines() or [""]
            tried[variant] = f"{type(error).__name__}: {lines[0]}"
        print(variant, tried[variant], f"{time.perf_counter() - start:.1f} s")
    numbers = {name: value for name, value in tried.items() if isinstance(value, float)}
    return max(numbers, key=numbers.__getitem__)


def _tune_training(job: Job) -> dict[str, Any]:
    X = job.train_table()
    Z = torch.from_numpy(scaled(X, *range_scaling(X)))
    tried: dict[str, float | str] = {}

    def speed(variant: str) -> float:
        return _rows_per_second(job, Z, variant)

    best = _tried([f"{adam}, copy" for adam in ADAM], speed, tried)
    best = _tried([f"{best.split(', ')[0]}, gather"], speed, tried)
    _tried([f"{best}, compile"], speed, tried)
    return _best(tried)


def _best(tried: dict[str, float | str]) -> dict[str, Any]:
    """Return the best variant with and without `torch.compile` (None if that failed)."""
    numbers = {name: value for name, value in tried.items() if isinstance(value, float)}
    compiled = [name for name in numbers if name.endswith("compile")]
    plain = [name for name in numbers if name not in compiled]
    best, best_compiled = (
        max(names, key=numbers.__getitem__, default=None) for names in (plain, compiled)
    )
    return {"variant": best, "compiled_variant": best_compiled, "tried": tried}


def _train(job: Job) -> dict[str, Any]:
    X = job.train_table()
    memory = Memory()
    scaling = range_scaling(X)
    Z = torch.from_numpy(scaled(X, *scaling))
    trainer = _Trainer(job, Z, job.variant)
    trainer.epoch(min(len(Z), 10 * job.batch_size))

    def train(n_rows: int = len(Z)) -> float:
        trainer.reset()
        return timed(lambda: [trainer.epoch(n_rows) for _ in range(job.epochs)])

    seconds = repeated(train, job.min_seconds)
    peak = memory.peak_mib()
    T = torch.from_numpy(scaled(job.test_table(), *scaling))
    result = train_result(job, seconds, peak, test_mse=trainer.test_mse(T), variant=job.variant)
    if job.target:
        result["target_seconds"] = seconds_to_target(
            job, lambda n_rows: (train(n_rows), trainer.test_mse(T))
        )
    return result


class _Scorer:
    """Row errors of uint8 rows, a chunk at a time."""

    def __init__(self, job: Job, variant: str) -> None:
        chunk, *compiled = variant.split(", ")
        self.chunk = int(chunk.split()[0])
        coefs, intercepts = job.weights()
        self.network = _network([coefs[0].shape[0], *job.hidden, coefs[0].shape[0]])
        with torch.no_grad():
            for linear, W, b in zip(self.network[::2], coefs, intercepts, strict=True):
                linear.weight.copy_(torch.from_numpy(W.T.copy()))
                linear.bias.copy_(torch.from_numpy(b.copy()))
        self.shift, self.scale = (torch.from_numpy(column).float() for column in job.scaling())
        self._errors = self._row_errors
        if compiled:
            self._errors = torch.compile(self._row_errors, dynamic=False)

    def _row_errors(self, rows: torch.Tensor) -> torch.Tensor:
        x = (rows.float() - self.shift) * self.scale
        return (self.network(x) - x).square().mean(1)

    def __call__(self, X: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat([
                self._errors(rows) if len(rows) == self.chunk else self._row_errors(rows)
                for rows in X.split(self.chunk)
            ])  # fmt: skip


def _tune_scoring(job: Job) -> dict[str, Any]:
    X = torch.from_numpy(job.test_table()[: job.n_rows])
    tried: dict[str, float | str] = {}

    def speed(variant: str) -> float:
        scorer = _Scorer(job, variant)
        scorer(X)
        return len(X) / min(timed(lambda: scorer(X)) for _ in range(5))

    best = _tried([f"{chunk} rows a call" for chunk in CHUNKS], speed, tried)
    _tried([f"{best}, compile", f"{CHUNKS[2]} rows a call, compile"], speed, tried)
    return _best(tried)


def _score(job: Job) -> dict[str, Any]:
    X = torch.from_numpy(job.test_table()[: job.n_rows])
    memory = Memory()
    scorer = _Scorer(job, job.variant)
    mse = scorer(X).mean().item()
    seconds = repeated(lambda: timed(lambda: scorer(X)), job.min_seconds)
    return train_result(job, seconds, memory.peak_mib(), test_mse=mse, variant=job.variant)
