import copy
import dataclasses
import pickle

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, balance, count_paths, in_degree, path_moments, rescale
from sta.analysis.graph.edges import LARGEST_ARRAYS
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


def test_arrays_and_mappings_of_any_graph_cannot_be_written():
    sparse = scipy.sparse.csr_array(np.eye(3))
    graph = LayeredGraph.from_arrays(
        [np.ones((2, 3)), sparse],
        biases=[None, [1.0, 2.0, 3.0]],
        attributes={"gain": [np.zeros(2), np.ones(3), np.ones(3)]},
        properties={"threshold": 0.5},
        role="student",
    )
    sparse.indices[:] = 0
    assert graph.layers[1].indices.tolist() == [0, 1, 2, 0, 1, 2]
    copies = (pickle.loads(pickle.dumps(graph)), copy.deepcopy(graph))
    for net in (graph, *copies, graph.keep(1, [2, 0]), graph.without_bias(), balance(graph)):
        stored = [net.layers[0], *net.unit_ids, *net.attributes["gain"], *net.bias_units]
        stored += [net.layers[1].data, net.layers[1].indices, net.layers[1].indptr]
        for array in stored:
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
        for mapping in (net.attributes, net.properties):
            with pytest.raises(TypeError):
                mapping["new"] = 1
    for net in copies:
        assert net.role == graph.role and net.properties == graph.properties
        for ours, layer in zip(net.dense(), graph.dense(), strict=True):
            np.testing.assert_array_equal(ours, layer)
        assert [net.is_bias(at).tolist() for at in range(3)] == [
            graph.is_bias(at).tolist() for at in range(3)
        ]


def test_sparse_algebra_works_on_arrays_that_cannot_be_written():
    layer = LayeredGraph.from_arrays(
        [scipy.sparse.random_array((9, 9), density=0.3, rng=0)]
    ).layers[0]
    whole = layer.toarray()
    for ours, expected in (
        (layer @ layer, whole @ whole),
        (layer.T @ layer, whole.T @ whole),
        (layer.tocsc(), whole),
        (layer.tocoo(), whole),
        (layer[[3, 1]], whole[[3, 1]]),
        (layer[:, [3, 1]], whole[:, [3, 1]]),
        (layer[2:5, ::2], whole[2:5, ::2]),
        (layer + layer, 2 * whole),
        (layer.multiply(layer), whole**2),
        (abs(layer).maximum(layer), np.abs(whole)),
        (scipy.sparse.vstack([layer, layer]), np.vstack([whole, whole])),
    ):
        np.testing.assert_allclose(ours.toarray(), expected)
    assert layer.count_nonzero(axis=0).tolist() == np.count_nonzero(whole, axis=0).tolist()
    count, labels = scipy.sparse.csgraph.connected_components(layer)
    again, same = scipy.sparse.csgraph.connected_components(whole)
    assert count == again and labels.tolist() == same.tolist()
    tree = scipy.sparse.csgraph.minimum_spanning_tree(layer)
    assert tree.sum() == pytest.approx(scipy.sparse.csgraph.minimum_spanning_tree(whole).sum())


def test_direct_construction_gives_the_graph_of_from_arrays():
    zeros = scipy.sparse.csr_array(([0.0, 2.0, 3.0, 4.0], ([0, 0, 1, 1], [0, 1, 1, 1])))
    second = np.asfortranarray([[1.0, -2.0], [0.0, 3.0]], dtype=np.float32)
    layers = (zeros, second, [[1], [2]], scipy.sparse.coo_array([[5.0, 0.0]]))
    given = (layers, [[0, 1], [0, 1], [4, 7], [0], [0, 1]])
    expected = LayeredGraph.from_arrays(*given)
    replaced = dataclasses.replace(expected, layers=layers)
    writable = np.eye(2)
    for net in (LayeredGraph(*given), replaced):
        assert net.n_edges == 2 + 3 + 2 + 1 == sum(part.sum() for part in in_degree(net))
        assert count_paths(net) == count_paths(expected)
        assert path_moments(net) == path_moments(expected)
        assert [type(layer) for layer in net.layers] == [type(layer) for layer in expected.layers]
        assert net.unit_ids[2].tolist() == [4, 7] and net.keep(2, [1]).n_edges == 2 + 2 + 1 + 1
    net = LayeredGraph((writable,), ([0, 1], [0, 1]), bias_units=([0, 1], [0, 0]))
    writable[:] = 7
    assert net.layers[0].tolist() == [[1, 0], [0, 1]] and net.bias_units[0].dtype == bool
    with pytest.raises(ShapeError, match=r"layer 0 has shape \(2,\)"):
        LayeredGraph((np.ones(2),), ([0, 1], [0]))


