"""Random networks and slow, literal reference calculations for the graph tests."""

import itertools
from pathlib import Path

import numpy as np

from sta.analysis.graph import LayeredGraph

PUBLISHED = Path(__file__).parents[2] / "data" / "published"


def random_graph(widths, seed=0, density=1.0, **options):
    rng = np.random.default_rng(seed)
    layers = []
    for shape in itertools.pairwise(widths):
        layer = rng.normal(size=shape)
        layers.append(np.where(rng.random(shape) < density, layer, 0.0))
    return LayeredGraph.from_arrays(layers, **options)


def permuted(graph, layer, seed=0):
    order = np.random.default_rng(seed).permutation(graph.widths[layer])
    return graph.keep(layer, order)


def brute_force_paths(graph):
    """Every product of weights over every choice of units, zero weights left out."""
    products = []
    for units in itertools.product(*(range(width) for width in graph.widths)):
        weights = [m[i, j] for m, i, j in zip(graph.layers, units, units[1:], strict=False)]
        if all(weights):
            products.append(np.prod(weights))
    return np.sort(products)


def papers_paths(s1, s2):
    """The published triple loop over inputs, hidden units and second-layer units."""
    weights = []
    for i in range(s1.shape[0]):
        for j in range(s1.shape[1]):
            for k in range(s2.shape[1]):
                weights.append(s1[i, j] * s2[j, k])
    return np.sort(weights)


def papers_curve(weights, n_points):
    """The published stretching of a sorted path list onto [0, 1]."""
    return np.interp(np.linspace(0, 1, n_points), np.linspace(0, 1, len(weights)), weights)


def load_published(name):
    """A network of the paper's published code, students without units of importance below 5 %."""
    file = np.load(PUBLISHED / f"{name}.npz")
    if name == "teacher":
        return LayeredGraph.from_arrays([file["w1"], file["w2"]], role="teacher")
    graph = LayeredGraph.from_arrays([-file["base"] * file["diag_end"], file["second_layer"]])
    importance = file["eigenvalues"].ravel()
    return graph.keep(1, importance > 0.05 * importance.max())
