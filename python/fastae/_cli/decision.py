"""Which rows are anomalies: a model's own threshold, or another rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._checks import SHARE, check_number
from fastae._cli.errors import CliError, UsageError
from fastae._cli.options import option_name
from fastae._cli.progress import row_bar
from fastae._cli.rules import check_rule, usage_errors
from fastae._cli.tables import Ranking
from fastae._cli.training import model_errors, warnings_as_notes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from fastae import Autoencoder
    from fastae._cli.rows import Rows

    Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the user says about anomalies; None where nothing was said.

    Attributes
    ----------
    threshold : float, "mad", "evt" or dict, or None
        As the estimator's parameter of that name.
    contamination : float or "auto", or None
    false_positive_rate : float or None
        As of `Autoencoder.set_threshold`.
    fdr : float or None
        As of `Autoencoder.detect`.
    p_values : bool
        Whether p-values are wanted.

    Raises
    ------
    UsageError
        If there is more than one rule, or one is out of its range.
    """

    threshold: Any = None
    contamination: Any = None
    false_positive_rate: float | None = None
    fdr: float | None = None
    p_values: bool = False

    def __post_init__(self) -> None:
        if len(self.rules) > 1:
            one, other = self.rules[:2]
            message = f"{one} and {other} are two rules for one decision; give one"
            raise UsageError(message)
        check_rule(self.threshold, self.contamination, self.false_positive_rate)
        if self.fdr is not None:
            with usage_errors():
                check_number("fdr", self.fdr, SHARE)

    @property
    def rules(self) -> list[str]:
        """The options that were given, of which there is to be one at most."""
        names = ("threshold", "contamination", "false_positive_rate", "fdr")
        return [option_name(name) for name in names if getattr(self, name) is not None]

    def check_calibration(self, path: Path | None) -> None:
        """Raise UsageError if rows to calibrate with are given, but nothing goes by them."""
        if path is None or self.p_values:
            return
        if isinstance(self.threshold, dict):
            goes_by_rows = "value" not in self.threshold
        else:  # a number is a threshold whatever the errors of any rows are
            goes_by_rows = self.threshold in ("mad", "evt")
        others = self.contamination, self.false_positive_rate, self.fdr
        if not goes_by_rows and all(rule is None for rule in others):
            message = (
                "--calibration is for a rule that goes by these rows, such as"
                " --false-positive-rate 0.01 or --fdr 0.05; say one"
            )
            raise UsageError(message)

    def as_parameters(self) -> dict[str, Any]:
        """Return the rule as the estimator's parameters, for a model that is yet to be trained."""
        if self.threshold is not None:
            return {"threshold": self.threshold}
        if self.contamination is not None:
            return {"contamination": self.contamination}
        if self.false_positive_rate is not None:
            return {"threshold": {"false_positive_rate": self.false_positive_rate}}
        return {}

    def set_on(self, model: Autoencoder, label: str) -> None:
        """Move a model's threshold by the rule.

        Raises
        ------
        CliError
            If it is none, or finer than the model's errors support.
        """
        rule: dict[str, Any] = {}
        if self.threshold is not None:
            rule = self.threshold if isinstance(self.threshold, dict) else {}
            if self.threshold in ("mad", "evt"):
                rule = {"method": self.threshold}
            rule = rule or {"value": self.threshold}
        elif self.contamination is not None:
            rule = {"contamination": self.contamination}
        elif self.false_positive_rate is not None:
            rule = {"false_positive_rate": self.false_positive_rate}
        if rule:
            with warnings_as_notes(), model_errors(label):
                model.set_threshold(**rule)


def rank_all(model: Autoencoder, rows: Rows, decision: Decision) -> Ranking:
    """Score all rows, block by block, and sort them.

    Parameters
    ----------
    model : Autoencoder
        Fitted, its threshold set.
    rows : Rows
    decision : Decision
        For p-values and the false discovery rate.

    Raises
    ------
    CliError
        If the model refuses the rows, or has no calibration rows where these are needed.
    """
    own = model.anomaly_score if hasattr(model, "anomaly_score") else "mse"
    with_p = decision.p_values or decision.fdr is not None
    if with_p and model._calibration is None:
        option = "--p-values" if decision.fdr is None else "--fdr"
        message = (
            f"{option} needs normal rows that the network was not trained on: train with"
            " --calibration-fraction, such as 0.2, or give --calibration FILE"
        )
        raise CliError(message)
    scores: list[Float64] = []
    errors: list[Float64] = []
    p_values: list[Float64] = []
    with row_bar(f"Scoring {rows.label}", rows.n_rows) as advance, model_errors(rows.label):
        for block in rows.blocks():
            if decision.fdr is not None and not scores:
                model.detect(block[:1], fdr=decision.fdr)  # which says if it is too fine
            scores.append(-model.score_samples(block))
            if own != "mse":
                errors.append(model.reconstruction_error(block))
            if with_p:
                p_values.append(model.p_values(block))
            advance(len(block))
    score = np.concatenate(scores)
    p = np.concatenate(p_values) if with_p else None
    flag = -score - model.offset_ < 0
    if decision.fdr is not None:
        flag = _discovered(p, decision.fdr)
    return Ranking.of(
        np.concatenate(errors) if errors else score,
        score,
        flag,
        float(-model.offset_),
        name="MSE" if own == "mse" else "score",
        p_values=p,
        fdr=decision.fdr,
    )


def _discovered(p: Float64 | None, fdr: float) -> npt.NDArray[np.bool_]:
    from fastae._conformal import discoveries

    assert p is not None
    return discoveries(p, fdr)
