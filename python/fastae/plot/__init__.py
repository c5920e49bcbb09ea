"""Pictures of what an autoencoder learned and found, in the manner of scikit-learn's displays.

A display computes what it shows (`from_estimator`, `from_predictions`), keeps it in attributes, and
draws it (`plot`) onto axes of yours or a new figure. New figures are made by ``matplotlib.pyplot``,
as scikit-learn's displays do; with `ax` or `figure` given, pyplot is not even imported.

Colours are Okabe and Ito's, and the red of what is flagged is Paul Tol's: colour-blind people can
tell them apart, and what is flagged has another marker, another line or bold print as well.
"""

try:
    import matplotlib as _mpl  # noqa: F401, ICN001
except ImportError as error:
    _msg = "fastae.plot needs matplotlib: pip install fastae[plot]"
    raise ImportError(_msg) from error

from fastae.plot._codes import CodesDisplay
from fastae.plot._curves import CurvesDisplay
from fastae.plot._heatmap import ErrorHeatmapDisplay
from fastae.plot._histogram import ErrorHistogramDisplay
from fastae.plot._history import HistoryDisplay
from fastae.plot._ranked import RankedErrorsDisplay
from fastae.plot._reconstructions import ReconstructionsDisplay
from fastae.plot._weights import WeightsDisplay

__all__ = [
    "CodesDisplay",
    "CurvesDisplay",
    "ErrorHeatmapDisplay",
    "ErrorHistogramDisplay",
    "HistoryDisplay",
    "RankedErrorsDisplay",
    "ReconstructionsDisplay",
    "WeightsDisplay",
]
