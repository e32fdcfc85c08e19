"""Laws of all distances, between samples and between networks."""

import numpy as np
import pytest

from sta.analysis.graph import LayeredGraph, path_distribution
from sta.analysis.graph.graph_distances import GRAPH_DISTANCES
from sta.analysis.graph.likeness.distances import DISTANCES
from sta.analysis.graph.likeness.measures import MEASURES, weighted_distance
from sta.errors import StaError

from .networks import random_graph
from .test_metrics import renumbered, rescaled

PAIRS = [((6, 9, 7, 3), (6, 5, 4, 3)), ((8, 12, 4), (8, 12, 4)), ((5, 10, 8, 6, 2),) * 2]


def pairs():
    return [
        (random_graph(a, seed), random_graph(b, seed + 50, 0.8))
        for seed, (a, b) in enumerate(PAIRS)
    ]


@pytest.mark.parametrize("name", GRAPH_DISTANCES)
def test_identity_symmetry_and_positivity(name):
    distance = GRAPH_DISTANCES[name]
    for a, b in pairs():
        assert distance(a, a) == pytest.approx(0, abs=1e-12)
        assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-12)
        assert distance(a, b) > 1e-4


@pytest.mark.parametrize("name", GRAPH_DISTANCES)
def test_renumbering_changes_nothing(name):
    distance = GRAPH_DISTANCES[name]
    for seed, (a, b) in enumerate(pairs()):
        assert distance(renumbered(a, seed), b) == pytest.approx(distance(a, b), rel=1e-10)
        # equal path weights may differ by rounding, which the steps of these two see in full
        if not name.endswith(("ks", "jensen_shannon")):
            assert distance(renumbered(a, seed), a) <= 1e-9


@pytest.mark.parametrize("name", GRAPH_DISTANCES)
def test_declared_rescaling_invariance_holds_and_the_others_fail(name):
    distance = GRAPH_DISTANCES[name]
    kept = [
        distance(rescaled(a, seed), b) == pytest.approx(distance(a, b), rel=1e-10)
        for seed, (a, b) in enumerate(pairs())
    ]
    assert all(kept) if distance.rescaling else not any(kept)


@pytest.mark.parametrize("name", [n for n, d in GRAPH_DISTANCES.items() if d.rescaling])
def test_a_rescaled_copy_is_at_no_distance(name):
    """To rounding: energy is a square root of it, and bins may part values that differ by it."""
    distance = GRAPH_DISTANCES[name]
    graph = random_graph((15, 40, 30, 6), 3, 0.4)
    for seed in range(3):
        apart = distance(graph, rescaled(graph, seed))
        assert apart <= {"energy": 1e-5, "jensen_shannon": 1e-4}.get(name.split(".")[-1], 1e-10)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("measure", ["count", "mass"])
def test_of_binned_paths_a_rescaled_copy_is_within_the_bins(distance, measure):
    graph = random_graph((20, 60, 50, 8), 3)
    scale = path_distribution(graph).l2 / path_distribution(graph).count ** 0.5
    a, b = (path_distribution(net, "dp", bin_width=0.02) for net in (graph, rescaled(graph, 1)))
    apart = weighted_distance(a, b, distance, measure)
    bound = {"wasserstein": 0.01 * scale, "energy": 0.02 * scale**0.5}.get(distance, 0.02)
    assert apart <= bound


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("seed", range(5))
def test_laws_of_weighted_samples(distance, seed):
    rng = np.random.default_rng(seed)
    between = DISTANCES[distance]
    a, b = rng.normal(size=40), rng.normal(0.5, 2, size=25)
    u, v = rng.integers(0, 9, size=40) * 1e200, rng.uniform(0, 1, size=25)
    assert between(a, a, u, u) == pytest.approx(0, abs=1e-12)
    assert between(a, b, u, v) == pytest.approx(between(b, a, v, u), rel=1e-12)
    assert between(a, b, u, v) > 0
    assert between(a, b, 3 * u, v / 7) == pytest.approx(between(a, b, u, v), rel=1e-12)
    order = rng.permutation(40)
    assert between(a[order], b, u[order], v) == pytest.approx(between(a, b, u, v), rel=1e-12)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("measure", MEASURES)
def test_laws_of_path_distances_with_counts(distance, measure):
    graphs = [random_graph((6, 8, 5, 3), seed, 0.8) for seed in (1, 2)]
    a, b = (path_distribution(graph, "dp", bin_width=0.02) for graph in graphs)
    if (measure, distance) == ("number", "jensen_shannon"):
        with pytest.raises(StaError, match="not defined"):
            weighted_distance(a, b, distance, measure)
        return
    there = weighted_distance(a, b, distance, measure)
    assert there == pytest.approx(weighted_distance(b, a, distance, measure), rel=1e-12)
    assert weighted_distance(a, a, distance, measure) == pytest.approx(0, abs=1e-12)
    assert there > 0


def test_networks_of_different_depth():
    shallow, deep = random_graph((4, 5, 3), 1), random_graph((4, 5, 4, 3), 1)
    for name, distance in GRAPH_DISTANCES.items():
        if name.startswith("paths") or name == "netlsd":
            assert distance(shallow, deep) > 0
        else:
            with pytest.raises(StaError, match="one depth"):
                distance(shallow, deep)


def test_no_path_is_an_error_of_one_line():
    empty = LayeredGraph.from_arrays([[[1.0, 0.0]], [[0.0], [1.0]]])
    with pytest.raises(StaError):
        GRAPH_DISTANCES["paths.count.wasserstein"](empty, empty)
