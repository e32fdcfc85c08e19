"""Distances between two networks by name, with what leaves each of them unchanged.

A distance compares one distribution of the two: path weights, strengths, centralities, or
spectra. All are symmetric, nonnegative, and 0 for a network and itself, but other networks may
be at distance 0 too: each sees what it looks at. None depends on how hidden units are numbered.
Bias units are no units: they start paths, and have no strength or share of their own.

Where path weights are counted in bins, a rescaling of units moves them between bins, and
distances are unchanged to the width of the bins only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from sta.analysis.graph.edges import FloatArray
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.distances import DISTANCES, wasserstein
from sta.analysis.graph.likeness.measures import MEASURES, weighted_distance
from sta.analysis.graph.paths.centrality import node_centrality
from sta.analysis.graph.paths.distribution import path_distribution
from sta.analysis.graph.rescaling import balance
from sta.analysis.graph.strengths import in_strength, node_strength, of_units
from sta.analysis.graph.topology.spectra import layer_spectra, netlsd
from sta.errors import ShapeError

__all__ = ["GRAPH_DISTANCES", "GraphDistance"]

Describe: TypeAlias = Callable[[LayeredGraph], Any]
Apart: TypeAlias = Callable[[Any, Any], float]


@dataclass(frozen=True)
class GraphDistance:
    """A distance between two networks.

    Attributes
    ----------
    describe : callable
        What is compared, of one network; the same function where distances share it.
    apart : callable
        How far two of these are from each other.
    meaning : str
        One line.
    rescaling : bool
        Whether a positive rescaling of ReLU units in either network leaves it unchanged.
    """

    describe: Describe
    apart: Apart
    meaning: str
    rescaling: bool

    def __call__(self, a: LayeredGraph, b: LayeredGraph) -> float:
        """Return the distance of two networks."""
        return self.apart(self.describe(a), self.describe(b))


def _layer_by_layer(a: Sequence[FloatArray], b: Sequence[FloatArray]) -> float:
    """Mean over layers of the Wasserstein distance of one value per unit."""
    if len(a) != len(b):
        raise ShapeError(
            f"one network has {len(a)} layers of these values and the other {len(b)}; "
            "layers are compared one by one, so take networks of one depth"
        )
    pairs = zip(a, b, strict=True)
    return float(np.mean([wasserstein(own, other) for own, other in pairs]))


def _in_strengths(graph: LayeredGraph) -> Sequence[FloatArray]:
    return of_units(graph, in_strength(graph, weighting="signed"))[1:]


def _balanced_in_strengths(graph: LayeredGraph) -> Sequence[FloatArray]:
    return _in_strengths(balance(graph))


def _node_strengths(graph: LayeredGraph) -> Sequence[FloatArray]:
    return of_units(graph, node_strength(graph))


def _centralities(graph: LayeredGraph) -> Sequence[FloatArray]:
    return of_units(graph, node_centrality(graph))


def _singular_values(graph: LayeredGraph) -> Sequence[FloatArray]:
    return [layer.singular_values for layer in layer_spectra(graph)]


def _between_signatures(a: FloatArray, b: FloatArray) -> float:
    return float(np.linalg.norm(a - b))


GRAPH_DISTANCES: dict[str, GraphDistance] = {
    f"paths.{measure}.{distance}": GraphDistance(
        path_distribution,
        partial(weighted_distance, distance=distance, measure=measure),
        f"{distance} distance of the path weights by {measure}",
        rescaling=True,
    )
    for measure in MEASURES
    for distance in DISTANCES
    if (measure, distance) != ("number", "jensen_shannon")
} | {
    "in_strength": GraphDistance(
        _in_strengths, _layer_by_layer, "signed in-strengths, layer by layer", rescaling=False
    ),
    "in_strength_balanced": GraphDistance(
        _balanced_in_strengths,
        _layer_by_layer,
        "the same with incoming weights of unit length",
        rescaling=True,
    ),
    "node_strength": GraphDistance(
        _node_strengths, _layer_by_layer, "sums of weights in and out", rescaling=False
    ),
    "centrality": GraphDistance(
        _centralities, _layer_by_layer, "shares of the path mass through units", rescaling=True
    ),
    "singular_values": GraphDistance(
        _singular_values, _layer_by_layer, "singular values, layer by layer", rescaling=False
    ),
    "netlsd": GraphDistance(
        netlsd, _between_signatures, "heat traces of the Laplacians", rescaling=False
    ),
}
"""Every distance between networks by the name it has in reports."""
