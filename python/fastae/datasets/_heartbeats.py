"""Normal and abnormal heartbeats, made on the spot."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch, check_random_state, check_scalar

from fastae.datasets._ecg_model import ANGLE, BREATHING_HZ, MEAN_RR, STRENGTH, WIDTH, Beats, record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

WINDOW_START, WINDOW_LENGTH = -0.34, 0.84  # seconds, the R peak being at 0

SD_RR = 0.04  # seconds
MAYER_HZ = 0.1  # besides breathing, the other rhythm of the paper's RR spectrum
LF_HF_RATIO = 0.5  # power of that slow rhythm over power of breathing

# Relative spread from beat to beat, and of the angles in radians; the R peak stays at 0
# because the windows are aligned on it.
SD_STRENGTH, SD_WIDTH = 0.05, 0.03
SD_ANGLE = np.array([0.03, 0.005, 0.0, 0.005, 0.03, 0.0, 0.0])

DESCR = """\
Synthetic heartbeats from the dynamical model of McSharry, Clifford, Tarassenko and Smith,
IEEE Transactions on Biomedical Engineering 50(3):289-294, 2003. Each row is one beat in
millivolts, a window of 0.84 s with the R peak 0.34 s after its start. Beats with target 1
are normal; those with target -1 are abnormal, of the kind that `kind` names.
"""


class Anomaly(NamedTuple):
    """How one kind of bad beat differs from a normal one."""

    angle: tuple[float, ...]
    strength: tuple[float, ...]
    width: tuple[float, ...]
    rr_factor: float


ANOMALIES = {
    # Starts in a ventricle: it comes early (the T wave before it is still there), has no P
    # wave, a broad QRS complex, a T wave against it, and a compensatory pause after it.
    "premature ventricular contraction": Anomaly(
        angle=(*ANGLE[:2], 0.0, 0.55, 1.35, ANGLE[5], -2.05),
        strength=(0.0, 0.0, 5.5, -0.9, -0.9, 0.0, 0.75),
        width=(0.25, 0.1, 0.22, 0.22, 0.38, 0.4, 0.4),
        rr_factor=1.25,
    ),
    # A current of injury lifts the line between the S and the T wave and hides S.
    "ST elevation": Anomaly(
        angle=tuple(ANGLE),
        strength=(*STRENGTH[:3], -1.5, 0.9, 0.75, 0.0),
        width=tuple(WIDTH),
        rr_factor=1.0,
    ),
    # The atria contract (P wave), the ventricles do not follow: no QRS complex, no T wave.
    "dropped beat": Anomaly(
        angle=tuple(ANGLE),
        strength=(STRENGTH[0], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        width=tuple(WIDTH),
        rr_factor=1.0,
    ),
}


def _rhythm(n: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """Return the RR intervals of `n` beats in a row and when their R peaks come, in seconds."""
    nominal = MEAN_RR * np.arange(n)
    slow_phase, fast_phase = rng.uniform(0.0, 2 * np.pi, size=2)
    fast = np.sqrt(2 / (1 + LF_HF_RATIO))
    slow = fast * np.sqrt(LF_HF_RATIO)
    rr = MEAN_RR + SD_RR * (
        slow * np.sin(2 * np.pi * MAYER_HZ * nominal + slow_phase)
        + fast * np.sin(2 * np.pi * BREATHING_HZ * nominal + fast_phase)
    )
    return rr, np.cumsum(rr) + fast_phase / (2 * np.pi * BREATHING_HZ)


def _vary(
    angle: Array, strength: Array, width: Array, rr: Array, clock: Array, rng: np.random.RandomState
) -> Beats:
    """Return one beat per row, each a little different."""
    shape = (rr.size, 3, ANGLE.size)
    # Clipped, so that "normal" has no tail in which an odd beat could hide.
    jitter = np.clip(rng.standard_normal(shape), -2.0, 2.0)
    return Beats(
        angle + SD_ANGLE * jitter[:, 0],
        strength * (1 + SD_STRENGTH * jitter[:, 1]),
        width * (1 + SD_WIDTH * jitter[:, 2]),
        rr,
        clock,
    )


def make_heartbeats(
    n_normal: int = 20,
    n_anomalies: int = 3,
    *,
    n_points: int = 210,
    noise: float = 0.01,
    random_state: int | np.random.RandomState | None = 0,
    return_X_y: bool = False,
) -> Any:
    """Generate heartbeats of an electrocardiogram, some of them abnormal.

    The beats come from the dynamical model of McSharry et al. [1]_: a point runs around the
    unit circle once per beat and is pushed up and down as it passes the P, Q, R, S and T
    events. From beat to beat the RR interval varies with breathing and with the slower Mayer
    waves, the waves vary in height, width and place, and breathing moves the baseline. Each
    row is a window of 0.84 s, its R peak 0.34 s after the start.

    The same seed gives the same normal beats whatever `n_anomalies` is, so
    ``make_heartbeats(n_anomalies=0)`` is the training set that goes with
    ``make_heartbeats()``.

    Parameters
    ----------
    n_normal : int, default=20
        Number of normal beats, the first rows.
    n_anomalies : int, default=3
        Number of abnormal beats, the last rows. Three kinds take turns: "premature
        ventricular contraction", "ST elevation" and "dropped beat".
    n_points : int, default=210
        Number of samples per beat; 210 is one every 4 ms.
    noise : float, default=0.01
        Standard deviation of the white measurement noise in millivolts.
    random_state : int, RandomState instance or None, default=0
        Seed. An int gives the same beats every time, None others every time.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    heartbeats : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n_normal + n_anomalies, n_points)
            Voltages in millivolts.
        target : ndarray of shape (n_normal + n_anomalies,)
            1 for a normal beat, -1 for an abnormal one.
        kind : ndarray of str of shape (n_normal + n_anomalies,)
            "normal" or the kind of anomaly.
        time : ndarray of shape (n_points,)
            Seconds from the R peak.
        feature_names : list of str
            "t0", "t1", ...: the names of the columns.
        DESCR : str
            Description of the data set.

        ``(data, target)`` if `return_X_y`.

    References
    ----------
    .. [1] P. E. McSharry, G. D. Clifford, L. Tarassenko, L. A. Smith. "A dynamical model for
       generating synthetic electrocardiogram signals." IEEE Transactions on Biomedical
       Engineering 50(3):289-294, 2003.

    Examples
    --------
    >>> from fastae.datasets import make_heartbeats
    >>> beats = make_heartbeats()
    >>> beats.data.shape
    (23, 210)
    >>> beats.target[-5:]
    array([ 1,  1, -1, -1, -1])
    >>> [str(kind) for kind in beats.kind[-3:]]
    ['premature ventricular contraction', 'ST elevation', 'dropped beat']
    """
    check_scalar(n_normal, "n_normal", Integral, min_val=0)
    check_scalar(n_anomalies, "n_anomalies", Integral, min_val=0)
    check_scalar(n_points, "n_points", Integral, min_val=1)
    check_scalar(noise, "noise", Real, min_val=0)
    time = np.linspace(
        WINDOW_START, WINDOW_START + WINDOW_LENGTH, n_points, endpoint=False, dtype=np.float64
    )

    # A stream of its own for each: no draw then depends on how many others were made before.
    seeds = check_random_state(random_state).randint(2**32 - 1, size=4, dtype=np.uint32)
    for_rhythm, for_normal, for_anomalies, for_noise = map(np.random.RandomState, seeds)

    rr, clock = _rhythm(n_normal + n_anomalies, for_rhythm)
    normal = _vary(ANGLE, STRENGTH, WIDTH, rr[:n_normal], clock[:n_normal], for_normal)
    # Integrated apart: the solver's steps, and with them the last digits, depend on all beats
    # in a call, and the normal beats shall not depend on the others.
    rows = [record(normal, time)]
    names = [list(ANOMALIES)[i % len(ANOMALIES)] for i in range(n_anomalies)]
    if names:
        kinds = [ANOMALIES[name] for name in names]
        bad = _vary(
            np.array([kind.angle for kind in kinds]),
            np.array([kind.strength for kind in kinds]),
            np.array([kind.width for kind in kinds]),
            rr[n_normal:] * [kind.rr_factor for kind in kinds],
            clock[n_normal:],
            for_anomalies,
        )
        rows.append(record(bad, time))

    X = np.concatenate(rows)
    X += noise * for_noise.standard_normal(X.shape)
    target = np.repeat([1, -1], [n_normal, n_anomalies])
    if return_X_y:
        return X, target
    return Bunch(
        data=X,
        target=target,
        kind=np.array(["normal"] * n_normal + names, dtype=np.str_),
        time=time,
        feature_names=[f"t{j}" for j in range(n_points)],
        DESCR=DESCR,
    )
