import networkx
import numpy as np
import pytest

from sta.analysis.graph import (
    LayeredGraph,
    in_degree,
    in_strength,
    in_strength_histogram,
    out_degree,
    out_strength,
    scaled_in_strength,
    to_networkx,
)
from sta.errors import ShapeError, StaError

from .networks import random_graph


@pytest.mark.parametrize("density", [1.0, 0.4])
def test_degrees_and_strengths_equal_networkx(density):
    graph = random_graph((4, 6, 3), 1, density)
    reference: networkx.DiGraph = to_networkx(graph)
    for ours, theirs in (
        (in_degree(graph), reference.in_degree()),
        (out_degree(graph), reference.out_degree()),
        (in_strength(graph, weighting="signed"), reference.in_degree(weight="weight")),
        (out_strength(graph, weighting="signed"), reference.out_degree(weight="weight")),
    ):
        assert [part.size for part in ours] == list(graph.widths)
        np.testing.assert_allclose(
            np.concatenate(ours), [value for _, value in sorted(theirs)], atol=1e-14
        )


def test_absolute_strengths():
    graph = LayeredGraph.from_arrays([[[1.0, -2.0], [-3.0, 4.0]]])
    assert in_strength(graph, weighting="absolute")[1].tolist() == [4, 6]
    assert out_strength(graph, weighting="absolute")[0].tolist() == [3, 7]


def test_weighting_is_explicit():
    graph = random_graph((2, 2))
    with pytest.raises(TypeError):
        in_strength(graph)
    with pytest.raises(StaError, match="'squared'"):
        out_strength(graph, weighting="squared")


def test_scaled_in_strength_equals_the_published_formula():
    trials = [random_graph((10, 20, 20), seed) for seed in range(3)]
    sums = [trial.layers[0].sum(axis=0) for trial in trials]
    span = np.max(np.concatenate(sums)) - np.min(np.concatenate(sums))
    for ours, expected in zip(scaled_in_strength(trials), sums, strict=True):
        np.testing.assert_allclose(ours, expected / span, rtol=1e-14)


def test_histogram_shares_bins_and_sums_to_100():
    trials = [random_graph((10, 20 + seed, 20), seed) for seed in range(3)]
    histogram = in_strength_histogram(trials, layer=2)
    np.testing.assert_allclose(np.diff(histogram.edges), 0.1)
    for percent in histogram.percent:
        assert percent.size == histogram.edges.size - 1
        assert percent.sum() == pytest.approx(100)


def test_bad_histograms():
    graph = random_graph((3, 4, 2))
    with pytest.raises(ShapeError, match="at least one"):
        scaled_in_strength([])
    for layer in (0, 3):
        with pytest.raises(ShapeError, match="no incoming weights"):
            scaled_in_strength([graph], layer=layer)
    with pytest.raises(StaError, match="range is 0"):
        scaled_in_strength([LayeredGraph.from_arrays([np.ones((3, 2))])])
    with pytest.raises(StaError, match="binwidth"):
        in_strength_histogram([graph], binwidth=0)
