"""Inputs and outputs of a network: numbers, levels of factors, marks of missing values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Float64 = npt.NDArray[np.float64]

# Nats: a column of which one level is nearly always seen weighs no more than one of this entropy.
LEAST_ENTROPY = 0.1
# Levels beyond which training draws some, as the core does (Factors::full_levels, n_sampled).
MOST_FULL, N_DRAWN = 512, 256


@dataclass(frozen=True)
class Units:
    """What the inputs and the reconstructed outputs of a network stand for.

    Inputs are numbers, levels of factors, one unit per factor for a missing or unknown level, and
    with `marks_missing` one per number for a missing value. Outputs are numbers and levels.

    Attributes
    ----------
    n_numbers : int
    n_levels : tuple of int
        One per factor.
    weights : tuple of float
        By what the loss of each factor is multiplied to be its error.
    frequencies : tuple of float
        Of all levels: in which proportion training draws them where they are many.
    loss : {"cross_entropy", "squared_error"}
    marks_missing : bool
    """

    n_numbers: int
    n_levels: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()
    loss: str = "cross_entropy"
    marks_missing: bool = False

    @classmethod
    def of_factors(
        cls, n_numbers: int, counts: Sequence[Float64], *, loss: str, marks_missing: bool
    ) -> Units:
        """Return the units of numbers and factors.

        Parameters
        ----------
        n_numbers : int
        counts : sequence of ndarray of shape (n_levels,), float64
            How often each level of each factor was seen.
        loss : {"cross_entropy", "squared_error"}
            With "cross_entropy", the error of a factor is that of its level in nats, divided by
            the column's entropy: 1 is what knowing no more than the frequencies costs, as it is
            for the squared error of a number of unit variance.
        marks_missing : bool

        Examples
        --------
        >>> import numpy as np
        >>> from fastae._units import Units
        >>> units = Units.of_factors(
        ...     2, [np.array([5.0, 5.0])], loss="cross_entropy", marks_missing=False
        ... )
        >>> units.n_inputs, units.n_outputs, round(units.weights[0], 3)
        (5, 4, 1.443)
        """
        weights = [1.0 if loss == "squared_error" else 1.0 / _entropy(count) for count in counts]
        return cls(
            n_numbers,
            tuple(len(count) for count in counts),
            tuple(weights),
            # Rare levels are drawn more often than they are seen (Mikolov et al. 2013).
            tuple(float(f) for count in counts for f in (count + 1.0) ** 0.75),
            loss,
            marks_missing,
        )

    @property
    def is_plain(self) -> bool:
        """Whether all inputs are numbers."""
        return not self.n_levels and not self.marks_missing

    @property
    def n_inputs(self) -> int:
        """Units of the first layer."""
        marks = self.n_numbers if self.marks_missing else 0
        return self.n_outputs + len(self.n_levels) + marks

    @property
    def n_outputs(self) -> int:
        """Units that reconstruct something."""
        return self.n_numbers + sum(self.n_levels)

    @property
    def n_active(self) -> int:
        """Inputs of a row that are not 0 by what they are."""
        return self.n_numbers + len(self.n_levels)

    @property
    def n_trained(self) -> int:
        """Outputs that training computes for a row."""
        return self.n_numbers + sum(n if n <= MOST_FULL else N_DRAWN for n in self.n_levels)

    @property
    def n_bits(self) -> int:
        """How much a row can say: a number counts 1, a factor the logarithm of its levels."""
        return self.n_numbers + sum(max(1, math.ceil(math.log2(n + 1))) for n in self.n_levels)

    @property
    def errors_per_factor(self) -> Float64:
        """How many errors each factor counts as in a row's mean."""
        is_squared = self.loss == "squared_error"
        return np.array([n if is_squared else 1 for n in self.n_levels], dtype=np.float64)

    def description(
        self, *, reconstructed: bool = True, trains: bool = False
    ) -> dict[str, Any] | None:
        """Return what the core wants to know; None if all inputs are numbers.

        Parameters
        ----------
        reconstructed : bool
            Whether there are outputs for the inputs.
        trains : bool
            Whether levels are to be drawn.
        """
        if self.is_plain:
            return None
        return {
            "n_levels": list(self.n_levels),
            "weights": list(self.weights),
            "frequencies": list(self.frequencies) if trains else [],
            "loss": self.loss,
            "marks_missing": self.marks_missing,
            "reconstructed": reconstructed,
            "full_levels": MOST_FULL,
            "n_sampled": N_DRAWN,
        }


def _entropy(counts: Float64) -> float:
    """Return the entropy of a column in nats, but not less than `LEAST_ENTROPY`."""
    total = counts.sum()
    if total <= 0:
        return 1.0
    shares = counts[counts > 0] / total
    return max(float(-(shares * np.log(shares)).sum()), LEAST_ENTROPY)
