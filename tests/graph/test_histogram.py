import itertools
import math

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import (
    MEASURES,
    LayeredGraph,
    count_paths,
    path_distribution,
    path_histogram,
    path_weights,
    signed_path_counts,
    wasserstein,
    weighted_distance,
)
from sta.analysis.graph.paths import shifted_sums
from sta.analysis.graph.paths.shifted_sums import _smallest_type
from sta.errors import StaError

from .networks import brute_force_paths, load_published, random_graph

BIN = 0.05


def family(seed):
    """A small signed network: any depth, density, storage; empty layers and single paths too."""
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 6, size=rng.integers(2, 6))
    density = rng.choice([0.15, 0.5, 1.0])
    layers = [
        np.where(rng.random(shape) < density, rng.normal(size=shape) * rng.choice([1e-3, 1, 50]), 0)
        for shape in itertools.pairwise(widths)
    ]
    if seed % 7 == 0:
        layers[rng.integers(len(layers))][:] = 0
    biases = None
    if seed % 3 == 0:
        biases = [
            rng.normal(size=layer.shape[1]) if rng.random() < 0.6 else None for layer in layers
        ]
    if seed % 2:
        layers = [scipy.sparse.csr_array(layer) for layer in layers]
    return LayeredGraph.from_arrays(layers, biases=biases)


def matched_log_errors(values, counts, exact):
    """|log p - log q| of the k-th paths of two ordered lists of one sign, for all k."""
    listed = np.repeat(values, counts.astype(int))
    assert listed.size == exact.size
    return np.abs(np.log(np.abs(listed)) - np.log(np.abs(exact)))


@pytest.mark.parametrize("block", range(4))
def test_histogram_equals_enumeration_within_its_bound(block):
    empty = single = 0
    for seed in range(50 * block, 50 * block + 50):
        graph = family(seed)
        exact = np.sort(path_weights(graph))
        paths = path_histogram(graph, BIN)
        values, counts = paths.sample()
        assert paths.log_error_bound == pytest.approx(graph.n_layers * BIN / 2)
        assert counts.sum() == exact.size == count_paths(graph)
        assert counts[values > 0].sum() == np.count_nonzero(exact > 0)
        assert signed_path_counts(graph) == (np.sum(exact > 0), np.sum(exact < 0))
        for sign in (values > 0, values < 0):
            of_sign = exact[(exact > 0) == (values[sign][0] > 0)] if sign.any() else exact[:0]
            errors = matched_log_errors(values[sign], counts[sign], of_sign)
            assert (errors <= paths.log_error_bound + 1e-9).all()
        empty += exact.size == 0
        single += exact.size == 1
    assert empty > 0 and single > 0  # the family holds the corner cases


def test_one_layer_is_binned_as_it_is():
    graph = LayeredGraph.from_arrays([[[1.0, -1.0, 0.0, math.exp(0.5), 1.0]]])
    paths = path_histogram(graph, 0.5)
    assert (paths.first_bin, paths.positive.tolist(), paths.negative.tolist()) == (
        0, [2.0, 1.0], [1.0, 0.0],
    )  # fmt: skip


@pytest.mark.parametrize("width", [40, 300])
def test_counts_are_exact_beyond_sixteen_and_twenty_four_bits(width):
    """Equal weights put all paths into one bin; its count passes the range of every type."""
    for depth in range(2, 7):
        graph = LayeredGraph.from_arrays([np.full((width, width), -1.0)] * depth)
        paths = path_histogram(graph, BIN)
        side = paths.negative if depth % 2 else paths.positive
        assert int(side.sum()) == count_paths(graph)
        assert paths.positive.size == 1


def test_types_hold_what_is_claimed():
    for largest in (1, 2**16 - 1, 2**16, 2**24, 2**24 + 1, 2**52):
        assert _smallest_type(largest)(largest) == largest
        assert float(_smallest_type(largest)(largest - 1)) == largest - 1


def test_counts_beyond_float64_are_scaled():
    graph = LayeredGraph.from_arrays([np.ones((64, 64))] * 200)
    paths = path_histogram(graph, BIN)
    assert paths.exponent > 0
    mantissa, exponent = math.frexp(paths.positive.sum())
    assert mantissa * 2.0 == 1.0 and exponent + paths.exponent - 1 == 6 * 201


def test_extreme_weights_neither_overflow_nor_vanish():
    graph = random_graph((4, 5, 3), 1)
    first, second = graph.layers
    scaled = LayeredGraph.from_arrays([first * 1e250, second * 1e-250])
    a, b = path_histogram(graph, 0.01), path_histogram(scaled, 0.01)
    assert a.positive.sum() == b.positive.sum()
    means = [np.average(net.log_magnitudes(), weights=net.positive) for net in (a, b)]
    assert means[0] == pytest.approx(means[1], abs=a.log_error_bound + b.log_error_bound)
    with pytest.raises(StaError, match="beyond the range of float64"):
        path_histogram(LayeredGraph.from_arrays([first * 1e250, second * 1e250])).sample()


