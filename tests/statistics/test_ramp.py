"""Mean ramps, their bands, and the cost of pruning to the teacher's size."""

import numpy as np
import pandas as pd
import pytest

from sta import ConfigError, ShapeError
from sta.analysis.statistics import mean_ramp, pruning_cost, ramp_families
from sta.analysis.statistics.ramp import ramp_components


def test_mean_ramp_recovers_the_shape(paper_like):
    students, ramps = paper_like
    table = mean_ramp(ramps, students, seed=0)
    direct = table[(table["kind"] == "direct") & (table["student_width"] == 60)]
    assert direct["x"].iloc[-1] == 3.0
    assert direct["y"].iloc[0] == 1.0
    assert direct["y"].iloc[-1] == 0.0
    assert np.abs(direct["y"] - (1 - direct["x"] / 3)).max() < 0.12
    inside = direct[(direct["n_kept"] > 0) & (direct["n_kept"] < 60)]
    truth = 1 - inside["x"] / 3
    covered = (inside["ci_low"] <= truth) & (truth <= inside["ci_high"])
    assert covered.mean() > 0.7  # neighbouring points succeed and fail together


def test_abscissae(paper_like):
    students, ramps = paper_like
    for x, last in (("n", 60.0), ("n/h", 1.0), ("n/h_T", 3.0)):
        table = mean_ramp(ramps, students, x, resamples=10)
        assert table[table["student_width"] == 60]["x"].max() == last


def test_signed_costs_are_not_folded(synth):
    """Noise around zero must average to zero, not to a positive tail."""
    students, ramps = synth.sweep({"spectral": synth.power_ramp()}, widths=(60,), trials=40)
    rng = np.random.default_rng(0)
    noisy = ramps.assign(delta_mse=ramps["delta_mse"] + 0.2 * rng.standard_normal(len(ramps)))
    table = mean_ramp(noisy, students, resamples=200)
    tail = table[table["x"] > 1.5]["y"]
    assert abs(tail.mean()) < 3 * 0.2 / 20 / np.sqrt(40 * len(tail))
    assert (tail < 0).any()


def test_cost_of_pruning_to_the_teacher(paper_like):
    students, ramps = paper_like
    table = pruning_cost(ramps, students, seed=0).set_index(["kind", "student_width"])
    assert table.loc[("direct", 60), "cost_median"] == pytest.approx((2 / 3) / (59 / 60), abs=0.1)
    assert table.loc[("spectral", 60), "cost_median"] < 1e-3
    row = table.loc[("direct", 60)]
    assert row["cost_low"] <= row["cost_median"] <= row["cost_high"]
    assert row["ci_low"] <= row["cost_mean"] <= row["ci_high"]
    one = ramps[(ramps["student_id"] == "direct-20-0-0-60") & (ramps["n_kept"] == 20)]
    assert row["error_ratio_median"] == pytest.approx(one["delta_mse"].iloc[0] / 0.01, rel=1.0)


def test_students_as_wide_as_their_teacher_cost_nothing(synth):
    students, ramps = synth.sweep({"spectral": synth.power_ramp()}, widths=(10, 20), trials=3)
    table = pruning_cost(ramps, students)
    assert table["student_width"].tolist() == [20]
    assert table["cost_median"].tolist() == [0.0]


def test_diverged_students_are_left_out(paper_like):
    students, ramps = paper_like
    students = students.copy()
    students.loc[students["trial"] == 0, "status"] = "diverged"
    ramps = ramps.assign(delta_mse=ramps["delta_mse"].where(ramps["trial"] != 0, np.nan))
    assert (mean_ramp(ramps, students, resamples=10)["n_trials"] == 7).all()


def test_useless_normaliser_gives_nan_not_nonsense(synth):
    students, ramps = synth.sweep({"spectral": synth.power_ramp()}, widths=(30,), trials=4)
    table = mean_ramp(ramps.assign(delta_mse=-ramps["delta_mse"]), students, resamples=10)
    assert table["y"].isna().all()


def test_families_are_curves_over_trials(paper_like):
    students, ramps = paper_like
    families = ramp_families(ramps, students)
    assert [(one.kind, one.teacher_width) for one in families] == [("direct", 20), ("spectral", 20)]
    assert [curve.size for curve in families[0].curves.curves] == [30, 60, 120]
    assert families[0].curves.n_trials == 8


def test_three_teachers_are_the_units(synth):
    """Teachers differ in amplitude: the band must grow when they are resampled."""
    students, ramps = synth.sweep(
        {"spectral": synth.power_ramp()}, widths=(30,), trials=6, teacher_seeds=4
    )
    factor = ramps["teacher_seed"].map({0: 0.4, 1: 0.9, 2: 1.4, 3: 1.9})
    early = np.exp(-ramps["n_kept"] * factor / 8)
    ramps = ramps.assign(delta_mse=early - np.exp(-30 * factor / 8))
    (family,) = ramp_families(ramps, students)
    assert family.n_teachers == 4 and family.note == ""
    assert (family.curves.n_trials, family.curves.n_units) == (24, 4)
    assert set(family.curves.groups) == {(20, seed) for seed in range(4)}
    table = mean_ramp(ramps, students)
    assert (table["n_teachers"] == 4).all() and (table["n_trials"] == 24).all()
    # the trials of a teacher agree here, so the error is that of the four teachers' means
    teachers = ramps.groupby(["teacher_seed", "n_kept"])["delta_mse"].mean().unstack()
    y = (teachers.mean() / teachers[0].mean()).to_numpy()
    residual = (teachers - y * teachers[[0]].to_numpy()) / teachers[0].mean()
    expected = residual.std(ddof=1) / 2
    assert table["se"].to_numpy()[5:20] == pytest.approx(expected[5:20], rel=0.15)
    cost = pruning_cost(ramps, students)
    assert cost["n_teachers"].tolist() == [4]
    components = ramp_components(family)[30.0]
    assert components.between.value > 0 and components.intraclass.value == pytest.approx(1.0)


def test_two_teachers_are_said_not_to_cover_others(synth):
    students, ramps = synth.sweep(
        {"spectral": synth.power_ramp()}, widths=(30,), trials=3, teacher_seeds=2
    )
    (family,) = ramp_families(ramps, students)
    assert family.curves.groups == () and family.n_teachers == 2
    assert "do not cover other teachers" in family.note
    assert family.curves.n_units == 6
    assert mean_ramp(ramps, students, resamples=20)["se"].notna().all()


def test_bad_input(paper_like):
    students, ramps = paper_like
    with pytest.raises(ConfigError, match="'n/t'"):
        mean_ramp(ramps, students, "n/t")
    with pytest.raises(ShapeError, match="no column 'delta_mse'; did you mean 'mse'"):
        mean_ramp(ramps.drop(columns="delta_mse"), students)
    with pytest.raises(ShapeError, match="no n_kept = 0"):
        mean_ramp(ramps[ramps["n_kept"] > 0], students)
    with pytest.raises(ShapeError, match="has no row in the students table"):
        mean_ramp(ramps, students.iloc[1:])
    with pytest.raises(ShapeError, match="at n_kept 0 is nan"):
        mean_ramp(ramps.assign(mse=np.nan), students)
    with pytest.raises(ShapeError, match="no row of a student"):
        mean_ramp(ramps.iloc[:0], students)
    with pytest.raises(ShapeError, match="it has no columns"):
        mean_ramp(pd.DataFrame(), students)
