"""The figures that H2O calls an autoencoder's metrics."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, repr=False)
class AutoEncoderMetrics:
    """Reconstruction error of a frame.

    Attributes
    ----------
    nobs : int
        Rows of the frame.
    reported_on : str
        Which frame: "train", "validation" or "test".

    Examples
    --------
    >>> from fastae.compat.h2o import AutoEncoderMetrics
    >>> metrics = AutoEncoderMetrics(0.25, 20, "train")
    >>> metrics.mse(), metrics.rmse()
    (0.25, 0.5)
    """

    _mse: float
    nobs: int
    reported_on: str

    @classmethod
    def of(cls, errors: npt.NDArray[np.float64], reported_on: str) -> Self:
        """Return the metrics of a frame by the errors of its rows."""
        return cls(float(np.mean(errors)), errors.size, reported_on)

    def mse(self) -> float:
        """Return the mean of the rows' Reconstruction.MSE."""
        return self._mse

    def rmse(self) -> float:
        """Return the square root of the MSE."""
        return sqrt(self._mse)

    def __repr__(self) -> str:
        return (
            "ModelMetricsAutoEncoder: deeplearning\n"
            f"** Reported on {self.reported_on} data. **\n\n"
            f"MSE: {self.mse():.10g}\nRMSE: {self.rmse():.10g}"
        )
