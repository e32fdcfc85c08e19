"""Students beside chance, and kinds beside each other, from a tiny sweep."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from matplotlib.text import Text

from sta.analysis.graph import LayeredGraph, in_strength
from sta.analysis.report import closeness as closeness_module
from sta.analysis.report import read_sweep
from sta.analysis.report.chance import DISTANCES, NULLS, chance_tests, measure_distances
from sta.analysis.report.chance_tables import chance_table, paired_table
from sta.analysis.report.closeness import (
    by_kind,
    chance_limits,
    conclusion_in_words,
    counts_in_words,
    findings,
    group_chance,
    kind_pairs,
)
from sta.analysis.report.graph_drawing import draw_balanced_strengths, draw_networks, draw_paths
from sta.analysis.report.limits import limits
from sta.errors import StaError

SAMPLES = 4


@pytest.fixture(scope="module")
def data(tiny_sweep):
    return read_sweep(tiny_sweep[0], null_samples=SAMPLES)


def random_net(widths, seed):
    rng = np.random.default_rng(seed)
    return LayeredGraph.from_arrays([rng.normal(size=pair) for pair in itertools.pairwise(widths)])


def test_the_distances_are_those_of_the_comparison(data):
    for one in data.graphs:
        other = one.comparison["distance"]
        assert one.notes == {}
        assert one.distances["paths"] == pytest.approx(other["paths"]["wasserstein_over_std"])
        sd = one.teacher_paths.weights.std()
        mass = other["paths"]["mass"]["wasserstein"] / sd
        assert one.distances["path mass"] == pytest.approx(mass)
        for name in ("in_strength", "in_strength_balanced"):
            label = name.replace("_balanced", ", balanced").replace("_", "-")
            assert one.distances[label] == pytest.approx(other[name][0]["wasserstein_over_std"])
        found = one.comparison["matching"]
        assert one.distances["units"] == 1 - found["matched"] / found["teacher_units"]


def test_in_strength_distance_is_that_of_scipy():
    student, teacher = random_net((5, 9, 3), 0), random_net((5, 4, 3), 1)
    found = measure_distances(student, teacher, outputs="matched", notes={})["in-strength"]
    own, target = (in_strength(net, weighting="signed")[1] for net in (student, teacher))
    expected = scipy.stats.wasserstein_distance(own, target) / target.std()
    assert found == pytest.approx(expected)


def test_a_copy_of_the_teacher_is_closer_than_all_chance():
    teacher = random_net((6, 5, 4), 2)
    student = LayeredGraph.from_arrays([teacher.layers[0] * 3, teacher.layers[1] / 3])
    befores = [random_net((6, 5, 4), seed) for seed in range(10, 30)]
    notes = {}
    tests = chance_tests(
        student, teacher, befores, samples=19, rng=np.random.default_rng(0), notes=notes
    )
    assert notes == {}
    assert set(tests) == {
        *itertools.product(list(DISTANCES)[:-1], NULLS), ("units", "before training")
    }  # fmt: skip
    for (name, null), test in tests.items():
        assert test.null == null
        assert test.null_distances.size == (20 if null == "before training" else 19)
        if name != "in-strength":  # the one that a rescaling changes
            assert test.distance == pytest.approx(0, abs=1e-12)
            assert test.p_value == test.smallest_p
    assert tests["in-strength", "random"].distance > 0.5


def test_without_beginnings_or_with_too_many_paths_the_rest_is_told(monkeypatch):
    teacher = random_net((3, 4, 2), 3)
    notes = {}
    rng = np.random.default_rng(0)
    tests = chance_tests(teacher, teacher, samples=2, rng=rng, notes=notes)
    assert {null for _, null in tests} == {"random", "shuffled"}
    assert chance_tests(teacher, teacher, samples=0, rng=rng, notes=notes) == {}
    assert "asked for" in notes["chance"]
    monkeypatch.setattr("sta.analysis.report.chance.NULL_PATHS", 10)
    assert chance_tests(teacher, teacher, samples=2, rng=rng, notes=notes) == {}
    assert "24 paths" in notes["chance"]


def test_students_are_placed_alike_under_a_seed_and_apart_from_each_other(tiny_sweep, data):
    again = read_sweep(tiny_sweep[0], null_samples=SAMPLES)
    first = [one.tests["paths", "random"].null_distances for one in data.graphs]
    second = [one.tests["paths", "random"].null_distances for one in again.graphs]
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert len({values.tobytes() for values in first}) == len(first)
    before = [one.tests["paths", "before training"].null_distances for one in data.graphs]
    assert len({values.tobytes() for values in before}) == len(before)


def test_chance_table_counts_the_students(data):
    table = chance_table(data)
    assert len(table.rows) == 4 * len(DISTANCES)
    assert f"{SAMPLES} other networks" in table.caption
    assert "0.2" in table.caption  # the smallest p-value of four
    for row in table.rows:
        group = [
            one for one in data.graphs if (one.kind, str(one.student_width)) == (row[0], row[2])
        ]
        name = next(key for key, label in DISTANCES.items() if label == row[3])
        assert float(row[4]) == pytest.approx(
            np.median([one.distances[name] for one in group]), rel=0.06, abs=1e-9
        )
        if name == "units":
            assert row[5:11] == ["–"] * 6
            continue
        p_values = [one.tests[name, "random"].p_value for one in group]
        assert row[7] == f"{sum(p <= 0.05 for p in p_values)} of 4"
        assert float(row[6]) == pytest.approx(np.median(p_values), rel=0.06)


def test_pairs_share_teacher_width_and_trial(data):
    pairs = kind_pairs(data)
    assert [(one.first, one.second, one.student_width) for one in pairs] == [
        ("spectral", "direct", 4), ("spectral", "direct", 6),
    ]  # fmt: skip
    distance = {
        (one.kind, one.student_width, one.teacher_seed, one.trial): one.distances["paths"]
        for one in data.graphs
    }
    for pair in pairs:
        test = pair.tests["paths"]
        differences = [
            distance["spectral", pair.student_width, seed, trial]
            - distance["direct", pair.student_width, seed, trial]
            for seed in (0, 1)
            for trial in (0, 1)
        ]
        assert test.n_pairs == 4
        assert test.difference.value == pytest.approx(np.mean(differences))
        signs = np.array(list(itertools.product([-1, 1], repeat=4)))
        flipped = np.abs(signs @ differences)
        expected = np.mean(flipped >= abs(sum(differences)) * (1 - 1e-9))
        assert test.p_value == pytest.approx(expected)
    row = paired_table(data).rows[0]
    assert row[:4] == ["spectral − direct", "3", "4", "4"]
    assert row[-1] == "0.12"  # 2 / 2^4


def with_tests(data, monkeypatch, p_values):
    """Give every student of a kind tests with one p-value."""

    def replaced(one):
        p = p_values[one.kind]
        return {key: replace(test, p_value=p) for key, test in one.tests.items()}

    graphs = [replace(one, tests=replaced(one)) for one in data.graphs]
    changed = replace(data)
    monkeypatch.setitem(changed.__dict__, "graphs", graphs)
    return changed


def test_the_words_follow_the_p_values(data, monkeypatch):
    both = with_tests(data, monkeypatch, {"spectral": 0.025, "direct": 1.0})
    assert "8 of 8 spectral and 0 of 8 direct students" in counts_in_words(both, "paths", "random")
    said = conclusion_in_words(both, "paths")
    assert "For direct students the likeness of path weights is by itself no evidence" in said
    assert "By path weights, most spectral students are closer" in said
    none = with_tests(data, monkeypatch, {"spectral": 1.0, "direct": 1.0})
    said = conclusion_in_words(none, "paths")
    assert "For students of any kind" in said
    assert "most" not in said
    every = with_tests(data, monkeypatch, {"spectral": 0.01, "direct": 0.05})
    assert "no evidence" not in conclusion_in_words(every, "paths")


def test_findings_and_limits_say_what_chance_gives(data):
    words = {name: " ".join(sentences) for name, sentences in findings(data).items()}
    assert counts_in_words(data, "paths", "random") in words["paths"]
    assert conclusion_in_words(data, "path mass") in words["paths"]
    assert counts_in_words(data, "in-strength", "random") in words["strength"]
    assert counts_in_words(data, "in-strength, balanced", "shuffled") in words["strength_balanced"]
    assert counts_in_words(data, "units", "before training") in words["networks"]
    said = " ".join(limits(data))
    assert "no null distribution" not in said
    assert f"among those of {SAMPLES} networks of each kind" in said
    assert "no p-value is below 0.2." in said
    assert "4 pairs can give no p-value below 0.125" in said
    tests = sum(len(one.tests) for one in data.graphs)
    assert f"holds {tests} such tests" in said
    assert tests == 16 * (4 * 3 + 1)


def test_a_group_without_tests_has_no_chance(tiny_sweep):
    bare = read_sweep(tiny_sweep[0], null_samples=0)
    assert group_chance(bare.graphs, "paths", "random") is None
    assert counts_in_words(bare, "paths", "random") == conclusion_in_words(bare, "paths") == ""
    assert "no null distribution" in chance_limits(bare)[0]
    with pytest.raises(StaError, match="no random networks were asked for"):
        chance_table(bare)
    assert len(paired_table(bare).rows) == 2
    assert set(by_kind(bare)) == {"spectral", "direct"}
    assert draw_paths(bare).axes


def test_words_about_graphs_that_cannot_be_read_are_left_out(data, monkeypatch):
    def fail(_):
        raise StaError("no graphs today")

    monkeypatch.setattr(closeness_module, "by_kind", fail)
    assert findings(data) == {}


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_distances_and_p_values_stand_in_the_panels(data):
    for figure, name in (
        (draw_paths(data), "paths"),
        (draw_balanced_strengths(data), "in-strength, balanced"),
    ):
        found = texts(figure)
        assert found.count("W₁/σ;  p: random · shuffled · before training") == 2
        for kind, width in itertools.product(("spectral", "direct"), (4, 6)):
            group = [one for one in data.graphs if (one.kind, one.student_width) == (kind, width)]
            medians = [
                float(np.median([one.tests[name, null].p_value for one in group])) for null in NULLS
            ]
            assert any(
                [float(p) for p in re.findall(r"[\d.]+", text.partition(";")[2])]
                == pytest.approx(medians, rel=0.06)
                for text in found
                if " · " in text and "random" not in text
            )


def test_one_student_of_each_kind_is_drawn_with_the_teacher(data):
    titles = [ax.get_title() for ax in draw_networks(data).axes]
    assert titles.count("teacher") == 2
    assert "spectral, $h = 6$, pruned" in titles
    assert "direct, $h = 6$, pruned" in titles
