"""The grid behind the automatic learning rates: test MSE by network, batch size, rate, schedule.

    FASTAE_DATA=/path/to/data python benchmarks/rates.py

prints one line per setting: the mean over two seeds of the test MSE after one epoch on
Fashion-MNIST, for multiples of the automatic rate.
"""

from __future__ import annotations

import numpy as np

from fastae import Autoencoder, DivergenceError, _params, datasets

MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
GRID = [
    *[((50,), "adam", batch) for batch in (1, 8, 32, 128)],
    *[(hidden, "adam", 128) for hidden in ((200,), (500,), (200, 50, 200))],
    ((1000, 500, 250, 30, 250, 500, 1000), "adam", 128),
    ((50,), "adadelta", 1),
]


def test_mse(train: np.ndarray, test: np.ndarray, **settings: object) -> float:
    """Mean over two seeds; NaN where the training diverged."""
    errors = []
    for seed in (0, 1):
        model = Autoencoder(
            activation="tanh", output_activation="tanh", max_epochs=1, random_state=seed, **settings
        )
        try:
            errors.append(-model.fit(train).score(test))
        except DivergenceError:
            errors.append(np.nan)
    return float(np.mean(errors))


def main() -> None:
    images = datasets.load_fashion_mnist()
    print("multiples of the automatic rate:", *MULTIPLES)
    for hidden, solver, batch in GRID:
        # Online training and the deep network are slow: a third of the rows will do.
        train = images.x_train[:20_000] if batch == 1 or len(hidden) > 3 else images.x_train
        for schedule in ("cosine", "constant"):
            rate = _params.auto_learning_rate(solver, schedule, batch, hidden)
            errors = [
                test_mse(
                    train,
                    images.x_test,
                    hidden_layer_sizes=hidden,
                    solver=solver,
                    batch_size=batch,
                    learning_rate_init=rate * multiple,
                    learning_rate=schedule,
                )
                for multiple in MULTIPLES
            ]
            name = "-".join(map(str, hidden))
            print(f"{name:<36} {solver:<8} batch {batch:<4} rate {rate:.4f} {schedule:<8}",
                  *(f"{error:.5f}" for error in errors), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
