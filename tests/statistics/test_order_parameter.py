"""Effective size, its curve, the gap, and growth with width."""

import numpy as np
import pytest
from scipy import stats

from sta import ConfigError, ShapeError
from sta.analysis.statistics import (
    effective_size_by_width,
    effective_size_curve,
    largest_gap,
    width_slope,
)
from sta.analysis.statistics.order_parameter import effective_size_components

# the published code, run: h = 200; its 20th to 25th values, the first 19 lie above them
PUBLISHED = [*np.linspace(1.0, 0.5, 19), 0.471, 0.180, 0.134, 0.065, 0.035, 0.004, *[0.0] * 175]

# normalised importances of the published file spectral_h60.npz, three decimals
PUBLISHED_H60 = [
    *(1.0, 0.844, 0.831, 0.826, 0.805, 0.732, 0.729, 0.641, 0.632, 0.623, 0.576, 0.566),
    *(0.551, 0.54, 0.528, 0.523, 0.481, 0.439, 0.42, 0.399, 0.19, 0.129, 0.12, 0.104),
    *(0.082, 0.069, 0.064, 0.049, 0.048, *[0.0] * 31),
]


def test_gap_of_the_published_students_is_at_the_teachers_size():
    gap = largest_gap(PUBLISHED)
    assert gap.rank == 20
    assert gap.clear
    assert gap.ratio == pytest.approx(0.471 / 0.180)
    assert gap.size == pytest.approx(0.471 - 0.180)
    assert gap.runner_up == pytest.approx(0.134 / 0.065)
    assert largest_gap(PUBLISHED_H60).rank == 20
    assert largest_gap(PUBLISHED_H60).ratio == pytest.approx(2.1, abs=0.01)


def test_sizes_of_the_published_students():
    assert effective_size_curve(PUBLISHED, [0.05, 0.1]).tolist() == [23, 22]
    assert effective_size_curve(PUBLISHED_H60, [0.05, 0.1]).tolist() == [27, 24]


def test_gap_ignores_order_scale_noise_floor_and_a_large_first_unit():
    rng = np.random.default_rng(0)
    values = np.concatenate([[3.0], rng.uniform(1.2, 1.6, 9), 10.0 ** -rng.uniform(2, 9, 30)])
    gap = largest_gap(rng.permutation(values))
    assert gap.rank == 10
    assert gap == largest_gap(values)
    assert largest_gap(values * 2.0) == gap


def test_gap_of_a_smooth_decay_is_not_clear():
    assert not largest_gap(np.linspace(1.0, 0.28, 60)).clear


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [2.0, 2.0, 2.0]])
def test_no_gap(values):
    assert largest_gap(values) is None


def test_gap_of_two_units_has_no_runner_up():
    assert largest_gap([1.0, 0.2]).runner_up == 1.0
    assert largest_gap([1.0, 0.0], floor=0.0).rank == 1


def test_curve_is_strict_and_falls():
    importance = np.random.default_rng(1).exponential(size=50)
    sizes = effective_size_curve(importance, np.linspace(0, 0.99, 30))
    assert (np.diff(sizes) <= 0).all()
    assert sizes[0] == 50
    assert effective_size_curve([1.0, 0.05], [0.05])[0] == 1
    assert effective_size_curve([0.0, 0.0], [0.0, 0.5]).tolist() == [0, 0]


def test_table_by_width(paper_like):
    students, _ = paper_like
    table = effective_size_by_width(students, seed=0).set_index(["kind", "student_width"])
    for h in (30, 60, 120):
        row = table.loc[("spectral", h)]
        assert row["median"] == row["mean"] == 22
        assert (row["ci_low"], row["ci_high"]) == (22, 22)
        assert row["gap_rank"] == 20
        assert row["n_trials"] == 8
        assert table.loc[("direct", h), "share"] == pytest.approx(1.0)
        assert row["relative_error"] == pytest.approx(0.0025)


def test_slope_recovers_a_known_growth(synth):
    students, _ = synth.sweep(
        {"spectral": synth.power_ramp()},
        widths=(10, 40, 80, 160),
        extra=lambda h: round(3 * np.log2(h / 20)),
    )
    (slope,) = width_slope(students, seed=0)
    assert slope.student_widths == (40, 80, 160)
    assert slope.slope.value == pytest.approx(3.0, abs=1e-9)
    assert slope.slope.ci95[0] <= 3.0 + 1e-9
    assert slope.to_dict()["slope"]["value"] == pytest.approx(3.0)


