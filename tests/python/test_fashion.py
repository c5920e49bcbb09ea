"""One epoch on Fashion-MNIST, against the best known figures of H2O and of a PyTorch loop."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import fastae

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif("FASTAE_DATA" not in os.environ, reason="FASTAE_DATA is not set"),
]


@pytest.fixture(scope="module")
def images():
    file = Path(os.environ["FASTAE_DATA"]) / "fashion-mnist" / "fashion_mnist.npz"
    with np.load(file) as arrays:
        return arrays["x_train"], arrays["x_test"]


def mse_after_one_epoch(images, seed, **options):
    """Mean squared error of the test images, in units of each pixel's range."""
    train, test = images
    model = fastae.Autoencoder(
        hidden_layer_sizes=50, activation="tanh", output_activation="tanh", scaling="range",
        max_epochs=1, random_state=seed, n_jobs=2, **options,
    )  # fmt: skip
    return model.fit(train).reconstruction_error(test).mean()


def test_online_adadelta_is_as_good_as_h2o(images):
    assert mse_after_one_epoch(images, 0, solver="adadelta", batch_size=1) <= 0.0136


@pytest.mark.parametrize("batch_size", ["auto", 32])
@pytest.mark.parametrize("seed", range(3))
def test_mini_batches_are_as_good_as_pytorch(images, seed, batch_size):
    assert mse_after_one_epoch(images, seed, batch_size=batch_size) <= 0.0129
