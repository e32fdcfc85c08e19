"""Networks as graphs: where torch ends and the graph layer begins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from torch import Tensor

import sta
from sta.analysis.graph import LayeredGraph, mark_matched, match_units
from sta.analysis.graph.formats.exports import is_graph_file, read_graph
from sta.analysis.graph.layered_graph import FloatArray, Property
from sta.checkpoint import Checkpoint, load_single, weights
from sta.errors import StaError
from sta.files import readable
from sta.formats import network_from_state
from sta.spectral import (
    Network,
    SpectralLinear,
    importance,
    shrink,
    spectral_layers,
    units_above,
)

__all__ = ["Role", "from_state_dict", "graph_of", "load_graph"]

Role: TypeAlias = Literal["student", "teacher"]


def graph_of(network: Network, role: str, *, bias: bool = False) -> LayeredGraph:
    """Return a network as a weighted graph, from its inputs to its last trained layer.

    Parameters
    ----------
    network : Network
        A single network; a frozen all-ones readout is no part of the graph.
    role : str
        What the network is, such as ``"student"``.
    bias : bool, optional
        Whether the biases of a layer become one more unit of the node layer before.

    Returns
    -------
    LayeredGraph
        With the node attributes ``importance``, of the units of the layers that are ranked and
        pruned, and ``eigenvalue``, lambda_out of spectral hidden units; NaN for other units.

    Raises
    ------
    ShapeError
        If the network is a stack.
    """
    matrices = weights(network)
    values = {"importance": _nothing(network)}
    for number in spectral_layers(network):
        values["importance"][number + 1] = _array(importance(network.chain[number]))
    for number in network.hidden:
        layer = network.chain[number]
        if isinstance(layer, SpectralLinear):
            values.setdefault("eigenvalue", _nothing(network))
            values["eigenvalue"][number + 1] = _array(layer.lambda_out)
    biases = [None if layer.bias is None else _array(layer.bias) for layer in network.chain]
    return LayeredGraph.from_arrays(
        matrices,
        [None, *network.unit_ids],
        biases=biases if bias and any(given is not None for given in biases) else None,
        role=role,
        attributes=values,
    )


def from_state_dict(
    state: Mapping[str, Tensor],
    *,
    threshold: float | None = None,
    bias: bool = False,
    role: str = "student",
) -> LayeredGraph:
    """Return the graph of a state_dict in memory, of a chain of linear or spectral layers.

    Parameters
    ----------
    state : mapping of str to Tensor
        As ``model.state_dict()`` of torch, on any device; pruning masks are applied.
    threshold : float, optional
        Relative importance L_i / max L above which a unit is kept; without it all are.
    bias : bool, optional
        Whether biases become units.
    role : str, optional
        What the network is.

    Returns
    -------
    LayeredGraph
        With the properties ``sta_version``, ``kind``, ``readout``, ``activation`` and
        ``prune_threshold``, as far as they apply.

    Raises
    ------
    StaError
        If the tensors are no such chain or not finite, there are no biases, or the threshold is
        out of range or leaves nothing of a layer.

    Examples
    --------
    >>> import torch
    >>> from_state_dict(torch.nn.Linear(3, 2).state_dict(), bias=True).widths
    (4, 2)
    """
    _check_threshold(threshold)
    if isinstance(state, Mapping):
        state = {name: _on_cpu(value) for name, value in state.items()}
    read = network_from_state(state, Path("state_dict"))
    network = read.network if threshold is None else _pruned(read.network, threshold)
    properties = _properties(network, read.kind, threshold)
    return replace(_with_biases(network, role, "state_dict", bias=bias), properties=properties)


def load_graph(
    path: Path | str,
    *,
    member: int | None = None,
    threshold: float | None = None,
    bias: bool = False,
    role: Role = "student",
    format: str | None = None,  # noqa: A002 - the word for it
    layer: str = "layer",
    weight: str = "weight",
) -> LayeredGraph:
    """Read any file of a network or of a graph as a graph.

    Parameters
    ----------
    path : Path or str
        What `sta.checkpoint.load_single` reads (a checkpoint, a state_dict as ``.pt`` or
        ``.safetensors``, an npz of the published code or of matrices ``w1``, ``w2``, ...), or a
        graph file that `sta.analysis.graph.read_graph` reads.
    member : int, optional
        Which student of an ensemble.
    threshold : float, optional
        Relative importance L_i / max L above which a unit is kept; without it all are.
    bias : bool, optional
        Whether biases become units; a graph file has its own.
    role : {"student", "teacher"}, optional
        Which network of a checkpoint of sta.
    format : str, optional
        Format of a graph file, whatever its suffix.
    layer, weight : str, optional
        Node attribute and edge attribute of a graph file that hold layers and weights.

    Returns
    -------
    LayeredGraph
        A network's has the properties ``checkpoint_sha256``, ``sta_version``, ``kind``,
        ``readout``, ``activation``, ``member`` and ``prune_threshold``, as far as they apply. A
        student beside its teacher has the node attribute ``match``, see `mark_matched`.

    Raises
    ------
    StaError
        If the file cannot be read, holds no such network or no biases, or the threshold is out of
        range or leaves nothing of a layer.
    """
    path = Path(path)
    _check_threshold(threshold)
    if format is not None or is_graph_file(path):
        graph = read_graph(path, format, layer=layer, weight=weight)
        return _of_graph_file(graph, path, member, threshold, bias=bias, role=role)
    if (layer, weight) != ("layer", "weight"):
        raise StaError(f"{path} is no graph file; leave the attributes of layers and weights out")
    checkpoint = load_single(path, member)
    network = _network(checkpoint, path, role)
    if threshold is not None:
        network = _pruned(network, threshold)
    kind = checkpoint.kind if role == "student" else "teacher"
    properties = {"checkpoint_sha256": _sha256(path), **_properties(network, kind, threshold)}
    if member is not None:
        properties["member"] = member
    graph = replace(_with_biases(network, role, path, bias=bias), properties=properties)
    if role == "student" and checkpoint.teacher is not None:
        return _with_match(graph, network, checkpoint.teacher)
    return graph


def _check_threshold(threshold: float | None) -> None:
    if threshold is not None and not 0 <= threshold < 1:
        raise StaError(f"threshold {threshold} is out of range; choose from 0 up to below 1")


def _pruned(network: Network, threshold: float) -> Network:
    return shrink(network, units_above(network, threshold))


def _with_biases(network: Network, role: str, source: object, *, bias: bool) -> LayeredGraph:
    graph = graph_of(network, role, bias=bias)
    if bias and not graph.has_bias:
        raise StaError(f"{source} holds no biases; leave bias out")
    return graph


def _properties(network: Network, kind: str, threshold: float | None) -> dict[str, Property]:
    properties: dict[str, Property] = {
        "sta_version": sta.__version__,
        "kind": kind,
        "readout": network.readout,
        "activation": "relu",
    }
    return properties if threshold is None else properties | {"prune_threshold": threshold}


def _on_cpu(value: Any) -> Any:
    return value.detach().cpu() if isinstance(value, Tensor) else value


def _with_match(graph: LayeredGraph, network: Network, teacher: Network) -> LayeredGraph:
    """Name the teacher's unit that every unit is matched to, where the two can be compared."""
    summed = network.readout == teacher.readout == "sum"
    try:
        matching = match_units(
            graph, graph_of(teacher, "teacher"), outputs="matched" if summed else "aligned"
        )
    except StaError:
        return graph
    return mark_matched(graph, matching)


