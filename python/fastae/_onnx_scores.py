"""Scores beyond the mean squared error (`fastae._anomaly_scores`) in an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastae._anomaly_scores import MSE

if TYPE_CHECKING:
    from fastae._anomaly_scores import Cloud, ScoreModel
    from fastae._onnx_graph import Graph
    from fastae._onnx_network import Errors, OnnxNetwork


def oddness(
    graph: Graph,
    scores: ScoreModel | None,
    network: OnnxNetwork,
    errors: Errors,
    *,
    n_numbers: int,
    feature_layer: int,
) -> str:
    """Return minus the score of rows, (n,).

    Parameters
    ----------
    graph : Graph
    scores : ScoreModel or None
        None: the mean squared error.
    network : OnnxNetwork
    errors : Errors
        Of that network.
    n_numbers : int
        That it sees.
    feature_layer : int
        How many layers lead to the codes.
    """
    if scores is None:
        return errors.mean(n_numbers)
    made = {}
    if MSE in scores.names:
        made[MSE] = errors.mean(n_numbers)
    if scores.column_errors is not None:
        values = graph.concat(_parts(errors.numbers(), errors.factors()))
        shares = graph.node("Div", values, graph.floats(scores.column_errors))
        known, count = _known(graph, shares)
        made["standardized"] = graph.node("Div", graph.row_sums(known), count)
    if scores.residuals is not None:
        factors = errors.factors()
        roots = None if factors is None else graph.node("Sqrt", factors)
        values = graph.concat(_parts(errors.with_gaps(network.residuals()), roots))
        made["mahalanobis"] = _marginal_distances(graph, scores.residuals, values)
    if scores.codes is not None:
        made["code_distance"] = _distances(graph, scores.codes, network.layer(feature_layer))
    parts = [
        graph.node("Div", made[name], graph.floats(level * len(scores.names)))
        for name, level in zip(scores.names, scores.levels, strict=True)
    ]
    return graph.total(parts)


def _distances(graph: Graph, cloud: Cloud, vectors: str) -> str:
    """Return squared distances of vectors that have all their values, over d."""
    centred = graph.node("Sub", vectors, graph.floats(cloud.mean))
    white = graph.node("MatMul", centred, graph.floats(cloud.whitening))
    squares = graph.row_sums(white, "ReduceSumSquare")
    return graph.node("Div", squares, graph.floats(cloud.mean.size))


def _marginal_distances(graph: Graph, cloud: Cloud, vectors: str) -> str:
    """Return squared distances over what they are on average, by the values that are not NaN."""
    centred = graph.node("Sub", vectors, graph.floats(cloud.mean))
    unknown = graph.node("IsNaN", centred)
    centred = graph.node("Where", unknown, graph.floats(0.0), centred)
    white = graph.node("MatMul", centred, graph.floats(cloud.whitening))
    known = graph.cast(graph.node("Not", unknown), graph.dtype)
    parts = graph.node("MatMul", known, graph.floats(cloud.parts))
    expected = graph.row_sums(graph.node("Mul", parts, known))
    is_none = graph.node("LessOrEqual", expected, graph.floats(0.0))
    expected = graph.node("Where", is_none, graph.floats(1.0), expected)
    return graph.node("Div", graph.row_sums(white, "ReduceSumSquare"), expected)


def _known(graph: Graph, values: str) -> tuple[str, str]:
    """Return values with 0 for NaN, and how many of each row are none: 1 at least."""
    unknown = graph.node("IsNaN", values)
    count = graph.row_sums(graph.cast(graph.node("Not", unknown), graph.dtype))
    known = graph.node("Where", unknown, graph.floats(0.0), values)
    return known, graph.node("Max", count, graph.floats(1.0))


def _parts(*values: str | None) -> list[str]:
    return [value for value in values if value is not None]
