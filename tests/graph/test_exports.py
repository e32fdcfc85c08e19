import csv
import errno
import json
import os
import re

import igraph
import networkx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.formats import exports
from sta.analysis.graph.formats.exports import GRAPH_FORMATS, is_graph_file, read_graph, write_graph
from sta.analysis.graph.formats.interop import from_igraph, from_networkx, to_igraph, to_networkx
from sta.errors import FileFormatError, StaError

from .graphs import FAMILY, awkward_graph, same
from .networks import random_graph


@pytest.fixture(params=GRAPH_FORMATS)
def suffix(request):
    return request.param


@pytest.mark.parametrize("name", FAMILY)
def test_every_format_gives_the_graph_back_to_the_last_bit(tmp_path, suffix, name):
    graph = FAMILY[name]()
    files = write_graph(graph, tmp_path / f"g.{suffix}")
    assert sorted(files) == sorted(tmp_path.iterdir())
    same(read_graph(tmp_path / f"g.{suffix}"), graph)


def test_every_combination_of_bits_of_a_weight(tmp_path, suffix):
    """Random bit patterns: subnormal, huge, and those that 15 digits would change."""
    bits = np.random.default_rng(0).integers(0, 2**63, 400, dtype=np.uint64)
    weights = bits.view(np.float64)
    weights = weights[np.isfinite(weights) & (weights != 0)] * np.array([[1.0], [-1.0]])
    graph = LayeredGraph.from_arrays([weights.T])
    write_graph(graph, tmp_path / f"g.{suffix}")
    again = read_graph(tmp_path / f"g.{suffix}")
    assert np.array_equal(again.layers[0].view(np.uint64), graph.layers[0].view(np.uint64))


def test_the_format_may_be_named(tmp_path, suffix):
    graph = random_graph((2, 3, 1), 0)
    write_graph(graph, tmp_path / "g.dat", suffix)
    same(read_graph(tmp_path / "g.dat", suffix), graph)
    for path, name in ((tmp_path / "g.dat", None), (tmp_path / "g", None), ("x.npz", "png")):
        with pytest.raises(StaError, match=r"choose from npz, csv"):
            write_graph(graph, path, name)


def test_single_precision_weights_are_doubles_everywhere(tmp_path, suffix):
    weights = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    write_graph(LayeredGraph.from_arrays([weights]), tmp_path / f"g.{suffix}")
    assert np.array_equal(read_graph(tmp_path / f"g.{suffix}").layers[0], weights)


def test_graphml_is_read_by_networkx_and_igraph(tmp_path):
    graph = awkward_graph()
    path, *_ = write_graph(graph, tmp_path / "g.graphml")
    text = networkx.read_graphml(path)
    assert set(map(type, text)) == {str}, "ids come back as strings"
    same(from_networkx(text), graph)
    whole = networkx.read_graphml(path, node_type=int)
    for source, target, edge in to_networkx(graph).edges(data=True):
        found = whole.edges[source, target]
        assert found.pop("sign") == np.sign(edge["weight"])
        assert found.pop("abs_weight") == abs(edge["weight"])
        assert found == edge
    assert {"float", "int"}.isdisjoint(re.findall(r'attr.type="(\w+)"', path.read_text()))


def test_igraph_reads_our_graphml_exactly_but_makes_floats_of_whole_numbers(tmp_path):
    graph = random_graph((3, 5, 4, 2), 1, 0.6, biases=[np.ones(5), None, None], role="student")
    graph = graph.keep(1, [4, 0, 2]).with_attributes(match=[range(n) for n in (4, 3, 4, 2)])
    path, *_ = write_graph(graph, tmp_path / "g.graphml")
    other = igraph.Graph.Read_GraphML(str(path))
    assert isinstance(other.vs["layer"][0], float)
    same(from_igraph(other), graph)


@pytest.mark.parametrize("suffix", ["graphml", "gml"])
def test_files_of_igraph_are_read_though_they_keep_15_digits(tmp_path, suffix):
    graph = random_graph((3, 5, 4, 2), 1, 0.6, role="student").keep(1, [4, 0, 2])
    ours = to_igraph(graph)
    for name in ("schema", "role"):  # its GML knows no such names of text
        del ours[name]
    ours.write(str(tmp_path / f"g.{suffix}"))
    again = read_graph(tmp_path / f"g.{suffix}")
    assert again.widths == graph.widths
    if suffix == "graphml":  # igraph's GML has no underscores in names
        assert again.unit_ids[1].tolist() == [4, 0, 2]
    errors = [np.abs(a - b).max() for a, b in zip(again.layers, graph.layers, strict=True)]
    assert 0 < max(errors) < 1e-14


def test_node_link_data_is_that_of_networkx(tmp_path):
    graph = awkward_graph()
    (path,) = write_graph(graph, tmp_path / "g.json", derived=False)

    def refuse(name):
        raise AssertionError(f"{name} is no JSON number")

    content = json.loads(path.read_text(), parse_constant=refuse)
    expected = networkx.node_link_data(to_networkx(graph), edges="edges")
    for nodes in (expected["nodes"], content["nodes"]):
        nodes.sort(key=lambda node: node["id"])
    assert content == json.loads(json.dumps(expected).replace("Infinity", '"Infinity"'))
    same(from_networkx(networkx.node_link_graph(content, edges="edges")), graph)


