"""A layered graph as node-link data of networkx and d3, in JSON, under the key ``edges``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sta.analysis.graph.formats.assembly import graph_from_columns
from sta.analysis.graph.formats.columns import Columns, columns_of, json_bytes, records
from sta.analysis.graph.formats.tables import edge_columns, positions
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import FileFormatError

__all__ = ["graph_of_node_link", "node_link_of"]


def node_link_of(graph: LayeredGraph, *, derived: bool) -> bytes:
    """Return the content of a file; with `derived`, also absolute weights and signs."""
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


def graph_of_node_link(path: Path, *, layer: str, weight: str) -> LayeredGraph:
    """Return the graph of a file, whose edges may also be under ``links``.

    Raises
    ------
    FileFormatError
        If its edges are undirected, or an id of a node is unfit, repeats or is missing.
    """
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
        [edge.get(weight) for edge in edges],
        content.get("graph") or {},
        ids,
    )
    return graph_from_columns(columns, layer=layer)
