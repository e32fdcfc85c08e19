import json

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.graph import LayeredGraph, match_units, rescale
from sta.analysis.graph.likeness.overlaps import overlaps
from sta.errors import ShapeError

from .networks import random_graph
from .test_matching import disguise


def sparse(graph):
    return LayeredGraph.from_arrays([scipy.sparse.csr_array(layer) for layer in graph.layers])


@pytest.mark.parametrize("density", [1.0, 0.3, 0.0])
@pytest.mark.parametrize("seed", range(3))
def test_entries_are_the_sums_of_saad_and_solla(seed, density):
    student = random_graph((7, 5, 2), seed, density)
    teacher = random_graph((7, 3, 4), seed + 50)
    for pair in (
        (student, teacher),
        (sparse(student), sparse(teacher)),
        (sparse(student), teacher),
    ):
        found = overlaps(*pair)
        rows, others = student.layers[0].T, teacher.layers[0].T
        for matrix, a, b in (
            (found.Q, rows, rows),
            (found.R, rows, others),
            (found.T, others, others),
        ):
            expected = [[sum(x * y for x, y in zip(u, v, strict=True)) / 7 for v in b] for u in a]
            np.testing.assert_allclose(matrix, expected, rtol=1e-12, atol=1e-15)


def test_overlaps_are_covariances_of_preactivations():
    student, teacher = random_graph((30, 4, 2), 0), random_graph((30, 3, 2), 1)
    found = overlaps(student, teacher)
    inputs = np.random.default_rng(0).normal(size=(50_000, 30))
    fields = np.hstack([inputs @ student.layers[0], inputs @ teacher.layers[0]]) / np.sqrt(30)
    expected = np.block([[found.Q, found.R], [found.R.T, found.T]])
    np.testing.assert_allclose(fields.T @ fields / 50_000, expected, atol=0.04)


@pytest.mark.parametrize("seed", range(3))
def test_cosines_do_not_know_the_scale_of_units(seed):
    student, teacher = random_graph((6, 5, 2), seed), random_graph((6, 4, 2), seed + 9)
    scale = np.exp(5 * np.random.default_rng(seed).normal(size=5))
    found = overlaps(student, teacher).cosines()
    other = overlaps(rescale(student, 1, scale), teacher).cosines()
    for name in ("Q", "R", "T"):
        np.testing.assert_allclose(getattr(found, name), getattr(other, name), atol=1e-12)
    np.testing.assert_allclose(np.diag(found.Q), 1)
    assert np.abs(found.R).max() <= 1


def test_cosines_of_dead_units_are_zero():
    student = LayeredGraph.from_arrays([[[0.0, 1.0], [0.0, 2.0]], [[1.0], [1.0]]])
    found = overlaps(student, student).cosines()
    assert found.R.tolist() == pytest.approx(np.array([[0.0, 0.0], [0.0, 1.0]]))


@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_disguised_student_overlaps_with_its_teacher_in_every_layer(seed, layer):
    """Permuted, rescaled, with duplicates and dead units, it has its teacher's vectors."""
    teacher = random_graph((12, 9, 8, 6), seed)
    student, _ = disguise(teacher, seed, noise=0, duplicates=4, dead=3)
    found = overlaps(student, teacher, layer=layer).cosines()
    places = match_units(student, teacher).layers[layer - 1].student
    np.testing.assert_allclose(found.R[places], found.T, atol=1e-6)
    np.testing.assert_allclose(found.Q[np.ix_(places, places)], found.T, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_permuted_and_rescaled_sources_give_the_teachers_own_overlaps(seed):
    teacher = random_graph((8, 6, 5, 4), seed)
    order = np.random.default_rng(seed).permutation(6)
    student = rescale(teacher.keep(1, order), 1, np.exp(np.linspace(-2, 2, 6)))
    found = overlaps(student, teacher, layer=2)
    assert found.n_sources == 6
    np.testing.assert_allclose(found.R, found.T, rtol=1e-10)
    np.testing.assert_allclose(found.Q, found.T, rtol=1e-10)


def test_unmatched_sources_send_nothing():
    teacher = random_graph((8, 6, 3), 0)
    student = teacher.keep(1, [0, 2, 3])
    rows = teacher.layers[1]
    kept = np.isin(np.arange(6), [0, 2, 3])[:, None]
    found = overlaps(student, teacher, layer=2)
    np.testing.assert_allclose(found.R, (rows * kept).T @ rows / 6, rtol=1e-10)


def test_biases_take_no_part_and_ids_survive():
    rng = np.random.default_rng(0)
    plain = random_graph((5, 4, 3), 0)
    biased = LayeredGraph.from_arrays(plain.layers, biases=[rng.normal(size=4), rng.normal(size=3)])
    for layer in (1, 2):
        a, b = overlaps(biased, plain, layer=layer), overlaps(plain, plain, layer=layer)
        np.testing.assert_array_equal(a.R, b.R)
    assert overlaps(biased.keep(1, [3, 1]), plain).student_ids.tolist() == [3, 1]


def test_to_dict_is_json():
    graph = random_graph((3, 4, 2))
    report = json.loads(json.dumps(overlaps(graph, graph).to_dict(), allow_nan=False))
    np.testing.assert_allclose(report["Q"], overlaps(graph, graph).Q)


@pytest.mark.parametrize(
    ("student", "teacher", "layer", "message"),
    [
        ((3, 4, 2), (3, 4, 2), 3, "use 1 to 2"),
        ((3, 4, 2), (3, 4, 2), 0, "use 1 to 2"),
        ((3, 4, 2), (5, 4, 2), 1, "3 inputs"),
        ((3, 4, 2), (3, 4, 4, 2), 2, "one depth"),
    ],
)
def test_what_cannot_be_compared(student, teacher, layer, message):
    with pytest.raises(ShapeError, match=message):
        overlaps(random_graph(student), random_graph(teacher), layer=layer)
