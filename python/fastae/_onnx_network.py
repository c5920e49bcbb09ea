"""What an ONNX graph computes: the network, errors, scores and predictions."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae._units import Units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._base import NetworkMixin
    from fastae._onnx_graph import Graph
    from fastae._onnx_inputs import Rows

Array = npt.NDArray[Any]

_OPERATORS = {"tanh": "Tanh", "relu": "Relu", "elu": "Elu", "logistic": "Sigmoid"}


class OnnxNetwork:
    """A fitted network over the rows of a graph.

    Parameters
    ----------
    graph : Graph
    model : NetworkMixin
        Fitted.
    rows : Rows
    """

    def __init__(self, graph: Graph, model: NetworkMixin, rows: Rows) -> None:
        self._graph, self._model, self._rows = graph, model, rows
        self._units = model._units or Units(model.scale_.size)
        self._coefs = [np.asarray(W, dtype=np.float32) for W in model.coefs_]
        self._intercepts = [np.asarray(b, dtype=np.float32) for b in model.intercepts_]
        # (n, n_numbers) bool, where a number is missing; None where none can be.
        self._missing: str | None = None
        self._inputs = None if rows.numbers is None else self._scaled(rows.numbers)
        self._hidden = self._hidden_layers()

    def _scaled(self, numbers: str) -> str:
        """Return what the network sees of numbers, and note which are missing."""
        graph, model = self._graph, self._model
        centred = graph.node("Sub", numbers, graph.constant(model.shift_))
        scaled = graph.node("Mul", centred, graph.constant(model.scale_))
        scaled = graph.cast(scaled, graph.dtype)
        takes_missing, is_limited = model._missing != "error", np.isfinite(model._limit)
        if not takes_missing and not is_limited:
            return scaled
        missing = graph.node("IsNaN", scaled)
        known = graph.node("Where", missing, graph.floats(0.0), scaled)
        if is_limited:  # which need not keep NaN
            ends = graph.floats(-model._limit), graph.floats(model._limit)
            known = graph.node("Clip", known, *ends)
        if not takes_missing:  # the score is to be NaN
            return graph.node("Where", missing, scaled, known)
        self._missing = missing
        return known

    def _hidden_layers(self) -> list[str]:
        """Return the outputs of all layers but the last; first the inputs, if these are numbers."""
        outputs = [self._inputs if self._inputs is not None and self._units.is_plain else ""]
        for k, activation in enumerate(self._model._activations[:-1]):
            values = self._first() if k == 0 else self._product(outputs[-1], self._coefs[k])
            outputs.append(self._activated(values, self._intercepts[k], activation))
        return outputs

    def _first(self) -> str:
        """Return the sums of the first layer: products of numbers, and the weights of units."""
        graph, units, W = self._graph, self._units, self._coefs[0]
        n_numbers = units.n_numbers
        ends = np.cumsum([n_numbers, sum(units.n_levels) + len(units.n_levels)])
        sums = []
        if self._inputs is not None:
            sums.append(self._product(self._inputs, W[:n_numbers]))
        if self._rows.units:
            chosen = graph.node(
                "Gather", graph.weights(W[ends[0] : ends[1]]), graph.concat(self._rows.units)
            )
            sums.append(graph.row_sums(chosen))
        if units.marks_missing and self._ignored is not None:
            marks = graph.cast(self._ignored, graph.dtype)
            sums.append(self._product(marks, W[ends[1] :]))
        return graph.total(sums)

    def _product(self, values: str, W: Array) -> str:
        return self._graph.node("MatMul", values, self._graph.weights(W))

    def _activated(self, values: str, b: Array, activation: str) -> str:
        values = self._graph.node("Add", values, self._graph.weights(b))
        if activation == "identity":
            return values
        return self._graph.node(_OPERATORS[activation], values)

    def _last(self, columns: slice, activation: str | None = None) -> str:
        """Return some outputs of the last layer, under its activation or another one."""
        activation = activation or self._model._activations[-1]
        W, b = self._coefs[-1][:, columns], self._intercepts[-1][columns]
        return self._activated(self._product(self._hidden[-1], W), b, activation)

    @property
    def _ignored(self) -> str | None:
        """Where numbers are missing that are not to be reconstructed."""
        return self._missing if self._model._missing == "ignore" else None

    def layer(self, n_layers: int) -> str:
        """Return the output of so many layers, (n, width)."""
        return self._hidden[n_layers] if n_layers < len(self._coefs) else self._last(slice(None))

    def targets(self, n_targets: int) -> str:
        """Return the outputs behind those that reconstruct, (n, n_targets)."""
        return self._last(slice(self._coefs[-1].shape[1] - n_targets, None))

    @cached_property
    def reconstructed(self) -> str | None:
        """The numbers, (n, n_numbers), as scaled; None if there are none."""
        if self._inputs is None:
            return None
        return self._last(slice(0, self._units.n_numbers))

    def own_units(self, scaled: str) -> str:
        """Return scaled numbers in the columns' own units, float64; NaN where none were known."""
        graph, model = self._graph, self._model
        scale = np.where(model.scale_ == 0, np.nan, model.scale_)
        values = graph.node("Div", graph.cast(scaled, np.float64), graph.constant(scale))
        return graph.node("Add", values, graph.constant(model.shift_))

    def residuals(self) -> str | None:
        """Return observed minus expected of numbers, (n, n_numbers), in scaled units."""
        if self.reconstructed is None or self._inputs is None:
            return None
        return self._graph.node("Sub", self._inputs, self.reconstructed)

    def errors(self) -> Errors:
        """Return the errors of all columns that the network sees."""
        return Errors(self._graph, self._number_errors(), self._ignored, *self._factor_errors())

    def _number_errors(self) -> str | None:
        scaled = self.reconstructed
        if scaled is None or self._inputs is None:
            return None
        gaps = self._graph.node("Sub", scaled, self._inputs)
        return self._graph.node("Mul", gaps, gaps)

    def _factor_errors(self) -> tuple[list[str], list[str], list[float]]:
        """Return per factor its errors (n, 1), whether the level is known, what they count as."""
        graph, units = self._graph, self._units
        errors, known = [], []
        first = 0
        n_levels = graph.constant(np.array(sum(units.n_levels), dtype=np.int64))
        for f, own in enumerate(self._rows.units):
            known.append(graph.node("Less", own, n_levels))
            if units.n_levels[f]:
                begin = units.n_numbers + first
                loss = self._loss(slice(begin, begin + units.n_levels[f]), first, own)
                errors.append(graph.node("Mul", loss, graph.floats(units.weights[f])))
            else:  # none was seen in fit, so none is ever known
                errors.append(graph.cast(own, graph.dtype))
            first += units.n_levels[f]
        return errors, known, units.errors_per_factor.tolist()

    def _loss(self, columns: slice, first: int, own: str) -> str:
        """Return the loss (n, 1) of a factor's levels; of rows whose level is none of them, any."""
        graph = self._graph
        last = columns.stop - columns.start - 1
        code = graph.node("Sub", own, graph.constant(np.array(first, dtype=np.int64)))
        if self._units.loss == "squared_error":
            codes = graph.constant(np.arange(last + 1, dtype=np.int64)[np.newaxis])
            right = graph.cast(graph.node("Equal", codes, code), graph.dtype)
            gaps = graph.node("Sub", self._last(columns), right)
            return graph.row_sums(gaps, "ReduceSumSquare", keep=True)
        code = graph.node("Min", code, graph.constant(np.array(last, dtype=np.int64)))
        logits = self._last(columns, "identity")
        chosen = graph.node("GatherElements", logits, code, axis=1)
        total = graph.row_sums(logits, "ReduceLogSumExp", keep=True)
        return graph.node("Sub", total, chosen)


