"""What a supervised network learns of each row: a class, or numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from fastae._data import ScoredRows

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets of all rows of a table; some may be unknown.

    Attributes
    ----------
    n_targets : int
        Outputs that have a target: classes, or numbers.
    classes : ndarray of shape (n,), int32, or None
        Positions in the estimator's `classes_`, -1 where not known.
    values : ndarray of shape (n, n_targets), float64, or None
        Rows of NaN where not known.
    shift, scale : ndarray of shape (n_targets,), float64, or None
        The network's outputs are ``(values - shift) * scale``.
    """

    n_targets: int
    classes: Int32 | None = None
    values: Float64 | None = None
    shift: Float64 | None = None
    scale: Float64 | None = None

    @classmethod
    def of_classes(cls, codes: Int32, n_classes: int) -> Targets:
        """Return the targets of a classifier."""
        return cls(n_classes, classes=codes)

    @classmethod
    def of_values(cls, values: Float64) -> Targets:
        """Return the targets of a regressor, (n, n_targets), not scaled yet."""
        n_targets = values.shape[1]
        return cls(n_targets, values=values, shift=np.zeros(n_targets), scale=np.ones(n_targets))

    @property
    def known(self) -> Bool:
        """Which rows have a target."""
        if self.classes is not None:
            return np.asarray(self.classes != UNKNOWN)
        assert self.values is not None
        return ~np.isnan(self.values[:, 0])

    def scaled(self, shift: Float64, scale: Float64) -> Targets:
        """Return the same targets under another scaling of numbers."""
        return replace(self, shift=shift, scale=scale)

    def with_unknown(self, n_rows: int) -> Targets:
        """Return the targets of a table that goes on with so many rows without."""
        if self.classes is not None:
            more = np.full(n_rows, UNKNOWN, dtype=np.int32)
            return replace(self, classes=np.concatenate([self.classes, more]))
        nothing = np.full((n_rows, self.n_targets), np.nan)
        return replace(self, values=np.concatenate([self.values, nothing]))

    def arguments(self) -> dict[str, Any]:
        """Return what ``_core.train`` wants to know."""
        if self.classes is not None:
            return {"classes": self.classes}
        return {
            "target": self.values,
            "target_shift": self.shift,
            "target_scale": self.scale,
        }

    def of(self, scored: ScoredRows) -> Any:
        """Return the classes, or the numbers, of some rows."""
        everything = self.values if self.classes is None else self.classes
        assert everything is not None
        return everything if scored.rows is None else everything[scored.rows]
