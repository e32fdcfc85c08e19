import json

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, balance, match_units, rescale
from sta.analysis.graph.likeness.duplicates import group_duplicates, merge_duplicates
from sta.analysis.graph.likeness.subgraph import matched_subgraph
from sta.errors import ShapeError, StaError

from .networks import permuted, random_graph
from .test_matching import disguise

WIDTHS = [((8, 7, 5), "matched"), ((8, 7, 6, 5), "matched"), ((8, 7, 6, 5), "aligned")]


def hidden(graph, outputs):
    return range(1, graph.n_layers if outputs == "aligned" else graph.n_layers + 1)


@pytest.mark.parametrize("density", [1.0, 0.6])
@pytest.mark.parametrize(("widths", "outputs"), WIDTHS)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0, 0.05, 0.3])
def test_the_same_network_in_disguise_is_all_there(widths, outputs, seed, density, threshold):
    teacher = random_graph(widths, seed, density)
    # a unit that carries nothing has no likeness in any student
    live = [match.student >= 0 for match in match_units(teacher, teacher, outputs=outputs).layers]
    for layer, mask in enumerate(live, start=1):
        teacher = teacher.keep(layer, mask)
    student = teacher
    for layer in hidden(teacher, outputs):
        student = permuted(student, layer, seed)
        if layer < teacher.n_layers:
            scale = np.exp(np.random.default_rng(seed).normal(size=student.widths[layer]))
            student = rescale(student, layer, scale)
    matching = match_units(student, teacher, outputs=outputs)
    score = matched_subgraph(student, teacher, matching, threshold=threshold)
    for entry in (score.total, *score.layers):
        assert (entry.precision, entry.recall, entry.jaccard) == (1, 1, 1)
        assert entry.teacher_edges == entry.student_edges == entry.shared_edges
        assert entry.extra_edges == 0
        assert entry.error <= 1e-10
        assert entry.correlation == pytest.approx(1, abs=1e-10)
    if threshold == 0:
        assert [entry.teacher_edges for entry in score.layers] == [
            np.count_nonzero(layer) for layer in teacher.layers
        ]


@pytest.mark.parametrize("threshold", [0, 0.2])
@pytest.mark.parametrize("outputs", ["matched", "aligned"])
@pytest.mark.parametrize("seed", range(4))
def test_scores_edge_by_edge(seed, outputs, threshold):
    teacher = random_graph((6, 5, 4, 3), seed, 0.7)
    student = random_graph((6, 8, 3, 3), seed + 60, 0.7)
    matching = match_units(student, teacher, outputs=outputs)
    score = matched_subgraph(student, teacher, matching, threshold=threshold, cosine=-1)
    places = [range(6), *(layer.student for layer in matching.layers)]
    places += [range(3)] if outputs == "aligned" else []
    for at, (own, other) in enumerate(
        zip(balance(student).layers, balance(teacher).layers, strict=True)
    ):
        wanted = has = shared = 0
        squares = norm = 0.0
        either = []
        for i, j in np.ndindex(other.shape):
            unit = places[at][i], places[at + 1][j]
            weight = own[unit] if min(unit) >= 0 else 0.0
            a = abs(weight) > threshold * np.abs(own).max()
            b = abs(other[i, j]) > threshold * np.abs(other).max()
            wanted, has, shared = wanted + b, has + a, shared + (a and b)
            squares, norm = squares + (weight - other[i, j]) ** 2, norm + other[i, j] ** 2
            if a or b:
                either.append((weight, other[i, j]))
        entry = score.layers[at]
        assert (entry.teacher_edges, entry.student_edges) == (wanted, has)
        assert entry.precision == pytest.approx(shared / has)
        assert entry.recall == pytest.approx(shared / wanted)
        assert entry.jaccard == pytest.approx(shared / (wanted + has - shared))
        assert entry.error == pytest.approx(np.sqrt(squares / norm))
        assert entry.correlation == pytest.approx(np.corrcoef(np.transpose(either))[0, 1])
        total = np.count_nonzero(np.abs(own) > threshold * np.abs(own).max())
        assert entry.extra_edges == total - has
    assert score.total.shared_edges == sum(entry.shared_edges for entry in score.layers)
    errors = [entry.error for entry in score.layers]
    assert score.total.error == pytest.approx(np.sqrt(np.mean(np.square(errors))))


