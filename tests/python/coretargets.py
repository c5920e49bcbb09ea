"""Networks with targets beside their inputs, as the compiled core takes them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corenet import Net, table

N_ROWS = 19
HIDDEN = ("tanh", "logistic", "elu")  # in turn


class Shape(NamedTuple):
    """A network's widths but for that of its output, how many targets it has, and what else."""

    widths: tuple
    n_targets: int
    reconstructs: bool = False

    @property
    def n_outputs(self):
        return self.n_targets + (self.widths[0] if self.reconstructs else 0)

    def __str__(self):
        return "-".join(map(str, (*self.widths, f"{self.n_outputs} ({self.n_targets})")))


# Outputs in one part, in two and in four, wider than the layer before and narrower: threads then
# share their columns or their rows. Targets begin at the first output, within a vector, at the
# beginning of a part and within one.
SHAPES = [
    Shape((5, 9), 3),
    Shape((150,), 3),
    Shape((6, 8), 20),
    Shape((12, 40, 30), 20),
    Shape((7, 3), 3, True),
    Shape((20, 30), 140),
    Shape((20, 160), 140),
    Shape((12,), 300),
    Shape((20, 350), 300),
    Shape((20, 24), 20, True),
    Shape((128, 20), 20, True),
    Shape((130, 60), 140, True),
    Shape((130, 280), 140, True),
]


def network(core, shape, output="identity", *, n=N_ROWS, seed=3):
    """Return a network and its table."""
    X = table(n, shape.widths[0], seed=2)
    hidden = shape.widths[1:]
    names = [*(HIDDEN[layer % len(HIDDEN)] for layer in range(len(hidden))), output]
    return Net.ranged(core, X, hidden, names, seed=seed, n_outputs=shape.n_outputs), X


def some_classes(n, n_targets, *, unknown=0.3, seed=4):
    """Return options of training on classes, of which a part is not known."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, n_targets, n)
    classes[rng.random(n) < unknown] = -1
    classes[n // 2] = np.where(unknown, -(2**31), n_targets - 1)  # the smallest, or the last
    return {"n_targets": n_targets, "classes": classes.astype(np.int32)}


def some_numbers(n, n_targets, *, unknown=0.3, seed=4):
    """Return options of training on numbers, of which a part is not known."""
    rng = np.random.default_rng(seed)
    spread, centre = rng.uniform(0.5, 4, n_targets), rng.uniform(-5, 5, n_targets)
    target = rng.normal(centre, spread, (n, n_targets))
    target[rng.random(target.shape) < unknown] = np.nan
    if unknown:
        target[n // 2] = np.nan  # the whole row
    return {
        "n_targets": n_targets,
        "target": target,
        "target_shift": centre,
        "target_scale": 0.5 / spread,
    }


TASKS = {
    "classes": lambda n, n_targets: some_classes(n, n_targets, unknown=0),
    "some classes": some_classes,
    "numbers": lambda n, n_targets: some_numbers(n, n_targets, unknown=0),
    "some numbers": some_numbers,
}
