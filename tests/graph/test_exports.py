import csv
import errno
import json
import os
import re
import zipfile
from itertools import pairwise

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
    assert [file.name for file in files] == ["net.graph.json", "net.nodes.csv", "net.csv"]
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


def test_truncated_files_are_refused_in_one_line(tmp_path, suffix):
    files = write_graph(awkward_graph(), tmp_path / f"g.{suffix}")
    for file in files:
        content = file.read_bytes()
        for size in (0, 1, *np.linspace(5, len(content) - 20, 12).astype(int)):
            file.write_bytes(content[:size])
            with pytest.raises(FileFormatError, match=file.name.split(".")[0]) as caught:
                read_graph(files[-1])
            assert "\n" not in str(caught.value)
        file.write_bytes(content)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused_but_never_crash(tmp_path, suffix):
    files = write_graph(awkward_graph(), tmp_path / f"g.{suffix}")
    dice, refused = np.random.default_rng(0), 0
    for trial in range(40):
        file = files[trial % len(files)]
        content = file.read_bytes()
        broken = bytearray(content)
        for place in dice.integers(0, len(content), 3):
            broken[place] = dice.integers(256)
        file.write_bytes(broken)
        try:
            read_graph(files[-1])
        except FileFormatError as error:
            refused += 1
            assert "\n" not in str(error)
        file.write_bytes(content)
    assert refused > 8


def edited(tmp_path, suffix, edit):
    """Write a graph with an attribute, edit the text of its last file, and read it."""
    path = write_graph(random_graph((2, 2), role="x"), tmp_path / f"g.{suffix}")[-1]
    path.write_text(edit(path.read_text()))
    return read_graph(path)


