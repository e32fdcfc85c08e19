"""A layered graph as tables of edges and of nodes, in csv or parquet, and a file of facts.

``X.csv``: ``source``, ``target`` (numbers of nodes), ``weight``, ``abs_weight``, ``sign``,
``layer`` (of the source). ``X.nodes.csv``: ``node``, the node columns of
:mod:`sta.analysis.graph.formats.columns`. ``X.csv.graph.json``: role, properties and types. Empty
cells are missing values. The same for parquet.

Without the other two files a table is read as a list of edges: ``source`` and ``target`` are names
of nodes, ``layer``, if there is such a column, is that of the source. Text is written as it is,
also if it begins with ``=``: let a spreadsheet import it as text.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import IntArray
from sta.analysis.graph.formats.assembly import graph_from_columns
from sta.analysis.graph.formats.columns import (
    FORMAT,
    Column,
    Columns,
    columns_of,
    json_bytes,
    split_facts,
)
from sta.analysis.graph.formats.sizes import check_read, check_written
from sta.analysis.graph.formats.values import real_number, whole_number
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import FileFormatError
from sta.files import readable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["edge_columns", "graph_of_tables", "positions", "table_paths", "tables_of"]

_EDGES = ("source", "target", "weight")


def table_paths(path: Path, suffix: str) -> tuple[Path, Path, Path]:
    """Return the files of facts, nodes and edges that belong to a table of edges."""
    stem = path.name.removesuffix(path.suffix)
    facts, nodes = f"{stem}{suffix}.graph.json", f"{stem}.nodes{suffix}"
    return path.with_name(facts), path.with_name(nodes), path


def edge_columns(columns: Columns, *, derived: bool) -> dict[str, NDArray[Any]]:
    """Return the columns of the edges; with `derived`, absolute values and signs among them."""
    weights = np.asarray(columns.weights)
    result: dict[str, NDArray[Any]] = {"weight": weights}
    if derived:
        signs = np.sign(weights).astype(np.int64)
        result |= {"abs_weight": np.abs(weights), "sign": signs}
    return result | {"layer": np.asarray(columns.nodes["layer"])[columns.sources]}


def tables_of(graph: LayeredGraph, path: Path, suffix: str, *, derived: bool) -> dict[Path, bytes]:
    """Return the contents of the three files of a graph, that of the edges last."""
    import pandas as pd

    columns = columns_of(graph)
    facts, nodes, edges = table_paths(path, suffix)
    header = {"format": FORMAT, "nodes": graph.n_nodes, "edges": graph.n_edges}
    node_table = {"node": np.arange(graph.n_nodes)} | {
        name: _float64(np.asarray(column)) for name, column in columns.nodes.items()
    }
    edge_table = {"source": columns.sources, "target": columns.targets}
    edge_table |= edge_columns(columns, derived=derived)
    if suffix == ".parquet":
        check_written(nodes, 8 * graph.n_nodes * len(node_table))
        check_written(edges, 8 * graph.n_edges * len(_EDGES))
    return {
        facts: json_bytes({**header, "graph": dict(columns.facts)}),
        nodes: _content(pd.DataFrame(node_table), suffix),
        edges: _content(pd.DataFrame(edge_table), suffix),
    }


def _float64(values: NDArray[Any]) -> NDArray[Any]:
    # the shortest text of a smaller type is another float64
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _content(table: pd.DataFrame, suffix: str) -> bytes:
    if suffix == ".csv":
        # all text in quotes: a bare carriage return in it would end the line
        text: str = table.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        return text.encode()
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def graph_of_tables(path: Path, suffix: str, *, layer: str, weight: str) -> LayeredGraph:
    """Return the graph of three files, given that of the edges, or of edges alone.

    Raises
    ------
    FileFormatError
        If one of the three is missing, or they do not belong together.
    """
    facts_path, nodes_path, _ = table_paths(path, suffix)
    if not facts_path.exists() and not nodes_path.exists():
        return _graph_of_edges(path, suffix, layer=layer, weight=weight)
    facts, counts = _read_facts(facts_path)
    types = split_facts(facts)[2].get("attributes", {})
    cells = _read(nodes_path, suffix)
    nodes = {name: _values(column, types.get(name)) for name, column in cells.items()}
    edges = _read(path, suffix, ("source", "target", weight))
    found = (len(next(iter(nodes.values()), [])), len(edges["source"]))
    if found != counts:
        raise FileFormatError(
            f"{path} and its nodes have {found[1]} edges and {found[0]} nodes but {facts_path} "
            f"says {counts[1]} and {counts[0]}; write them again"
        )
    ids = _numbers(nodes.pop("node", range(found[0])), whole_number, nodes_path, "node")
    sources, targets = (
        positions(ids, _numbers(edges[end], whole_number, path, end)) for end in _EDGES[:2]
    )
    weights = np.array(_numbers(edges[weight], real_number, path, weight), dtype=np.float64)
    columns = Columns(nodes, sources, targets, weights, facts, ids)
    return graph_from_columns(columns, layer=layer)


def _graph_of_edges(path: Path, suffix: str, *, layer: str, weight: str) -> LayeredGraph:
    table = _read(path, suffix, ("source", "target", weight), optional=layer)
    ends = [table[end].tolist() for end in ("source", "target")]
    names = list(dict.fromkeys([*ends[0], *ends[1]]))
    if any(name in ("", None) or name != name for name in names):
        raise FileFormatError(f"{path}: an edge has an empty source or target; name both nodes")
    with contextlib.suppress(TypeError, ValueError):  # else in the order in which they appear
        names.sort(key=whole_number)
    sources, targets = (positions(names, end) for end in ends)
    nodes: dict[str, Column] = {}
    if layer in table:
        starts = np.array(_numbers(table[layer], whole_number, path, layer), dtype=np.intp)
        layers = np.empty(len(names), dtype=np.intp)
        layers[targets] = starts + 1
        layers[sources] = starts
        nodes[layer] = layers
    weights = np.array(_numbers(table[weight], real_number, path, weight), dtype=np.float64)
    return graph_from_columns(Columns(nodes, sources, targets, weights, {}, names), layer=layer)


def positions(ids: list[Any], wanted: list[Any]) -> IntArray:
    """Return where nodes stand in a list of ids.

    Raises
    ------
    FileFormatError
        If an id repeats, is none of a node, or is neither a whole number nor text.
    """
    if not {*map(type, ids), *map(type, wanted)} <= {int, str}:
        wrong = next(node for node in (*ids, *wanted) if type(node) not in (int, str))
        raise FileFormatError(f"node {wrong!r} is named by neither a whole number nor text")
    place = {node: number for number, node in enumerate(ids)}
    if len(place) < len(ids):
        double = next(node for number, node in enumerate(ids) if place[node] != number)
        raise FileFormatError(f"node {double!r} is there twice; name each node once")
    try:
        return np.array([place[node] for node in wanted], dtype=np.intp)
    except KeyError as error:
        raise FileFormatError(f"an edge ends at node {error}, which does not exist") from error


def _read_facts(path: Path) -> tuple[Mapping[str, Any], tuple[int, int]]:
    with readable(path):
        content = json.loads(path.read_bytes())
    if content["format"] != FORMAT:
        raise FileFormatError(f"{path} has format {content['format']!r}; this sta reads {FORMAT}")
    return dict(content["graph"]), (content["nodes"], content["edges"])


def _read(
    path: Path, suffix: str, names: tuple[str, ...] | None = None, optional: str | None = None
) -> dict[str, NDArray[Any]]:
    """Return the columns of a table: text from csv, typed from parquet."""
    with readable(path):
        table = (_read_parquet if suffix == ".parquet" else _read_csv)(path, names, optional)
    for name in names or ():
        if name not in table.columns:
            raise FileFormatError(
                f"{path} has no column {name!r}; a table of edges needs source, target and weight "
                "(another one with weight=NAME or --weight-attribute NAME)"
            )
    return {str(name): table[name].to_numpy(dtype=object) for name in table.columns}


def _read_csv(path: Path, names: tuple[str, ...] | None, optional: str | None) -> pd.DataFrame:
    import pandas as pd

    with path.open("rb") as file:
        file.seek(-1, io.SEEK_END)
        # a number cut short is another number; other programs may end a file so
        if optional is None and file.read() != b"\n":
            raise FileFormatError(f"{path} ends within a line; write it again")
    chosen = None if names is None else {*names, optional}.__contains__
    return pd.read_csv(path, dtype=str, keep_default_na=False, usecols=chosen)


def _read_parquet(path: Path, names: tuple[str, ...] | None, optional: str | None) -> pd.DataFrame:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        found = file.schema_arrow.names
        chosen = [name for name in found if names is None or name in (*names, optional)]
        # a file of a kilobyte can claim any number of equal rows
        check_read(path, 8 * file.metadata.num_rows * len(chosen))
        return file.read(columns=chosen).to_pandas()


def _values(column: NDArray[Any], types: object) -> Column:
    """Return the values of cells, None for empty ones."""
    values: list[Any] = column.tolist()
    names = [str(of) for of in types] if isinstance(types, list) else []
    kinds = {name[1:2] or name for name in names}
    if kinds == {"U"}:
        return values
    if "f" in kinds:  # whole numbers of one layer became floats beside those of another
        return [None if value in ("", None) else real_number(value) for value in values]
    if kinds & {"i", "u"}:
        return [None if value in ("", None) else _number(value) for value in values]
    truth = {"": None, "True": True, "False": False}
    return [truth.get(v, v) if isinstance(v, str) else v for v in values]


def _number(value: Any) -> int | float:
    try:
        return whole_number(value)
    except (ValueError, OverflowError):
        return real_number(value)


def _numbers(column: Column, read: Callable[[Any], Any], path: Path, name: str) -> list[Any]:
    try:
        return [read(value) for value in column]
    except (TypeError, ValueError, OverflowError) as error:
        raise FileFormatError(f"{path}: column {name!r} is not of numbers ({error})") from error
