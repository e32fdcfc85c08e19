import itertools
from math import comb, prod

import igraph
import networkx
import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph
from sta.analysis.graph.topology import motifs
from sta.analysis.graph.topology.motif_scores import motif_scores
from sta.analysis.graph.topology.motifs import MOTIFS, bifan_count, motif_census
from sta.analysis.graph.topology.null_models import NULL_MODELS, degree_preserving, erdos_renyi
from sta.errors import StaError

from .networks import permuted, random_graph


def sparse(graph):
    return LayeredGraph.from_arrays([scipy.sparse.csr_array(layer) for layer in graph.layers])


def family():
    shapes = [(4, 5, 3), (1, 6, 2), (7, 3), (3, 1, 4), (5, 4, 6, 3)]
    for seed, (widths, density) in enumerate(itertools.product(shapes, [0.0, 0.3, 0.7, 1.0])):
        yield random_graph(widths, seed, density)
    yield LayeredGraph.from_arrays([np.ones((3, 4)), np.zeros((4, 2)), np.ones((2, 3))])


def edges_of(graph):
    """Every edge of the graph as (source, target, sign), units numbered layer by layer."""
    first = np.cumsum([0, *graph.widths])
    return [
        (int(first[at] + i), int(first[at + 1] + j), int(np.sign(layer[i, j])))
        for at, layer in enumerate(graph.dense())
        for i, j in np.argwhere(layer)
    ]


def brute_force(graph):
    """Sort all pairs and quadruples of edges into motifs, by the product of their signs."""
    counts = {(name, sign): 0 for name in MOTIFS for sign in (1, -1)}
    edges = edges_of(graph)
    for (a, b, s), (c, d, t) in itertools.combinations(edges, 2):
        if a == c:
            counts["diverge", s * t] += 1
        if b == d:
            counts["converge", s * t] += 1
        if b == c or a == d:
            counts["chain", s * t] += 1
    sign = {(a, b): s for a, b, s in edges}
    for pair in itertools.combinations(range(graph.n_nodes), 2):
        for other in itertools.combinations(range(graph.n_nodes), 2):
            four = list(itertools.product(pair, other))
            if all(edge in sign for edge in four):
                counts["bifan", prod(sign[edge] for edge in four)] += 1
    return counts


def test_census_equals_brute_force_with_signs():
    for graph in family():
        expected = brute_force(graph)
        for form in (graph, sparse(graph)):
            census = motif_census(form)
            for name in MOTIFS:
                counts = getattr(census, name)
                assert sum(counts.coherent) == expected[name, 1]
                assert sum(counts.incoherent) == expected[name, -1]
                assert len(counts.layers) == graph.n_layers - (name == "chain")


def test_census_equals_igraph_and_networkx():
    reference = igraph.Graph(edges=[(0, 1), (0, 2)], directed=True).isoclass()
    into = igraph.Graph(edges=[(1, 0), (2, 0)], directed=True).isoclass()
    chain = igraph.Graph(edges=[(0, 1), (1, 2)], directed=True).isoclass()
    bifan = igraph.Graph(edges=[(0, 2), (0, 3), (1, 2), (1, 3)], directed=True)
    for graph in family():
        census, edges = motif_census(graph), [(a, b) for a, b, _ in edges_of(graph)]
        theirs = igraph.Graph(n=graph.n_nodes, edges=edges, directed=True)
        found = theirs.motifs_randesu(size=3)
        assert census.diverge.total == found[reference]
        assert census.converge.total == found[into]
        assert census.chain.total == found[chain]
        # subgraphs of four units are induced: in a layered graph a bi-fan has no further edge
        assert census.bifan.total == theirs.count_subisomorphisms_vf2(bifan) // 4
        directed = networkx.DiGraph(edges)
        directed.add_nodes_from(range(graph.n_nodes))
        triads = networkx.triadic_census(directed)
        assert census.diverge.total == triads["021D"]
        assert census.converge.total == triads["021U"]
        assert census.chain.total == triads["021C"]


def test_complete_layers_have_closed_forms():
    m, n, k = 30, 40, 20
    census = motif_census(LayeredGraph.from_arrays([np.ones((m, n)), -np.ones((n, k))]))
    assert census.chain.layers == (n * m * k,)
    assert census.chain.coherent == (0,)
    assert census.diverge.layers == (m * comb(n, 2), n * comb(k, 2))
    assert census.converge.layers == (n * comb(m, 2), k * comb(n, 2))
    assert census.bifan.coherent == (comb(m, 2) * comb(n, 2), comb(n, 2) * comb(k, 2))


