"""How close a pruned student is to its teacher, and how close chance comes.

Every distance stands among those of three kinds of other networks: random ones with the
teacher's shape and weights drawn from its own, the student with its weights shuffled in every
layer, and students of the same settings before training, pruned to as many units. All distances
of a student are taken of the same networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TypeAlias

import numpy as np

from sta.analysis.graph import (
    DistanceTest,
    LayeredGraph,
    balance,
    count_paths,
    in_strength,
    match_units,
    path_distribution,
    wasserstein,
    weighted_distance,
)
from sta.analysis.graph.chance import place_among
from sta.analysis.graph.layered_graph import FloatArray
from sta.analysis.graph.likeness.matching import Outputs
from sta.analysis.graph.likeness.measures import Measure
from sta.analysis.graph.paths.enumeration import count_text
from sta.analysis.graph.summary import Notes, attempt, number, path_std, positive_std
from sta.analysis.graph.topology.null_models import NullModel, resampled_weights, shuffled_weights
from sta.analysis.untrained import untrained_graphs
from sta.checkpoint import Checkpoint

NULL_SAMPLES = 39
"""Networks of each kind; the smallest p-value of so many is 0.025."""
NULL_PATHS = 1e6
"""Number of paths up to which the distances of other networks are computed."""
COSINE = 0.9
DISTANCES = {
    "paths": "path weights",
    "path mass": "path mass",
    "in-strength": "in-strengths",
    "in-strength, balanced": "balanced in-strengths",
    "units": "units not found",
}
"""What is compared, and how it is called on the page."""
NULLS = ("random", "shuffled", "before training")
"""What it is compared with."""
UNITS_NULL = "before training"
"""The one null of ``units``: it has as many units as the student, and so as many chances."""

Between: TypeAlias = Callable[[LayeredGraph, LayeredGraph], float]
Tests: TypeAlias = Mapping[tuple[str, str], DistanceTest]


def distances_to(teacher: LayeredGraph, outputs: Outputs) -> dict[str, Between]:
    """Return the distances of ``DISTANCES`` as functions of a graph and this teacher.

    ``paths``, ``path mass``: Wasserstein-1 distance of the signed path weights, each path
    counted once or by its share of the path norm, over the standard deviation of the teacher's
    path weights. ``in-strength``: the same of the signed in-strengths of the first hidden layer,
    of the graphs as they are, or with incoming weights of unit length. ``units``: share of the
    teacher's hidden units that no student unit matches with a cosine of ``COSINE``.

    Parameters
    ----------
    teacher : LayeredGraph
    outputs : {"matched", "aligned"}
        As in `match_units`.

    Returns
    -------
    dict from str to callable
    """
    paths = path_distribution(teacher)
    paths_of = lru_cache(maxsize=1)(path_distribution)  # of one network for both measures

    def of_paths(measure: Measure) -> Between:
        def between(graph: LayeredGraph, _: LayeredGraph) -> float:
            own = paths_of(graph)
            w1 = weighted_distance(own, paths, "wasserstein", measure)
            return w1 / positive_std(path_std(paths))

        return between

    def of_strengths(change: Callable[[LayeredGraph], LayeredGraph]) -> Between:
        target = _first_strengths(change(teacher))

        def between(graph: LayeredGraph, _: LayeredGraph) -> float:
            own = _first_strengths(change(graph))
            return wasserstein(own, target) / positive_std(float(target.std()))

        return between

    def of_units(graph: LayeredGraph, target: LayeredGraph) -> float:
        found = match_units(graph, target, outputs=outputs).to_dict(COSINE)
        return 1 - int(found["matched"]) / int(found["teacher_units"])

    return {
        "paths": of_paths("count"),
        "path mass": of_paths("mass"),
        "in-strength": of_strengths(lambda graph: graph),
        "in-strength, balanced": of_strengths(balance),
        "units": of_units,
    }


def measure_distances(
    student: LayeredGraph, teacher: LayeredGraph, *, outputs: Outputs, notes: Notes
) -> dict[str, float | None]:
    """Return all distances of a student, each None with a reason in ``notes`` where it fails."""
    return {
        name: number(lambda between=between: between(student, teacher), f"chance.{name}", notes)  # type: ignore[misc]
        for name, between in distances_to(teacher, outputs).items()
    }


def chance_tests(
    student: LayeredGraph,
    teacher: LayeredGraph,
    befores: Sequence[LayeredGraph] = (),
    *,
    outputs: Outputs = "matched",
    samples: int = NULL_SAMPLES,
    rng: np.random.Generator,
    notes: Notes,
) -> dict[tuple[str, str], DistanceTest]:
    """Place the distances of a student among those that chance gives.

    Parameters
    ----------
    student, teacher : LayeredGraph
    befores : sequence of LayeredGraph
        The student before training; none if it is not known.
    outputs : {"matched", "aligned"}
        As in `match_units`.
    samples : int
        Networks of each other kind; 0 for no test at all.
    rng : Generator
        Draws them.
    notes : dict
        Receives the reason for every test that is missing.

    Returns
    -------
    dict
        From the names of distance and null to the test.
    """
    if samples < 1:
        notes["chance"] = "no random networks were asked for"
        return {}
    count = max(count_paths(student), count_paths(teacher))
    if count > NULL_PATHS:
        notes["chance"] = (
            f"a student has {count_text(count)} paths, more than the {NULL_PATHS:.0e} up to which"
            " the distances of random networks are computed"
        )
        return {}
    graphs = {
        "random": _drawn(resampled_weights, teacher, samples, rng),
        "shuffled": _drawn(shuffled_weights, student, samples, rng),
        **({"before training": list(befores)} if befores else {}),
    }
    distances = distances_to(teacher, outputs)
    tests: dict[tuple[str, str], DistanceTest] = {}
    for null, drawn in graphs.items():
        chosen = {
            name: partial(_to, between, teacher)
            for name, between in distances.items()
            if name != "units" or null == UNITS_NULL
        }
        found = place_among(student, drawn, chosen, null, notes=notes, name="chance")
        tests |= {(name, null): test for name, test in found.items()}
    return tests


def _to(between: Between, teacher: LayeredGraph, graph: LayeredGraph) -> float:
    return between(graph, teacher)


def draw_befores(
    checkpoint: Checkpoint,
    n_kept: Mapping[int, int],
    samples: int,
    rng: np.random.Generator,
    notes: Notes,
) -> list[LayeredGraph]:
    """Return students as a checkpoint's was before training, none with a reason in ``notes``."""
    seed = int(rng.integers(2**32))
    found = attempt(
        lambda: untrained_graphs(checkpoint, n_kept, samples, seed=seed),
        "chance.before training", notes,
    )  # fmt: skip
    return found or []


def _drawn(
    model: NullModel, graph: LayeredGraph, samples: int, rng: np.random.Generator
) -> list[LayeredGraph]:
    return [model(graph, child) for child in rng.spawn(samples)]


def _first_strengths(graph: LayeredGraph) -> FloatArray:
    return in_strength(graph, weighting="signed")[1]