REFUSED = {
    "json undirected": ("json", lambda t: t.replace("true", "false", 1), "not directed"),
    "json no nodes": ("json", lambda t: t.replace('"nodes"', '"knots"'), "nodes"),
    "json NaN": ("json", lambda t: re.sub(r'"weight": [^,]*', '"weight": NaN', t), "weight nan"),
    "json no weight": ("json", lambda t: t.replace('"weight"', '"w"'), "no weight"),
    "json deep": ("json", lambda _: "[" * 100_000, "damaged"),
    "json stranger": ("json", lambda t: t.replace('"target": 3', '"target": 9'), "node 9"),
    "json twins": ("json", lambda t: t.replace('"id": 1', '"id": 0'), "node 0 is there twice"),
    "json gap": ("json", lambda t: t.replace('"layer": 1, "index"', '"layer": 2, "index"'), "lay"),
    "csv stranger": ("csv", lambda t: t.replace("\n1,", "\n9,", 1), "node 9"),
    "csv text": ("csv", lambda t: t.replace("\n1,", "\none,", 1), "'source' is not of numbers"),
    "csv row": ("csv", lambda t: "\n".join([*t.split("\n")[:-2], ""]), "3 edges"),
    "csv column": ("csv", lambda t: t.replace("weight", "w"), "weight"),
    "gml undirected": ("gml", lambda t: t.replace("directed 1", "directed 0"), "undirected"),
    "graphml entities": (
        "graphml",
        lambda t: t.replace(
            "<graphml", '<!DOCTYPE g [<!ENTITY a "x">'
            + "".join(f'<!ENTITY {b} "{10 * f"&{a};"}">' for a, b in pairwise("abcdefghi"))
            + "]><graphml", 1).replace(">x<", ">&i;<"),
        "damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_layered_graph_is_refused_by_name(tmp_path, name):
    suffix, edit, message = REFUSED[name]
    with pytest.raises(FileFormatError, match=message) as caught:
        edited(tmp_path, suffix, edit)
    assert "\n" not in str(caught.value) and "g." in str(caught.value)


def test_missing_files(tmp_path, suffix):
    with pytest.raises(FileFormatError, match="does not exist"):
        read_graph(tmp_path / f"none.{suffix}")
    files = write_graph(random_graph((2, 2)), tmp_path / f"g.{suffix}")
    files[0].unlink()
    with pytest.raises(FileFormatError, match=r"g.*does not exist"):
        read_graph(tmp_path / f"g.{suffix}")


def test_archives_are_not_trusted(tmp_path, monkeypatch):
    graph = random_graph((4, 3), 0, 0.5)
    (path,) = write_graph(graph, tmp_path / "g.npz")
    with np.load(path) as archive:
        arrays = dict(archive)
    sparse = LayeredGraph.from_arrays([scipy.sparse.csr_array(graph.layers[0])])
    with np.load(write_graph(sparse, tmp_path / "s.npz")[0]) as archive:
        sparse_arrays = dict(archive)

    def refused(arrays, **changed):
        np.savez(tmp_path / "bad.npz", **{**arrays, **changed})
        with pytest.raises(FileFormatError) as caught:
            read_graph(tmp_path / "bad.npz")
        assert "\n" not in str(caught.value) and "bad.npz" in str(caught.value)
        return str(caught.value)

    assert "damaged" in refused(arrays, weights_0=np.array([[{}]], dtype=object))
    assert "nan" in refused(arrays, weights_0=np.full((4, 3), np.nan))
    assert "unit_ids" in refused(arrays, weights_0=np.ones((5, 3)))
    assert "sta.graph/9" in refused(arrays, graph=np.array('{"format": "sta.graph/9"}'))
    indices = sparse_arrays["weights_0_indices"] + 1000
    assert "damaged" in refused(sparse_arrays, weights_0_indices=indices)
    assert refused(sparse_arrays, weights_0_shape=np.array([2**40, 3]))
    assert refused(sparse_arrays, weights_0_shape=np.array([4, 2**40]))
    monkeypatch.setattr("sta.files.LARGEST_FILE", 100_000)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("graph.npy", b"\0" * 1_000_000)
    with pytest.raises(FileFormatError, match="1000000 bytes"):
        read_graph(tmp_path / "bomb.npz")


def test_a_table_that_claims_many_equal_rows_is_not_unpacked(tmp_path, monkeypatch):
    files = write_graph(random_graph((2, 2)), tmp_path / "g.parquet")
    pd.DataFrame({name: np.zeros(100_000) for name in ("source", "target", "weight")}).to_parquet(
        files[2]
    )
    assert files[2].stat().st_size < 100_000
    monkeypatch.setattr("sta.analysis.graph.formats.tables.LARGEST_FILE", 1_000_000)
    with pytest.raises(FileFormatError, match="2400000 bytes"):
        read_graph(files[2])


@pytest.mark.parametrize("name", ["layer", "kind", "id", "label", "node"])
def test_names_of_the_files_own_are_refused(tmp_path, suffix, name):
    graph = random_graph((2, 2), attributes={name: [[1, 2], [3, 4]]})
    with pytest.raises(StaError, match=f"'{name}'.*rename"):
        write_graph(graph, tmp_path / f"g.{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("values", [[1j, 2], [{}, {}], ["2020-01-01", "2021-01-01"]])
def test_types_that_no_file_holds_are_refused(tmp_path, suffix, values):
    kind = "datetime64[D]" if isinstance(values[0], str) else None
    graph = random_graph((2, 2), attributes={"a": [np.array(values, kind), np.array(values, kind)]})
    with pytest.raises(StaError, match="'a' has type"):
        write_graph(graph, tmp_path / f"g.{suffix}")


def test_nearly_empty_sparse_layers_stay_sparse(tmp_path, suffix):
    layer = scipy.sparse.csr_array(([1.5], ([3], [7])), shape=(400, 400))
    graph = LayeredGraph.from_arrays([layer, scipy.sparse.csr_array((400, 300))])
    write_graph(graph, tmp_path / f"g.{suffix}")
    same(read_graph(tmp_path / f"g.{suffix}"), graph)