def test_unmatched_teacher_units_are_missing_edges():
    teacher = random_graph((8, 6, 4), 0)
    student = teacher.keep(1, [0, 2, 5])
    matching = match_units(student, teacher, outputs="aligned")
    first, second = matched_subgraph(student, teacher, matching, threshold=0).layers
    assert first.precision == second.precision == 1
    assert first.recall == second.recall == 0.5
    # three of six vectors of length one are missing
    assert first.error == pytest.approx(np.sqrt(0.5))


def test_units_of_low_cosine_count_as_missing():
    teacher, student = random_graph((30, 5, 4), 0), random_graph((30, 5, 4), 1)
    matching = match_units(student, teacher, outputs="aligned")
    entry = matched_subgraph(student, teacher, matching, threshold=0).total
    assert (entry.recall, entry.precision, entry.error) == (0, None, pytest.approx(1))
    assert entry.student_edges == 0
    assert entry.extra_edges == student.n_edges
    assert "no edge between matched units" in entry.reason
    loose = matched_subgraph(student, teacher, matching, threshold=0, cosine=-1).total
    assert (loose.recall, loose.precision) == (1, 1)
    assert loose.error > 1


@pytest.mark.parametrize("seed", range(3))
def test_duplicates_are_whole_once_merged(seed):
    teacher = random_graph((10, 8, 6), seed)
    student, _ = disguise(teacher, seed, noise=0, duplicates=6, dead=3)

    def score(graph):
        return matched_subgraph(graph, teacher, match_units(graph, teacher), threshold=0).total

    groups = group_duplicates(student, teacher)
    merged = merge_duplicates(student, groups, keep_leftover=False)
    assert score(student).error > 0.1
    assert score(merged).error < 1e-10
    assert score(merged).jaccard == 1


def test_sparse_layers_and_biases_give_the_same():
    teacher = random_graph((8, 6, 4), 0, 0.7)
    student = random_graph((8, 9, 4), 1, 0.7)
    plain = matched_subgraph(student, teacher, match_units(student, teacher), cosine=-1)
    rng = np.random.default_rng(0)
    other = LayeredGraph.from_arrays(
        [scipy.sparse.csr_array(layer) for layer in student.layers],
        biases=[rng.normal(size=9), rng.normal(size=4)],
    )
    order = [9, *range(9)]  # the bias unit first
    for graph in (other, other.keep(1, order)):
        found = matched_subgraph(graph, teacher, match_units(graph, teacher), cosine=-1)
        assert found.total.to_dict() == pytest.approx(plain.total.to_dict())


def test_empty_layers_have_reasons_not_nan():
    teacher = random_graph((3, 4, 2))
    student = LayeredGraph.from_arrays([np.zeros((3, 4)), np.ones((4, 2))])
    for pair in ((student, teacher), (teacher, student), (student, student)):
        score = matched_subgraph(*pair, match_units(*pair))
        report = json.loads(json.dumps(score.to_dict(), allow_nan=False))
        assert report["precision"] is None and report["reason"]
    assert score.layers[0].recall is None
    assert score.layers[0].error is None


def test_extreme_weights():
    teacher = random_graph((6, 5, 3))
    huge = LayeredGraph.from_arrays([teacher.layers[0] * 1e150, teacher.layers[1] * 1e150])
    score = matched_subgraph(huge, huge, match_units(huge, huge)).total
    assert (score.jaccard, score.error) == (1, pytest.approx(0, abs=1e-12))
    assert score.correlation == pytest.approx(1)


def test_what_is_refused():
    graph, other = random_graph((4, 3, 2)), random_graph((4, 5, 2))
    matching = match_units(graph, graph)
    with pytest.raises(StaError, match="threshold is 1"):
        matched_subgraph(graph, graph, matching, threshold=1)
    deep = random_graph((4, 3, 2, 2))
    wrong = [(graph, other), (graph.keep(1, [0]), graph), (deep, deep), (graph, deep)]
    for pair in wrong:
        with pytest.raises(ShapeError, match="match these graphs"):
            matched_subgraph(*pair, matching)
    with pytest.raises(ShapeError, match="match these graphs"):
        matched_subgraph(graph, graph, match_units(deep, deep))
