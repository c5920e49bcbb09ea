"""Layer by layer: every hidden layer first learns to reconstruct the one below it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae import _core
from fastae._plan import rows_in
from fastae._reading import core_rows
from fastae._training import diverged
from fastae._weights import Network, aligned_zeros, draw

if TYPE_CHECKING:
    from fastae._data import TrainingData
    from fastae._params import Params

Float64 = npt.NDArray[np.float64]


def stacked(
    network: Network,
    data: TrainingData,
    shift: Float64,
    scale: Float64,
    params: Params,
    *,
    epochs: float,
    seed: int,
    n_threads: int,
    rng: np.random.RandomState,
) -> None:
    """Train the layers up to the codes one after another, each as a shallow autoencoder.

    Layer k learns to compress the output of layer k - 1 so that a layer on top can reconstruct it
    (Bengio et al. 2007, "Greedy Layer-Wise Training of Deep Networks"). Its weights go to the
    encoder; those of the layer on top to the mirrored layer of the decoder, where it has that
    shape.

    Parameters
    ----------
    network : Network
        Changed in place; layers that are not pretrained keep their weights.
    data : TrainingData
    shift, scale : ndarray of shape (n_features,), float64
    params : Params
        Of the whole network; every shallow one is trained with the same options.
    epochs : float
        Per layer.
    seed : int
    n_threads : int
    rng : RandomState
        For the first weights of layers on top that the decoder has no place for.

    Raises
    ------
    DivergenceError
        If an error or a weight stopped being finite.
    """
    n_layers = len(network.coefs)
    hidden = network.widths[1:-1]
    table, table_shift, table_scale = core_rows(data.X)["X"], shift, scale
    for layer in range(hidden.index(min(hidden)) + 1 if hidden else 0):
        widths = (network.widths[layer], network.widths[layer + 1], network.widths[layer])
        shallow = Network.zeros(widths)
        draw(shallow, "glorot_uniform", 1.0, rng)
        shallow.coefs[0][...] = network.coefs[layer]
        shallow.intercepts[0][...] = network.intercepts[layer]
        mirrored = n_layers - 1 - layer
        is_mirrored = mirrored > layer and network.coefs[mirrored].shape == shallow.coefs[1].shape
        if is_mirrored:
            shallow.coefs[1][...] = network.coefs[mirrored]
            shallow.intercepts[1][...] = network.intercepts[mirrored]
        # What is to be reconstructed was made by the activation of the layer below.
        output = params.activations[layer - 1] if layer else params.activations[-1]
        activations = (params.activations[layer], output)
        _train_shallow(
            shallow, activations, layer, table, table_shift, table_scale, data, params,
            epochs=epochs, seed=seed + layer, n_threads=n_threads,
        )  # fmt: skip
        network.coefs[layer][...] = shallow.coefs[0]
        network.intercepts[layer][...] = shallow.intercepts[0]
        if is_mirrored:
            network.coefs[mirrored][...] = shallow.coefs[1]
            network.intercepts[mirrored][...] = shallow.intercepts[1]
        table = _core.activations(
            table, shallow.params, widths=widths, activations=activations, shift=table_shift,
            scale=table_scale, n_layers=1, n_threads=n_threads,
            missing="none" if layer else params.options["missing"],
            limit=math.inf if layer else params.options["limit"],
        )  # fmt: skip
        table_shift, table_scale = np.zeros(widths[1]), np.ones(widths[1])


def _train_shallow(
    shallow: Network,
    activations: tuple[str, str],
    layer: int,
    table: Any,
    shift: Float64,
    scale: Float64,
    data: TrainingData,
    params: Params,
    *,
    epochs: float,
    seed: int,
    n_threads: int,
) -> None:
    """Train one shallow autoencoder on the outputs of the layers below."""
    options = dict(params.options)
    options["layer_rates"] = options["thaw_steps"] = []
    if layer > 0:
        options["missing"], options["limit"] = "none", math.inf
    options["margin"] = 0.0  # anomalies are not among these rows
    options["hidden_dropout"] = options["hidden_dropout"][layer : layer + 1]
    weights, n_normal = data.normal_rows
    n_samples = rows_in(epochs, n_normal)
    result = _core.train(
        table,
        shallow.params,
        shallow.slots(params.n_slots),
        widths=shallow.widths,
        activations=activations,
        shift=shift,
        scale=scale,
        sample_weight=weights,
        averages=aligned_zeros((replace(params, widths=shallow.widths).averages_size,)),
        batch_size=params.batch_size,
        seed=seed % 2**64,
        n_samples=n_samples,
        samples_total=max(n_samples, 1),
        n_threads=n_threads,
        **options,
    )
    if result["status"] == "diverged":
        raise diverged(result["epochs"] + 1, params)
    if result["status"] == "interrupted":
        raise KeyboardInterrupt
