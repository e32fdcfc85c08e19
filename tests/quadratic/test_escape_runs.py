"""Simulated escapes against their prediction, and the motion for systems of every kind: long."""

import numpy as np
import pytest

from sta.analysis.statistics.transition.escapes import escape_scaling
from sta.quadratic import (
    OverlapChain,
    deviation,
    escape_times,
    informed_overlaps,
    make_system,
    predict_escape,
    random_overlaps,
)

pytestmark = pytest.mark.slow

RUNS = 200


def escapes(system, dimension, seed, runs=RUNS):
    rng = np.random.default_rng(seed)
    start = random_overlaps(system, dimension, runs, rng)
    return escape_times(OverlapChain(system, *start, dimension, seed=seed), 400.0)


@pytest.mark.parametrize("p", [1, 2, 4, 8])
def test_escape_times_of_one_teacher_unit(p):
    """The standard deviation of log chi^2_1 is known to 9 % from 200 runs: p = 1 has 1000."""
    system, runs = make_system(p, 1, 0.03 * p), 1000 if p == 1 else RUNS
    times = {n: escapes(system, n, p + n, runs) for n in (500, 2000)}
    for n, seen in times.items():
        predicted = predict_escape(system, n)
        error = seen.std(ddof=1) / np.sqrt(runs)
        assert np.all(np.isfinite(seen))
        assert abs(seen.mean() - predicted.mean) < 3 * error + 0.3
        assert seen.std(ddof=1) == pytest.approx(predicted.std, rel=0.15)
    assert escape_scaling(times).shape_p_value > 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {"student_width": 2, "teacher_width": 2},
        {"student_width": 4, "teacher_width": 2, "label_noise": 0.3},
        {"student_width": 3, "teacher_width": 2, "teacher_overlap": [1.5, 0.5]},
        {"student_width": 2, "teacher_width": 1, "spherical": True},
        {"student_width": 2, "teacher_width": 1, "batch": 4},
    ],
    ids=str,
)
def test_escape_times_of_other_systems(settings):
    width = settings["student_width"] * settings["teacher_width"]
    system = make_system(learning_rate=0.03 * width, **settings)
    seen, predicted = escapes(system, 1000, seed=5), predict_escape(system, 1000)
    error = np.hypot(seen.std(ddof=1) / np.sqrt(RUNS), predicted.std / 16)
    assert abs(seen.mean() - predicted.mean) < 3 * error + 0.3
    assert seen.std(ddof=1) == pytest.approx(predicted.std, rel=0.2)


GENERAL = {
    "sums": {"student_scale": 1.0, "teacher_scale": 1.0},
    "free scales": {"student_scale": 0.7, "teacher_scale": 1.3},
    "unequal teacher": {"teacher_overlap": [[1.2, 0.4], [0.4, 0.8]]},
    "label noise": {"label_noise": 0.5},
    "batch 4": {"batch": 4},
    "batch 16": {"batch": 16, "label_noise": 0.5},
    "spherical": {"spherical": True},
    "spherical, noise, batch 4, unequal": {
        "spherical": True, "label_noise": 0.3, "batch": 4, "teacher_overlap": [1.5, 0.5],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", GENERAL)
def test_runs_follow_the_motion_for_systems_of_every_kind(name):
    plain = make_system(3, 2, 1.0, **GENERAL[name])
    eta = 0.04 / (plain.student_scale * plain.teacher_scale)
    system = make_system(3, 2, eta, **GENERAL[name])
    rng = np.random.default_rng(0)
    student, mixed = (one[0] for one in informed_overlaps(system, 1000, 1, rng))
    times = np.linspace(0.5, 30.0, 60)
    large = []
    for dimension in (500, 2000):
        found = deviation(system, student, mixed, dimension, 100, times)
        scaled = found.largest * np.sqrt(dimension)
        large.append(found.largest)
        print(
            f"{name}, N = {dimension}: largest deviation x sqrt N {np.median(scaled):.2f}"
            f" ({np.quantile(scaled, 0.975):.2f} at 97.5 %), bias {found.bias:.4f}"
            f" +- {found.bias_error:.4f}"
        )
        # of 60 x 15 correlated entries the worst is looked at: 4 errors, and corrections of 1 / N
        assert found.bias < 4.0 * found.bias_error + 10.0 / dimension
    drawn = [np.median(rng.choice(one, (2000, one.size)), axis=1) for one in large]
    slopes = np.log(drawn[1] / drawn[0]) / np.log(4.0)
    low, high = np.quantile(slopes, [0.005, 0.995])
    print(f"{name}: deviation ~ N^{np.median(slopes):.2f} [{low:.2f}, {high:.2f}]")
    assert low < -0.5 < high
