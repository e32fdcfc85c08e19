"""A trained network as a weighted graph: its paths, strengths, and likeness to another.

    from sta.analysis.graph import LayeredGraph, match_units, path_distribution

    student = LayeredGraph.from_arrays([W1, W2]).keep(1, alive)
    path_distribution(student).quantiles([0.1, 0.5, 0.9])

Everything takes numpy arrays of shape (n_in, n_out); nothing here needs torch.
"""

from sta.analysis.graph.comparison import (
    GraphComparison,
    compare_graphs,
    sample_distances,
    summarize_graph,
)
from sta.analysis.graph.distances import DISTANCES, energy, kolmogorov_smirnov, wasserstein
from sta.analysis.graph.enumeration import (
    ENUMERATION_LIMIT,
    count_paths,
    path_weights,
    signed_path_counts,
)
from sta.analysis.graph.histogram import BIN_WIDTH, PathHistogram, path_histogram
from sta.analysis.graph.interop import to_igraph, to_networkx
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.matching import LayerMatching, UnitMatching, match_units
from sta.analysis.graph.moments import PathMoments, entropy_number, path_moments
from sta.analysis.graph.paths import PathDistribution, path_distribution
from sta.analysis.graph.rescaling import balance, rescale
from sta.analysis.graph.strengths import (
    StrengthHistogram,
    in_degree,
    in_strength,
    in_strength_histogram,
    out_degree,
    out_strength,
    scaled_in_strength,
)

__all__ = [
    "BIN_WIDTH",
    "DISTANCES",
    "ENUMERATION_LIMIT",
    "GraphComparison",
    "LayerMatching",
    "LayeredGraph",
    "PathDistribution",
    "PathHistogram",
    "PathMoments",
    "StrengthHistogram",
    "UnitMatching",
    "balance",
    "compare_graphs",
    "count_paths",
    "energy",
    "entropy_number",
    "in_degree",
    "in_strength",
    "in_strength_histogram",
    "kolmogorov_smirnov",
    "match_units",
    "out_degree",
    "out_strength",
    "path_distribution",
    "path_histogram",
    "path_moments",
    "path_weights",
    "rescale",
    "sample_distances",
    "scaled_in_strength",
    "signed_path_counts",
    "summarize_graph",
    "to_igraph",
    "to_networkx",
    "wasserstein",
]
