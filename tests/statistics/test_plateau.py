"""The gap that justifies a threshold: level on smooth laws, power, published students."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import sta.data
from sta import ConfigError, ShapeError
from sta.analysis.statistics.plateau import threshold_gap
from sta.analysis.statistics.size_curve import effective_size_curves, threshold_gaps
from sta.analysis.statistics.spacing import largest_null, studentised_spacings

PUBLISHED = Path(sta.data.__file__).parent / "published"

LAWS = {
    "uniform": lambda rng, n: rng.uniform(0.3, 1.0, n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "lognormal": lambda rng, n: rng.lognormal(sigma=1.0, size=n),
    "half below the floor": lambda rng, n: np.exp(rng.normal(-14.0, 6.0, size=n)),
    "beta": lambda rng, n: rng.beta(2.0, 5.0, size=n),
}


def published(name):
    with np.load(PUBLISHED / f"{name}.npz") as data:
        return np.abs(data["diag_end"]).ravel() * np.linalg.norm(data["base"], axis=0)


def student(rng, teacher=20, weak=5, h=60):
    strong = np.concatenate([[1.0], rng.uniform(0.5, 1.0, teacher - 1)])
    dead = 10.0 ** rng.uniform(-12, -8, h - teacher - weak)
    return rng.permutation(np.concatenate([strong, rng.uniform(0.07, 0.2, weak), dead])) * 3.7


def test_residuals_know_neither_scale_nor_tails():
    """Spacings times C k^b (n - k)^c have the same residuals: the null needs no fit."""
    rng = np.random.default_rng(0)
    spacings, k = rng.exponential(size=(5, 30)), np.arange(1, 31)
    law = 3.0 * k**-1.3 * (40.0 - k) ** 0.7
    assert studentised_spacings(spacings * law, 40) == pytest.approx(
        studentised_spacings(spacings, 40)
    )
    # a log unit exponential has variance pi^2 / 6
    assert studentised_spacings(rng.exponential(size=(4000, 30)), 40).var() == pytest.approx(
        np.pi**2 / 6, rel=0.03
    )


@pytest.mark.parametrize("law", LAWS)
def test_level_on_smooth_laws(law):
    rng = np.random.default_rng(1)
    null = np.quantile(largest_null(29, 30, 4000, rng), 0.95)
    found = 0
    for _ in range(400):
        logs = np.sort(np.log(LAWS["lognormal" if "floor" in law else law](rng, 30)))[::-1]
        found += studentised_spacings(-np.diff(logs), 30)[2:].max() > null
    low, high = stats.binom.ppf([0.0005, 0.9995], 400, 0.05)
    assert low <= found <= high, found


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 20, 60])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("per_teacher", "teachers"), [(1, 1), (4, 1), (1, 5)])
def test_level_of_the_whole_search(law, n, per_teacher, teachers):
    repeats, found = 300, 0
    labels = np.repeat(np.arange(teachers), per_teacher).tolist()
    for seed in range(repeats):
        rng = np.random.default_rng([seed, n])
        cell = [LAWS[law](rng, n) for _ in labels]
        gap = threshold_gap(cell, labels, seed=seed, resamples=2, simulations=500)
        found += gap.recommended is not None
    assert found <= stats.binom.ppf(0.999, repeats, 0.05), found / repeats


def test_published_students():
    """One student: the units that died stand apart; the teacher's 20 do not, at 5 %."""
    gap = threshold_gap([published("spectral_h60")])
    assert gap.recommended.size.value == 29
    assert gap.recommended.high == pytest.approx(0.0483, abs=1e-4)
    assert gap.recommended.decades.value > 4
    assert gap.recommended.decades.ci95 is None
    upper = gap.plateaus[-1]
    assert upper.size.value == 20 and 0.05 < upper.p_value < 0.2
    assert (upper.low, upper.high) == pytest.approx((0.190, 0.399), abs=1e-3)
    direct = threshold_gap([published("direct_h60")])
    assert direct.recommended is None
    assert "no gap justifies a threshold" in direct.message


def test_the_teachers_units_are_found_over_several_teachers():
    rng = np.random.default_rng(2)
    teachers = np.repeat(np.arange(6), 2).tolist()
    gap = threshold_gap([student(rng) for _ in teachers], teachers, seed=0)
    assert gap.n_students == 12 and gap.n_teachers == 6
    found = gap.recommended
    assert found.size.value == 20
    assert found.p_value < 1e-3
    assert 0.15 < found.low < 0.2 <= 0.5 < found.high < 0.6
    assert found.decades.value == pytest.approx(np.log10(found.high / found.low))
    assert found.threshold.value == pytest.approx(np.sqrt(found.high * found.low))
    assert found.threshold.ci95[0] <= found.threshold.value <= found.threshold.ci95[1]
    assert "counts the same units (20)" in gap.message
    again = threshold_gap([student(np.random.default_rng(2))], seed=5)
    assert again == threshold_gap([student(np.random.default_rng(2)) * 7.0], seed=5)


def test_too_few_units():
    gap = threshold_gap([[1.0, 0.5, 0.2]] * 3)
    assert gap.plateaus == () and gap.recommended is None
    assert "fewer than 6 units" in gap.message
    assert threshold_gap([np.zeros(10)]).recommended is None
    assert gap.to_dict()["recommended"] is None


def test_bad_input():
    with pytest.raises(ShapeError, match="no student"):
        threshold_gap([])
    with pytest.raises(ShapeError, match="negative"):
        threshold_gap([[1.0, -1.0]])
    with pytest.raises(ConfigError, match="floor is 0"):
        threshold_gap([[1.0, 0.5]], floor=0.0)
    with pytest.raises(ShapeError, match="2 groups for 1 trials"):
        threshold_gap([[1.0, 0.5]], ["a", "b"])


def test_cells_of_a_sweep(paper_like):
    students, _ = paper_like
    found = {(one.kind, one.student_width): one for one in threshold_gaps(students)}
    assert len(found) == 6
    spectral, direct = found["spectral", 60].gap, found["direct", 60].gap
    # dead units of 1e-6 lie at the floor, two left-over units between 0.07 and 0.2
    assert spectral.recommended.size.value in (20, 22)
    assert direct.recommended is None
    assert found["spectral", 60].to_dict()["gap"]["n_students"] == 8


def test_size_curves_count_as_one_threshold_does(paper_like):
    students, _ = paper_like
    table = effective_size_curves(students, [0.03, 0.05, 0.3], resamples=100)
    row = table[(table["kind"] == "spectral") & (table["student_width"] == 60)]
    assert row["mean"].tolist() == [22.0, 22.0, 20.0]
    assert row["unchanged"].tolist()[:2] == [1.0, 0.0]
    assert (row["ci_low"] <= row["mean"]).all() and (row["mean"] <= row["ci_high"]).all()
    assert (table["n_teachers"] == 1).all()
