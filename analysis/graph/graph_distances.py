"""Distances between two networks by name, with what leaves each of them unchanged.

A distance compares one distribution of the two: path weights, strengths, centralities, or
spectra. All are symmetric, nonnegative, and 0 for a network and itself, but other networks may
be at distance 0 too: each sees what it looks at. None depends on how hidden units are numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sta.analysis.graph.edges import FloatArray
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.distances import DISTANCES, wasserstein
from sta.analysis.graph.likeness.measures import MEASURES, Measure, weighted_distance
from sta.analysis.graph.paths.centrality import node_centrality
from sta.analysis.graph.paths.distribution import path_distribution
from sta.analysis.graph.rescaling import balance
from sta.analysis.graph.strengths import in_strength, node_strength
from sta.analysis.graph.topology.spectra import layer_spectra, netlsd_distance
from sta.errors import ShapeError

__all__ = ["GRAPH_DISTANCES", "GraphDistance"]

Between: TypeAlias = Callable[[LayeredGraph, LayeredGraph], float]
LayerValues: TypeAlias = Callable[[LayeredGraph], Sequence[FloatArray]]


@dataclass(frozen=True)
class GraphDistance:
    """A distance between two networks.

    Attributes
    ----------
    between : callable
        ``(graph, graph) -> float``.
    meaning : str
        One line.
    rescaling : bool
        Whether a positive rescaling of ReLU units in either network leaves it unchanged.
    """

    between: Between
    meaning: str
    rescaling: bool

    def __call__(self, a: LayeredGraph, b: LayeredGraph) -> float:
        """Return the distance of two networks."""
        return self.between(a, b)


def _paths(distance: str, measure: Measure) -> Between:
    def between(a: LayeredGraph, b: LayeredGraph) -> float:
        return weighted_distance(path_distribution(a), path_distribution(b), distance, measure)

    return between


def _layer_by_layer(values: LayerValues) -> Between:
    """Mean over layers of the Wasserstein distance of one value per unit."""

    def between(a: LayeredGraph, b: LayeredGraph) -> float:
        if a.n_layers != b.n_layers:
            raise ShapeError(
                f"one network has {a.n_layers} layers and the other {b.n_layers}; "
                "layers are compared one by one, so take networks of one depth"
            )
        pairs = zip(values(a), values(b), strict=True)
        return float(np.mean([wasserstein(own, other) for own, other in pairs]))

    return between


def _in_strengths(graph: LayeredGraph) -> Sequence[FloatArray]:
    return in_strength(graph, weighting="signed")[1:]


def _singular_values(graph: LayeredGraph) -> Sequence[FloatArray]:
    return [layer.singular_values for layer in layer_spectra(graph)]


GRAPH_DISTANCES: dict[str, GraphDistance] = {
    f"paths.{measure}.{distance}": GraphDistance(
        _paths(distance, measure), f"{distance} distance of the path weights by {measure}", True
    )
    for measure in MEASURES
    for distance in DISTANCES
    if (measure, distance) != ("number", "jensen_shannon")
} | {
    "in_strength": GraphDistance(
        _layer_by_layer(_in_strengths), "signed in-strengths, layer by layer", rescaling=False
    ),
    "in_strength_balanced": GraphDistance(
        _layer_by_layer(lambda graph: _in_strengths(balance(graph))),
        "the same with incoming weights of unit length",
        rescaling=True,
    ),
    "node_strength": GraphDistance(
        _layer_by_layer(node_strength), "sums of weights in and out", rescaling=False
    ),
    "centrality": GraphDistance(
        _layer_by_layer(node_centrality), "shares of the path mass through units", rescaling=True
    ),
    "singular_values": GraphDistance(
        _layer_by_layer(_singular_values), "singular values, layer by layer", rescaling=False
    ),
    "netlsd": GraphDistance(netlsd_distance, "heat traces of the Laplacians", rescaling=False),
}
"""Every distance between networks by the name it has in reports."""
