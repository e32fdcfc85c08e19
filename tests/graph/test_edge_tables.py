"""Tables of edges, our own and those of other programs, and what counts as a number in them."""

import networkx
import numpy as np
import pandas as pd
import pytest

from sta.analysis.graph.formats.exports import read_graph, write_graph
from sta.analysis.graph.formats.interop import from_networkx, to_networkx
from sta.errors import FileFormatError, StaError

from .graphs import FAMILY, same, same_weights
from .networks import random_graph

EDGES = "source,target,weight\na,b,1.5\na,c,-2\nb,d,1e-3\nc,d,.5"


def table(tmp_path, text, **options):
    (tmp_path / "g.csv").write_text(text)
    return read_graph(tmp_path / "g.csv", **options)


def test_a_list_of_edges_is_a_graph(tmp_path):
    for end in ("", "\n"):
        graph = table(tmp_path, EDGES + end)
        assert graph.widths == (1, 2, 1)
        assert graph.layers[0].tolist() == [[1.5, -2.0]]
        assert graph.layers[1].tolist() == [[1e-3], [0.5]]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("name", FAMILY)
def test_our_edges_alone_give_the_weights_of_all_nodes_with_edges(tmp_path, suffix, name):
    graph = FAMILY[name]()
    files = write_graph(graph, tmp_path / f"g.{suffix}")
    files[0].unlink()
    files[1].unlink()
    whole = to_networkx(graph)
    whole.remove_nodes_from(list(networkx.isolates(whole)))
    layers = {layer for _, layer in whole.nodes(data="layer")}
    if len(layers) < graph.n_layers + 1:
        with pytest.raises(FileFormatError, match=r"no node|no edge"):
            read_graph(files[2])
    else:
        expected = from_networkx(whole)
        read = read_graph(files[2])
        assert read.widths == expected.widths
        same_weights(read, expected)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_by_other_names(tmp_path, suffix):
    frame = pd.DataFrame(
        {"target": [20, 3, 3], "w": [1.0, 2.0, 3.0], "source": [3, 1, 2], "from": [2, 1, 1]}
    )
    path = tmp_path / f"g.{suffix}"
    getattr(frame, f"to_{suffix}")(path, index=False)
    for layer in ("layer", "from"):  # inferred and read
        graph = read_graph(path, layer=layer, weight="w")
        assert [matrix.tolist() for matrix in graph.layers] == [[[2.0], [3.0]], [[1.0]]]
    with pytest.raises(FileFormatError, match=r"no column 'weight'.*weight=NAME"):
        read_graph(path)


def test_a_layer_column_tells_what_edges_cannot(tmp_path):
    text = "source,target,weight,layer\na,b,1,1\nc,d,2,1\n"
    assert table(tmp_path, text).layers[0].tolist() == [[1.0, 0.0], [0.0, 2.0]]
    with pytest.raises(FileFormatError, match="2 unconnected parts"):
        table(tmp_path, text.replace("layer", "other"))
    with pytest.raises(FileFormatError, match="'a' -> 'b' leads from layer 0 to layer 0"):
        table(tmp_path, text + "b,d,1,1\n")


REFUSED = {
    "no source": ("source,target,weight\n,b,1\n", "empty source or target"),
    "no weight": (EDGES.replace("1.5", ""), "'weight' is not of numbers"),
    "other columns": ("from,to,weight\na,b,1\n", "no column 'source'"),
    "cycle": (EDGES + "\nd,a,1", "cycle"),
    "twice": (EDGES + "\na,b,1", "more than once"),
    "not finite": (EDGES.replace("1.5", "inf"), "weight inf"),
    "layer": ("source,target,weight,layer\na,b,1,first\n", "'layer' is not of numbers"),
    "no edges": ("source,target,weight\n", "no nodes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_list_of_edges_is_refused(tmp_path, name):
    text, message = REFUSED[name]
    with pytest.raises(FileFormatError, match=message) as caught:
        table(tmp_path, text)
    assert "\n" not in str(caught.value)


LENIENT = ("1_000", "\u0661", " 1", "0x1", "1e-400", "1e400", "nan", "1d3", "", "1.5.2", "++1")


@pytest.mark.parametrize("text", LENIENT)
def test_what_python_takes_for_a_number_but_no_other_program_does(tmp_path, text):
    with pytest.raises(FileFormatError, match=r"not of numbers|weight nan"):
        table(tmp_path, EDGES.replace("1.5", text))
    files = write_graph(random_graph((2, 1), attributes={"a": [[0.5, 1], [2]]}), tmp_path / "h.csv")
    for file in files[1:]:
        content = file.read_text()
        lines = content.split("\n")
        for column, name in enumerate(lines[0].split(",")):
            if name.strip('"') in ("source", "target", "weight", "a", "layer", "node"):
                cells = lines[1].split(",")
                cells[column] = text
                file.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]))
                if not (name == '"a"' and text in ("", "nan")) and not (
                    name == '"layer"' and file == files[2]
                ):
                    with pytest.raises(FileFormatError):
                        read_graph(files[2])
        file.write_text(content)
    read_graph(files[2])


def test_a_weight_of_zero_is_no_edge_of_a_list(tmp_path):
    graph = table(tmp_path, EDGES.replace("1.5", "0e5"))
    assert graph.widths == (1, 2, 1) and graph.n_edges == 3


def test_csv_and_parquet_share_a_stem(tmp_path):
    graph = random_graph((3, 2), role="student")
    for suffix in ("csv", "parquet"):
        write_graph(graph, tmp_path / f"t.{suffix}")
    for suffix in ("csv", "parquet"):
        same(read_graph(tmp_path / f"t.{suffix}"), graph)
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("suffix", ["json", "graphml", "gml", "csv", "parquet"])
def test_layers_and_weights_by_other_names(tmp_path, suffix):
    graph = random_graph((2, 3, 1), 0)
    path = write_graph(graph, tmp_path / f"g.{suffix}")[-1]
    again = read_graph(path, weight="abs_weight")
    assert all(np.array_equal(a, abs(b)) for a, b in zip(again.layers, graph.layers, strict=True))
    with pytest.raises(FileFormatError, match="weight=NAME"):
        read_graph(path, weight="importance")


def test_an_archive_has_no_names_to_choose(tmp_path):
    write_graph(random_graph((2, 1)), tmp_path / "g.npz")
    with pytest.raises(StaError, match="npz has no attributes"):
        read_graph(tmp_path / "g.npz", weight="w")
