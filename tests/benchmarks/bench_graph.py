"""The graph layer against its peers, as ratios of processor time within one run.

    pytest tests/benchmarks/bench_graph.py

prints the times of each group and, at the end, the ratios with their bars. Memory is that of
Python's and numpy's allocations, by tracemalloc.
"""

from __future__ import annotations

import itertools
import math
import time
import tracemalloc

import igraph
import networkx
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.csgraph import minimum_spanning_tree

from sta.analysis.graph import (
    LayeredGraph,
    in_strength,
    path_histogram,
    path_moments,
    path_weights,
    to_igraph,
    to_networkx,
)
from sta.analysis.graph.topology.persistence import neural_persistence

FASTEST: dict[str, float] = {}
VALUE: dict[str, float] = {}
LARGE = (784, 1024, 1024, 1024, 10)
MEDIUM = (784, 300, 100, 10)
SMALL = (10, 50, 50, 1)
BIN, NARROW = 0.05, 0.004


def network(widths, seed=0) -> LayeredGraph:
    """Dense layers of normal weights with the variance of a usual initialisation."""
    rng = np.random.default_rng(seed)
    shapes = itertools.pairwise(widths)
    return LayeredGraph.from_arrays([rng.normal(size=s) / math.sqrt(s[0]) for s in shapes])


def timed(benchmark, name, group, run, rounds=3):
    """Time a call several times by the processor's clock and keep the fastest."""
    benchmark.group = group
    times = []

    def clocked():
        start = time.process_time()
        result = run()
        times.append(time.process_time() - start)
        return result

    result = benchmark.pedantic(clocked, rounds=rounds, warmup_rounds=1 if rounds > 1 else 0)
    FASTEST[name] = min(times)
    return result