def _network(checkpoint: Checkpoint, path: Path, role: Role) -> Network:
    if role == "student":
        return checkpoint.student
    if checkpoint.teacher is None:
        raise StaError(f"{path} holds no teacher; without that role its only network is read")
    return checkpoint.teacher


def _of_graph_file(
    graph: LayeredGraph,
    path: Path,
    member: int | None,
    threshold: float | None,
    *,
    bias: bool,
    role: Role,
) -> LayeredGraph:
    if member is not None:
        raise StaError(f"{path} holds one graph; leave --member {member} out")
    if role == "teacher" and graph.role != "teacher":
        raise StaError(f"{path} holds the graph of a {graph.role or 'network'}, not of a teacher")
    if bias and not graph.has_bias:
        raise StaError(f"{path} holds no biases; export the network again with them")
    if threshold is None:
        return graph
    values = graph.attributes.get("importance")
    if values is None:
        raise StaError(f"{path} holds no importance of its units to prune by; prune the network")
    for layer, value in enumerate(values):
        ranked = ~np.isnan(value)
        if ranked.any():
            top = value[ranked].max() or 1.0
            graph = graph.keep(layer, ~ranked | (value / top > threshold))
    return replace(graph, properties={**graph.properties, "prune_threshold": threshold})


def _nothing(network: Network) -> list[FloatArray]:
    return [np.full(width, np.nan) for width in network.widths]


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().cpu().double().numpy()
    return array


def _sha256(path: Path) -> str:
    with readable(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