def test_large_numbers_are_exact():
    side = 20_000
    tall = np.ones((2, side))
    expected = comb(side, 2)
    assert bifan_count(tall) == bifan_count(tall.T) == expected
    star = LayeredGraph.from_arrays([np.ones((1, 2**17)), np.ones((2**17, 1))])
    assert motif_census(star).diverge.layers == (comb(2**17, 2), 0)


def test_blocks_do_not_change_the_count(monkeypatch):
    graph = random_graph((20, 30), 0, 0.5)
    whole = motif_census(graph)
    monkeypatch.setattr(motifs, "CHUNK", 2**10)
    assert motif_census(graph) == whole
    assert motif_census(sparse(graph)) == whole


def test_invariance():
    graph = random_graph((5, 6, 4), 0, 0.6)
    census = motif_census(graph)
    assert motif_census(permuted(graph, 1)) == census
    flipped = graph.layers[0] * np.array([1, -1, 1, 1, -1, -1]), graph.layers[1]
    flipped = LayeredGraph.from_arrays([flipped[0], flipped[1] * [[1], [-1], [1], [1], [-1], [-1]]])
    assert motif_census(flipped).chain == census.chain
    assert motif_census(flipped).bifan == census.bifan  # a cycle passes each unit twice
    assert motif_census(flipped).diverge != census.diverge
    biased = LayeredGraph.from_arrays(graph.layers, biases=[np.ones(6), np.ones(4)])
    assert motif_census(biased) == census


def test_to_dict():
    census = motif_census(random_graph((5, 6, 4), 0, 0.6))
    named = census.to_dict()
    assert list(named) == list(MOTIFS)
    assert named["chain"]["total"] == census.totals()["chain"] == census.chain.total
    assert census.totals()["bifan.incoherent"] == sum(named["bifan"]["incoherent"])


@pytest.mark.parametrize("null", NULL_MODELS)
def test_scores_follow_their_definition(null):
    graph = random_graph((6, 7, 5), 3, 0.5)
    result = motif_scores(graph, null, samples=30, seed=5)
    rng = np.random.default_rng(5)
    drawn = [motif_census(NULL_MODELS[null](graph, rng)).totals() for _ in range(30)]
    for name, score in result.scores.items():
        values = np.array([one[name] for one in drawn])
        assert score.observed == motif_census(graph).totals()[name]
        assert score.mean == pytest.approx(values.mean())
        assert score.sd == pytest.approx(values.std(ddof=1))
        if np.ptp(values):
            assert score.z == pytest.approx((score.observed - values.mean()) / values.std(ddof=1))
        else:
            assert score.z is None
            assert score.reason
        tail = min(np.sum(values >= score.observed), np.sum(values <= score.observed))
        assert score.p_value == pytest.approx(min(1, 2 * (tail + 1) / 31))


def test_degrees_fix_the_motifs_of_two_edges():
    scores = motif_scores(random_graph((6, 7, 5), 3, 0.5), samples=10).scores
    for name in ("chain", "diverge", "converge"):
        assert (scores[name].sd, scores[name].z, scores[name].p_value) == (0, None, 1)
        assert "degrees" in scores[name].reason
    assert scores["bifan"].z is not None
    assert scores["chain.coherent"].z is not None


def test_complete_layers_have_no_score_but_for_signs():
    for null in ("degree_preserving", "erdos_renyi"):
        scores = motif_scores(random_graph((4, 5, 3), 3), null, samples=10).scores
        assert [scores[name].z for name in MOTIFS] == [None] * 4
        assert scores["bifan"].reason == f"all 10 null graphs have {scores['bifan'].observed}"
        assert scores["bifan.coherent"].z is not None


def test_blocks_of_edges_have_many_bifans():
    layer = scipy.linalg.block_diag(*[np.ones((4, 4))] * 5)
    for null in ("degree_preserving", "erdos_renyi"):
        score = motif_scores(LayeredGraph.from_arrays([layer]), null, samples=50).scores["bifan"]
        assert score.z > 10
        assert score.p_value == pytest.approx(2 / 51)


def test_null_graphs_are_not_unusual():
    """p-values of graphs drawn from the null model itself are spread out."""
    graph = random_graph((8, 9), 0, 0.4)
    for null in (degree_preserving, erdos_renyi):
        values = [
            motif_scores(null(graph, 100 + seed), null.__name__, 19, seed).scores["bifan"].p_value
            for seed in range(30)
        ]
        assert 0.3 < np.mean(values) < 0.8


def test_bad_requests():
    graph = random_graph((2, 2))
    with pytest.raises(StaError, match="at least 2"):
        motif_scores(graph, samples=1)
    with pytest.raises(StaError, match="no null model 'none'"):
        motif_scores(graph, "none")