def peak_of(run) -> float:
    """Mebibytes that a call allocates at most."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def test_listing_by_sta(benchmark):
    graph = network(SMALL)
    assert timed(benchmark, "list sta", "listing", lambda: path_weights(graph), 20).size == 25_000


def test_listing_by_igraph(benchmark):
    graph = to_igraph(network(SMALL))

    def run():
        paths = [p for start in range(10) for p in graph.get_all_simple_paths(start, to=110)]
        return len(paths)

    assert timed(benchmark, "list igraph", "listing", run) == 25_000


def test_listing_by_networkx(benchmark):
    graph = to_networkx(network(SMALL))

    def run():
        paths = (networkx.all_simple_paths(graph, start, 110) for start in range(10))
        return sum(1 for some in paths for _ in some)

    assert timed(benchmark, "list networkx", "listing", run) == 25_000


def test_products_by_sta(benchmark):
    graph = network((10, 500, 500))
    timed(benchmark, "products sta", "products", lambda: path_weights(graph), 10)


def test_products_by_the_papers_loop(benchmark):
    first, second = network((10, 500, 500)).dense()

    def run():
        weights = []
        for i in range(first.shape[0]):
            for j in range(first.shape[1]):
                for k in range(second.shape[1]):
                    weights.append(first[i, j] * second[j, k])
        return weights

    timed(benchmark, "products loop", "products", run, 1)


def streamed_bins(graph, width):
    """Bins of all path weights, listed input by input: (bin of log|p|, counts by sign)."""
    first, *others = graph.dense()
    found: dict[int, np.ndarray] = {}
    for row in first:
        products = row
        for matrix in others:
            products = (products[..., None] * matrix).reshape(-1, matrix.shape[1])
        flat = products.ravel()
        place = np.floor(np.log(np.abs(flat)) / width + 0.5).astype(np.int64)
        low = int(place.min())
        size = int(place.max()) - low + 1
        for sign, part in enumerate((flat > 0, flat < 0)):
            table = np.bincount(place[part] - low, minlength=size)
            for at in np.flatnonzero(table):
                found.setdefault(low + int(at), np.zeros(2))[sign] += table[at]
    return found


def distances_to(found, paths):
    """Kolmogorov-Smirnov distance at the edges of the bins, and a bound of it everywhere."""
    low = min(min(found), paths.first_bin)
    size = max(max(found) + 1, paths.first_bin + paths.positive.size) - low
    exact, binned = np.zeros((2, size)), np.zeros((2, size))
    for at, pair in found.items():
        exact[:, at - low] = pair
    start = paths.first_bin - low
    binned[:, start : start + paths.positive.size] = paths.positive, paths.negative
    VALUE["error of the count"] = abs(binned.sum() - exact.sum())
    # from the largest negative weight to the largest positive one
    ordered = [
        np.concatenate([table[1, ::-1], table[0]]) / exact.sum() for table in (exact, binned)
    ]
    gap = np.abs(np.cumsum(ordered[0] - ordered[1])).max()
    return gap, gap + max(table.max() for table in ordered)


def test_counting_by_sta(benchmark):
    graph = network(MEDIUM)
    timed(benchmark, "count sta", "counting", lambda: path_histogram(graph, BIN), 5)


def test_counting_by_sta_in_narrow_bins(benchmark):
    graph = network(MEDIUM)
    timed(benchmark, "count narrow", "counting", lambda: path_histogram(graph, NARROW), 3)


def test_counting_by_listing(benchmark):
    """All 2.35e8 weights in blocks: their distribution is the reference for the distance."""
    graph = network(MEDIUM)
    found = timed(benchmark, "count listing", "counting", lambda: streamed_bins(graph, BIN), 1)
    VALUE["ks at the edges"], _ = distances_to(found, path_histogram(graph, BIN))
    narrow = streamed_bins(graph, NARROW)
    _, VALUE["ks everywhere"] = distances_to(narrow, path_histogram(graph, NARROW))


def test_large_network_in_bins(benchmark):
    graph = network(LARGE)
    paths = timed(benchmark, "large", "784-1024-1024-1024-10", lambda: path_histogram(graph, BIN))
    VALUE["large memory"] = peak_of(lambda: path_histogram(graph, BIN))
    values, counts = paths.sample()
    VALUE["large L1"] = abs((np.abs(values) * counts).sum() / path_moments(graph).l1 - 1)
    assert counts.sum() == math.prod(LARGE)


def test_large_moments(benchmark):
    graph = network(LARGE)
    timed(benchmark, "moments", "784-1024-1024-1024-10", lambda: path_moments(graph), 10)


@pytest.fixture(scope="module")
def million():
    """997 000 edges."""
    return network((1000, 900, 105, 24))


def test_igraph_by_sta(benchmark, million):
    timed(benchmark, "igraph sta", "building", lambda: to_igraph(million), 3)


def test_igraph_from_an_array(benchmark, million):
    edges = np.array(to_igraph(million).get_edgelist())
    weights = np.concatenate([layer.ravel() for layer in million.dense()])

    def run():
        graph = igraph.Graph(n=million.n_nodes, edges=edges, directed=True)
        graph.es["weight"] = weights
        return graph

    timed(benchmark, "igraph array", "building", run, 3)


def test_networkx(benchmark, million):
    timed(benchmark, "networkx", "building", lambda: to_networkx(million), 2)


def test_strength_by_sta(benchmark, million):
    timed(benchmark, "strength sta", "strength", lambda: in_strength(million, weighting="signed"))


def test_strength_by_networkx(benchmark, million):
    graph = to_networkx(million)

    def run():
        return dict(graph.in_degree(weight="weight"))

    timed(benchmark, "strength networkx", "strength", run)


@pytest.fixture(scope="module")
def square():
    return network((784, 1024))


def test_persistence_by_sta(benchmark, square):
    VALUE["persistence"] = timed(
        benchmark,
        "persistence sta",
        "persistence",
        lambda: neural_persistence(square, essential="omit"),
        5,
    ).mean


def test_persistence_by_csgraph(benchmark, square):
    """Maximum spanning tree of |w|/max|w|; shifted, because 0 is no edge there."""
    weights = np.abs(square.dense()[0]) / np.abs(square.dense()[0]).max()

    def run():
        rows, columns = weights.shape
        block = scipy.sparse.coo_array(2 - weights)
        shape = (rows + columns, rows + columns)
        graph = scipy.sparse.csr_array((block.data, (block.row, block.col + rows)), shape=shape)
        tree = minimum_spanning_tree(graph)
        return np.sqrt(((tree.data - 1) ** 2).sum()) / math.sqrt(rows + columns - 1)

    value = timed(benchmark, "persistence csgraph", "persistence", run)
    assert value == pytest.approx(VALUE["persistence"], rel=1e-9)


def test_persistence_by_networkx(benchmark, square):
    weights = np.abs(square.dense()[0]) / np.abs(square.dense()[0]).max()
    rows, columns = weights.shape

    def run():
        graph = networkx.Graph()
        graph.add_weighted_edges_from(
            (i, rows + j, weights[i, j]) for i in range(rows) for j in range(columns)
        )
        tree = networkx.maximum_spanning_edges(graph, data=True)
        total = sum((1 - data["weight"]) ** 2 for _, _, data in tree)
        return math.sqrt(total) / math.sqrt(rows + columns - 1)

    value = timed(benchmark, "persistence networkx", "persistence", run, 1)
    assert value == pytest.approx(VALUE["persistence"], rel=1e-9)


def test_bars(capsys):
    """The ratios, printed; run after the others of this file."""

    def ratio(slow, fast):
        return FASTEST[slow] / FASTEST[fast]

    rows = [
        ("paths of 10-50-50-1: networkx / sta (at least 200)",
         ratio("list networkx", "list sta"), 200, None),
        ("the same: igraph / sta (at least 20)", ratio("list igraph", "list sta"), 20, None),
        ("path products of 10-500-500: the paper's loop / sta (at least 100)",
         ratio("products loop", "products sta"), 100, None),
        ("784-300-100-10: streamed listing / bins of 0.05 (at least 10)",
         ratio("count listing", "count sta"), 10, None),
        ("the same: Kolmogorov-Smirnov distance at the bins' edges (at most 5e-4)",
         VALUE["ks at the edges"], None, 5e-4),
        ("the same: streamed listing / bins of 0.004 (at least 10)",
         ratio("count listing", "count narrow"), 10, None),
        ("the same: Kolmogorov-Smirnov distance anywhere, bins of 0.004 (at most 5e-4)",
         VALUE["ks everywhere"], None, 5e-4),
        ("the same: error of the number of paths (0)", VALUE["error of the count"], None, 0),
        ("784-1024-1024-1024-10 in bins of 0.05, s (at most 5)", FASTEST["large"], None, 5),
        ("the same: peak memory, MiB (at most 150)", VALUE["large memory"], None, 150),
        ("the same: relative error of L1 from bins (at most 5e-3)", VALUE["large L1"], None, 5e-3),
        ("the same: exact count, signed sum, L1, L2, ms (at most 60)",
         1e3 * FASTEST["moments"], None, 60),
        ("neural persistence of 784x1024: networkx / sta (at least 50)",
         ratio("persistence networkx", "persistence sta"), 50, None),
        ("the same: csgraph / sta (at least 3)",
         ratio("persistence csgraph", "persistence sta"), 3, None),
        ("igraph object of 997 000 edges: from an array / sta (at least 2)",
         ratio("igraph array", "igraph sta"), 2, None),
        ("the same: networkx / sta (at least 3)", ratio("networkx", "igraph sta"), 3, None),
        ("in-strength of 997 000 edges: networkx / sta (at least 50)",
         ratio("strength networkx", "strength sta"), 50, None),
    ]  # fmt: skip
    with capsys.disabled():
        print()
        for name, value, _, _ in rows:
            print(f"{name:>74}: {value:10.4g}")
    for name, value, low, high in rows:
        assert low is None or value >= low, name
        assert high is None or value <= high, name
