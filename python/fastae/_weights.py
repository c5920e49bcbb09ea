"""The weights: one aligned float32 buffer for the core, and NumPy views of it for the user."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

Float32 = npt.NDArray[np.float32]

ALIGNMENT = 64  # bytes: one AVX-512 vector, one cache line


def n_weights(widths: Sequence[int]) -> int:
    """Return the weights, without biases, of a network of these widths.

    Examples
    --------
    >>> from fastae import _weights
    >>> _weights.n_weights((784, 50, 784))
    78400
    """
    return sum(fan_in * fan_out for fan_in, fan_out in pairwise(widths))


def aligned_zeros(shape: tuple[int, ...]) -> Float32:
    """Return zeros whose first element lies on a 64-byte boundary.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    zeros : ndarray of that shape, float32, C-contiguous
    """
    size = int(np.prod(shape, dtype=np.int64))
    spare = ALIGNMENT // 4
    block = np.zeros(size + spare, dtype=np.float32)
    start = -(block.ctypes.data // 4) % spare
    return block[start : start + size].reshape(shape)


@lru_cache(maxsize=64)
def _layout(widths: tuple[int, ...]) -> tuple[int, list[tuple[int, int, int, bool, int]]]:
    return _core.layout(widths)


@dataclass(frozen=True, eq=False)
class Network:
    """Weights in the core's layout, with the views that the estimator shows.

    Attributes
    ----------
    widths : tuple of int
        Units per layer, input and output included.
    params : ndarray, float32
        The flat buffer that the core reads and trains.
    coefs : tuple of ndarray of shape (fan_in, fan_out)
        Views of `params`, one per layer.
    intercepts : tuple of ndarray of shape (fan_out,)
        Views of `params`, one per layer.
    """

    widths: tuple[int, ...]
    params: Float32
    coefs: tuple[Float32, ...]
    intercepts: tuple[Float32, ...]

    @classmethod
    def zeros(cls, widths: Sequence[int]) -> Network:
        """Return a network of these widths with all weights 0."""
        widths = tuple(map(int, widths))
        return cls.over(widths, aligned_zeros((_layout(widths)[0],)))

    @classmethod
    def over(cls, widths: Sequence[int], params: Float32) -> Network:
        """Return the network of these widths whose weights lie in a buffer."""
        widths = tuple(map(int, widths))
        coefs = []
        intercepts = []
        for (offset, n_rows, stride, fan_in_is_wide, bias_offset), fan_in, fan_out in zip(
            _layout(widths)[1], widths[:-1], widths[1:], strict=True
        ):
            rows = params[offset : offset + n_rows * stride].reshape(n_rows, stride)
            coefs.append(rows[:, :fan_in].T if fan_in_is_wide else rows[:, :fan_out])
            intercepts.append(params[bias_offset : bias_offset + fan_out])
        return cls(widths, params, tuple(coefs), tuple(intercepts))

    @classmethod
    def from_arrays(
        cls,
        widths: Sequence[int],
        coefs: Sequence[Any],
        intercepts: Sequence[Any],
        *,
        names: tuple[str, str] = ("coefs_", "intercepts_"),
    ) -> Network:
        """Return a network with copies of the given weights.

        Parameters
        ----------
        widths : sequence of int
        coefs : sequence of array-like of shape (fan_in, fan_out), one per layer
        intercepts : sequence of array-like of shape (fan_out,), one per layer
        names : pair of str
            What the two sequences are called in errors.

        Raises
        ------
        ValueError
            If a number of layers or a shape does not fit `widths`, or a weight is not finite.
        """
        network = cls.zeros(widths)
        for name, targets, sources in zip(
            names, (network.coefs, network.intercepts), (coefs, intercepts), strict=True
        ):
            fill(targets, sources, name)
        return network

    def copy(self) -> Network:
        """Return a network of its own with the same weights."""
        network = Network.zeros(self.widths)
        network.params[...] = self.params
        return network

    def shows(self, coefs: Sequence[Any], intercepts: Sequence[Any]) -> bool:
        """Tell whether these are this network's own views, so that `params` is what they hold."""
        return (
            len(coefs) == len(self.coefs)
            and len(intercepts) == len(self.intercepts)
            and all(map(_same, coefs, self.coefs))
            and all(map(_same, intercepts, self.intercepts))
        )

    def slots(self, n_slots: int) -> Float32:
        """Return the optimiser's state before its first step: `n_slots` buffers of zeros."""
        return aligned_zeros((n_slots, self.params.size))


def _same(given: object, own: object) -> bool:
    return given is own


def fill(targets: Sequence[Float32], sources: Sequence[Any], name: str) -> None:
    """Copy one array per layer into views of the buffer.

    Parameters
    ----------
    targets : sequence of ndarray
        Views of the buffer.
    sources : sequence of array-like
        As many arrays, of the same shapes.
    name : str
        What `sources` is called in errors.

    Raises
    ------
    ValueError
        If the number of arrays or a shape differs, or a value is not finite.
    """
    if not hasattr(sources, "__len__") or len(sources) != len(targets):
        n_given = len(sources) if hasattr(sources, "__len__") else type(sources).__name__
        msg = f"{name} must be a list of {len(targets)} arrays, one per layer, got {n_given}."
        raise ValueError(msg)
    for layer, (target, source) in enumerate(zip(targets, sources, strict=True)):
        array = np.asarray(source)
        if array.shape != target.shape:
            msg = f"{name}[{layer}] must have shape {target.shape}, got {array.shape}."
            raise ValueError(msg)
        with np.errstate(over="ignore"):  # what float32 cannot hold is reported just below
            target[...] = array
        if not np.isfinite(target).all():
            msg = f"{name}[{layer}] must be finite numbers within float32's range."
            raise ValueError(msg)


def draw(network: Network, init: str, init_scale: float, rng: np.random.RandomState) -> None:
    """Write random weights and zero biases into a network.

    Parameters
    ----------
    network : Network
    init : {"glorot_uniform", "uniform", "normal"}
        Glorot & Bengio (2010): uniform in [-R, R], R = sqrt(6 / (fan_in + fan_out)).
    init_scale : float
        Half-width of "uniform", standard deviation of "normal".
    rng : RandomState
        Layers are drawn from the input on, each as (fan_in, fan_out) in C order.
    """
    for W, b in zip(network.coefs, network.intercepts, strict=True):
        if init == "normal":
            W[...] = rng.normal(0.0, init_scale, W.shape)
        else:
            R = np.sqrt(6.0 / sum(W.shape)) if init == "glorot_uniform" else init_scale
            W[...] = rng.uniform(-R, R, W.shape)
        b[...] = 0.0
