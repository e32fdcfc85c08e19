"""Networks of every kind of file as graphs."""

import hashlib
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import networkx
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.prune import l1_unstructured

import sta
from sta.analysis.graph.formats.exports import GRAPH_FORMATS, write_graph
from sta.analysis.network_graph import from_state_dict, graph_of, load_graph
from sta.checkpoint import load_checkpoint, load_single, save_checkpoint, weights
from sta.errors import FileFormatError, ShapeError, StaError
from sta.spectral import Network, SpectralLinear, StackedLinear, importance, shrink, units_above

PUBLISHED = Path(str(files("sta.data"))) / "published"


@pytest.fixture
def shard(tiny_sweep):
    return next(iter(sorted((tiny_sweep[0] / "shards").iterdir())))


@pytest.fixture
def network():
    """A spectral and a dense hidden layer and a linear readout of two units, all with biases."""
    rng = np.random.default_rng(0)
    layers = [
        SpectralLinear(3, 5, generator=rng, dtype=torch.float64),
        StackedLinear(5, 4, generator=rng, dtype=torch.float64),
        StackedLinear(4, 2, generator=rng, dtype=torch.float64),
    ]
    with torch.no_grad():
        layers[0].lambda_out.copy_(torch.from_numpy(rng.normal(size=5)))
        for layer in layers:
            layer.bias.copy_(torch.from_numpy(rng.normal(size=layer.out_features)))
    return Network(layers, "linear")


def test_only_units_that_have_them_have_eigenvalues_and_importances(network):
    graph = graph_of(network, "student")
    first = network.chain[0]
    assert graph.widths == (3, 5, 4, 2) and graph.role == "student" and not graph.has_bias
    eigenvalue, value = graph.attributes["eigenvalue"], graph.attributes["importance"]
    assert np.array_equal(eigenvalue[1], first.lambda_out.detach().numpy())
    assert np.array_equal(value[1], importance(first).numpy())
    for layer in (0, 2, 3):
        assert np.isnan(eigenvalue[layer]).all() and np.isnan(value[layer]).all()
    for matrix, expected in zip(graph.layers, weights(network), strict=True):
        assert np.array_equal(matrix, expected)


def test_dense_networks_have_no_eigenvalues(network):
    graph = graph_of(Network(network.chain[1:], "linear"), "teacher")
    assert set(graph.attributes) == {"importance"} and graph.role == "teacher"


def test_a_lone_linear_layer_is_a_graph(network):
    assert graph_of(Network(network.chain[2:], "linear"), "").widths == (4, 2)


def test_the_graph_with_biases_computes_the_network(network):
    """ReLU of the weighted sums, the bias units being held at one."""
    graph = graph_of(network, "student", bias=True)
    assert graph.widths == (4, 6, 5, 2)
    x = np.random.default_rng(1).normal(size=(7, 3))
    y = x
    for layer, matrix in enumerate(graph.layers):
        full = np.ones((7, graph.widths[layer]))
        full[:, ~graph.is_bias(layer)] = np.maximum(y, 0) if layer else x
        y = full @ matrix[:, ~graph.is_bias(layer + 1)]
    assert np.allclose(y, network(torch.from_numpy(x)).detach().numpy())
    assert np.isnan(graph.attributes["importance"][0]).all()
    assert np.isnan(graph.attributes["eigenvalue"][1][-1])


