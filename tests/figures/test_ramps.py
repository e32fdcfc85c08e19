"""Ramps, the fits over them, and one student's figure."""

import numpy as np
import pandas as pd
import pytest

from sta.analysis.figures import (
    model_curve,
    plot_ramp,
    plot_ramp_fits,
    plot_ramp_widths,
)
from sta.analysis.statistics import fit_models, mean_ramp, ramp_families
from sta.errors import ConfigError, ShapeError


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Students of widths 6 and 12 of a teacher of 4; ramps of a known exponential and a factor."""
    students, ramps = [], []
    for kind in ("spectral", "direct"):
        for width in (6, 12):
            for trial in range(4):
                name = f"{kind}-{width}-{trial}"
                row = {
                    "student_id": name, "kind": kind, "student_width": width,
                    "teacher_width": 4, "teacher_seed": 0, "trial": trial,
                }  # fmt: skip
                students.append({**row, "status": "ok"})
                n = np.arange(width + 1)
                cost = (1 + 0.1 * trial) * np.exp(-n / 2) * (1 - n / width)
                ramps += [
                    {**row, "n_kept": k, "mse": 1 + value, "delta_mse": value}
                    for k, value in zip(n, cost, strict=True)
                ]
    return pd.DataFrame(students), pd.DataFrame(ramps)


@pytest.fixture(scope="module")
def ramp(tables) -> pd.DataFrame:
    students, ramps = tables
    return mean_ramp(ramps, students, seed=0, resamples=50)


def labelled(artists, label):
    (found,) = [one for one in artists if one.get_label() == label]
    return found


def test_ramp_points_are_the_mean_by_hand(tables, ramp):
    _, ramps = tables
    own = ramps[(ramps["kind"] == "direct") & (ramps["student_width"] == 12)]
    mean = own.groupby("n_kept")["delta_mse"].mean()
    line = labelled(plot_ramp(ramp, student_width=12).lines, "direct")
    assert line.get_xdata() == pytest.approx(np.arange(13) / 4)
    assert line.get_ydata() == pytest.approx((mean / mean[0]).to_numpy())


def test_the_vertical_line_stands_at_one_and_the_band_is_the_interval(ramp):
    ax = plot_ramp(ramp[ramp["kind"] == "direct"], student_width=12)
    assert list(labelled(ax.lines, "teacher's width").get_xdata()) == [1, 1]
    rows = ramp[(ramp["kind"] == "direct") & (ramp["student_width"] == 12)]
    y = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert y.max() == pytest.approx(rows["ci_high"].max())
    assert y.min() == pytest.approx(rows["ci_low"].min())


def test_the_logarithmic_ramp_keeps_values_at_and_below_zero(ramp):
    ax = plot_ramp(ramp, student_width=6, log=True, x_max=None)
    assert ax.get_yscale() == "symlog"
    assert ax.get_ylim()[0] < 0
    assert labelled(ax.lines, "direct").get_ydata()[-1] == 0


def test_widths_share_the_abscissa(ramp):
    ax = plot_ramp_widths(ramp, kind="spectral")
    for width in (6, 12):
        x = labelled(ax.lines, f"$h = {width}$").get_xdata()
        assert x.max() == pytest.approx(width / 4)
    with pytest.raises(ShapeError, match="nothing-like-it"):
        plot_ramp_widths(ramp, kind="nothing-like-it")


def test_drawn_fits_are_the_fits_of_the_statistics(tables, ramp):
    students, ramps = tables
    (family,) = [f for f in ramp_families(ramps, students) if f.kind == "direct"]
    fits = fit_models(family.curves.only(1), resamples=0).to_dict()
    ax = plot_ramp_fits(ramp, fits, kind="direct", student_width=12)
    y = ramp[(ramp["kind"] == "direct") & (ramp["student_width"] == 12)]["y"].to_numpy()
    for model in ("threshold", "exponential", "stretched", "crossover"):
        line = labelled(ax.lines, model)
        at = np.interp(np.arange(13) / 4, line.get_xdata(), line.get_ydata())
        residual = np.sum((at - y) ** 2) / np.sum((y - y.mean()) ** 2)
        # a formula that differed from the fitted one would not reproduce its R squared
        assert 1 - residual == pytest.approx(fits[model]["r_squared"], abs=2e-3)


def test_model_formulas_by_hand():
    def fit(model, **values):
        parameters = {name: {"value": value} for name, value in values.items()}
        return {"model": model, "x_range": [0.0, 3.0], "parameters": parameters}

    x = np.array([0.0, 1.0, 2.0])
    threshold = fit("threshold", x_c=2.0, beta=3.0, A=4.0, c=0.5)
    assert model_curve(threshold, x) == pytest.approx([4.5, 1.0, 0.5])
    exponential = fit("exponential", a=2.0, b=1.0, c=0.0)
    assert model_curve(exponential, x) == pytest.approx(2 * np.exp(-x))
    stretched = fit("stretched", A=2.0, b=0.5, p=2.0, c=1.0)
    assert model_curve(stretched, x) == pytest.approx(1 + 2 * np.exp(-((0.5 * x) ** 2)))
    crossover = fit("crossover", A=1.0, x_m=1.0, w=0.25, c=0.0)
    assert model_curve(crossover, x) == pytest.approx(1 / (1 + np.exp((x - 1) / 0.25)))
    with pytest.raises(ConfigError, match="spline"):
        model_curve(fit("spline"), x)


def test_a_failed_fit_is_left_out(ramp):
    failed = {"exponential": {"success": False, "parameters": {}}, "comparison": {}}
    ax = plot_ramp_fits(ramp, failed, kind="direct", student_width=12)
    assert not [line for line in ax.lines if line.get_label() == "exponential"]
