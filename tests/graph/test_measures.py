from types import SimpleNamespace

import numpy as np
import pytest

from sta.analysis.graph.likeness.distances import DISTANCES
from sta.analysis.graph.likeness.measures import MEASURES, weighted_distance
from sta.errors import ShapeError, StaError

DEFINED = [
    (distance, measure)
    for distance in DISTANCES
    for measure in MEASURES
    if (distance, measure) != ("jensen_shannon", "number")
]
EVERY = pytest.mark.parametrize(("distance", "measure"), DEFINED)


def paths(weights, counts=None):
    order = np.argsort(weights)
    counts = None if counts is None else np.asarray(counts, dtype=float)[order]
    return SimpleNamespace(weights=np.asarray(weights, dtype=float)[order], counts=counts)


def pair(seed, counted=True):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=40), rng.normal(0.3, 2, size=70)
    if not counted:
        return paths(a), paths(b)
    return paths(a, rng.integers(1, 9, 40)), paths(b, rng.integers(1, 9, 70))


def repeated(a):
    return paths(np.repeat(a.weights, a.counts.astype(int)))


def tails(a, at):
    """N(p > t) and N(p < -t), path by path."""
    weights = repeated(a).weights if a.counts is not None else a.weights
    return np.array([[(weights > t).sum() for t in at], [(weights < -t).sum() for t in at]])


@EVERY
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seed", range(4))
class TestLaws:
    def test_identity(self, distance, measure, seed, counted):
        a, _ = pair(seed, counted)
        assert weighted_distance(a, a, distance, measure) == 0

    def test_symmetry(self, distance, measure, seed, counted):
        a, b = pair(seed, counted)
        there, back = (weighted_distance(*two, distance, measure) for two in ((a, b), (b, a)))
        assert there == pytest.approx(back, rel=1e-12)

    def test_positivity(self, distance, measure, seed, counted):
        a, b = pair(seed, counted)
        assert weighted_distance(a, b, distance, measure) > 0
        moved = paths(a.weights + 0.5, a.counts)
        assert weighted_distance(a, moved, distance, measure) > 0

    def test_sign_of_all_paths_does_not_matter(self, distance, measure, seed, counted):
        a, b = pair(seed, counted)
        flipped = [paths(-x.weights, x.counts) for x in (a, b)]
        value = weighted_distance(*flipped, distance, measure)
        if distance != "jensen_shannon":  # a middle on the edge of a bin belongs to the upper one
            assert value == pytest.approx(weighted_distance(a, b, distance, measure), rel=1e-9)


@EVERY
@pytest.mark.parametrize("seed", range(4))
def test_counts_stand_for_repetition(distance, measure, seed):
    a, b = pair(seed)
    expected = weighted_distance(repeated(a), repeated(b), distance, measure)
    assert weighted_distance(a, b, distance, measure) == pytest.approx(expected, rel=1e-9)
    assert weighted_distance(a, repeated(b), distance, measure) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_number_by_its_definition(seed, counted):
    a, b = pair(seed, counted)
    ends = np.unique(np.abs(np.concatenate([[0.0], a.weights, b.weights])))
    gaps = np.abs(tails(a, ends[:-1]) - tails(b, ends[:-1]))  # constant from end to end
    widths = np.diff(ends)
    expected = {
        "wasserstein": (gaps * widths).sum(),
        "energy": np.sqrt(2 * (gaps**2 * widths).sum()),
        "ks": gaps.max(),
    }
    for distance, value in expected.items():
        assert weighted_distance(a, b, distance, "number") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("distance", ["wasserstein", "energy"])
def test_number_of_equally_many_paths_is_count_times_their_number(distance):
    rng = np.random.default_rng(0)
    a, b = paths(rng.normal(size=50)), paths(rng.normal(1, 2, size=50))
    expected = 50 * weighted_distance(a, b, distance, "count")
    assert weighted_distance(a, b, distance, "number") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("distance", DISTANCES)
def test_dead_paths(distance):
    a, b = pair(0)
    rng = np.random.default_rng(1)
    spike = 1e-14 * rng.normal(size=30)
    crowded = paths(np.append(a.weights, spike), np.append(a.counts, np.full(30, 1e4)))
    before, after = (
        {m: weighted_distance(x, b, distance, m) for d, m in DEFINED if d == distance}
        for x in (a, crowded)
    )
    assert after["mass"] == pytest.approx(before["mass"], rel=1e-6)
    assert abs(after["count"] / before["count"] - 1) > 0.05
    if distance == "wasserstein":
        assert after["number"] == pytest.approx(before["number"], rel=1e-6)
    if distance == "ks":
        assert after["number"] > 1e4


def test_tails_of_few_paths_survive_beside_very_many():
    """Five large paths are seen beside 1e300 at 0, whose number swallows them in a sum."""
    teacher = paths([1.0, 2.0], [1.0, 4.0])
    student = paths([-1e-310, 1.0, 2.0], [1e300, 1.0, 3.0])
    value = weighted_distance(student, teacher, "wasserstein", "number")
    assert value == pytest.approx(2, rel=1e-9)
    assert weighted_distance(student, teacher, "wasserstein", "mass") < 0.1


@pytest.mark.parametrize("measure", MEASURES)
def test_counts_at_the_end_of_float64(measure):
    a, b = pair(0)
    huge = [paths(x.weights, 1e304 * x.counts) for x in (a, b)]
    value = weighted_distance(*huge, "ks", measure)
    expected = weighted_distance(a, b, "ks", measure) * (1e304 if measure == "number" else 1)
    assert value == pytest.approx(expected, rel=1e-9)


def test_no_path_at_all():
    nothing, something = paths([]), paths([-1.0, 3.0])
    assert weighted_distance(nothing, nothing, measure="number") == 0
    assert weighted_distance(nothing, something, measure="number") == 4
    for measure in ("count", "mass"):
        with pytest.raises(StaError, match="is empty"):
            weighted_distance(nothing, something, measure=measure)


def test_what_is_refused():
    a, b = pair(0)
    unknown = SimpleNamespace(weights=None, counts=None, reason="8e12 paths are too many")
    for options, given, message in [
        ({"distance": "hamming"}, (a, b), "'hamming'; choose one of wasserstein"),
        ({"measure": "volume"}, (a, b), "'volume'; choose one of count"),
        ({"distance": "jensen_shannon", "measure": "number"}, (a, b), "use measure='mass'"),
        ({}, (unknown, b), "distribution a: 8e12 paths"),
        ({"measure": "mass"}, (a, paths([0.0, 0.0])), "all path weights are 0"),
    ]:
        with pytest.raises(StaError, match=message):
            weighted_distance(*given, **options)
    for measure in MEASURES:
        with pytest.raises(ShapeError, match="one weight per value"):
            odd = SimpleNamespace(weights=np.ones(3), counts=np.ones(2))
            weighted_distance(odd, b, measure=measure)
