"""Layered graphs in files: written whole or not at all, read as data, the same to the last bit.

=============  ====================================================================
``.npz``       matrices as they are, dense or sparse; small, and numpy alone reads it
``.csv``       edges in ``X.csv``, nodes in ``X.nodes.csv``, facts in ``X.graph.json``
``.parquet``   the same three tables, as parquet
``.json``      node-link data of networkx and d3, under the key ``edges``
``.graphml``   for Gephi, Cytoscape, yEd, igraph
``.gml``       for the same
=============  ====================================================================

Nodes, edges and the graph have the attributes of
:mod:`sta.analysis.graph.formats.interop`; edges also ``abs_weight`` and ``sign``,
because some programs drop negative edges. GraphML and GML are written by networkx, whose numbers
keep every bit; igraph's writers keep 15 digits. networkx reads node ids of GraphML back as strings
unless told ``node_type=int``; :func:`read_graph` does not look at them.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sta.analysis.graph.formats.arrays import KEY, arrays_of, graph_from_arrays
from sta.analysis.graph.formats.assembly import graph_from_columns
from sta.analysis.graph.formats.columns import Columns, columns_of, json_bytes, records
from sta.analysis.graph.formats.interop import from_networkx, to_networkx
from sta.analysis.graph.formats.tables import (
    edge_columns,
    graph_of_tables,
    positions,
    table_paths,
    tables_of,
)
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import FileFormatError, StaError
from sta.files import check_archive, readable, refuse_existing, write_bytes

if TYPE_CHECKING:
    import networkx

__all__ = ["GRAPH_FORMATS", "is_graph_file", "read_graph", "write_graph"]

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\r\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML cannot hold, or not keep."""


def write_graph(
    graph: LayeredGraph,
    path: Path | str,
    format: str | None = None,  # noqa: A002 - the word for it
    *,
    derived: bool = True,
) -> tuple[Path, ...]:
    """Write a graph into a file, or a table with two others beside it.

    Parameters
    ----------
    graph : LayeredGraph
    path : Path or str
        Of a new file; its folder is made if need be.
    format : str, optional
        One of ``GRAPH_FORMATS``, instead of the one that the suffix of `path` names.
    derived : bool, optional
        Whether edges also have ``abs_weight`` and ``sign`` (not in npz).

    Returns
    -------
    tuple of Path
        The files, that of the edges last.

    Raises
    ------
    StaError
        If a file exists already or cannot be written, or the format cannot hold an attribute.
    """
    path = Path(path)
    suffix = _suffix(path, format)
    for file in table_paths(path, suffix) if suffix in TABLES else (path,):
        refuse_existing(file)
    try:
        if suffix in TABLES:
            contents = tables_of(graph, path, suffix, derived=derived)
        else:
            contents = {path: _WRITERS[suffix](graph, derived)}
    except (ValueError, TypeError) as error:
        raise StaError(f"{path}: {_line(error)}") from error
    with contextlib.ExitStack() as undo:
        for file, content in contents.items():
            write_bytes(file, content)
            undo.callback(file.unlink, missing_ok=True)
        undo.pop_all()
    return tuple(contents)


def read_graph(path: Path | str, format: str | None = None) -> LayeredGraph:  # noqa: A002
    """Read a graph that :func:`write_graph` wrote, or a layered one that others did.

    Parameters
    ----------
    path : Path or str
        Of tables, that of the edges.
    format : str, optional
        One of ``GRAPH_FORMATS``, instead of the one that the suffix of `path` names.

    Returns
    -------
    LayeredGraph
        With the weights, ids, attributes and properties of the written one, bit by bit.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, too large, or holds no layered graph.
    """
    path = Path(path)
    suffix = _suffix(path, format)
    with readable(path), _parsing(path):
        if suffix in TABLES:
            return graph_of_tables(path, suffix)
        return _READERS[suffix](path)


