"""The whole chain on sweeps: contract, verdict, honest nulls."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from sta import ConfigError, ShapeError
from sta.analysis.statistics import CollapseResult, collapse_sweep

CONTRACT = {"format", "estimates", "identified", "quality", "threshold", "verdict", "notes"}
FOUR = {"value", "se", "ci95", "systematic"}


@pytest.fixture(scope="module")
def result(paper_like) -> CollapseResult:
    return collapse_sweep(*paper_like, seed=0, resamples=200)


def as_json(result: CollapseResult) -> dict:
    """What a reader gets; a NaN anywhere would raise."""
    return json.loads(json.dumps(result.to_dict(), allow_nan=False))


def test_contract(result):
    out = as_json(result)
    assert set(out) >= CONTRACT | {"effective_size", "ramp", "fits", "pooled"}
    assert out["format"] == "sta.collapse/1"
    assert set(out["estimates"]) == {"x_c", "inv_nu", "beta_over_nu", "beta"}
    assert all(set(one) >= FOUR for one in out["estimates"].values())
    assert set(out["threshold"]) >= {"model", "x_c", "beta"}
    # the widths of one teacher share a curve: there is no finite-size rounding to scale
    assert out["identified"] is False
    assert set(out["estimates"]["inv_nu"].values()) == {None}
    assert set(out["estimates"]["beta_over_nu"].values()) == {None}
    assert any(note.startswith("inv_nu: not identified") for note in out["notes"])
    assert out["size"] == "student_width" and out["transition"] is True


def test_truth_is_recovered(result):
    x_c, beta = result.estimates["x_c"], result.estimates["beta"]
    assert result.threshold["model"] == "threshold"
    assert x_c.ci95[0] <= 1.05 <= x_c.ci95[1]
    assert beta.ci95[0] <= 4.0 <= beta.ci95[1]


def test_every_width_and_kind_is_fitted(result):
    out = as_json(result)
    cells = [(fit["kind"], fit["student_width"]) for fit in out["fits"]]
    assert cells == [(kind, h) for kind in ("direct", "spectral") for h in (30, 60, 120)]
    spectral = [fit for fit in out["fits"] if fit["kind"] == "spectral"]
    assert all(4 < fit["published_exponential"]["parameters"]["b"]["value"] < 5 for fit in spectral)
    direct = [fit for fit in out["fits"] if fit["kind"] == "direct"]
    assert all(fit["comparison"]["preferred"] == "none" for fit in direct)
    agreement = next(one for one in out["pooled"] if one["kind"] == "spectral")["agreement"]
    assert set(agreement) == {"x_c", "beta", "b", "published_b"}
    assert agreement["x_c"]["outcome"] == "consistent"


def test_verdict_has_the_numbers_and_claims_no_more(result):
    verdict = result.verdict
    assert "Spectral students of a teacher of 20 keep 22 units on average" in verdict
    assert "Direct students of a teacher of 20 keep 100 % of their h units" in verdict
    assert "after unit 20" in verdict
    assert "Ramp of direct students: no threshold in the window" in verdict
    assert re.search(r"Ramp of spectral students: a threshold at x_c = 1\.\d+ \[", verdict)
    assert "nu not identified" in verdict or "nu is not known" in verdict
    assert "second order" not in verdict
    assert "\n" not in verdict


def test_deterministic(paper_like, result):
    again = collapse_sweep(*paper_like, seed=0, resamples=200)
    assert again.to_dict() == result.to_dict()
    shuffled = [table.sample(frac=1.0, random_state=3) for table in paper_like]
    assert collapse_sweep(*shuffled, seed=0, resamples=200).estimates == result.estimates


def test_exponential_sweep_is_not_called_a_threshold(synth):
    tables = synth.sweep({"spectral": synth.exponential_ramp(6.0, 0.05)}, widths=(40, 80), seed=2)
    result = collapse_sweep(*tables, resamples=100)
    assert result.threshold["model"] in ("exponential", "none", "undecided")
    assert "a threshold at" not in result.verdict
    assert result.estimates["x_c"].value is None
    assert any(note.startswith("x_c:") for note in result.notes)


@pytest.mark.parametrize("trials", [1, 2])
def test_few_trials(synth, trials):
    tables = synth.sweep(
        {"spectral": synth.power_ramp(), "direct": synth.linear_ramp()},
        trials=trials,
        widths=(40, 80),
    )
    out = as_json(collapse_sweep(*tables, resamples=50))
    assert out["estimates"]["x_c"]["value"] is None
    assert out["threshold"]["x_c"]["value"] is None
    assert out["threshold"]["model"] == "undecided"
    assert out["transition"] is False
    assert any("trial" in note for note in out["notes"])
    assert out["pooled"][0]["agreement"]["x_c"]["outcome"] == "untested"


def test_single_kind_and_width(synth):
    tables = synth.sweep({"direct": synth.linear_ramp()}, widths=(40,))
    result = collapse_sweep(*tables, resamples=50)
    assert result.threshold["kind"] == "direct"
    assert result.estimates["x_c"].value is None
    assert any("one width" in note for note in result.notes)
    as_json(result)


def test_diverged_students_are_counted_not_used(paper_like):
    students, ramps = (table.copy() for table in paper_like)
    lost = (students["trial"] < 2) & (students["kind"] == "direct")
    students.loc[lost, "status"] = "diverged"
    students.loc[lost, ["train_loss", "test_loss"]] = np.nan
    gone = ramps["student_id"].isin(students["student_id"][lost])
    ramps = ramps.assign(delta_mse=ramps["delta_mse"].mask(gone, np.inf))
    out = as_json(collapse_sweep(students, ramps, resamples=50))
    assert out["quality"]["n_excluded"] == 6
    assert "6 direct students left out: status 'diverged'" in out["notes"]


def test_several_teacher_widths(synth):
    tables = synth.sweep(
        {"spectral": synth.power_ramp(1.1, 3.0)},
        widths=(40, 80),
        teachers=(10, 20),
        teacher_seeds=2,
        trials=5,
    )
    result = collapse_sweep(*tables, resamples=100)
    assert result.threshold["model"] == "threshold"
    x_c = result.estimates["x_c"]
    assert x_c.ci95[0] <= 1.1 <= x_c.ci95[1]
    assert [one["teacher_width"] for one in as_json(result)["pooled"]] == [10, 20]
    assert result.quality["n_trials"] == 10


def test_students_no_wider_than_the_teacher(synth):
    tables = synth.sweep({"spectral": synth.power_ramp()}, widths=(10, 20), trials=4)
    out = as_json(collapse_sweep(*tables, resamples=50))
    assert out["threshold"]["model"] != "threshold"
    assert out["ramp"]["pruning_cost"][0]["cost_median"] == 0.0
    assert "Pruning to" not in out["verdict"]


def test_underfitted_students_are_flagged(paper_like):
    students, ramps = paper_like
    result = collapse_sweep(students.assign(test_loss=0.4), ramps, resamples=50)
    assert any("underfitted" in note for note in result.notes)


def test_kind_can_be_chosen(paper_like):
    students, ramps = paper_like
    assert (
        collapse_sweep(students, ramps, kind="direct", resamples=50).threshold["kind"] == "direct"
    )
    with pytest.raises(ConfigError, match="'group-lasso': this sweep has ramps of direct"):
        collapse_sweep(students, ramps, kind="group-lasso")


def test_bad_input(paper_like):
    students, ramps = paper_like
    with pytest.raises(ShapeError, match="students table has no column 'status'"):
        collapse_sweep(students.drop(columns="status"), ramps)
    with pytest.raises(ShapeError, match="ramps table has no column 'n_kept'"):
        collapse_sweep(students, ramps.rename(columns={"n_kept": "kept"}))
    with pytest.raises(ShapeError, match="none of the 0 students"):
        collapse_sweep(students.iloc[:0], ramps)
    with pytest.raises(ShapeError):
        collapse_sweep(pd.DataFrame(), pd.DataFrame())
