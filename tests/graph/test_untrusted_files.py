"""Graph files that are damaged, hostile, or hold what is no layered graph."""

import json
import re
import tracemalloc
import zipfile
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.formats import assembly
from sta.analysis.graph.formats.exports import (
    GRAPH_FORMATS,
    is_graph_file,
    read_graph,
    write_graph,
)
from sta.errors import FileFormatError, StaError

from .graphs import awkward_graph, same
from .networks import random_graph


@pytest.fixture(params=GRAPH_FORMATS)
def suffix(request):
    return request.param


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
    monkeypatch.setattr("sta.files.LARGEST_FILE", 1_000_000)
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


@contextmanager
def memory_below(size):
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_a_small_file_takes_little_memory(tmp_path, kind):
    """Three layers of 3000 nodes, two edges: 72 MB a matrix if the file is believed."""
    nodes = [{"id": node, "layer": node // 3000} for node in range(9000)]
    ends = ((0, 3000), (3000, 6000))
    edges = [{"source": source, "target": target, "weight": 1.0} for source, target in ends]
    graph = {"schema": json.dumps({"storage": [kind, kind]})}
    content = {"directed": True, "nodes": nodes, "edges": edges, "graph": graph}
    (tmp_path / "g.json").write_text(json.dumps(content))
    with memory_below(40e6):
        graph = read_graph(tmp_path / "g.json")
    assert graph.n_edges == 2 and graph.widths == (3000, 3000, 3000)


def test_many_small_layers_together_take_little_memory(tmp_path, monkeypatch):
    graph = random_graph((100,) * 31, 0, 0.001)
    write_graph(graph, tmp_path / "g.json")
    monkeypatch.setattr(assembly, "LARGEST_THIN", 10 * 80_000)
    monkeypatch.setattr(assembly, "LARGEST_GROWTH", 0)
    again = read_graph(tmp_path / "g.json")
    kinds = [scipy.sparse.issparse(layer) for layer in again.layers]
    assert kinds == [False] * 10 + [True] * 20
    assert all(np.array_equal(a, b) for a, b in zip(again.dense(), graph.dense(), strict=True))


def archive_of(graph, path):
    write_graph(graph, path)
    with np.load(path) as archive:
        return dict(archive)


def test_strangers_in_an_archive_are_not_unpacked(tmp_path):
    arrays = archive_of(random_graph((3, 2)), tmp_path / "g.npz")
    np.savez_compressed(tmp_path / "junk.npz", **arrays, junk=np.zeros(50_000_000, np.uint8))
    with memory_below(10e6), pytest.raises(FileFormatError, match="'junk' is no part of the graph"):
        read_graph(tmp_path / "junk.npz")
    assert is_graph_file(tmp_path / "junk.npz")


@pytest.mark.parametrize("changed", ["weights_0", "unit_ids_1", "weights_1_data", "bias_units_0"])
def test_arrays_of_a_smaller_type_are_refused(tmp_path, changed):
    arrays = archive_of(awkward_graph(), tmp_path / "g.npz")
    arrays[changed] = np.zeros_like(arrays[changed], dtype=np.int8)
    np.savez(tmp_path / "small.npz", **arrays)
    with pytest.raises(FileFormatError, match=f"'{changed}' has type int8"):
        read_graph(tmp_path / "small.npz")


@pytest.mark.parametrize("largest", [100, 500, 2_000, 4_000, 8_000, 16_000, 30_000, 70_000])
def test_what_is_written_is_small_enough_to_be_read(tmp_path, suffix, monkeypatch, largest):
    rng = np.random.default_rng(0)
    layer = scipy.sparse.random_array((40, 30), density=0.1, rng=rng)
    for number, graph in enumerate((random_graph((10, 9, 8)), LayeredGraph.from_arrays([layer]))):
        path = tmp_path / str(number) / f"g.{suffix}"
        monkeypatch.setattr("sta.files.LARGEST_FILE", largest)
        try:
            write_graph(graph, path)
        except StaError as error:
            assert f"at most {largest} are read back; prune" in str(error)
            assert not path.parent.exists()
        else:
            same(read_graph(path), graph)


def test_sizes_are_checked_before_the_work(tmp_path, suffix, monkeypatch):
    layer = np.ones((2000, 2000))
    graph = LayeredGraph.from_arrays([layer])
    monkeypatch.setattr("sta.files.LARGEST_FILE", 10**7)
    with memory_below(10e6), pytest.raises(StaError, match="prune"):
        write_graph(graph, tmp_path / f"g.{suffix}")


NAMES = (
    "backend", "default", "edge_default", "edgedefault", "graph", "incoming_graph_data", "index2",
    "labels", "name2", "node_default", "node_for_adding", "self", "source", "target",
    "weight", "yfiles", "", 5,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_property_or_attribute_is_kept_or_refused(tmp_path, suffix, name):
    for number, options in enumerate(
        ({"properties": {name: "x"}}, {"attributes": {name: [[1, 2], [3]]}})
    ):
        graph = random_graph((2, 1), **options)
        path = tmp_path / str(number) / f"g.{suffix}"
        try:
            write_graph(graph, path)
        except StaError as error:
            assert repr(name) in str(error) or suffix == "gml"
            assert not path.parent.exists()
        else:
            same(read_graph(path), graph)


@pytest.mark.parametrize("role", [None, {"a": 1}, 3])
def test_a_role_is_text(tmp_path, suffix, role):
    with pytest.raises(StaError, match="role"):
        write_graph(random_graph((2, 1), role=role), tmp_path / f"g.{suffix}")


@pytest.mark.parametrize("name", ["a\0b", "a" * 300])
def test_names_that_no_file_can_have(tmp_path, suffix, name):
    with pytest.raises(StaError, match="a"):
        write_graph(random_graph((2, 1)), tmp_path / f"{name}.{suffix}")
    with pytest.raises(StaError):
        read_graph(tmp_path / f"{name}.{suffix}")
    assert not list(tmp_path.iterdir())


def test_formats_that_there_are_none(tmp_path):
    for call in (lambda: write_graph(random_graph((2, 1)), tmp_path / "g.npz", 5),
                 lambda: read_graph(tmp_path / "g.npz", 5)):  # fmt: skip
        with pytest.raises(StaError, match="no format 5; choose from npz"):
            call()


LARGE = 2**53 + 1
UNHELD = {
    "uint64 and float64": [np.array([2**64 - 1, 1], np.uint64), np.array([0.5])],
    "int64 and uint64": [np.array([-1, 1]), np.array([LARGE], np.uint64)],
    "int64 and float32": [np.array([-LARGE, 1]), np.array([0.5], np.float32)],
}


@pytest.mark.parametrize("name", UNHELD)
def test_whole_numbers_that_a_column_would_round_are_refused(tmp_path, suffix, name):
    first, second = UNHELD[name]
    graph = random_graph((2, 1), attributes={"a": [first, second]})
    with pytest.raises(StaError, match=r"'a' has type .*int64.*2\*\*53"):
        write_graph(graph, tmp_path / f"g.{suffix}")
    small = random_graph((2, 1), attributes={"a": [first % 1000, second % 1000]})
    write_graph(small, tmp_path / f"g.{suffix}")
    same(read_graph(tmp_path / f"g.{suffix}"), small)


@pytest.mark.parametrize("name", [True, 1.0, None, [1]])
def test_nodes_are_named_by_whole_numbers_or_text(tmp_path, name):
    for nodes, source in (([0, name], 0), ([0, 1], name)):
        content = {
            "directed": True,
            "nodes": [{"id": node, "layer": n} for n, node in enumerate(nodes)],
            "edges": [{"source": source, "target": nodes[1], "weight": 1.0}],
        }
        (tmp_path / "g.json").write_text(json.dumps(content))
        with pytest.raises(FileFormatError, match="neither a whole number nor text"):
            read_graph(tmp_path / "g.json")
