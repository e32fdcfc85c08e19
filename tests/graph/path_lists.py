"""All paths of small graphs with their units, by literal enumeration of unit choices."""

import itertools

import numpy as np
import scipy.sparse

from sta.analysis.graph import LayeredGraph


def listed_paths(graph):
    """Dictionary from units (-1 before a start at a bias unit) to the signed weight."""
    layers = graph.dense()
    paths = {}
    for first in range(graph.n_layers):
        starts = range(graph.widths[0]) if first == 0 else np.flatnonzero(graph.is_bias(first))
        rest = (range(width) for width in graph.widths[first + 1 :])
        for units in itertools.product((int(start) for start in starts), *rest):
            steps = zip(layers[first:], units, units[1:], strict=False)
            weights = [float(layer[i, j]) for layer, i, j in steps]
            if all(weights):
                paths[(-1,) * first + units] = float(np.prod(weights))
    return paths


def random_family(n, seed=0, largest=4, depths=(1, 2, 3, 4)):
    """Random signed graphs: dense and sparse storage, with and without biases, pruned."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        widths = rng.integers(1, largest + 1, size=depths[number % len(depths)] + 1)
        density = (1.0, 0.7, 0.4)[number % 3]
        layers = [
            rng.normal(size=shape) * (rng.random(shape) < density)
            for shape in itertools.pairwise(widths)
        ]
        if number % 10 == 9:
            layers[-1][:] = 0
        biases = None
        if number % 4 in (1, 2):
            biases = [
                rng.normal(size=width) * (rng.random(width) < 0.7) if rng.random() < 0.7 else None
                for width in widths[1:]
            ]
        if number % 2:
            layers = [scipy.sparse.csr_array(layer) for layer in layers]
        yield LayeredGraph.from_arrays(layers, biases=biases, role="student")


def sparse_copy(graph):
    """The same graph without its bias marks, in sparse storage."""
    return LayeredGraph.from_arrays([scipy.sparse.csr_array(layer) for layer in graph.layers])
