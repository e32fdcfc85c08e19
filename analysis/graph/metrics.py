"""Every quantity of one graph by name, as plain numbers, with what leaves it unchanged.

    from sta.analysis.graph import METRICS, measure

    measure(student, ["paths", "neural_persistence"])

A metric's numbers never depend on how hidden units are numbered, unless its entry says so.
Whether they change under the positive rescaling of ReLU units, which leaves the network's
function alone, is declared too: if they do, compare networks after ``balance``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

import numpy as np

from sta.analysis.graph.edges import FloatArray, IntArray
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.centrality import effective_size, node_centrality
from sta.analysis.graph.paths.enumeration import signed_path_counts
from sta.analysis.graph.paths.moments import entropy_number, path_moments
from sta.analysis.graph.paths.strongest import strongest_paths
from sta.analysis.graph.rescaling import balance
from sta.analysis.graph.strengths import (
    Weighting,
    in_degree,
    in_strength,
    layer_fluctuation,
    node_strength,
    of_units,
    out_degree,
    out_strength,
)
from sta.analysis.graph.summary import Notes, reasoned
from sta.analysis.graph.topology.clustering import robins_alexander_clustering
from sta.analysis.graph.topology.communities import core_numbers, leiden_communities
from sta.analysis.graph.topology.motif_scores import motif_scores
from sta.analysis.graph.topology.motifs import motif_census
from sta.analysis.graph.topology.persistence import deep_graph_persistence, neural_persistence
from sta.analysis.graph.topology.spectra import layer_spectra, netlsd
from sta.analysis.graph.topology.undefined import UNDEFINED, refuse
from sta.errors import StaError

__all__ = ["METRICS", "Metric", "measure"]

Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Metric:
    """A quantity of one graph.

    Attributes
    ----------
    compute : callable
        From a graph to a dict of numbers, lists of numbers, None, and reasons for every None.
    meaning : str
        One line.
    rescaling : bool
        Whether the numbers are the same after a positive rescaling of ReLU units.
    permutation : bool
        Whether they are the same after a renumbering of hidden units.
    standard : bool
        Whether it belongs to the metrics that `sta analyze` computes unasked.
    """

    compute: Callable[[LayeredGraph], Values]
    meaning: str
    rescaling: bool
    permutation: bool = True
    standard: bool = True


def measure(
    graph: LayeredGraph, names: Sequence[str] | None = None
) -> tuple[dict[str, Values | None], dict[str, str]]:
    """Compute metrics by name; one that fails does not lose the rest.

    Parameters
    ----------
    graph : LayeredGraph
    names : sequence of str, optional
        Keys of ``METRICS``; by default the standard ones. Keys of ``UNDEFINED`` are refused
        with the reason, as one that fails.

    Returns
    -------
    values : dict of str to dict or None
        None for a metric that failed.
    reasons : dict of str to str
        Why a metric, or a part of one, is None, by the metric's name.

    Raises
    ------
    StaError
        If a name is neither a metric nor known to be undefined.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]])
    >>> values, reasons = measure(graph, ["paths", "reciprocity"])
    >>> values["paths"]["l1"], values["reciprocity"]
    (7.0, None)
    >>> reasons["reciprocity"]
    'reciprocity of a layered graph: no edge leads back, so that it is 0; use motif_census'
    """
    chosen = [name for name, metric in METRICS.items() if metric.standard]
    if names is not None:
        chosen = list(names)
    for name in chosen:
        if name not in METRICS and name not in UNDEFINED:
            raise StaError(f"no metric {name!r}; choose from {', '.join(METRICS)}")
    values: dict[str, Values | None] = {}
    reasons: dict[str, str] = {}
    for name in chosen:
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is None
                found = METRICS[name].compute(graph) if name in METRICS else refuse(name)
            notes: Notes = {}
            values[name] = reasoned(found, notes)
            if notes:
                reasons[name] = "; ".join(dict.fromkeys(notes.values()))
        except (StaError, ArithmeticError, ValueError, MemoryError) as error:
            values[name] = None
            reasons[name] = str(error) or type(error).__name__
    return values, reasons


def _paths(graph: LayeredGraph) -> Values:
    moments = path_moments(graph)
    positive, negative = signed_path_counts(graph)
    return {
        **vars(moments),
        "entropy_number": entropy_number(graph),
        "positive_mass": moments.positive_mass,
        "negative_mass": moments.negative_mass,
        "positive_count": positive,
        "negative_count": negative,
    }


def _strongest(graph: LayeredGraph) -> Values:
    report = strongest_paths(graph, k=10).to_dict()
    del report["units"]  # their numbers are those of the units
    return report


def _centrality(graph: LayeredGraph) -> Values:
    shares = node_centrality(graph)
    return {
        "largest": [float(layer.max()) for layer in shares],
        "effective_units": [float(layer.sum() ** 2 / (layer**2).sum()) for layer in shares],
    }


def _spread(layers: Sequence[FloatArray | IntArray]) -> list[Values]:
    return [
        {"mean": float(values.mean()), "sd": float(values.std()), "min": float(values.min()),
         "max": float(values.max())}
        for values in layers
    ]  # fmt: skip


def _degree(graph: LayeredGraph) -> Values:
    inward, outward = of_units(graph, in_degree(graph)), of_units(graph, out_degree(graph))
    return {"in": _spread(inward[1:]), "out": _spread(outward[:-1])}


def _strength(graph: LayeredGraph) -> Values:
    kinds: tuple[Weighting, ...] = get_args(Weighting)

    def spreads(strength: Callable[..., Any], part: slice) -> Values:
        return {
            kind: _spread(of_units(graph, strength(graph, weighting=kind))[part]) for kind in kinds
        }

    return {"in": spreads(in_strength, slice(1, None)), "out": spreads(out_strength, slice(-1))}


def _node_strength(graph: LayeredGraph) -> Values:
    fluctuation = layer_fluctuation(graph).tolist()
    strengths = of_units(graph, node_strength(graph))
    return {"strength": _spread(strengths), "layer_fluctuation": fluctuation}


def _spectra(graph: LayeredGraph) -> Values:
    return {"layers": [layer.to_dict() for layer in layer_spectra(graph)]}


def _cores(graph: LayeredGraph) -> Values:
    cores = core_numbers(graph)
    return {"largest": max(int(layer.max()) for layer in cores), "layers": _spread(cores)}


def _communities(graph: LayeredGraph) -> Values:
    report = leiden_communities(graph).to_dict()
    del report["membership"]
    return report


METRICS: dict[str, Metric] = {
    "paths": Metric(_paths, "number, sums and effective numbers of all paths", rescaling=True),
    "effective_size": Metric(
        lambda graph: effective_size(graph).to_dict(),
        "units, edges and paths from an input to an output",
        rescaling=True,
    ),
    "strongest_paths": Metric(_strongest, "the ten paths of largest |p|", rescaling=True),
    "centrality": Metric(
        _centrality, "share of the path mass through a unit, layer by layer", rescaling=True
    ),
    "degree": Metric(_degree, "nonzero weights into and out of units", rescaling=True),
    "strength": Metric(
        _strength, "sums of weights into and out of units, by sign", rescaling=False
    ),
    "strength_balanced": Metric(
        lambda graph: _strength(balance(graph)),
        "the same with incoming weights of unit length",
        rescaling=True,
    ),
    "node_strength": Metric(
        _node_strength, "signed strength of units, and its spread in a layer", rescaling=False
    ),
    "motifs": Metric(
        lambda graph: motif_census(graph).to_dict(),
        "chains, diverging and converging pairs, bi-fans, by sign",
        rescaling=True,
    ),
    "motif_scores": Metric(
        lambda graph: motif_scores(graph).to_dict(),
        "Z-scores of motifs against graphs of equal degrees",
        rescaling=True,
        permutation=False,
        standard=False,
    ),
    "motif_scores_erdos_renyi": Metric(
        lambda graph: motif_scores(graph, "erdos_renyi").to_dict(),
        "Z-scores of motifs against graphs of equal numbers of edges",
        rescaling=True,
        permutation=False,
        standard=False,
    ),
    "bipartite_clustering": Metric(
        lambda graph: robins_alexander_clustering(graph).to_dict(),
        "share of the paths of three edges that close to four-cycles",
        rescaling=True,
    ),
    "neural_persistence": Metric(
        lambda graph: neural_persistence(graph, essential="omit").to_dict(),
        "norm of the zero-dimensional persistences of |w|",
        rescaling=False,
    ),
    "deep_graph_persistence": Metric(
        lambda graph: deep_graph_persistence(graph, essential="omit").to_dict(),
        "the same of the bottleneck product of all layers",
        rescaling=False,
        standard=False,
    ),
    "singular_values": Metric(
        _spectra, "spectrum, effective and stable rank of every layer", rescaling=False
    ),
    "netlsd": Metric(
        lambda graph: {"heat_trace": netlsd(graph).tolist()},
        "heat trace of the Laplacian of |w|",
        rescaling=False,
        standard=False,
    ),
    "cores": Metric(_cores, "core numbers of the undirected graph", rescaling=True, standard=False),
    "communities": Metric(
        _communities,
        "Leiden communities and modularity of |w|",
        rescaling=False,
        permutation=False,
        standard=False,
    ),
}
"""Every metric by the name it has in reports."""
