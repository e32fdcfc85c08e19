"""A trained network as a weighted graph: its paths, topology, and likeness to another.

    from sta.analysis.graph import LayeredGraph, compare_graphs, path_distribution

    student = LayeredGraph.from_arrays([W1, W2]).keep(1, alive)
    path_distribution(student).quantiles([0.1, 0.5, 0.9])

Everything takes numpy or scipy.sparse arrays of shape (n_in, n_out); nothing here needs torch.
"""

from sta.analysis.graph.comparison import GraphComparison, compare_graphs
from sta.analysis.graph.comparison_table import comparison_table
from sta.analysis.graph.formats.exports import GRAPH_FORMATS, read_graph, write_graph
from sta.analysis.graph.formats.interop import (
    from_igraph,
    from_networkx,
    from_scipy,
    to_igraph,
    to_networkx,
    to_scipy,
)
from sta.analysis.graph.graph_distances import GRAPH_DISTANCES, GraphDistance
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.distances import (
    DISTANCES,
    energy,
    jensen_shannon,
    kolmogorov_smirnov,
    wasserstein,
)
from sta.analysis.graph.likeness.duplicates import (
    LayerGroups,
    UnitGroups,
    group_duplicates,
    merge_duplicates,
)
from sta.analysis.graph.likeness.matching import (
    LayerMatching,
    UnitMatching,
    mark_matched,
    match_units,
)
from sta.analysis.graph.likeness.measures import MEASURES, weighted_distance
from sta.analysis.graph.likeness.overlaps import Overlaps, overlaps
from sta.analysis.graph.likeness.significance import DistanceTest, distance_test
from sta.analysis.graph.likeness.subgraph import EdgeScore, SubgraphScore, matched_subgraph
from sta.analysis.graph.metrics import METRICS, Metric, measure
from sta.analysis.graph.paths.centrality import (
    EffectiveSize,
    edge_centrality,
    effective_size,
    effective_units,
    node_centrality,
    path_shares,
)
from sta.analysis.graph.paths.distribution import PathDistribution, path_distribution
from sta.analysis.graph.paths.enumeration import (
    ENUMERATION_LIMIT,
    count_paths,
    path_weights,
    signed_path_counts,
)
from sta.analysis.graph.paths.histogram import BIN_WIDTH, PathHistogram, path_histogram
from sta.analysis.graph.paths.moments import PathMoments, entropy_number, path_moments
from sta.analysis.graph.paths.sampling import PathSample, sample_paths
from sta.analysis.graph.paths.strongest import StrongestPaths, strongest_paths
from sta.analysis.graph.rescaling import balance, rescale
from sta.analysis.graph.strengths import (
    StrengthHistogram,
    in_degree,
    in_strength,
    in_strength_histogram,
    layer_fluctuation,
    node_strength,
    out_degree,
    out_strength,
    scaled_in_strength,
)
from sta.analysis.graph.summary import sample_distances, summarize_graph
from sta.analysis.graph.topology.clustering import BipartiteClustering, robins_alexander_clustering
from sta.analysis.graph.topology.communities import Communities, core_numbers, leiden_communities
from sta.analysis.graph.topology.motif_scores import MotifScore, MotifScores, motif_scores
from sta.analysis.graph.topology.motifs import MotifCensus, MotifCounts, bifan_count, motif_census
from sta.analysis.graph.topology.null_models import (
    NULL_MODELS,
    degree_preserving,
    erdos_renyi,
    gaussian_like,
    resampled_weights,
    shuffled_weights,
)
from sta.analysis.graph.topology.persistence import (
    NeuralPersistence,
    bottleneck_product,
    deep_graph_persistence,
    neural_persistence,
)
from sta.analysis.graph.topology.spectra import (
    LayerSpectrum,
    laplacian_eigenvalues,
    layer_spectra,
    netlsd,
    netlsd_distance,
)
from sta.analysis.graph.topology.undefined import UNDEFINED, refuse

__all__ = [
    "BIN_WIDTH",
    "DISTANCES",
    "ENUMERATION_LIMIT",
    "GRAPH_DISTANCES",
    "GRAPH_FORMATS",
    "MEASURES",
    "METRICS",
    "NULL_MODELS",
    "UNDEFINED",
    "BipartiteClustering",
    "Communities",
    "DistanceTest",
    "EdgeScore",
    "EffectiveSize",
    "GraphComparison",
    "GraphDistance",
    "LayerGroups",
    "LayerMatching",
    "LayerSpectrum",
    "LayeredGraph",
    "Metric",
    "MotifCensus",
    "MotifCounts",
    "MotifScore",
    "MotifScores",
    "NeuralPersistence",
    "Overlaps",
    "PathDistribution",
    "PathHistogram",
    "PathMoments",
    "PathSample",
    "StrengthHistogram",
    "StrongestPaths",
    "SubgraphScore",
    "UnitGroups",
    "UnitMatching",
    "balance",
    "bifan_count",
    "bottleneck_product",
    "compare_graphs",
    "comparison_table",
    "core_numbers",
    "count_paths",
    "deep_graph_persistence",
    "degree_preserving",
    "distance_test",
    "edge_centrality",
    "effective_size",
    "effective_units",
    "energy",
    "entropy_number",
    "erdos_renyi",
    "from_igraph",
    "from_networkx",
    "from_scipy",
    "gaussian_like",
    "group_duplicates",
    "in_degree",
    "in_strength",
    "in_strength_histogram",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "laplacian_eigenvalues",
    "layer_fluctuation",
    "layer_spectra",
    "leiden_communities",
    "mark_matched",
    "match_units",
    "matched_subgraph",
    "measure",
    "merge_duplicates",
    "motif_census",
    "motif_scores",
    "netlsd",
    "netlsd_distance",
    "neural_persistence",
    "node_centrality",
    "node_strength",
    "out_degree",
    "out_strength",
    "overlaps",
    "path_distribution",
    "path_histogram",
    "path_moments",
    "path_shares",
    "path_weights",
    "read_graph",
    "refuse",
    "resampled_weights",
    "rescale",
    "robins_alexander_clustering",
    "sample_distances",
    "sample_paths",
    "scaled_in_strength",
    "shuffled_weights",
    "signed_path_counts",
    "strongest_paths",
    "summarize_graph",
    "to_igraph",
    "to_networkx",
    "to_scipy",
    "wasserstein",
    "weighted_distance",
    "write_graph",
]