def test_replacing_other_fields_copies_no_layer():
    graph = LayeredGraph.from_arrays([np.ones((2, 2)), scipy.sparse.csr_array(np.eye(2))])
    for net in (dataclasses.replace(graph, role="teacher"), graph.with_attributes(a=[[1, 2]] * 3)):
        assert all(ours is layer for ours, layer in zip(net.layers, graph.layers, strict=True))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (np.ma.masked_array([[1.0, 2.0]], [[0, 1]]), "masked entries; fill them"),
        ([["1", "2"]], "entries of type <U1"),
        (np.array([["2020-01-01"]], "M8[D]"), "datetime64"),
        ([[10**400]], "too large"),
        (np.array([[1.0, "2"]], dtype=object), "an entry of type str"),
        (scipy.sparse.csr_array([[1j]]), "complex"),
    ],
)
def test_only_real_numbers_are_weights(layer, message):
    with pytest.raises(ShapeError, match=message):
        LayeredGraph.from_arrays([layer])


def test_numbers_of_any_kind_become_float64():
    masked = np.ma.masked_array([[1.0, 2.0]], [[0, 0]])
    for layer in ([[True, 2]], np.array([[1, 2.0]], dtype=object), masked, np.uint8([[1, 2]])):
        assert LayeredGraph.from_arrays([layer]).layers[0].tolist() == [[1, 2]]


def huge(*shape):
    """An array of a shape that takes no memory."""
    return np.broadcast_to(np.float64(0), shape)


def test_layers_that_would_fill_the_memory_are_refused():
    side = int((LARGEST_ARRAYS / 8) ** 0.5) + 1
    with pytest.raises(
        ShapeError, match=rf"layer 1 of shape \({side}, {side}\) would take 8.0 GiB"
    ):
        LayeredGraph((huge(3, side)[:, :3], huge(side, side)), ())
    with pytest.raises(ShapeError, match="a graph of 3 dense layers would take"):
        LayeredGraph.from_arrays([huge(side // 2, side)] * 3)
    with pytest.raises(ShapeError, match="leave out units"):
        LayeredGraph.from_arrays([scipy.sparse.coo_array(([1.0], ([0], [5])), shape=(1, 10**11))])
    wide = scipy.sparse.csr_array(([1.0], ([0], [0])), shape=(300_000, 300_000))
    with pytest.raises(ShapeError, match=r"widths \(300000, 300000\) as dense matrices would take"):
        LayeredGraph.from_arrays([wide]).dense()


def test_memory_that_runs_out_is_said_in_a_line():
    class Greedy:
        shape = (3, 4)

        def __array__(self, dtype=None, copy=None):
            raise MemoryError

    with pytest.raises(ShapeError, match=r"layer 0 of shape \(3, 4\) does not fit in memory"):
        LayeredGraph.from_arrays([Greedy()])


def test_bias_units_of_unsigned_attributes_are_marked_by_minus_one():
    attributes = {"block": [np.array([1, 255], np.uint8), np.array([7], np.uint64)]}
    graph = LayeredGraph.from_arrays([[[1.0], [2.0]]], biases=[[3.0]], attributes=attributes)
    assert [values.tolist() for values in graph.attributes["block"]] == [[1, 255, -1], [7]]
    attributes = {"block": [np.array([1, 2**63], np.uint64), [7]]}
    with pytest.raises(ShapeError, match="block holds 9223372036854775808 beside -1"):
        LayeredGraph.from_arrays([[[1.0], [2.0]]], biases=[[3.0]], attributes=attributes)
    with pytest.raises(ShapeError, match="unit_ids of node layer 0 hold 18446744073709551615"):
        LayeredGraph.from_arrays([[[1.0]]], [np.array([2**64 - 1], np.uint64), None])


def test_bias_units_stand_where_nothing_enters():
    layers, ids = (np.eye(2), np.eye(2)), [[0, 1]] * 3
    for masks, message in (
        ([[0, 0], [0, 0], [0, 1]], "last node layer cannot hold bias units"),
        ([[0, 0], [0, 1], [0, 0]], "bias units of node layer 1 have incoming weights"),
        ([[0, 0], [0, 0, 0], [0, 0]], "bias_units has arrays of shape"),
        ([[0, 1], [0, 0]], "bias_units has arrays of shape"),
    ):
        with pytest.raises(ShapeError, match=message):
            LayeredGraph(layers, ids, bias_units=tuple(np.array(mask, bool) for mask in masks))
    plain = LayeredGraph(layers, ids, bias_units=([False] * 2,) * 3)
    assert plain.without_bias().bias_units == () and not plain.has_bias


def test_messages_of_biases_name_the_bias():
    with pytest.raises(ShapeError, match="bias 1 holds nan at target 2; biases must be finite"):
        LayeredGraph.from_arrays([np.ones((2, 2)), np.ones((2, 3))], biases=[None, [0, 1, np.nan]])
    with pytest.raises(ShapeError, match="bias 0 is not a matrix of real numbers"):
        LayeredGraph.from_arrays([np.ones((2, 2))], biases=[["a", "b"]])


def test_repr_is_a_line():
    graph = random_graph((300, 400, 2), role="teacher")
    assert repr(graph) == "LayeredGraph(role='teacher', widths=(300, 400, 2), n_edges=120800)"