class Errors:
    """Errors of the columns that a network sees.

    Parameters
    ----------
    graph : Graph
    numbers : str or None
        (n, n_numbers); None if there are none.
    missing : str or None
        Which of them do not count, (n, n_numbers) bool; None: all count.
    factors : sequence of str
        (n, 1) each.
    known : sequence of str
        Which of them count, (n, 1) bool each.
    counts : sequence of float
        As how many errors each factor counts in the mean.
    """

    def __init__(
        self,
        graph: Graph,
        numbers: str | None,
        missing: str | None,
        factors: Sequence[str],
        known: Sequence[str],
        counts: Sequence[float],
    ) -> None:
        self._graph, self._numbers, self._missing = graph, numbers, missing
        self._factors = graph.concat(factors) if factors else None
        self._known = graph.concat(known) if known else None
        self._counts = counts

    def numbers(self) -> str | None:
        """Return the errors of numbers, (n, n_numbers), NaN where they are missing."""
        return self.with_gaps(self._numbers)

    def factors(self) -> str | None:
        """Return the errors of factors, (n, n_factors), NaN where no level is known."""
        if self._factors is None or self._known is None:
            return None
        return self._graph.node("Where", self._known, self._factors, self._graph.floats(np.nan))

    def with_gaps(self, numbers: str | None) -> str | None:
        """Return values of numbers, (n, n_numbers), as NaN where these are missing."""
        if numbers is None or self._missing is None:
            return numbers
        return self._graph.node("Where", self._missing, self._graph.floats(np.nan), numbers)

    def mean(self, n_numbers: int) -> str:
        """Return the mean over what counts, (n,); 0 where nothing does."""
        graph, zero = self._graph, self._graph.floats(0.0)
        totals, counts = [], []
        if self._numbers is not None:
            numbers, count = self._numbers, graph.floats([n_numbers])
            if self._missing is not None:
                numbers = graph.node("Where", self._missing, zero, numbers)
                known = graph.cast(graph.node("Not", self._missing), graph.dtype)
                count = graph.row_sums(known)
            totals.append(graph.row_sums(numbers))
            counts.append(count)
        if self._factors is not None and self._known is not None:
            totals.append(graph.row_sums(graph.node("Where", self._known, self._factors, zero)))
            known = graph.cast(self._known, graph.dtype)
            counts.append(graph.row_sums(graph.node("Mul", known, graph.floats([self._counts]))))
        count = graph.node("Max", graph.total(counts), graph.floats(1.0))
        return graph.node("Div", graph.total(totals), count)
