"""Layered graphs in files: written whole or not at all, read as data, the same to the last bit.

=============  ====================================================================
``.npz``       matrices as they are, dense or sparse; small, and numpy alone reads it
``.csv``       edges in ``X.csv``, nodes in ``X.nodes.csv``, facts in ``X.csv.graph.json``
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
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sta.analysis.graph.formats.arrays import KEY, arrays_of, graph_from_arrays
from sta.analysis.graph.formats.interop import from_networkx, to_networkx
from sta.analysis.graph.formats.node_link import graph_of_node_link, node_link_of
from sta.analysis.graph.formats.sizes import check_written
from sta.analysis.graph.formats.tables import graph_of_tables, table_paths, tables_of
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import FileFormatError, StaError
from sta.files import check_archive, readable, refuse_existing, write_bytes

if TYPE_CHECKING:
    import networkx

__all__ = ["GRAPH_FORMATS", "is_graph_file", "new_graph_files", "read_graph", "write_graph"]

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
        If a file exists already or cannot be written or would be too large to be read, or the
        format cannot hold an attribute.
    """
    path = Path(path)
    suffix = _suffix(path, format)
    new_graph_files(path, format)
    if suffix != ".npz":
        check_written(path, LEAST_EDGE * graph.n_edges)
    try:
        contents = _contents(graph, path, suffix, derived=derived)
    except (ValueError, TypeError) as error:
        raise StaError(f"{path}: {_line(error)}") from error
    for file, content in contents.items():
        check_written(file, len(content))
    with contextlib.ExitStack() as undo:
        for file, content in contents.items():
            write_bytes(file, content)
            undo.callback(file.unlink, missing_ok=True)
        undo.pop_all()
    return tuple(contents)


def new_graph_files(path: Path | str, format: str | None = None) -> tuple[Path, ...]:  # noqa: A002
    """Return the files that :func:`write_graph` would write.

    Raises
    ------
    StaError
        If one exists already, or the path or the format cannot be one.
    """
    path = Path(path)
    suffix = _suffix(path, format)
    files = table_paths(path, suffix) if suffix in TABLES else (path,)
    if "\0" in str(path):
        raise StaError(f"{str(path)!r} is no name of a file; leave the zero character out")
    try:
        for file in files:
            refuse_existing(file)
    except OSError as error:
        raise StaError(
            f"cannot write {path}: {error.strerror or error}; choose another name"
        ) from error
    return files


def read_graph(
    path: Path | str,
    format: str | None = None,  # noqa: A002
    *,
    layer: str = "layer",
    weight: str = "weight",
) -> LayeredGraph:
    """Read a graph that :func:`write_graph` wrote, or a layered one that others did.

    Parameters
    ----------
    path : Path or str
        Of tables, that of the edges; it may be alone, see
        :mod:`sta.analysis.graph.formats.tables`.
    format : str, optional
        One of ``GRAPH_FORMATS``, instead of the one that the suffix of `path` names.
    layer, weight : str, optional
        Node attribute and edge attribute, as in
        :func:`sta.analysis.graph.formats.interop.from_networkx`; npz has none.

    Returns
    -------
    LayeredGraph
        With the weights, ids, attributes and properties of the written one, bit by bit. A large
        dense layer with few edges is sparse, unless it comes from npz.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, too large, or holds no layered graph.
    StaError
        If there is no such format, or it has no attributes to name.
    """
    path = Path(path)
    suffix = _suffix(path, format)
    with readable(path), _parsing(path):
        if suffix == ".npz":
            return _read_npz(path, layer, weight)
        if suffix in TABLES:
            return graph_of_tables(path, suffix, layer=layer, weight=weight)
        if suffix == ".json":
            return graph_of_node_link(path, layer=layer, weight=weight)
        graph = _read_graphml(path) if suffix == ".graphml" else _read_gml(path)
        return from_networkx(graph, layer=layer, weight=weight)


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
    chosen = path.suffix.lower().removeprefix(".") if name is None else str(name).lower()
    if chosen not in GRAPH_FORMATS:
        wrong = f"{path} has no suffix of a graph file" if name is None else f"no format {name!r}"
        raise StaError(f"{wrong}; choose from {', '.join(GRAPH_FORMATS)}")
    return f".{chosen}"


def _contents(graph: LayeredGraph, path: Path, suffix: str, *, derived: bool) -> dict[Path, bytes]:
    if suffix in TABLES:
        return tables_of(graph, path, suffix, derived=derived)
    if suffix == ".npz":
        return {path: _npz_of(graph, path)}
    if suffix == ".json":
        return {path: node_link_of(graph, derived=derived)}
    return {path: (_graphml_of if suffix == ".graphml" else _gml_of)(graph, derived)}


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


def _npz_of(graph: LayeredGraph, path: Path) -> bytes:
    arrays: dict[str, Any] = dict(arrays_of(graph))
    check_written(path, sum(array.nbytes + HEADER for array in arrays.values()))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _read_npz(path: Path, layer: str, weight: str) -> LayeredGraph:
    if (layer, weight) != ("layer", "weight"):
        raise StaError("npz has no attributes to name; leave the names of layer and weight out")
    check_archive(path)
    with np.load(path, allow_pickle=False) as archive:
        if KEY not in archive.files:
            raise FileFormatError(f"{path} holds {archive.files} but no graph of sta")
        return graph_from_arrays(archive)


def _networkx_of(graph: LayeredGraph, derived: bool) -> networkx.DiGraph:
    result = to_networkx(graph, force=True)
    if derived:
        for _, _, edge in result.edges(data=True):
            weight = edge["weight"]
            edge |= {"abs_weight": abs(weight), "sign": 1 if weight > 0 else -1}
    return result


def _graphml_of(graph: LayeredGraph, derived: bool) -> bytes:
    import networkx

    result = _networkx_of(graph, derived)
    named = [result.graph, *(values for _, values in result.nodes(data=True))]
    for name, value in ((name, value) for values in named for name, value in values.items()):
        if _CONTROL.search(f"{name}{value}"):
            raise StaError(f"{name!r} is {value!r}, which XML cannot hold; choose another format")
    buffer = io.BytesIO()
    networkx.write_graphml_xml(result, buffer)
    return buffer.getvalue()


def _read_graphml(path: Path) -> networkx.DiGraph:
    import networkx

    return networkx.read_graphml(path)


def _gml_of(graph: LayeredGraph, derived: bool) -> bytes:
    import networkx

    try:
        text = "\n".join(networkx.generate_gml(_networkx_of(graph, derived)))
    except networkx.NetworkXError as error:
        raise StaError(f"GML cannot hold the graph: {_line(error)}; rename it") from error
    return f"{text}\n".encode("ascii")


def _read_gml(path: Path) -> networkx.DiGraph:
    import networkx

    return networkx.parse_gml(path.read_text(encoding="utf-8"), label="id")


TABLES = (".csv", ".parquet")
GRAPH_FORMATS = ("npz", "csv", "parquet", "json", "graphml", "gml")
"""Names of the formats, each also a suffix."""
LEAST_EDGE = 10
"""Bytes that an edge takes at least, outside of npz."""
HEADER = 1024
"""Bytes of an array in an npz file before its entries, at most."""
