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
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.graph.graph_distances import GRAPH_DISTANCES
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.alignment import Outputs
from sta.analysis.graph.likeness.matching import match_units
from sta.analysis.graph.likeness.significance import DistanceTest, among
from sta.analysis.graph.paths.distribution import path_distribution
from sta.analysis.graph.paths.enumeration import count_paths
from sta.analysis.graph.summary import Notes, attempt
from sta.analysis.graph.topology.null_models import resampled_weights, shuffled_weights
from sta.errors import StaError

__all__ = ["NULL_DISTANCES", "UNITS", "chance_tests"]

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


@dataclass(frozen=True)
class _Distances:
    """All distances of a network to one teacher, what they share computed once."""

    teacher: LayeredGraph
    names: Sequence[str]
    outputs: Outputs
    cosine: float

    def of(self, graph: LayeredGraph, known: dict[Any, Any]) -> dict[str, float]:
        """Distances by name; ``known`` keeps what was computed of the teacher."""
        described: dict[Any, Any] = {}
        found = {}
        for name in self.names:
            if name == UNITS:
                found[name] = self._unmatched(graph)
                continue
            distance = GRAPH_DISTANCES[name]
            for network, store in ((graph, described), (self.teacher, known)):
                if distance.describe not in store:
                    store[distance.describe] = _described(distance.describe, network)
            found[name] = distance.apart(described[distance.describe], known[distance.describe])
        return found

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
            f"the {len(str(count))}-digit number of paths is above the {NULL_PATHS:.0e} up to "
            "which the path weights of random networks are compared"
        )
    tests = []
    for label, networks in nulls.items():
        chosen = names if label == "random" else [*names, UNITS]
        distances = _Distances(teacher, chosen, outputs, cosine)
        found = attempt(
            lambda d=distances, n=networks, label=label: _tests(student, d, n, label),
            f"distance.nulls.{label}", notes,
        )  # fmt: skip
        tests += found or []
    return tuple(tests)


def _tests(
    student: LayeredGraph, distances: _Distances, networks: Iterable[LayeredGraph], label: str
) -> list[tuple[str, DistanceTest]]:
    known: dict[Any, Any] = {}
    observed = distances.of(student, known)
    drawn = [distances.of(network, known) for network in networks]
    return [
        (name, among(distance, [one[name] for one in drawn], label))
        for name, distance in observed.items()
    ]


def _described(describe: Callable[[LayeredGraph], Any], graph: LayeredGraph) -> Any:
    if describe is path_distribution:
        return path_distribution(graph, limit=LISTED)
    return describe(graph)
