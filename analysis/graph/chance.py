"""A student's distances to its teacher among those of other networks.

Every other network is drawn once, and all its distances are taken of it.

================  ==========================================================================
random            the teacher's shape, every weight drawn from the teacher's of that layer
shuffled          the student, its weights shuffled within every layer
before training   untrained students of the same settings, where they are given
================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from sta.analysis.graph.graph_distances import GRAPH_DISTANCES
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.alignment import Outputs
from sta.analysis.graph.likeness.matching import match_units
from sta.analysis.graph.likeness.significance import DistanceTest, among
from sta.analysis.graph.paths.distribution import path_distribution
from sta.analysis.graph.paths.enumeration import count_paths, count_text
from sta.analysis.graph.summary import Notes, attempt
from sta.analysis.graph.topology.null_models import resampled_weights, shuffled_weights
from sta.errors import StaError

__all__ = ["NULL_DISTANCES", "NULL_PATHS", "UNITS", "chance_tests", "place_among"]

NULL_DISTANCES = (
    "paths.count.wasserstein",
    "paths.count.ks",
    "paths.mass.wasserstein",
    "in_strength_balanced",
)
"""Distances, by their names in ``GRAPH_DISTANCES``, that are put among those of chance."""
UNITS = "units"
"""One more: the share of the teacher's hidden units that no unit of the network matches."""
NULL_PATHS = 1e7
"""Number of paths up to which the distances of path weights are."""
LISTED = 1e5
"""Number of paths up to which they are listed here; counted in bins beyond."""

To: TypeAlias = Callable[[LayeredGraph], float]


class _Distances:
    """All distances of networks to one teacher; what distances share is computed once."""

    def __init__(self, teacher: LayeredGraph, outputs: Outputs, cosine: float) -> None:
        self.teacher, self.outputs, self.cosine = teacher, outputs, cosine
        self.known: dict[Any, Any] = {}
        self.present: LayeredGraph | None = None
        self.described: dict[Any, Any] = {}

    def named(self, names: Sequence[str]) -> dict[str, To]:
        """Return functions of a network, by name."""
        return {name: self._unmatched if name == UNITS else partial(self._to, name)
                for name in names}  # fmt: skip

    def _to(self, name: str, graph: LayeredGraph) -> float:
        if graph is not self.present:
            self.present, self.described = graph, {}
        distance = GRAPH_DISTANCES[name]
        for network, store in ((graph, self.described), (self.teacher, self.known)):
            if distance.describe not in store:
                store[distance.describe] = _described(distance.describe, network)
        pair = (store[distance.describe] for store in (self.described, self.known))
        return distance.apart(*pair)

    def _unmatched(self, graph: LayeredGraph) -> float:
        units = match_units(graph, self.teacher, outputs=self.outputs).to_dict(self.cosine)
        return 1 - int(units["matched"]) / int(units["teacher_units"])


def chance_tests(
    student: LayeredGraph,
    teacher: LayeredGraph,
    *,
    samples: int,
    graphs: Mapping[str, Sequence[LayeredGraph]] | None = None,
    outputs: Outputs = "matched",
    cosine: float = 0.9,
    seed: int = 0,
    notes: Notes,
) -> tuple[tuple[str, DistanceTest], ...]:
    """Place all distances of a student to its teacher among those of other networks.

    Parameters
    ----------
    student, teacher : LayeredGraph
    samples : int
        Number of random networks, and of shuffled students; 0 for none of them.
    graphs : mapping of str to sequence of LayeredGraph, optional
        Further networks, by what they are called.
    outputs : {"matched", "aligned"}, optional
        See :func:`~sta.analysis.graph.match_units`.
    cosine : float, optional
        Cosine from which a unit is matched.
    seed : int, optional
        Of the networks that are drawn.
    notes : dict
        Receives the reason for every test that is missing.

    Returns
    -------
    tuple of (str, DistanceTest)
        The name of the distance, and its test; ``null`` says which networks. The units are
        not compared with random networks, which have fewer units and so fewer chances.

    Raises
    ------
    StaError
        If ``samples`` or ``seed`` is negative, or ``graphs`` bears the name of a null model.
    """
    if samples < 0 or seed < 0:
        raise StaError(f"samples is {samples} and seed {seed}; give numbers of at least 0")
    nulls: dict[str, Iterable[LayeredGraph]] = dict(graphs or {})
    if taken := set(nulls) & {"random", "shuffled"}:
        raise StaError(f"null graphs may not be called {taken.pop()!r}; choose another name")
    if samples:
        streams = np.random.default_rng([seed, *b"chance"]).spawn(2 * samples)
        nulls = {
            "random": (resampled_weights(teacher, rng) for rng in streams[:samples]),
            "shuffled": (shuffled_weights(student, rng) for rng in streams[samples:]),
            **nulls,
        }
    names = list(NULL_DISTANCES)
    count = max(count_paths(student), count_paths(teacher))
    if nulls and count > NULL_PATHS:
        names = [name for name in names if not name.startswith("paths")]
        notes["distance.nulls.paths"] = (
            f"{count_text(count)} paths are above the {NULL_PATHS:.0e} up to which the path "
            "weights of other networks are compared"
        )
    tests: list[tuple[str, DistanceTest]] = []
    distances = _Distances(teacher, outputs, cosine)
    for label, networks in nulls.items():
        chosen = distances.named(names if label == "random" else [*names, UNITS])
        tests += place_among(
            student, networks, chosen, label, notes=notes, name="distance.nulls"
        ).items()
    return tuple(tests)


def place_among(
    student: LayeredGraph,
    networks: Iterable[LayeredGraph],
    distances: Mapping[str, To],
    label: str,
    *,
    notes: Notes,
    name: str,
) -> dict[str, DistanceTest]:
    """Place all distances of a student among those of the same other networks.

    Parameters
    ----------
    student : LayeredGraph
    networks : iterable of LayeredGraph
        Each is used once, for all distances.
    distances : mapping of str to callable
        Distances of a network to the teacher.
    label : str
        What the networks are called.
    notes : dict
        Receives the reason for every distance that could not be placed.
    name : str
        What the tests are called in ``notes``.

    Returns
    -------
    dict of str to DistanceTest
    """

    def distance(key: str, graph: LayeredGraph) -> float | None:
        return attempt(lambda: distances[key](graph), f"{name}.{key}.{label}", notes)

    observed: dict[str, float] = {}
    for key in distances:
        value = distance(key, student)
        if value is not None:
            observed[key] = value
    drawn: dict[str, list[float]] = {key: [] for key in observed}
    for network in networks:
        for key in list(drawn):
            value = distance(key, network)
            if value is None:
                del drawn[key]
            else:
                drawn[key].append(value)
    tests = {
        key: attempt(partial(among, observed[key], values, label), f"{name}.{key}.{label}", notes)
        for key, values in drawn.items()
    }
    return {key: test for key, test in tests.items() if test is not None}


def _described(describe: Callable[[LayeredGraph], Any], graph: LayeredGraph) -> Any:
    if describe is path_distribution:
        return path_distribution(graph, limit=LISTED)
    return describe(graph)
