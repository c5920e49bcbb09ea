"""Export to ONNX: everything between a user's table and a score, as one graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from fastae._archive import _replacing
from fastae._checks import check_integer, fail
from fastae._onnx_scores import oddness

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import numpy.typing as npt
    from onnx import ModelProto

    from fastae._onnx_graph import Graph
    from fastae._onnx_network import OnnxNetwork

# From which on all reductions take their axes alike.
OPSET = 18
# Shares of the threshold by which scores may differ because of rounding. Above float64's own: the
# threshold may have been computed in float32.
SLACK = {"float32": 1e-5, "float64": 1e-6}

_DETECTOR = ("label", "score", "decision", "errors", "reconstruction", "codes")
_CLASSIFIER = ("label", "probabilities")
_REGRESSOR = ("prediction",)


class OnnxMixin:
    """What every estimator over a network can do with an ONNX runtime in sight."""

    def to_onnx(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        outputs: Sequence[str] | None = None,
        opset: int = OPSET,
        dtype: npt.DTypeLike = "float64",
    ) -> ModelProto:
        """Return the fitted estimator as an ONNX graph, from a table's cells to scores.

        Scaling, limits, factors' levels, missing values, the network, errors and the threshold are
        all in it: a runtime needs nothing of this package. What it cannot do is refuse a table:
        infinity, text of other columns and missing values with ``missing="error"`` go through (and
        the last make the score NaN).

        Parameters
        ----------
        path : path, default=None
            File to write the model to as well; replaced as a whole.
        outputs : sequence of str, default=None
            Which outputs there are to be; None: all. Only what leads to them is kept.
            Of an `Autoencoder`: "label" (int64, 1 or -1: `predict`), "score" (`score_samples`),
            "decision" (`decision_function`), all (n,), where a score within 1e-6 of the threshold
            (1e-5 in float32), relatively, is normal; "errors" (n, n_features), per column of the
            table, NaN where missing or dropped; "reconstruction" (n, n_numbers), of the columns
            that are no factors, in their own units (times: float64 seconds); "codes" (n, n_codes:
            `transform`). Of a classifier: "label" (n,) of the type of its classes, "probabilities"
            (n, n_classes). Of a regressor: "prediction", of the shape that `predict` returns.
        opset : int >= 18, default=18
            Version of ONNX's operators.
        dtype : {"float64", "float32"}, default="float64"
            Of number inputs, of the network and of outputs. In float64 the outputs are those that
            the estimator has for a float64 table, but for the last digits. float32 is faster, and
            what the estimator has for a float32 table; values far from 0 for their spread lose
            digits on the way in. Weights are stored as float32 in any case.

        Returns
        -------
        model : onnx.ModelProto
            A table of numbers is one input "X" of shape (n, n_features). Otherwise there is an
            input of shape (n, 1) per column, named as the column with "_" for all but ASCII
            letters and digits (and numbered where that is not unique): text for factors of text,
            ``""`` where missing; float64 for factors that are numbers (int64 beyond 2**53);
            float64 seconds (since 1970, UTC) for dates and durations; `dtype` for numbers and
            truth values; NaN where missing. A level that `fit` has not seen is what it is to the
            estimator. The property "inputs" of the model says all this as JSON.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ImportError
            If the package onnx is not installed.
        ValueError
            If there is no such output, opset or dtype, if a factor's levels are both text and
            numbers, or if the estimator belongs to `fastae.compat.h2o`, whose tables go through an
            encoder of their own.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> graph = model.to_onnx(outputs=["label", "score"]).graph
        >>> [value.name for value in (*graph.input, *graph.output)]
        ['X', 'label', 'score']
        """
        check_is_fitted(self)
        onnx = _imported()
        model: Any = self
        wanted = _checked_outputs(model, outputs)
        check_integer("opset", opset, OPSET)
        if opset > onnx.defs.onnx_opset_version():
            allowed = f"from {OPSET} to {onnx.defs.onnx_opset_version()} (onnx {onnx.__version__})"
            fail("opset", allowed, opset)
        if model._encoder is not None:
            msg = (
                "to_onnx knows the tables that Autoencoder reads itself: this estimator is one of "
                "fastae.compat.h2o, whose encoder of data frames it cannot export."
            )
            raise ValueError(msg)
        made = _model(model, wanted, int(opset), _checked_dtype(dtype))
        if path is not None:
            with _replacing(Path(path)) as stream:
                stream.write(made.SerializeToString())
        return made


def _imported() -> Any:
    try:
        import onnx
    except ImportError as error:
        msg = 'to_onnx needs the package onnx: pip install "fastae[onnx]".'
        raise ImportError(msg) from error
    return onnx


def _names(model: Any) -> tuple[str, ...]:
    """Return the outputs that there can be."""
    if is_classifier(model):
        return _CLASSIFIER
    if is_regressor(model):
        return _REGRESSOR
    has_numbers = model._schema is None or model._schema.numbers
    return _DETECTOR if has_numbers else tuple(n for n in _DETECTOR if n != "reconstruction")


def _checked_outputs(model: Any, outputs: Sequence[str] | None) -> tuple[str, ...]:
    names = _names(model)
    if outputs is None:
        return names
    given = [outputs] if isinstance(outputs, str) else list(outputs)
    if not given or len(set(given)) < len(given) or not set(given) <= set(names):
        fail("outputs", f"None or some of {', '.join(map(repr, names))}, each once", outputs)
    return tuple(given)


def _checked_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        wanted = np.dtype("O" if dtype is None else dtype)
    except TypeError:  # it is no type at all
        wanted = np.dtype("O")
    if wanted not in (np.float32, np.float64):
        fail("dtype", "'float64' or 'float32'", dtype)
    return wanted


def _model(model: Any, outputs: tuple[str, ...], opset: int, dtype: np.dtype[Any]) -> ModelProto:
    from fastae._onnx_graph import Graph  # these need the package onnx
    from fastae._onnx_inputs import read_rows
    from fastae._onnx_network import OnnxNetwork

    graph = Graph(dtype)
    rows, inputs = read_rows(graph, model, _names(model))
    network = OnnxNetwork(graph, model, rows)
    if is_classifier(model):
        _add_classes(graph, model, network)
    elif is_regressor(model):
        _add_values(graph, model, network)
    else:
        _Detector(graph, model, network, rows.units).add()
    about = {"estimator": type(model).__name__, "inputs": json.dumps(inputs)}
    return graph.model(outputs, opset=opset, about=about)


def _add_classes(graph: Graph, model: Any, network: OnnxNetwork) -> None:
    outputs = network.targets(model._n_targets)
    classes = np.asarray(model.classes_)
    best = graph.node("ArgMax", outputs, axis=1, keepdims=0)
    labels = graph.node("Gather", graph.constant(classes), best)
    graph.output("label", labels, classes.dtype, [])
    probabilities = graph.node("Softmax", outputs, axis=1)
    graph.output("probabilities", probabilities, graph.dtype, [classes.size])


def _add_values(graph: Graph, model: Any, network: OnnxNetwork) -> None:
    outputs = graph.cast(network.targets(model._n_targets), np.float64)
    values = graph.node("Div", outputs, graph.constant(model.target_scale_))
    values = graph.node("Add", values, graph.constant(model.target_shift_))
    values = graph.cast(values, graph.dtype)
    width = [model._n_targets]
    if model._y_is_1d:
        axes = graph.constant(np.array([1], dtype=np.int64))
        values, width = graph.node("Squeeze", values, axes), []
    graph.output("prediction", values, graph.dtype, width)


class _Detector:
    """The outputs of an autoencoder.

    Parameters
    ----------
    graph : Graph
    model : Autoencoder
        Fitted.
    network : OnnxNetwork
    units : tuple of str
        As in `Rows`.
    """

    def __init__(
        self, graph: Graph, model: Any, network: OnnxNetwork, units: tuple[str, ...]
    ) -> None:
        self._graph, self._model, self._network, self._units = graph, model, network, units
        self._schema = model._schema
        self._n_numbers = model.n_features_in_ - len(units)

    def add(self) -> None:
        """Add all outputs."""
        graph, model, network = self._graph, self._model, self._network
        errors = network.errors()
        odd = oddness(
            graph, model._score_model, network, errors,
            n_numbers=model.scale_.size, feature_layer=model._feature_layer(),
        )  # fmt: skip
        score = graph.node("Neg", odd)
        decision = graph.node("Sub", score, graph.floats(model.offset_))
        # The threshold often is some row's own score, and such rows are normal: rounding must not
        # make them odd.
        slack = abs(model.offset_) * SLACK[graph.dtype.name]
        is_odd = graph.node("Less", decision, graph.floats(-slack))
        signs = (graph.constant(np.array(sign, dtype=np.int64)) for sign in (-1, 1))
        graph.output("label", graph.node("Where", is_odd, *signs), np.int64, [])
        graph.output("score", score, graph.dtype, [])
        graph.output("decision", decision, graph.dtype, [])
        every = self._by_column(errors.numbers(), errors.factors())
        graph.output("errors", every, graph.dtype, [model.n_features_in_])
        if self._n_numbers:
            self._add_reconstruction()
        codes = network.layer(model._feature_layer())
        graph.output("codes", codes, graph.dtype, [model._n_features_out])

    def _add_reconstruction(self) -> None:
        graph, scaled = self._graph, self._network.reconstructed
        values = None if scaled is None else self._network.own_units(scaled)
        constants = self._model._constants
        dropped = np.nan if constants is None else constants.values
        rows = self._completed(values, dropped, np.dtype(np.float64))
        kinds = () if self._schema is None else self._schema.kinds
        # Seconds since 1970 need more digits than float32 has.
        dtype = np.dtype(np.float64) if {"datetime", "duration"} & set(kinds) else graph.dtype
        graph.output("reconstruction", graph.cast(rows, dtype), dtype, [self._n_numbers])

    def _by_column(self, numbers: str | None, factors: str | None) -> str:
        """Return errors of numbers and factors in the order of the user's columns."""
        parts = []
        if self._n_numbers:
            parts.append(self._completed(numbers, np.nan, self._graph.dtype))
        if factors is None:
            return parts[0]
        positions = [*self._schema.numbers, *(factor.column for factor in self._schema.factors)]
        order = self._graph.constant(np.argsort(positions).astype(np.int64))
        return self._graph.node("Gather", self._graph.concat([*parts, factors]), order, axis=1)

    def _completed(self, numbers: str | None, dropped: Any, dtype: np.dtype[Any]) -> str:
        """Return values per number that the network sees as ones per number of the table."""
        graph, model = self._graph, self._model
        if numbers is not None and model._kept is None:
            return numbers
        is_dropped = np.ones((1, self._n_numbers), dtype=bool)
        fill = np.zeros((1, self._n_numbers), dtype=dtype)
        source = np.zeros(self._n_numbers, dtype=np.int64)
        if model._kept is not None:
            is_dropped[:, model._kept] = False
            fill[:, model._constants.columns] = dropped
            source[model._kept] = np.arange(model._kept.size)
        if numbers is None:  # all are dropped: any column gives the number of rows
            numbers = graph.cast(self._units[0], dtype)
        spread = graph.node("Gather", numbers, graph.constant(source), axis=1)
        return graph.node("Where", graph.constant(is_dropped), graph.constant(fill), spread)
