import itertools
from collections import Counter

import numpy as np
import pytest
import scipy.sparse
import scipy.stats

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.edges import dense, is_sparse
from sta.analysis.graph.topology.null_models import (
    NULL_MODELS,
    degree_preserving,
    erdos_renyi,
    null_model,
)
from sta.errors import StaError

from .networks import random_graph


def family():
    for seed, (widths, density) in enumerate(
        itertools.product([(4, 6, 3), (1, 5, 2), (9, 2), (3, 1, 3), (6, 7, 8, 5)], [0.0, 0.4, 1.0])
    ):
        graph = random_graph(widths, seed, density, role="student")
        yield graph
        yield LayeredGraph.from_arrays([scipy.sparse.csr_array(m) for m in graph.layers])
    biased = [np.ones(width) for width in (6, 3)]
    yield LayeredGraph.from_arrays(random_graph((4, 6, 3), 1, 0.4).layers, biases=biased)


@pytest.mark.parametrize("name", NULL_MODELS)
def test_likeness(name):
    for graph in family():
        null = NULL_MODELS[name](graph, 3)
        assert null.widths == graph.widths
        assert null.role == graph.role
        assert [ids.tolist() for ids in null.unit_ids] == [ids.tolist() for ids in graph.unit_ids]
        for at, (ours, theirs) in enumerate(zip(null.layers, graph.layers, strict=True)):
            assert is_sparse(ours) == is_sparse(theirs)
            assert null.is_bias(at).tolist() == graph.is_bias(at).tolist()
            ours, theirs = dense(ours), dense(theirs)
            assert np.count_nonzero(ours) == np.count_nonzero(theirs)
            if name == "resampled_weights":
                assert set(ours.ravel()) <= set(theirs.ravel())
                sources = graph.is_bias(at)
                assert set(ours[sources].ravel()) <= set(theirs[sources].ravel())
            elif name != "gaussian_like":
                np.testing.assert_array_equal(np.sort(ours.ravel()), np.sort(theirs.ravel()))
            if name in ("gaussian_like", "shuffled_weights", "resampled_weights"):
                np.testing.assert_array_equal(ours != 0, theirs != 0)
            if name == "degree_preserving":
                for axis in (0, 1):
                    degrees = np.count_nonzero(ours, axis), np.count_nonzero(theirs, axis)
                    np.testing.assert_array_equal(*degrees)


@pytest.mark.parametrize("name", NULL_MODELS)
def test_seed(name):
    graph = random_graph((7, 9, 8), 0, 0.5)

    def weights(seed):
        return NULL_MODELS[name](graph, seed).layers[1].tolist()

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)
    rng = np.random.default_rng(1)
    assert weights(rng) == weights(1)
    assert weights(rng) != weights(1)


def of_the_same_degrees(layer):
    """Every 0-1 matrix with the row and column sums of a layer."""
    n_out = layer.shape[1]
    rows = [
        [np.isin(np.arange(n_out), chosen) for chosen in itertools.combinations(range(n_out), k)]
        for k in layer.sum(axis=1).astype(int)
    ]
    for drawn in itertools.product(*rows):
        if (np.sum(drawn, axis=0) == layer.sum(axis=0)).all():
            yield np.array(drawn).tobytes()


@pytest.mark.parametrize(
    "layer",
    [
        [[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]],  # a row without partner in every sweep
        [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]],  # trades between columns
        [[1, 1, 0, 0], [0, 0, 1, 1]],
    ],
)
def test_every_graph_of_the_degrees_is_equally_likely(layer):
    layer = np.array(layer, dtype=np.float64)
    graph, rng = LayeredGraph.from_arrays([layer]), np.random.default_rng(0)
    draws = 2000
    seen = Counter((degree_preserving(graph, rng).layers[0] != 0).tobytes() for _ in range(draws))
    possible = list(of_the_same_degrees(layer))
    assert set(seen) <= set(possible)
    assert scipy.stats.chisquare([seen[one] for one in possible]).pvalue > 0.01


def test_every_place_and_weight_is_equally_likely():
    graph, rng = LayeredGraph.from_arrays([[[1.0, 2.0], [0.0, 0.0]]]), np.random.default_rng(0)
    seen = Counter(erdos_renyi(graph, rng).layers[0].tobytes() for _ in range(2400))
    assert len(seen) == 12
    assert scipy.stats.chisquare(list(seen.values())).pvalue > 0.01


def test_normal_weights():
    graph = LayeredGraph.from_arrays([np.full((100, 90), -3.0), np.full((90, 80), 1e200)])
    for layer, size in zip(NULL_MODELS["gaussian_like"](graph, 0).layers, (3, 1e200), strict=True):
        assert scipy.stats.kstest(layer.ravel() / size, "norm").pvalue > 0.01


def test_names():
    assert null_model("erdos_renyi") is erdos_renyi
    with pytest.raises(StaError, match="'configuration'; choose one of degree_preserving"):
        null_model("configuration")
