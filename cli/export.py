"""`sta export`: a network as a graph, in a file that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from sta.analysis.graph.formats.exports import GRAPH_FORMATS, new_graph_files, write_graph
from sta.cli.options import EXISTING_OR_NOT, json_option, print_json


@click.command()
@click.argument("network", type=EXISTING_OR_NOT)
@click.option(
    "-o",
    "--out",
    type=EXISTING_OR_NOT,
    required=True,
    help=f"The new file; its suffix names the format: {', '.join(GRAPH_FORMATS)}.",
)
@click.option(
    "--format", "form", type=click.Choice(GRAPH_FORMATS), help="Instead of what the suffix says."
)
@click.option(
    "--from",
    "source_form",
    type=click.Choice(GRAPH_FORMATS),
    help="NETWORK is a graph file of this format, whatever its suffix.",
)
@click.option(
    "--layer-attribute",
    default="layer",
    show_default=True,
    help="Node attribute of a graph file that holds the layer.",
)
@click.option(
    "--weight-attribute",
    default="weight",
    show_default=True,
    help="Edge attribute of a graph file that holds the weight.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, max_open=True),
    help="Prune units of relative importance L_i / max L up to this.  [default: none]",
)
@click.option("--member", type=click.IntRange(0), help="Which student of an ensemble.")
@click.option("--bias", is_flag=True, help="Biases as one more unit of the layer before.")
@click.option(
    "--role",
    type=click.Choice(["student", "teacher"]),
    default="student",
    show_default=True,
    help="Which network of a checkpoint.",
)
@json_option
def export(
    network: Path,
    out: Path,
    form: str | None,
    source_form: str | None,
    layer_attribute: str,
    weight_attribute: str,
    threshold: float | None,
    member: int | None,
    bias: bool,
    role: Literal["student", "teacher"],
    as_json: bool,
) -> None:
    """Write NETWORK as a weighted graph: its units, its edges, and where it comes from.

    NETWORK is a checkpoint of sta, a state_dict (.pt, .safetensors), an npz file of the
    published code or of plain matrices w1, w2, ... of shape (n_in, n_out), or a graph file, which
    is converted. A table (csv, parquet) of edges gets one of nodes and a file of facts beside it;
    one of another program needs the columns source, target and weight alone.
    """
    from sta.analysis.network_graph import load_graph

    new_graph_files(out, form)
    graph = load_graph(
        network,
        member=member,
        threshold=threshold,
        bias=bias,
        role=role,
        format=source_form,
        layer=layer_attribute,
        weight=weight_attribute,
    )
    files = write_graph(graph, out, form)
    if as_json:
        report = {
            "format": "sta.export/1",
            "files": [str(file) for file in files],
            "role": graph.role,
            "nodes": graph.n_nodes,
            "edges": graph.n_edges,
            "widths": list(graph.widths),
        }
        print_json(report)
        return
    widths = "-".join(map(str, graph.widths))
    click.echo(f"{out}: {widths}, {graph.n_nodes} nodes and {graph.n_edges} edges")