def is_graph_file(path: Path | str) -> bool:
    """Say whether a file's suffix, of an npz file its content, is that of a graph.

    Raises
    ------
    FileFormatError
        If an npz file is missing or damaged.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix != ".npz":
        return suffix.removeprefix(".") in GRAPH_FORMATS
    with readable(path), _parsing(path):
        check_archive(path)
        with np.load(path, allow_pickle=False) as archive:
            return KEY in archive.files


def _suffix(path: Path, name: str | None) -> str:
    chosen = path.suffix.lower().removeprefix(".") if name is None else name.lower()
    if chosen not in GRAPH_FORMATS:
        wrong = f"{path} has no suffix of a graph file" if name is None else f"no format {name!r}"
        raise StaError(f"{wrong}; choose from {', '.join(GRAPH_FORMATS)}")
    return f".{chosen}"


@contextlib.contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises on a stranger's file into one line with its name."""
    try:
        yield
    except StaError as error:
        text = " ".join(str(error).split())
        named = any(str(file) in text for file in table_paths(path, path.suffix))
        raise FileFormatError(text if named else f"{path}: {text}") from error
    except OSError:
        raise
    except Exception as error:
        raise FileFormatError(
            f"{path} is damaged or no graph of the kind its name says "
            f"({type(error).__name__}: {_line(error)}); write it again"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _write_npz(graph: LayeredGraph, derived: bool) -> bytes:  # noqa: ARG001
    buffer = io.BytesIO()
    arrays: dict[str, Any] = dict(arrays_of(graph))
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _read_npz(path: Path) -> LayeredGraph:
    check_archive(path)
    with np.load(path, allow_pickle=False) as archive:
        if KEY not in archive.files:
            raise FileFormatError(f"{path} holds {archive.files} but no graph of sta")
        return graph_from_arrays({name: archive[name] for name in archive.files})


def _write_json(graph: LayeredGraph, derived: bool) -> bytes:
    columns = columns_of(graph)
    nodes = {"id": np.arange(graph.n_nodes), **columns.nodes}
    edges = {"source": columns.sources, "target": columns.targets}
    content = {
        "directed": True,
        "multigraph": False,
        "graph": dict(columns.facts),
        "nodes": records(nodes),
        "edges": records(edges | edge_columns(columns, derived=derived)),
    }
    return json_bytes(content)


def _read_json(path: Path) -> LayeredGraph:
    content = json.loads(path.read_bytes())
    if content.get("directed") is not True:
        raise FileFormatError("the graph is not directed; every edge needs a source and a target")
    nodes: list[dict[str, Any]] = content["nodes"]
    edges = content["edges"] if "edges" in content else content["links"]
    ids = [node["id"] for node in nodes]
    names = dict.fromkeys(name for node in nodes for name in node)
    columns = Columns(
        {name: [node.get(name) for node in nodes] for name in names},
        positions(ids, [edge["source"] for edge in edges]),
        positions(ids, [edge["target"] for edge in edges]),
        [edge.get("weight") for edge in edges],
        content.get("graph") or {},
        ids,
    )
    return graph_from_columns(columns)


def _networkx_of(graph: LayeredGraph, derived: bool) -> networkx.DiGraph:
    result = to_networkx(graph, force=True)
    if derived:
        for _, _, edge in result.edges(data=True):
            weight = edge["weight"]
            edge |= {"abs_weight": abs(weight), "sign": 1 if weight > 0 else -1}
    return result


def _write_graphml(graph: LayeredGraph, derived: bool) -> bytes:
    import networkx

    result = _networkx_of(graph, derived)
    named = [result.graph, *(values for _, values in result.nodes(data=True))]
    for name, value in ((name, value) for values in named for name, value in values.items()):
        if _CONTROL.search(f"{name}{value}"):
            raise StaError(f"{name!r} is {value!r}, which XML cannot hold; choose another format")
    buffer = io.BytesIO()
    networkx.write_graphml_xml(result, buffer)
    return buffer.getvalue()


def _read_graphml(path: Path) -> LayeredGraph:
    import networkx

    return from_networkx(networkx.read_graphml(path))


def _write_gml(graph: LayeredGraph, derived: bool) -> bytes:
    import networkx

    try:
        text = "\n".join(networkx.generate_gml(_networkx_of(graph, derived)))
    except networkx.NetworkXError as error:
        raise StaError(f"GML cannot hold the graph: {_line(error)}; rename it") from error
    return f"{text}\n".encode("ascii")


def _read_gml(path: Path) -> LayeredGraph:
    import networkx

    return from_networkx(networkx.parse_gml(path.read_text(encoding="utf-8"), label="id"))


TABLES = (".csv", ".parquet")
_WRITERS: dict[str, Callable[[LayeredGraph, bool], bytes]] = {
    ".npz": _write_npz,
    ".json": _write_json,
    ".graphml": _write_graphml,
    ".gml": _write_gml,
}
_READERS: dict[str, Callable[[Path], LayeredGraph]] = {
    ".npz": _read_npz,
    ".json": _read_json,
    ".graphml": _read_graphml,
    ".gml": _read_gml,
}
GRAPH_FORMATS = ("npz", "csv", "parquet", "json", "graphml", "gml")
"""Names of the formats, each also a suffix."""
