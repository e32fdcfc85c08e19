"""Graphs that are hard to keep, and what it means to have kept one."""

import numpy as np
import scipy.sparse

from sta.analysis.graph import LayeredGraph

from .networks import random_graph


def awkward_graph():
    """Sparse and dense layers, biases, isolated and reordered units, every type of value."""
    rng = np.random.default_rng(3)
    first = np.where(rng.random((3, 5)) < 0.5, rng.normal(size=(3, 5)), 0.0)
    first[:, 2] = 0
    second = scipy.sparse.csr_array(np.diag([1e-310, -0.1, 0.0, 1e300])[[0, 1, 2, 3, 2]])
    third = rng.normal(size=(4, 2)) * np.array([[1.0], [0.0], [1.0], [1.0]])
    widths = (3, 5, 4, 2)
    graph = LayeredGraph.from_arrays(
        [first, second, third],
        [None, [7, 3, 900, 4, 5], None, [1, 0]],
        biases=[rng.normal(size=5), None, [0.0, -2.5]],
        role="student",
        attributes={
            "eigenvalue": [np.full(3, np.nan), rng.normal(size=5), np.arange(4.0), [np.inf, -0.0]],
            "nothing": [np.full(width, np.nan) for width in widths],
            "match": [np.arange(width) - 1 for width in widths],
            "large": [np.full(width, 2**60 + 1) for width in widths],
            "single": [rng.normal(size=width).astype(np.float32) for width in widths],
            "byte": [np.arange(width, dtype=np.uint8) for width in widths],
            "mixed": [[1, 2, 3], np.full(5, 0.5), [1, 2, 3, 4], [0.1, 0.2]],
            "alive": [np.arange(width) % 2 == 0 for width in widths],
            "text": [
                ["1", "", "NA"],
                ["a\nb", "b,c", "'", "#", "d"],
                ["True", "nan", "é,\"&<'", " x "],
                ["", "ß"],
            ],
            "blank": [[""] * width for width in widths],
        },
        properties={
            "checkpoint": "a&b<é>\"'",
            "empty": "",
            "digits": "0123",
            "threshold": 0.1 + 0.2,
            "whole": 1.0,
            "endless": float("inf"),
            "epochs": 2**70,
            "pruned": True,
            "one": 1,
        },
    )
    return graph.keep(1, [4, 0, 2, 3])


FAMILY = {
    "awkward": awkward_graph,
    "dense": lambda: random_graph((4, 6, 3), 0),
    "pruned": lambda: random_graph((4, 6, 5, 3), 1, 0.4).keep(1, [5, 0]).keep(2, [1, 3]),
    "one matrix": lambda: random_graph((3, 2), 2),
    "one weight": lambda: random_graph((1, 1), 2),
    "no edge": lambda: random_graph((2, 3, 2), 3, 0.0),
    "empty layer": lambda: random_graph((3, 4, 4, 2), 4, 0.3).keep(3, [0]),
    "negative": lambda: LayeredGraph.from_arrays([-np.ones((2, 3)), -np.ones((3, 2))]),
    "deep": lambda: random_graph((2,) * 31, 5, 0.8),
    "negative zero": lambda: LayeredGraph.from_arrays(
        [[[-0.0, 1.0], [0.0, -2.0]], [[1.0], [-0.0]]]
    ),
    "large ids": lambda: LayeredGraph.from_arrays(
        [np.ones((3, 2))], [[2**53 + 1, 2**63 - 1, -(2**63)], [2**62, 2**62 + 1]]
    ),
    "sparse": lambda: LayeredGraph.from_arrays(
        [scipy.sparse.random_array(s, density=0.2, rng=6) for s in ((9, 8), (8, 7))]
    ),
}


def same(a, b):
    """Assert that two graphs are equal to the last bit."""
    assert a.widths == b.widths
    assert (a.role, dict(a.properties)) == (b.role, dict(b.properties))
    for name, value in b.properties.items():
        assert type(a.properties[name]) is type(value), name
    for x, y in zip(a.layers, b.layers, strict=True):
        assert scipy.sparse.issparse(x) == scipy.sparse.issparse(y)
    same_weights(a, b)
    assert all(np.array_equal(x, y) for x, y in zip(a.unit_ids, b.unit_ids, strict=True))
    for layer in range(a.n_layers + 1):
        assert np.array_equal(a.is_bias(layer), b.is_bias(layer))
    assert set(a.attributes) == set(b.attributes)
    for name, values in b.attributes.items():
        for x, y in zip(a.attributes[name], values, strict=True):
            assert x.dtype.kind == y.dtype.kind and not x.flags.writeable, name
            assert x.dtype == y.dtype or x.dtype.kind == "U", name
            number = x.dtype.kind == "f"
            assert np.array_equal(x, y, equal_nan=number), name
            if number:  # zero has a sign
                assert np.array_equal(np.signbit(x[x == x]), np.signbit(y[y == y])), name


def same_weights(a, b):
    for x, y in zip(a.dense(), b.dense(), strict=True):
        assert x.dtype == y.dtype == np.float64
        assert np.array_equal(x.view(np.uint64), y.view(np.uint64))
