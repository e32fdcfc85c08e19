import dataclasses

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, balance, rescale
from sta.errors import ShapeError

from .networks import random_graph


def test_sizes():
    graph = LayeredGraph.from_arrays([np.ones((3, 4)), np.eye(4, 2)], role="teacher")
    assert graph.widths == (3, 4, 2)
    assert (graph.n_layers, graph.n_nodes, graph.n_edges) == (2, 9, 14)
    assert graph.role == "teacher"


def test_arrays_are_copies_that_cannot_be_written():
    source = np.ones((2, 2))
    graph = LayeredGraph.from_arrays([source])
    source[0, 0] = 7
    assert graph.layers[0][0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        graph.layers[0][0, 0] = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.role = "other"


def test_sparse_stays_sparse_and_everything_becomes_float64():
    first = scipy.sparse.coo_array(
        (np.array([1, 2, 3, 0], dtype=np.float32), ([0, 0, 1, 1], [0, 0, 1, 0]))
    )
    graph = LayeredGraph.from_arrays([first, [[1], [2]]])
    assert [layer.dtype for layer in graph.layers] == [np.float64, np.float64]
    assert scipy.sparse.issparse(graph.layers[0])
    assert graph.n_edges == 4  # repeated entries are summed, stored zeros dropped
    np.testing.assert_array_equal(graph.dense()[0], [[3, 0], [0, 3]])


@pytest.mark.parametrize("kind", [np.array, scipy.sparse.csr_array])
def test_biases_are_weights_of_one_more_unit_of_the_layer_before(kind):
    graph = LayeredGraph.from_arrays(
        [kind(np.ones((2, 3))), kind(np.ones((3, 1)))],
        biases=[[1.0, 2.0, 0.0], [4.0]],
        attributes={"eigenvalue": [[1, 2], [1.0, 2.0, 3.0], [0.5]]},
    )
    assert graph.widths == (3, 4, 1)
    assert graph.has_bias
    assert graph.unit_ids[1].tolist() == [0, 1, 2, -1]
    np.testing.assert_array_equal(graph.dense()[0][2], [1, 2, 0, 0])
    np.testing.assert_array_equal(graph.attributes["eigenvalue"][1], [1, 2, 3, np.nan])
    assert graph.n_edges == 6 + 2 + 3 + 1
    assert graph.keep(1, [True, False, True]).unit_ids[1].tolist() == [0, 2, -1]
    assert graph.without_bias().widths == (2, 3, 1)
    assert not graph.without_bias().has_bias


def test_keep_carries_ids_and_attributes_through_two_prunings():
    graph = random_graph((3, 5, 2), attributes={"eigenvalue": [range(3), range(5), range(2)]})
    once = graph.keep(1, [False, True, True, False, True])
    twice = once.keep(1, [2, 0])
    assert twice.unit_ids[1].tolist() == [4, 1]
    assert twice.attributes["eigenvalue"][1].tolist() == [4, 1]
    np.testing.assert_array_equal(twice.layers[0], graph.layers[0][:, [4, 1]])
    np.testing.assert_array_equal(twice.layers[1], graph.layers[1][[4, 1]])


def test_keep_works_at_both_ends():
    graph = random_graph((3, 5, 2))
    assert graph.keep(0, [1]).widths == (1, 5, 2)
    assert graph.keep(2, [1]).widths == (3, 5, 1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        ([np.ones(3)], r"layer 0 has shape \(3,\)"),
        ([np.ones((2, 0))], "at least one unit"),
        ([np.ones((2, 6)), np.ones((7, 1))], "7 sources but layer 0 has 6 targets; transpose"),
        ([[[1.0, np.nan]]], "layer 0 holds nan at source 0, target 1"),
        ([np.ones((1, 2)), [[1.0], [-np.inf]]], "layer 1 holds -inf at source 1, target 0"),
        ([[["a"]]], "not a matrix of real numbers"),
        ([[[1j]]], "complex"),
        ([[[1, 2], [3]]], "not a matrix of real numbers"),
    ],
)
def test_bad_layers(layers, message):
    with pytest.raises(ShapeError, match=message) as caught:
        LayeredGraph.from_arrays(layers)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("unit_ids", "message"),
    [
        ([None], "1 entries but the graph has 2 node layers"),
        ([None, [0, 1, 2]], "one value per unit"),
        ([None, [4, 4]], "repeat"),
        ([None, [0.5, 1.5]], "whole numbers"),
    ],
)
def test_bad_unit_ids(unit_ids, message):
    with pytest.raises(ShapeError, match=message):
        LayeredGraph.from_arrays([np.ones((3, 2))], unit_ids)


def test_bad_attribute():
    with pytest.raises(ShapeError, match="bias has arrays of shape"):
        LayeredGraph.from_arrays([np.ones((3, 2))], attributes={"bias": [[0, 0], [0, 0]]})


def test_direct_construction_is_checked_too():
    with pytest.raises(ShapeError, match="nan"):
        LayeredGraph((np.full((1, 1), np.nan),), (np.arange(1), np.arange(1)))


@pytest.mark.parametrize(
    ("layer", "units", "message"),
    [
        (3, [0], "no node layer 3"),
        (-1, [0], "no node layer -1"),
        (1, [], "keep at least one"),
        (1, [False] * 5, "keep at least one"),
        (1, [5], "has no unit 5"),
        (1, [-1], "has no unit -1"),
        (1, [0, 0], "repeat"),
        (1, [True, False], "boolean mask of length 5"),
        (1, [[0, 1]], "list of indices"),
        (1, [0.5], "list of indices"),
    ],
)
def test_bad_keep(layer, units, message):
    with pytest.raises(ShapeError, match=message):
        random_graph((3, 5, 2)).keep(layer, units)


def test_rescaling_keeps_the_function():
    graph = random_graph((4, 6, 5, 2))
    scaled = rescale(rescale(graph, 1, np.arange(1, 7)), 2, [0.1, 1, 2, 3, 40])
    x = np.random.default_rng(1).normal(size=(8, 4))
    for net in (scaled, balance(graph)):
        np.testing.assert_allclose(_output(net, x), _output(graph, x), rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(balance(graph).layers[1], axis=0), 1, rtol=1e-15)
    for a, b in zip(balance(graph).layers, balance(scaled).layers, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_balance_leaves_units_without_input_alone():
    graph = LayeredGraph.from_arrays([[[0.0, 2.0]], [[5.0], [1.0]]])
    assert balance(graph).layers[1].tolist() == [[5.0], [2.0]]


@pytest.mark.parametrize(
    ("layer", "scale"), [(0, [1, 1]), (2, [1]), (1, [1, 1]), (1, [1, 0, 1]), (1, [1, np.nan, 1])]
)
def test_bad_rescaling(layer, scale):
    with pytest.raises(ShapeError):
        rescale(random_graph((2, 3, 1)), layer, scale)


def _output(graph, x):
    for layer in graph.layers:
        x = np.maximum(x @ layer, 0)
    return x
