import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.rescaling import rescale
from sta.analysis.graph.topology.spectra import (
    TIMESCALES,
    laplacian_eigenvalues,
    layer_spectra,
    netlsd,
    netlsd_distance,
)
from sta.errors import StaError

from .networks import permuted, random_graph


def family():
    for seed, widths in enumerate([(4, 6, 3), (1, 1), (7, 2), (3, 5, 4, 6, 2)]):
        for density in (0.0, 0.3, 1.0):
            yield random_graph(widths, seed, density)
    yield LayeredGraph.from_arrays([np.ones((3, 4)), np.zeros((4, 2)), np.ones((2, 5))])


def sparse(graph):
    return LayeredGraph.from_arrays([scipy.sparse.csr_array(layer) for layer in graph.layers])


def networkxs_laplacian(graph):
    undirected = networkx.Graph()
    undirected.add_nodes_from(range(graph.n_nodes))
    first = np.cumsum([0, *graph.widths])
    for at, layer in enumerate(graph.dense()):
        for i, j in np.argwhere(layer):
            ends = int(first[at] + i), int(first[at + 1] + j)
            undirected.add_edge(*ends, weight=abs(layer[i, j]))
    return networkx.normalized_laplacian_matrix(undirected).toarray()


def test_laplacian_eigenvalues_equal_those_of_networkx():
    for graph in family():
        expected = np.linalg.eigvalsh(networkxs_laplacian(graph))
        for form in (graph, sparse(graph)):
            np.testing.assert_allclose(laplacian_eigenvalues(form), expected, atol=1e-12)


def test_zero_eigenvalues_count_components():
    graph = LayeredGraph.from_arrays([[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], np.zeros((3, 1))])
    assert np.count_nonzero(laplacian_eigenvalues(graph) < 1e-12) == 4  # two pairs, two units


def test_layer_spectra_equal_numpys():
    for graph in family():
        for form in (graph, sparse(graph)):
            for spectrum, layer in zip(layer_spectra(form), graph.layers, strict=True):
                values = np.linalg.svd(layer, compute_uv=False)
                np.testing.assert_allclose(spectrum.singular_values, values, atol=1e-13)
                if not layer.any():
                    assert (spectrum.effective_rank, spectrum.stable_rank) == (None, None)
                    assert spectrum.reason == "the layer has no edges"
                    continue
                shares = values[values > 0] / values.sum()
                entropy = -np.sum(shares * np.log(shares))
                assert spectrum.effective_rank == pytest.approx(np.exp(entropy))
                stable = np.linalg.norm(layer) ** 2 / np.linalg.norm(layer, 2) ** 2
                assert spectrum.stable_rank == pytest.approx(stable)


def test_ranks_of_known_matrices():
    rng = np.random.default_rng(0)
    orthogonal = np.linalg.qr(rng.normal(size=(9, 4)))[0]
    outer = np.outer(rng.normal(size=5), rng.normal(size=6))
    for layer, rank in ((orthogonal, 4), (1e200 * orthogonal, 4), (outer, 1)):
        (spectrum,) = layer_spectra(LayeredGraph.from_arrays([layer]))
        assert spectrum.effective_rank == pytest.approx(rank)
        assert spectrum.stable_rank == pytest.approx(rank)
    assert spectrum.to_dict()["stable_rank"] == spectrum.stable_rank


@pytest.mark.parametrize("trace", ["heat", "wave"])
def test_netlsd_is_the_trace_of_the_matrix_function(trace):
    for graph in family():
        laplacian = networkxs_laplacian(graph)
        times = TIMESCALES[trace][::50]
        factor = -1 if trace == "heat" else -1j
        expected = [np.trace(scipy.linalg.expm(factor * t * laplacian)).real for t in times]
        ours = netlsd(graph, trace=trace, timescales=times, per_unit=False)
        np.testing.assert_allclose(ours, expected, atol=1e-9)
        whole = netlsd(graph, trace=trace)
        assert whole.shape == (250,)
        np.testing.assert_allclose(whole[::50], np.array(expected) / graph.n_nodes, atol=1e-9)


def test_timescales_are_those_of_the_authors():
    np.testing.assert_allclose(TIMESCALES["heat"], np.logspace(-2, 2, 250))
    np.testing.assert_allclose(TIMESCALES["wave"], np.linspace(0, 2 * np.pi, 250))


def test_netlsd_of_a_complete_layer_and_of_no_edge():
    m, n, times = 5, 3, np.array([0.1, 1.0, 7.0])
    complete = LayeredGraph.from_arrays([np.full((m, n), -2.0)])
    expected = 1 + (m + n - 2) * np.exp(-times) + np.exp(-2 * times)
    ours = netlsd(complete, timescales=times, per_unit=False)
    np.testing.assert_allclose(ours, expected)
    nothing = LayeredGraph.from_arrays([np.zeros((m, n))])
    np.testing.assert_array_equal(netlsd(nothing, timescales=times), 1.0)


@pytest.mark.parametrize("trace", ["heat", "wave"])
def test_netlsd_distance(trace):
    a, b = random_graph((4, 6, 3), 0), random_graph((4, 9, 3), 1, 0.5)
    gap = netlsd_distance(a, b, trace=trace)
    assert gap == netlsd_distance(b, a, trace=trace) > 1e-3
    assert netlsd_distance(a, a, trace=trace) == 0
    assert netlsd_distance(a, permuted(a, 1), trace=trace) < 1e-12
    scaled = LayeredGraph.from_arrays([-1e150 * layer for layer in a.layers])
    assert netlsd_distance(a, scaled, trace=trace) < 1e-12
    rescaled = rescale(a, 1, np.linspace(0.2, 5, 6))
    assert netlsd_distance(a, rescaled, trace=trace) > 1e-3
    biased = LayeredGraph.from_arrays(a.layers, biases=[np.ones(6), np.ones(3)])
    assert netlsd_distance(a, biased, trace=trace) == 0


def test_bad_requests():
    graph = random_graph((2, 2))
    with pytest.raises(StaError, match="choose 'heat' or 'wave'"):
        netlsd(graph, trace="sound")
    wide = LayeredGraph.from_arrays([scipy.sparse.csr_array((9000, 9000))])
    with pytest.raises(StaError, match="18000 units"):
        laplacian_eigenvalues(wide)
    with pytest.raises(StaError, match="prune units"):
        layer_spectra(wide)