def test_slope_interval_covers_a_noisy_truth(synth):
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(20):
        students, _ = synth.sweep(
            {"spectral": synth.power_ramp()},
            seed=seed,
            widths=(40, 80, 160),
            trials=10,
            extra=lambda h: round(3 + np.log2(h / 20) + rng.normal(0, 1.5)),
        )
        (slope,) = width_slope(students, seed=seed, resamples=500)
        covered += slope.slope.ci95[0] <= 1.0 <= slope.slope.ci95[1]
    assert covered >= 16


def test_exponent_and_ratio_of_a_power_law(synth):
    """Sizes 20 sqrt(h / 40): half a power, a factor of sqrt(2) per octave."""
    students, _ = synth.sweep(
        {"spectral": synth.power_ramp()}, widths=(40, 160, 640), trials=4, extra=lambda _: 0
    )
    students = students.assign(
        importance=[
            [1.0] * round(20 * np.sqrt(h / 40)) + [0.0] * 10 for h in students["student_width"]
        ]
    )
    (found,) = width_slope(students)
    assert found.exponent.value == pytest.approx(0.5)
    assert found.ratio.value == pytest.approx(np.sqrt(2))
    assert found.ratio.ci95 == pytest.approx((np.sqrt(2), np.sqrt(2)))
    dead = students.assign(importance=[[0.0] * 3] * len(students))
    (none,) = width_slope(dead)
    assert none.ratio.value is None and "no logarithm" in none.ratio.reason


def test_teachers_are_the_units_of_a_slope(synth):
    """A slope of its own for each teacher, the same in all its trials."""
    students, _ = synth.sweep(
        {"spectral": synth.power_ramp()}, widths=(40, 80), trials=5, teacher_seeds=4
    )
    gain = {0: 0, 1: 2, 2: 4, 3: 8}
    students = students.assign(
        importance=[
            [1.0] * (20 + gain[seed] * (h == 80)) + [0.0]
            for seed, h in zip(students["teacher_seed"], students["student_width"], strict=True)
        ]
    )
    (found,) = width_slope(students, resamples=8000)
    assert found.slope.value == pytest.approx(3.5)
    assert found.slope.se == pytest.approx(stats.sem(list(gain.values())), rel=0.03)
    assert (found.n_teachers, found.n_trials, found.note) == (4, 20, "")
    components = effective_size_components(students)["spectral", 20, 80]
    assert components.between.value == pytest.approx(np.var(list(gain.values()), ddof=1))
    assert components.within.value == 0.0
    table = effective_size_by_width(students).set_index("student_width")
    assert table.loc[80, "n_teachers"] == 4
    assert table.loc[80, "ci_high"] - table.loc[80, "mean"] > 3
    (alone,) = width_slope(students[students["teacher_seed"] < 2])
    assert "do not cover other teachers" in alone.note


def test_one_width_has_no_slope(synth):
    students, _ = synth.sweep({"spectral": synth.power_ramp()}, widths=(40,), trials=3)
    (slope,) = width_slope(students)
    assert slope.slope.value is None
    assert "one student width" in slope.slope.reason


def test_one_trial_has_no_interval(synth):
    students, _ = synth.sweep({"spectral": synth.power_ramp()}, trials=1)
    table = effective_size_by_width(students)
    assert table["ci_low"].isna().all()
    assert table["sd"].isna().all()
    (slope,) = width_slope(students)
    assert slope.slope.value == pytest.approx(0.0)
    assert slope.slope.ci95 is None


def test_threshold_changes_the_count(paper_like):
    students, _ = paper_like
    strict = effective_size_by_width(students, threshold=0.3)
    assert (strict[strict["kind"] == "spectral"]["mean"] == 20).all()


def test_bad_input(paper_like):
    students, _ = paper_like
    with pytest.raises(ShapeError, match="negative"):
        effective_size_curve([1.0, -0.1], [0.05])
    with pytest.raises(ShapeError, match=r"importance\[1\] is nan"):
        effective_size_curve([1.0, np.nan], [0.05])
    with pytest.raises(ShapeError, match="not a list of numbers"):
        effective_size_curve("none", [0.05])
    with pytest.raises(ConfigError, match=r"threshold is 1\.5"):
        effective_size_by_width(students, threshold=1.5)
    with pytest.raises(ConfigError, match="floor"):
        largest_gap([1.0, 0.5], floor=-0.1)
    with pytest.raises(ShapeError, match="'importance'; did you mean 'importances'"):
        effective_size_by_width(students.rename(columns={"importance": "importances"}))
    broken = students.copy()
    broken.at[0, "importance"] = []
    with pytest.raises(ShapeError, match=broken["student_id"][0]):
        effective_size_by_width(broken)
    with pytest.raises(ShapeError, match="status 'ok'"):
        effective_size_by_width(students.assign(status="diverged"))
    with pytest.raises(ShapeError, match="occurs twice"):
        effective_size_by_width(students.assign(student_id="a"))
