"""The dynamical model of the electrocardiogram by McSharry et al. (2003).

P. E. McSharry, G. D. Clifford, L. Tarassenko, L. A. Smith. "A dynamical model for generating
synthetic electrocardiogram signals." IEEE Trans. Biomed. Eng. 50(3):289-294, 2003. The
equations are its (1), the events those of its Table I.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Where the integration towards the R peak at 0 starts, in seconds. Between two beats nothing
# happens, so the trajectories of all beats can start there at the same moment.
INTEGRATION_START = -0.45

# Seconds between two R peaks: 65 beats a minute. Not the 1 s of the paper's table, with which
# every fourth beat would come at the same moment of a breath.
MEAN_RR = 60 / 65
BREATHING_HZ = 0.25
BREATHING_MV = 0.15  # how far breathing moves the baseline that the trajectory relaxes to
PEAK_TO_PEAK_MV = 1.6  # the paper scales the signal to -0.4 ... 1.2 mV

# Columns: the five events of Table I of the paper (angle on the circle in radians, strength,
# width in radians), then two that are silent in a normal beat: a shifted ST segment, and the
# T wave of the beat before, which a premature beat follows so closely that the window shows it.
ANGLE = np.pi * np.array([-1 / 3, -1 / 12, 0.0, 1 / 12, 1 / 2, 1 / 4, -1 / 2])
STRENGTH = np.array([1.2, -5.0, 30.0, -7.5, 0.75, 0.0, 0.0])
WIDTH = np.array([0.25, 0.1, 0.1, 0.1, 0.4, 0.4, 0.4])


class Beats(NamedTuple):
    """Parameters of n heartbeats, one revolution on the unit circle each."""

    angle: Array  # (n, n_events) where on the circle each event sits
    strength: Array  # (n, n_events)
    width: Array  # (n, n_events)
    rr: Array  # (n,) seconds for one revolution
    clock: Array  # (n,) seconds from the start of the record to the R peak


def _wrap(angle: Array) -> Array:
    """Return `angle` moved by whole turns into [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _breathing(seconds: Array, amplitude: float) -> Array:
    return amplitude * np.sin(2 * np.pi * BREATHING_HZ * seconds)


def _initial_state(beats: Beats, rest: float, breathing: float) -> Array:
    """Return (3, n) states at `INTEGRATION_START` as if normal beats had gone before."""
    omega = 2 * np.pi / beats.rr
    theta = omega * INTEGRATION_START
    # Without the slow pull to the baseline the equation has the exact solution of a sum of
    # Gaussians; a wave that is under way at the start is therefore entered at its height.
    bump = beats.strength * beats.width**2 / omega[:, None]
    delta = _wrap(theta[:, None] - beats.angle)
    z = rest + (bump * np.exp(-0.5 * (delta / beats.width) ** 2)).sum(axis=1)
    # z follows the baseline as a first-order low-pass filter of time constant 1 s does.
    turn = 2 * np.pi * BREATHING_HZ
    lag = np.arctan(turn) / turn
    z += _breathing(beats.clock + INTEGRATION_START - lag, breathing / np.hypot(1.0, turn))
    return np.stack([np.cos(theta), np.sin(theta), z])


def integrate(beats: Beats, time: Array, *, rest: float, breathing: float) -> Array:
    """Integrate the paper's equations (1) for all beats at once.

    Returns z, shape (n, n_times), in the model's own units.
    """
    n = beats.rr.size
    omega = 2 * np.pi / beats.rr

    def derivative(t: float, state: Array) -> Array:
        x, y, z = state.reshape(3, n)
        alpha = 1.0 - np.hypot(x, y)
        delta = _wrap(np.arctan2(y, x)[:, None] - beats.angle)
        push = beats.strength * delta * np.exp(-0.5 * (delta / beats.width) ** 2)
        pull = z - _breathing(beats.clock + t, breathing)
        return np.concatenate(
            [alpha * x - omega * y, alpha * y + omega * x, -push.sum(axis=1) - pull]
        )

    # max_step: a free step could jump over a whole QRS complex, about 0.1 s wide.
    solution = solve_ivp(
        derivative,
        (INTEGRATION_START, time[-1]),
        _initial_state(beats, rest, breathing).ravel(),
        t_eval=time,
        max_step=0.02,
        rtol=1e-5,
        atol=1e-7,
    )
    z: Array = solution.y.reshape(3, n, time.size)[2]
    return z


@lru_cache(maxsize=1)
def units() -> tuple[float, float]:
    """Return (millivolts per model unit, z between two beats) of the undisturbed model."""
    beat = Beats(ANGLE[None], STRENGTH[None], WIDTH[None], np.array([MEAN_RR]), np.zeros(1))
    one_turn = INTEGRATION_START + MEAN_RR
    z = integrate(beat, np.linspace(INTEGRATION_START, one_turn, 501), rest=0.0, breathing=0.0)[0]
    # The equation is linear in z: whatever is added at the start decays by exp(-MEAN_RR) in
    # one turn. The level that comes back after one turn follows from one integration.
    rest = z[-1] / (1.0 - np.exp(-MEAN_RR))
    return PEAK_TO_PEAK_MV / float(np.ptp(z)), float(rest)


def record(beats: Beats, time: Array) -> Array:
    """Return the voltage of each beat at `time`, seconds from its R peak.

    Returns an array of shape (n, n_times), in millivolts.
    """
    if beats.rr.size == 0:
        return np.empty((0, time.size))
    gain, rest = units()
    return gain * integrate(beats, time, rest=rest, breathing=BREATHING_MV / gain)