@pytest.mark.parametrize("key", ["edges", "links"])
def test_node_link_data_of_either_generation_of_networkx(tmp_path, key):
    graph = random_graph((3, 4, 2), 0, 0.7, role="teacher")
    content = networkx.node_link_data(to_networkx(graph), edges=key)
    (tmp_path / "g.json").write_text(json.dumps(content))
    same(read_graph(tmp_path / "g.json"), graph)


def test_gml_names(tmp_path):
    graph = random_graph((2, 2), properties={"prune threshold": 0.1})
    with pytest.raises(StaError, match="prune threshold"):
        write_graph(graph, tmp_path / "g.gml")
    assert not list(tmp_path.iterdir())


def test_xml_characters(tmp_path):
    graph = random_graph((2, 2), properties={"note": "a\x00b"})
    with pytest.raises(StaError, match="XML cannot hold"):
        write_graph(graph, tmp_path / "g.graphml")
    assert not list(tmp_path.iterdir())


def test_tables_are_plain(tmp_path):
    graph = LayeredGraph.from_arrays([[[0.5, 0.0], [-2.0, 0.1 + 0.2]]], role="student")
    files = write_graph(graph, tmp_path / "net.csv")
    assert [file.name for file in files] == ["net.csv.graph.json", "net.nodes.csv", "net.csv"]
    with files[2].open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["source", "target", "weight", "abs_weight", "sign", "layer"]
    assert list(rows[1].values()) == ["1", "2", "-2.0", "2.0", "-1", "0"]
    assert rows[2]["weight"] == "0.30000000000000004"
    nodes = pd.read_csv(files[1])
    assert nodes["name"].tolist() == ["in:0", "in:1", "out:0", "out:1"]
    assert json.loads(files[0].read_text())["graph"]["role"] == "student"
    lean = write_graph(graph, tmp_path / "lean.parquet", derived=False)[2]
    assert list(pd.read_parquet(lean)) == ["source", "target", "weight", "layer"]


def test_an_archive_needs_numpy_alone(tmp_path):
    graph = awkward_graph()
    (path,) = write_graph(graph, tmp_path / "g.npz")
    with np.load(path, allow_pickle=False) as archive:
        assert np.array_equal(archive["weights_0"], graph.layers[0])
        data, indices, indptr, shape = (
            archive[f"weights_1_{part}"] for part in ("data", "indices", "indptr", "shape")
        )
        again = scipy.sparse.csr_array((data, indices, indptr), shape=tuple(shape))
        assert np.array_equal(again.toarray(), graph.dense()[1])


def test_a_graph_is_told_from_another_archive(tmp_path):
    np.savez(tmp_path / "other.npz", w1=np.ones((2, 2)))
    write_graph(random_graph((2, 2)), tmp_path / "graph.npz")
    assert is_graph_file(tmp_path / "graph.npz") and is_graph_file("x.GML")
    assert not is_graph_file(tmp_path / "other.npz") and not is_graph_file("x.pt")
    with pytest.raises(FileFormatError, match="no graph of sta"):
        read_graph(tmp_path / "other.npz")


def test_nothing_is_overwritten(tmp_path, suffix):
    graph = random_graph((2, 2))
    files = write_graph(graph, tmp_path / f"g.{suffix}")
    before = {file: file.read_bytes() for file in files}
    with pytest.raises(StaError, match="exists already"):
        write_graph(random_graph((2, 2), 5), tmp_path / f"g.{suffix}")
    assert before == {file: file.read_bytes() for file in tmp_path.iterdir()}
    files[-1].unlink()
    if len(files) > 1:
        with pytest.raises(StaError, match="exists already"):
            write_graph(graph, tmp_path / f"g.{suffix}")


@pytest.mark.parametrize("full_at", [1, 2, 3])
def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch, full_at):
    left = [full_at]
    write = exports.write_bytes

    def until_full(path, content):
        left[0] -= 1
        if left[0] == 0:
            raise StaError(os.strerror(errno.ENOSPC))
        write(path, content)

    monkeypatch.setattr(exports, "write_bytes", until_full)
    with pytest.raises(StaError, match="No space"):
        write_graph(random_graph((2, 2)), tmp_path / "g.csv")
    assert not list(tmp_path.iterdir())


def test_a_file_is_the_same_each_time(tmp_path, suffix):
    graph = awkward_graph()
    first = write_graph(graph, tmp_path / "a" / f"g.{suffix}")
    second = write_graph(graph, tmp_path / "b" / f"g.{suffix}")
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]


def test_nearly_empty_sparse_layers_stay_sparse(tmp_path, suffix):
    layer = scipy.sparse.csr_array(([1.5], ([3], [7])), shape=(400, 400))
    graph = LayeredGraph.from_arrays([layer, scipy.sparse.csr_array((400, 300))])
    write_graph(graph, tmp_path / f"g.{suffix}")
    same(read_graph(tmp_path / f"g.{suffix}"), graph)