def test_biases_that_are_not_there_are_asked_for_in_vain(network):
    with pytest.raises(StaError, match=r"teacher\.npz holds no biases"):
        load_graph(PUBLISHED / "teacher.npz", bias=True)
    with pytest.raises(StaError, match="holds no biases"):
        from_state_dict(nn.Linear(3, 2, bias=False).state_dict(), bias=True)
    for layer in network.chain:
        layer.bias = None
    assert not graph_of(network, "student", bias=True).has_bias


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("threshold", [None, 0.3])
def test_a_state_dict_in_memory_is_that_of_a_file(tmp_path, bias, threshold):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2)).double()
    l1_unstructured(model[0], "weight", amount=6)
    torch.save(model.state_dict(), tmp_path / "m.pt")
    graph = from_state_dict(model.state_dict(), bias=bias, threshold=threshold)
    file = load_graph(tmp_path / "m.pt", bias=bias, threshold=threshold)
    assert graph.role == file.role == "student"
    assert all(np.array_equal(a, b) for a, b in zip(graph.layers, file.layers, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(graph.unit_ids, file.unit_ids, strict=True))
    assert {"checkpoint_sha256", *graph.properties} == set(file.properties)
    if threshold is None:
        expected = (model[0].weight_orig * model[0].weight_mask).T.detach().numpy()
        assert np.array_equal(graph.layers[0][:3, :6], expected)
        parameters = dict(nn.Linear(3, 2).named_parameters())  # with gradients
        assert from_state_dict(parameters, role="teacher").role == "teacher"


def test_what_is_no_state_dict_of_a_chain():
    chain = nn.Linear(3, 2).state_dict()
    for state, message in (
        ([1], "state_dict"),
        ({}, "no linear"),
        (nn.Conv1d(1, 1, 1).state_dict(), "matrix"),
        ({**chain, "running_mean": torch.ones(2)}, "running_mean"),
        ({"weight": np.ones((2, 3))}, "no tensor"),
        ({"weight": torch.full((2, 3), torch.nan)}, "NaN"),
        ({"a.weight": torch.ones(4, 3), "b.weight": torch.ones(2, 5)}, "b|5|layer"),
    ):
        with pytest.raises(StaError, match=message):
            from_state_dict(state)
    with pytest.raises(StaError, match="threshold 2"):
        from_state_dict(chain, threshold=2)


def test_a_stack_is_no_graph(shard):
    with pytest.raises(ShapeError, match="take one member"):
        graph_of(load_checkpoint(shard).student, "student")


def test_a_checkpoint_knows_where_it_comes_from(shard):
    graph = load_graph(shard, member=1, threshold=0.5)
    network = load_single(shard, 1).student
    small = shrink(network, units_above(network, 0.5))
    assert graph.properties == {
        "checkpoint_sha256": hashlib.sha256(shard.read_bytes()).hexdigest(),
        "sta_version": sta.__version__,
        "kind": load_single(shard, 1).kind,
        "readout": "sum",
        "activation": "relu",
        "member": 1,
        "prune_threshold": 0.5,
    }
    assert graph.widths == small.widths and graph.unit_ids[1].tolist() == small.unit_ids[0]
    assert np.array_equal(graph.layers[1], weights(small)[1])
    whole = load_graph(shard, member=1)
    assert whole.widths == network.widths and "prune_threshold" not in whole.properties


def test_the_teacher_of_a_checkpoint(shard, tmp_path):
    teacher = load_graph(shard, member=0, role="teacher")
    assert teacher.role == teacher.properties["kind"] == "teacher"
    assert np.array_equal(teacher.layers[0], weights(load_single(shard, 0).teacher)[0])
    save_checkpoint(replace(load_single(shard, 0), teacher=None), tmp_path / "alone.pt")
    for path in (tmp_path / "alone.pt", PUBLISHED / "teacher.npz"):
        with pytest.raises(StaError, match="holds no teacher"):
            load_graph(path, role="teacher")


def test_foreign_networks(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    torch.save(model.state_dict(), tmp_path / "m.pt")
    save_file(model.state_dict(), tmp_path / "m.safetensors")
    l1_unstructured(model[0], "weight", amount=6)
    torch.save(model.state_dict(), tmp_path / "pruned.pt")
    for name, edges in (("m.pt", 20), ("m.safetensors", 20), ("pruned.pt", 14)):
        graph = load_graph(tmp_path / name, bias=True)
        assert graph.widths == (4, 5, 2) and graph.n_edges == edges + 6
    assert load_graph(PUBLISHED / "spectral_h60.npz", threshold=0.05).widths == (10, 27, 20)


@pytest.mark.parametrize("suffix", GRAPH_FORMATS)
def test_graph_files_are_read_as_they_are_and_pruned_like_networks(tmp_path, suffix):
    source = PUBLISHED / "spectral_h60.npz"
    path = write_graph(load_graph(source), tmp_path / f"g.{suffix}")[-1]
    whole, expected = load_graph(path), load_graph(source)
    assert whole.properties == expected.properties and whole.role == "student"
    assert np.array_equal(whole.attributes["eigenvalue"][1], expected.attributes["eigenvalue"][1])
    pruned, expected = load_graph(path, threshold=0.05), load_graph(source, threshold=0.05)
    assert pruned.unit_ids[1].tolist() == expected.unit_ids[1].tolist()
    assert all(np.array_equal(a, b) for a, b in zip(pruned.layers, expected.layers, strict=True))
    assert pruned.properties == expected.properties


def test_what_a_graph_file_cannot_give(tmp_path):
    graph = networkx.DiGraph()
    graph.add_weighted_edges_from([("a", "b", 1.0)])
    path = tmp_path / "g.graphml"
    networkx.write_graphml(graph, path)
    assert load_graph(path).widths == (1, 1)
    for options, message in (
        ({"role": "teacher"}, "graph of a network"),
        ({"bias": True}, "no biases"),
        ({"threshold": 0.1}, "no importance"),
        ({"member": 2}, "--member 2"),
    ):
        with pytest.raises(StaError, match=message):
            load_graph(path, **options)


def test_graph_files_of_other_programs_may_name_things_otherwise(tmp_path):
    (tmp_path / "edges").write_text("source,target,w\na,b,2.5\n")
    graph = load_graph(tmp_path / "edges", format="csv", weight="w")
    assert graph.layers[0].tolist() == [[2.5]]
    with pytest.raises(StaError, match="no graph file"):
        load_graph(PUBLISHED / "teacher.npz", weight="w")


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_thresholds_out_of_range(threshold):
    with pytest.raises(StaError, match="threshold"):
        load_graph(PUBLISHED / "teacher.npz", threshold=threshold)


def test_dead_networks_cannot_be_pruned(tmp_path):
    np.savez(tmp_path / "dead.npz", w1=np.zeros((3, 4)), w2=np.ones((4, 2)))
    dead = load_graph(tmp_path / "dead.npz")
    assert dead.n_edges == 8
    write_graph(dead, tmp_path / "dead.json")
    for name in ("dead.npz", "dead.json"):
        with pytest.raises(ShapeError, match="at least one"):
            load_graph(tmp_path / name, threshold=0.1)


@pytest.mark.parametrize("name", ["none.npz", "none.pt", "none.json", "none"])
def test_missing_files(tmp_path, name):
    with pytest.raises(FileFormatError, match="does not exist"):
        load_graph(tmp_path / name)
