"""Tables and networks that the benchmarks run on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from fastae import datasets


@dataclass(frozen=True)
class Case:
    """A training run: a network, its table and the estimator's settings.

    Attributes
    ----------
    name : str
    hidden : tuple of int
    table : str
        Key of `tables`.
    settings : dict
        Further parameters of `fastae.Autoencoder`.
    epochs : int
    max_rows : int or None
        Rows of the table to use, to bound the time of slow cases.
    """

    name: str
    hidden: tuple[int, ...]
    table: str
    settings: dict[str, Any] = field(default_factory=dict)
    epochs: int = 1
    max_rows: int | None = None


TANH = {"activation": "tanh", "output_activation": "tanh"}
ONLINE = {**TANH, "solver": "adadelta", "batch_size": 1}
DEEP = (1000, 500, 250, 30, 250, 500, 1000)

CASES = [
    Case("ecg-online", (50,), "ecg", {**ONLINE, "l1": 1e-5}, epochs=100),
    Case("fashion-online", (50,), "fashion", ONLINE, max_rows=20_000),
    Case(
        "fashion-batch-32",
        (50,),
        "fashion",
        {**TANH, "solver": "adam", "batch_size": 32, "learning_rate_init": 0.002},
    ),
    Case(
        "fashion-batch-128",
        (50,),
        "fashion",
        {**TANH, "solver": "adam", "batch_size": 128, "learning_rate_init": 0.004},
    ),
    Case(
        "fashion-batch-128-hogwild",
        (50,),
        "fashion",
        {
            **TANH,
            "solver": "adam",
            "batch_size": 128,
            "learning_rate_init": 0.004,
            "parallel": "hogwild",
        },
    ),
    Case(
        "fashion-deep",
        DEEP,
        "fashion",
        {**TANH, "solver": "adam", "batch_size": 128, "learning_rate_init": 0.001},
        max_rows=10_000,
    ),
    Case(
        "wide-5000",
        (100,),
        "wide",
        {**TANH, "solver": "adam", "batch_size": 128, "learning_rate_init": 0.002},
    ),
    Case(
        "tiny-10-3-10",
        (3,),
        "tiny",
        {**TANH, "solver": "adam", "batch_size": 32, "learning_rate_init": 0.002},
    ),
]


def _fashion() -> np.ndarray:
    """Fashion-MNIST where FASTAE_DATA has it, else noise of the same shape and type."""
    if os.environ.get("FASTAE_DATA"):
        return datasets.load_fashion_mnist().x_train
    return np.random.default_rng(0).integers(0, 256, (60_000, 784), dtype=np.uint8)


def _ecg() -> np.ndarray:
    """The 20 real good beats where FASTAE_DATA has them, else 20 generated ones."""
    if os.environ.get("FASTAE_DATA"):
        return datasets.load_ecg().train
    return datasets.make_heartbeats(n_anomalies=0, random_state=0).data


def _low_rank(n_samples: int, n_features: int, rank: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((n_samples, rank), dtype=np.float32)
    return codes @ rng.standard_normal((rank, n_features), dtype=np.float32)


TABLES = {
    "ecg": _ecg,
    "fashion": _fashion,
    "wide": lambda: _low_rank(5_000, 5_000, 20),
    "tiny": lambda: _low_rank(100_000, 10, 3),
}


def n_weights(hidden: tuple[int, ...], n_features: int) -> int:
    """Weights of the network without biases: multiply-adds of one forward pass."""
    widths = (n_features, *hidden, n_features)
    return sum(a * b for a, b in pairwise(widths))


def training_flops(hidden: tuple[int, ...], n_features: int) -> int:
    """Floating-point operations that training on one row needs.

    Forward, back-propagation and gradient: 2 per weight each; nothing is propagated back to the
    inputs. What the optimiser and the activations do is not counted.
    """
    first = n_features * (hidden[0] if hidden else n_features)
    return 6 * n_weights(hidden, n_features) - 2 * first


def scoring_flops(hidden: tuple[int, ...], n_features: int) -> int:
    """Floating-point operations that scoring one row needs: 2 per weight."""
    return 2 * n_weights(hidden, n_features)