@pytest.mark.parametrize("widths", [(10, 50, 50, 3), (30, 40, 20), (6, 9, 8, 7, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_distance_from_histograms_is_within_a_percent(widths, seed):
    nets = [random_graph(widths, seed), random_graph(widths, seed + 100)]
    nets[1] = LayeredGraph.from_arrays([1.3 * layer for layer in nets[1].layers])
    exact = [path_distribution(net, "exact") for net in nets]
    binned = [path_distribution(net, "dp", bin_width=0.02) for net in nets]
    assert [paths.method for paths in binned] == ["dp", "dp"]
    true = wasserstein(*(paths.weights for paths in exact))
    found = wasserstein(*(paths.weights for paths in binned), *(paths.counts for paths in binned))
    assert found == pytest.approx(true, rel=0.01)


@pytest.mark.parametrize("name", ["spectral_h60", "direct_h60"])
def test_distance_of_the_published_students_from_histograms_is_within_a_percent(name):
    nets = [load_published(name), load_published("teacher")]
    exact = [path_distribution(net, "exact") for net in nets]
    binned = [path_distribution(net, "dp", bin_width=0.02) for net in nets]
    for measure in MEASURES:
        true = weighted_distance(*exact, "wasserstein", measure)
        assert weighted_distance(*binned, "wasserstein", measure) == pytest.approx(true, rel=0.01)


def test_quantiles_from_bins_stay_within_the_bound():
    graph = random_graph((8, 20, 12, 4), 5)
    exact, binned = path_distribution(graph), path_distribution(graph, "dp", bin_width=0.02)
    levels = np.arange(exact.count) / (exact.count - 1)  # the paths themselves
    ratio = binned.quantiles(levels) / exact.quantiles(levels)
    assert np.abs(np.log(ratio)).max() <= binned.log_error_bound + 1e-9


def test_norms_are_those_of_the_matrix_products_whatever_the_method():
    graph = random_graph((8, 20, 12, 4), 6, 0.5)
    weights = brute_force_paths(graph)
    paths = path_distribution(graph, "dp", bin_width=1.0)
    assert paths.l1 == pytest.approx(np.abs(weights).sum(), rel=1e-12)
    assert paths.count == weights.size
    assert (paths.counts * np.abs(paths.weights)).sum() != pytest.approx(paths.l1, rel=1e-6)


def test_default_bins_widen_where_the_work_would_be_too_much(monkeypatch):
    graph = random_graph((30,) * 8, 1)
    narrow = path_histogram(graph)
    assert narrow.bin_width == 0.02
    monkeypatch.setattr("sta.analysis.graph.paths.histogram.WORK_LIMIT", 1e5)
    wide = path_histogram(graph)
    assert wide.bin_width > 0.1
    assert wide.log_error_bound == pytest.approx(7 * wide.bin_width / 2)
    assert wide.positive.sum() + wide.negative.sum() == count_paths(graph)


def test_memory_is_checked_before_it_is_used():
    graph = random_graph((5, 400, 400, 5), 1)
    with pytest.raises(StaError, match=r"take .* GiB at bin width 0\.001.*wider bins"):
        path_histogram(graph, 0.001, memory=1e6)


@pytest.mark.parametrize("bin_width", [0, -1, 11, math.nan])
def test_bin_width_out_of_range(bin_width):
    with pytest.raises(StaError, match="choose one between"):
        path_histogram(random_graph((2, 2)), bin_width)


@pytest.mark.parametrize("bin_width", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("density", [0.2, 1.0])
def test_blocks_of_any_size_count_the_same(bin_width, density, monkeypatch):
    """Blocks of sources, targets, shifts and bins are a matter of speed alone."""
    rng = np.random.default_rng(0)
    layers = [
        np.where(rng.random(shape) < density, rng.normal(size=shape), 0.0)
        for shape in itertools.pairwise((5, 24, 18, 14, 3))
    ]
    storages = (np.asarray, scipy.sparse.csr_array)
    graphs = [LayeredGraph.from_arrays([kind(layer) for layer in layers]) for kind in storages]
    expected = [np.unique(sums, return_counts=True) for sums in rounded_logs(layers, bin_width)]
    for edges, sources, bins, least in itertools.product((7, 10**6), (3, 10**3), (2, 64), (0, 99)):
        monkeypatch.setattr(shifted_sums, "_EDGES_AT_ONCE", edges)
        monkeypatch.setattr(shifted_sums, "_LEAST_SOURCES", sources)
        monkeypatch.setattr(shifted_sums, "_LEAST_BINS", bins)
        monkeypatch.setattr(shifted_sums, "_CACHE", 1)
        monkeypatch.setattr(shifted_sums, "_EDGES_WORTH_SORTING", least)
        for graph in graphs:
            paths = path_histogram(graph, bin_width)
            sides = zip((paths.positive, paths.negative), expected, strict=True)
            for counts, (sums, numbers) in sides:
                assert (np.flatnonzero(counts) + paths.first_bin).tolist() == sums.tolist()
                assert counts[counts > 0].tolist() == numbers.tolist()


def rounded_logs(layers, bin_width):
    """Sums of the edges' rounded logarithms along all positive and all negative paths, listed."""
    bins, signs = np.zeros((1, layers[0].shape[0])), np.ones((1, layers[0].shape[0]))
    for layer in layers:
        with np.errstate(divide="ignore"):
            steps = np.rint(np.log(np.abs(layer)) / bin_width)
        bins = (bins[:, :, None] + steps).reshape(-1, layer.shape[1])
        signs = (signs[:, :, None] * np.sign(layer)).reshape(-1, layer.shape[1])
    return [bins[(signs == sign) & np.isfinite(bins)] for sign in (1, -1)]
