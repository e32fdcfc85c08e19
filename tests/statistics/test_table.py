"""Table mode: any tidy table, its faults, and its honest nulls."""

import json

import numpy as np
import pandas as pd
import pytest

from sta import ShapeError, StaError
from sta.analysis.statistics import CollapseResult, collapse_table


def tidy(synth, ramp, sizes=(40, 70), trials=10, seed=0) -> pd.DataFrame:
    rows = []
    for place, n in enumerate(sizes):
        curve = synth.curve_set(ramp, seed=[seed, place], n=n, trials=trials, spread=0.0).curves[0]
        for trial, values in enumerate(curve.values):
            rows.append(pd.DataFrame({"p": curve.x, "loss": values, "L": n, "run": trial}))
    return pd.concat(rows, ignore_index=True)


def as_json(result: CollapseResult) -> dict:
    return json.loads(json.dumps(result.to_dict(), allow_nan=False))


def covers(estimate, truth: float) -> bool:
    return estimate.ci95[0] <= truth <= estimate.ci95[1]


def test_threshold_of_a_table(synth):
    table = tidy(synth, synth.power_ramp(1.1, 2.0))
    result = collapse_table(table, "p", "loss", "L", trial="run", resamples=200)
    assert result.threshold["model"] == "threshold"
    assert covers(result.estimates["x_c"], 1.1)
    assert covers(result.estimates["beta"], 2.0)
    out = as_json(result)
    assert [one["size"] for one in out["fits"]] == [40, 70]
    assert out["identified"] is False
    assert out["estimates"]["inv_nu"]["value"] is None


def test_rising_curves_are_reflected(synth):
    table = tidy(synth, synth.power_ramp(1.1, 2.0))
    straight = collapse_table(table, "p", "loss", "L", trial="run", resamples=60)
    mirrored = collapse_table(table.assign(p=-table["p"]), "p", "loss", "L", "run", resamples=60)
    assert mirrored.estimates["x_c"].value == pytest.approx(-straight.estimates["x_c"].value)
    low, high = straight.estimates["x_c"].ci95
    assert mirrored.estimates["x_c"].ci95 == pytest.approx((-high, -low))
    assert mirrored.estimates["beta"].value == pytest.approx(straight.estimates["beta"].value)
    assert any("rises" in note for note in mirrored.notes)


def test_linear_theory_threshold():
    """Ridgeless noiseless regression: error 1 - alpha below one, then zero; beta = 1."""
    alpha = np.linspace(0, 2, 41)
    table = pd.DataFrame({"alpha": alpha, "error": np.maximum(1 - alpha, 0), "d": 100})
    result = collapse_table(table, "alpha", "error", "d")
    sharp = result.details["pooled"]["threshold"]["parameters"]
    assert sharp["x_c"]["value"] == pytest.approx(1.0, abs=1e-3)
    assert sharp["beta"]["value"] == pytest.approx(1.0, abs=1e-2)
    assert result.threshold["model"] == "undecided"
    assert result.estimates["x_c"].value is None and result.estimates["x_c"].reason


def test_stated_errors_give_intervals_with_a_caution():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 2, 41)
    y = np.maximum(1 - x / 1.2, 0) ** 1.5 + 0.01 * rng.standard_normal(41)
    table = pd.DataFrame({"x": x, "y": y, "L": 8, "dy": 0.01})
    result = collapse_table(table, "x", "y", "L", error="dy")
    assert covers(result.threshold["x_c"], 1.2)
    assert any("independent" in note for note in result.notes)
    assert result.threshold["model"] == "undecided"
    assert result.estimates["x_c"].value is None


def test_trials_of_each_size_may_have_names_of_their_own(synth):
    table = tidy(synth, synth.power_ramp(1.1, 2.0))
    table["run"] = table["L"].astype(str) + "-" + table["run"].astype(str)
    result = collapse_table(table, "p", "loss", "L", trial="run", resamples=100)
    assert covers(result.estimates["x_c"], 1.1)
    assert result.quality["n_trials"] == 10


def test_one_size_is_noted(synth):
    table = tidy(synth, synth.power_ramp(), sizes=(40,))
    result = collapse_table(table, "p", "loss", "L", trial="run", resamples=50)
    assert any("one size" in note for note in result.notes)
    as_json(result)


def test_missing_values_are_dropped_and_counted(synth):
    table = tidy(synth, synth.power_ramp())
    table.loc[::17, "loss"] = np.nan
    result = collapse_table(table, "p", "loss", "L", trial="run", resamples=50)
    lost = int(table["loss"].isna().sum())
    assert result.quality["n_excluded"] == lost
    assert any(note.startswith(f"{lost} of {len(table)} rows left out") for note in result.notes)


@pytest.mark.parametrize(
    ("y", "words"),
    [([0.5] * 12, "constant"), ([3.0, 1.0, 0.0], "3 points")],
)
def test_hopeless_tables_give_nulls_with_reasons(y, words):
    table = pd.DataFrame({"x": np.arange(len(y)), "y": y, "L": 1})
    out = as_json(collapse_table(table, "x", "y", "L"))
    assert out["estimates"]["x_c"]["value"] is None
    assert out["threshold"]["model"] == "none"
    assert any(note.startswith("x_c:") and words in note for note in out["notes"])


def test_integer_and_nullable_columns():
    table = pd.DataFrame({"x": range(12), "y": [12 - k for k in range(12)], "L": 4})
    plain = collapse_table(table, "x", "y", "L").estimates
    assert collapse_table(table.astype("Int64"), "x", "y", "L").estimates == plain


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        ({}, {"x": "pp"}, "no column 'pp'; did you mean 'p'"),
        ({}, {"trial": "runs"}, "did you mean 'run'"),
        ({}, {"error": "los"}, "did you mean 'loss'"),
        ({}, {"trial": None}, "occurs twice in a trial: name the column"),
        ({"run": 0}, {}, "occurs twice in a trial: average"),
        ({"loss": np.nan}, {}, "no row of"),
        ({"p": "left"}, {}, "holds 'left': give numbers"),
        ({"L": -np.inf}, {}, "no row of"),
        ({"e": -1.0}, {"error": "e"}, "is negative"),
    ],
)
def test_bad_tables(synth, change, arguments, words):
    table = tidy(synth, synth.power_ramp(), trials=3).assign(**change)
    given = {"x": "p", "y": "loss", "size": "L", "trial": "run", **arguments}
    with pytest.raises(StaError, match=words) as caught:
        collapse_table(table, **given)
    assert "\n" not in str(caught.value)


def test_empty_table():
    with pytest.raises(ShapeError, match="no column 'x'"):
        collapse_table(pd.DataFrame(), "x", "y", "L")
