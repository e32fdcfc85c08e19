import json

import numpy as np
import pytest
import scipy.stats

from sta.analysis.graph import rescale
from sta.analysis.graph.likeness.distances import wasserstein
from sta.analysis.graph.likeness.significance import distance_test
from sta.analysis.graph.topology.null_models import NULL_MODELS, gaussian_like
from sta.errors import StaError

from .networks import permuted, random_graph


def first_layer(a, b):
    return wasserstein(a.layers[0].ravel(), b.layers[0].ravel())


def products(a, b):
    return float(np.linalg.norm(np.linalg.multi_dot(a.layers) - np.linalg.multi_dot(b.layers)))


def test_by_its_definition():
    teacher, student = random_graph((5, 4, 3), 0), random_graph((5, 4, 3), 1)
    graphs = [random_graph((5, 4, 3), seed) for seed in range(2, 42)]
    null = [first_layer(graph, teacher) for graph in graphs]
    observed = first_layer(student, teacher)
    test = distance_test(student, teacher, first_layer, graphs)
    assert test.distance == observed
    assert test.p_value == (1 + sum(value <= observed for value in null)) / 41
    np.testing.assert_array_equal(test.null_distances, np.sort(null))
    assert test.null_median == pytest.approx(np.median(null))
    assert test.null_range == pytest.approx(np.quantile(null, [0.05, 0.95]))
    assert test.z == pytest.approx((observed - np.mean(null)) / np.std(null, ddof=1))
    assert (test.smallest_p, test.null, test.reason) == (1 / 41, "40 given graphs", "")


@pytest.mark.parametrize("null", [*NULL_MODELS, gaussian_like])
def test_a_teacher_in_disguise_is_closer_than_chance(null):
    teacher = random_graph((6, 8, 5), 0, 0.6)
    student = rescale(permuted(teacher, 1), 1, np.linspace(0.2, 3, 8))
    test = distance_test(student, teacher, products, null, samples=39)
    assert test.distance < 1e-12
    assert test.p_value == test.smallest_p == 1 / 40
    assert test.null_range[0] > 0.1
    assert test.z < -2
    far = distance_test(random_graph((6, 8, 5), 1), teacher, products, null, samples=39)
    assert far.p_value > 0.05


@pytest.mark.parametrize("seed", [3, np.random.default_rng(3)])
def test_draws_follow_the_seed_alone(seed):
    teacher, student = random_graph((4, 3), 0), random_graph((4, 3), 1)
    tests = [
        distance_test(student, teacher, first_layer, "gaussian_like", samples=5, seed=3)
        for _ in range(2)
    ]
    tests.append(
        distance_test(student, teacher, first_layer, "gaussian_like", samples=5, seed=seed)
    )
    other = distance_test(student, teacher, first_layer, "gaussian_like", samples=5, seed=4)
    for test in tests[1:]:
        np.testing.assert_array_equal(test.null_distances, tests[0].null_distances)
    assert not np.array_equal(other.null_distances, tests[0].null_distances)


def test_which_graph_the_null_is_drawn_from():
    teacher, student = random_graph((4, 6, 3)), random_graph((4, 9, 3))
    seen = []

    def watched(a, b):
        assert b is teacher
        seen.append(a.widths)
        return 1.0

    for null, of, widths in [
        ("gaussian_like", None, teacher.widths),
        ("gaussian_like", "student", student.widths),
        ("shuffled_weights", None, student.widths),
        ("degree_preserving", "teacher", teacher.widths),
        (gaussian_like, None, teacher.widths),
    ]:
        seen.clear()
        test = distance_test(student, teacher, watched, null, of=of, samples=3)
        assert seen == [student.widths] + [widths] * 3
        assert test.null.endswith("teacher" if widths == teacher.widths else "student")


@pytest.mark.parametrize("null", ["gaussian_like", "shuffled_weights"])
def test_p_is_uniform_where_the_student_is_drawn_from_the_null(null):
    """A student of independent normal weights is one of both null models."""
    teacher = random_graph((6, 5), 0)
    rng = np.random.default_rng(1)
    ranks = []
    for number in range(300):
        test = distance_test(
            gaussian_like(teacher, rng),
            teacher,
            lambda a, b: float(np.linalg.norm(a.layers[0] - b.layers[0])),
            null,
            samples=19,
            seed=number,
        )
        ranks.append(round(20 * test.p_value))
    assert min(ranks) >= 1 and max(ranks) <= 20
    spread = (np.array(ranks) - rng.random(300)) / 20  # uniform on [0, 1] if the ranks are
    assert scipy.stats.kstest(spread, "uniform").pvalue > 1e-3
    assert scipy.stats.chisquare(np.bincount(ranks, minlength=21)[1:]).pvalue > 1e-3


def test_ties_count_against_the_student():
    teacher = random_graph((4, 3), 0)
    test = distance_test(teacher, teacher, lambda *_: 0.3, [teacher] * 4)
    assert test.p_value == 1
    assert test.z is None and "without spread" in test.reason

    def rounded(a, _):
        return 0.1 + 0.2 if a is teacher else 0.3

    other = [random_graph((4, 3), 1)] * 30
    assert distance_test(teacher, teacher, rounded, other).p_value == 1


def test_few_graphs_say_so():
    teacher = random_graph((4, 3), 0)
    test = distance_test(teacher, teacher, first_layer, [random_graph((4, 3), 1)])
    assert (test.p_value, test.smallest_p) == (0.5, 0.5)
    assert "no p-value below 0.5" in test.reason and test.z is None
    report = json.loads(json.dumps(test.to_dict(), allow_nan=False))
    assert report["samples"] == 1 and report["z"] is None


def test_what_is_refused():
    graph = random_graph((4, 3), 0)
    for null, options, message in [
        ("small_world", {}, "no null model 'small_world'"),
        ([], {}, "0 graphs"),
        ("erdos_renyi", {"samples": 0}, "samples is 0"),
        ("erdos_renyi", {"of": "school"}, "of is 'school'"),
    ]:
        with pytest.raises(StaError, match=message):
            distance_test(graph, graph, first_layer, null, **options)
    with pytest.raises(StaError, match="student to its teacher is nan"):
        distance_test(graph, graph, lambda *_: np.nan, "erdos_renyi")
    with pytest.raises(StaError, match="of a graph of the null model shuffled_weights"):
        distance_test(
            graph, graph, lambda a, b: 0.0 if a is b else np.inf, "shuffled_weights", samples=2
        )
