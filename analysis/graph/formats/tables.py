"""A layered graph as tables of edges and of nodes, in csv or parquet, and a file of facts.

``X.csv``: ``source``, ``target`` (numbers of nodes), ``weight``, ``abs_weight``, ``sign``,
``layer`` (of the source). ``X.nodes.csv``: ``node``, the node columns of
:mod:`sta.analysis.graph.formats.columns`. ``X.graph.json``: role, properties and types. Empty
cells are missing values. The same for parquet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import IntArray
from sta.analysis.graph.formats.assembly import graph_from_columns
from sta.analysis.graph.formats.columns import Column, Columns, columns_of, json_bytes, split_facts
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import FileFormatError
from sta.files import LARGEST_FILE, readable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["edge_columns", "graph_of_tables", "positions", "table_paths", "tables_of"]

FORMAT = "sta.graph/1"


def table_paths(path: Path, suffix: str) -> tuple[Path, Path, Path]:
    """Return the files of facts, nodes and edges that belong to a table of edges."""
    stem = path.name.removesuffix(path.suffix)
    return path.with_name(f"{stem}.graph.json"), path.with_name(f"{stem}.nodes{suffix}"), path


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


def graph_of_tables(path: Path, suffix: str) -> LayeredGraph:
    """Return the graph of three files, given that of the edges.

    Raises
    ------
    FileFormatError
        If a file is missing, or the three do not belong together.
    """
    facts_path, nodes_path, edges_path = table_paths(path, suffix)
    facts, counts = _read_facts(facts_path)
    types = split_facts(facts)[2].get("attributes", {})
    cells = _read(nodes_path, suffix)
    nodes = {name: _values(column, types.get(name)) for name, column in cells.items()}
    edges = _read(edges_path, suffix, ("source", "target", "weight"))
    found = (len(next(iter(nodes.values()), [])), len(edges["source"]))
    if found != counts:
        raise FileFormatError(
            f"{path} and its nodes have {found[1]} edges and {found[0]} nodes but {facts_path} "
            f"says {counts[1]} and {counts[0]}; write them again"
        )
    ids = _numbers(nodes.pop("node", range(found[0])), np.int64, nodes_path, "node")
    columns = Columns(
        nodes,
        positions(ids.tolist(), _numbers(edges["source"], np.int64, path, "source").tolist()),
        positions(ids.tolist(), _numbers(edges["target"], np.int64, path, "target").tolist()),
        _numbers(edges["weight"], np.float64, path, "weight"),
        facts,
        ids.tolist(),
    )
    return graph_from_columns(columns)


def positions(ids: list[Any], wanted: list[Any]) -> IntArray:
    """Return where nodes stand in a list of ids.

    Raises
    ------
    FileFormatError
        If an id repeats or is none of a node.
    """
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


def _read(path: Path, suffix: str, names: tuple[str, ...] | None = None) -> dict[str, NDArray[Any]]:
    """Return the columns of a table: text from csv, typed from parquet."""
    with readable(path):
        table = (_read_parquet if suffix == ".parquet" else _read_csv)(path, names)
    return {str(name): table[name].to_numpy(dtype=object) for name in table.columns}


def _read_csv(path: Path, names: tuple[str, ...] | None) -> pd.DataFrame:
    import pandas as pd

    with path.open("rb") as file:
        file.seek(-1, io.SEEK_END)
        if file.read() != b"\n":  # a number cut short is another number
            raise FileFormatError(f"{path} ends within a line; write it again")
    return pd.read_csv(path, dtype=str, keep_default_na=False, usecols=names)


def _read_parquet(path: Path, names: tuple[str, ...] | None) -> pd.DataFrame:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        size = 8 * file.metadata.num_rows * (len(names) if names else file.metadata.num_columns)
        if size > LARGEST_FILE:  # a file of a kilobyte can claim any number of equal rows
            raise FileFormatError(f"{path} would unpack to {size} bytes; at most {LARGEST_FILE}")
        return file.read(columns=names).to_pandas()


def _values(column: NDArray[Any], types: object) -> Column:
    """Return the values of cells, None for empty ones."""
    values: list[Any] = column.tolist()
    kinds = {str(of)[1:2] if of != "U" else of for of in types} if isinstance(types, list) else {}
    if kinds == {"U"}:
        return values
    if "f" in kinds:  # whole numbers of one layer became floats beside those of another
        return [None if value in ("", None) else float(value) for value in values]
    truth = {"": None, "True": True, "False": False}
    return [truth.get(v, v) if isinstance(v, str) else v for v in values]


def _numbers(values: Column, kind: type, path: Path, name: str) -> Any:
    try:
        return np.asarray(values, dtype=object).astype(kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise FileFormatError(f"{path}: column {name!r} is not of numbers ({error})") from error
