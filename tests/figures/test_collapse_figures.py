"""Panels of a scaling collapse, its page, nulls, coverage and threshold fits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sta.analysis.figures import figure_bytes, model_curve
from sta.analysis.figures.collapse import (
    plot_collapse,
    plot_collapse_residuals,
    plot_size_curves,
)
from sta.analysis.figures.collapse_page import draw_collapse
from sta.analysis.figures.coverage import plot_coverage
from sta.analysis.figures.nulls import NullRow, plot_nulls
from sta.analysis.figures.plateaus import plot_plateaus, plot_scaling_profile
from sta.analysis.figures.thresholds import plot_threshold_fits
from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.estimate import Estimate
from sta.analysis.statistics.oracles.mock import mock_curves
from sta.analysis.statistics.scaling.master import ScalingCollapse, fit_collapse
from sta.errors import ConfigError, ShapeError

SIZES = (16, 32, 64, 128)
PARAMETERS = ("x_c", "inv_nu", "beta_over_nu")


@pytest.fixture(scope="module")
def curves() -> CurveSet:
    return mock_curves(sizes=SIZES, points=8, trials=6, noise=0.01, correction=0.6, seed=3)


@pytest.fixture(scope="module")
def result(curves) -> ScalingCollapse:
    return fit_collapse(curves, fractions=(1.0,), seed=0)


@pytest.fixture(scope="module")
def unidentified(result) -> ScalingCollapse:
    nothing = {name: Estimate(reason="flat") for name in ("inv_nu", "beta_over_nu")}
    gate = replace(result.identifiability, identified=False, reasons=("flat",))
    return replace(result, estimates={**result.estimates, **nothing}, identifiability=gate)


def labels(ax) -> list[str]:
    return ax.get_legend_handles_labels()[1]


def container(ax, label):
    (found,) = [one for one in ax.containers if one.get_label() == label]
    return found


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return found


def test_raw_curves_are_the_means_of_the_trials(result, curves):
    ax = plot_size_curves(result, curves=curves)
    used = {curve.size: curve for curve in result.fit.points.curves.curves}
    for curve in curves.curves:
        drawn = container(ax, f"$L = {curve.size:g}$")[0]
        kept = np.isin(curve.x, used[curve.size].x)
        assert drawn.get_xdata() == pytest.approx(curve.x[kept])
        assert drawn.get_ydata() == pytest.approx(curve.values.mean(axis=0)[kept])
    estimate = result.estimates["x_c"]
    (label,) = [one for one in labels(ax) if "x_c" in one]
    assert list(line(ax, label).get_xdata()) == [estimate.value] * 2
    assert label == f"$x_c = {estimate.value:.4f} \\pm {estimate.se:.4f}$"
    ends = [patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches]
    assert (ends[0].x0, ends[0].x1) == pytest.approx(estimate.ci95)


def test_a_far_critical_point_does_not_squeeze_the_curves(result):
    far = Estimate(-40.0, 5.0, (-50.0, -30.0))
    ax = plot_size_curves(replace(result, estimates={**result.estimates, "x_c": far}))
    x = np.concatenate([curve.x for curve in result.fit.points.curves.curves])
    low, high = ax.get_xlim()
    assert np.ptp(x) > 0.6 * (high - low)
    assert any("-40.0" in label for label in labels(ax))


def test_collapsed_points_by_hand(result):
    ax = plot_collapse(result)
    x_c, inv_nu, ratio = result.fit.scaling
    for curve in result.fit.points.curves.curves:
        drawn = container(ax, f"$L = {curve.size:g}$")[0]
        assert drawn.get_xdata() == pytest.approx((curve.x - x_c) * curve.size**inv_nu)
        y = curve.values.mean(axis=0) * curve.size**ratio
        assert drawn.get_ydata() == pytest.approx(y)
    assert f"{inv_nu:.3g}" in ax.get_xlabel() and f"{ratio:.3g}" in ax.get_ylabel()
    assert "not identified" not in ax.get_xlabel()


def test_residuals_are_distances_from_the_master_curve_in_errors(result):
    ax, left = plot_collapse_residuals(result), plot_collapse_residuals(result, corrected=True)
    for curve in result.curves:
        label = f"$L = {curve.size:g}$"
        drawn = line(ax, label)
        by_hand = (curve.y - np.interp(curve.x, *result.master[:2])) / curve.error
        assert drawn.get_ydata() == pytest.approx(by_hand, abs=0.05)
        (correction,) = [
            one for one in ax.lines
            if one.get_color() == drawn.get_color() and one.get_linestyle() != "None"
        ]  # fmt: skip
        rest = drawn.get_ydata() - correction.get_ydata()
        assert line(left, label).get_ydata() == pytest.approx(rest)
        assert np.sqrt(np.mean(rest**2)) < 2.0
    # the correction of the smallest size is A / L = 4 %, several errors, and falls with the size
    sizes = [f"$L = {size}$" for size in SIZES]
    largest = [np.abs(line(ax, label).get_ydata() - line(left, label).get_ydata()).max()
               for label in sizes]  # fmt: skip
    assert largest[0] > 2 * largest[-1]
    guides = {one.get_ydata()[0] for one in ax.lines if len(set(one.get_ydata())) == 1}
    assert guides >= {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("place, name", [*enumerate((*PARAMETERS, "beta"))])
def test_plateaus_hold_every_fit_in_order(result, place, name):
    rows = result.stability.variants
    turned = tuple(replace(row, accepted=False) if row is rows[-1] else row for row in rows)
    stability = replace(result.stability, variants=turned)
    ax = plot_plateaus(replace(result, stability=stability), parameter=name)
    marks = [one for one in ax.lines if len(one.get_xdata()) == 1 and one.get_marker() in "oD"
             and one.get_markersize() > 0]  # fmt: skip
    assert [one.get_xdata()[0] for one in marks] == sorted(one.get_xdata()[0] for one in marks)
    assert sorted(one.get_ydata()[0] for one in marks) == pytest.approx(
        sorted(row.value[place] for row in rows)
    )
    (diamond,) = [one for one in marks if one.get_marker() == "D"]
    assert diamond.get_ydata()[0] == result.stability.variant.value[place]
    hollow = {one.get_ydata()[0] for one in marks if one.get_markerfacecolor() == "white"}
    assert hollow == {row.value[place] for row in turned if not row.accepted}
    groups = [text.get_text() for text in ax.texts]
    sizes = sorted({row.smallest_size for row in rows})
    assert groups == [f"$L \\geq {size:g}$" for size in sizes]


def test_plateaus_tell_fits_with_and_without_a_correction(result):
    ax = plot_plateaus(result)
    used = {row.corrections for row in result.stability.variants}
    assert used == {True, False}
    assert {"with correction, $\\pm$ s.e.", "without correction, $\\pm$ s.e."} <= set(labels(ax))
    with pytest.raises(ConfigError, match="'nu'"):
        plot_plateaus(result, parameter="nu")


@pytest.mark.parametrize("place, name", [*enumerate(PARAMETERS)])
def test_profiles_and_their_level(result, place, name):
    ax = plot_scaling_profile(result, parameter=name)
    drawn = line(ax, "profile")
    assert list(drawn.get_xdata()) == list(result.profiles[place].values)
    assert list(drawn.get_ydata()) == list(result.profiles[place].loss)
    assert line(ax, "loss 1.92").get_ydata()[0] == 1.92
    assert ax.get_ylim()[1] > 1.92
    assert "95 % interval" in labels(ax)
    assert "not identified" not in ax.get_title()


def test_what_is_not_identified_is_said_and_not_shaded(unidentified):
    for name in ("inv_nu", "beta_over_nu"):
        ax = plot_scaling_profile(unidentified, parameter=name)
        assert "not identified" in ax.get_title()
        assert "95 % interval" not in labels(ax)
        assert "not identified" in plot_plateaus(unidentified, parameter=name).get_title()
    assert "not identified" in plot_collapse(unidentified).get_xlabel()
    with pytest.raises(ConfigError, match="beta"):
        plot_scaling_profile(unidentified, parameter="beta")


def test_the_page_letters_its_panels_and_names_each_thing_once(result):
    figure = draw_collapse(result, title="Mock", x_label="density")
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert [title[0] for title in titles] == list("abcdefghij")
    assert f"p = {result.quality.p_value:.2g}" in titles[1]
    assert figure.axes[0].get_xlabel() == "density"
    names = [
        text.get_text() for part in figure.subfigs for one in part.legends for text in one.texts
    ]
    assert len(names) == len(set(names))
    assert {"$L = 16$", "chosen", "loss 1.92", "fitted correction"} <= set(names)
    assert figure_bytes(figure, "png", resolution=40).startswith(b"\x89PNG")


def test_the_page_does_not_call_a_bad_collapse_good(result):
    bad = replace(result.stability.variant, accepted=False, p_value=0.001)
    page = draw_collapse(replace(result, stability=replace(result.stability, variant=bad)))
    assert page.axes[1].get_title(loc="left").startswith("b  No good collapse")


def test_nulls_stand_in_order_with_their_intervals():
    rows = [
        NullRow("spectral", 1.0, 0.9, 1.2, 0.004, observed=True),
        NullRow("direct_$x$", 0.3, None, None, None),
        NullRow("shuffled", None, reason="too few sizes"),
        NullRow("random rank", 0.1, 0.0, 0.2, 3e-6),
    ]
    ax = plot_nulls(rows, reference=1.0, reference_label="teacher")
    dots = {one.get_ydata()[0]: one.get_xdata()[0] for one in ax.lines
            if one.get_marker() in ("o", "D")}  # fmt: skip
    assert dots == {0: 1.0, -1: 0.3, -3: 0.1}
    bars = {tuple(one.get_xdata()) for one in ax.lines if one.get_marker() == "None"}
    assert bars == {(0.9, 1.2), (0.0, 0.2), (1.0, 1.0)}  # the last is the reference
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["p = 0.004", "too few sizes", "p < 0.0001"]
    assert [one.get_text() for one in ax.get_yticklabels()][1] == r"direct_\$x\$"
    with pytest.raises(ShapeError, match="0 rows"):
        plot_nulls([])


def coverages() -> pd.DataFrame:
    rows = [
        {"method": method, "noise": "correlated", "correction": 0.6, "trials": trials,
         "parameter": name, "coverage68": 0.68 - low, "coverage95": 0.95 - low}
        for trials in (5, 20) for name in PARAMETERS
        for method, low in (("own", 0.0), ("other", 0.3))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_coverages_have_wilson_intervals():
    ax = plot_coverage(coverages(), repeats=200)
    dots = [one for one in ax.lines if one.get_marker() in ("o", "s") and len(one.get_xdata())]
    assert len(dots) == 2 * len(coverages())
    bars = [one.get_xdata() for one in ax.lines if len(set(one.get_xdata())) == 2]
    # E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927)
    n, share, z = 200, 0.95, 1.959964
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    wanted = pytest.approx([centre - half, centre + half], abs=1e-6)
    assert sum(list(bar) == wanted for bar in bars) == 6
    hollow = [one.get_xdata()[0] for one in dots if one.get_markerfacecolor() == "white"]
    assert sorted(set(hollow)) == pytest.approx([0.38, 0.68])
    levels = [one.get_xdata()[0] for one in ax.lines if one.get_linestyle() == ":" or
              one.is_dashed()]  # fmt: skip
    assert {0.68, 0.95} <= set(levels)
    assert len(ax.texts) == 2


def test_coverages_need_their_columns_and_repeats():
    with pytest.raises(ShapeError, match="repeats"):
        plot_coverage(coverages())
    with pytest.raises(ShapeError, match="coverage68"):
        plot_coverage(coverages().drop(columns="coverage68"), repeats=10)
    with pytest.raises(ShapeError, match="0 rows"):
        plot_coverage(coverages().iloc[:0], repeats=10)


def fit_record(model, last=2.0, **values):
    parameters = {name: {"value": value} for name, value in values.items()}
    return {"model": model, "success": True, "x_range": [0.0, last], "parameters": parameters}


def test_new_model_formulas_by_hand():
    x = np.linspace(0.0, 2.0, 9)
    straight = fit_record("line", A=3.0, c=0.5)
    assert model_curve(straight, x) == pytest.approx(0.5 + 3.0 * (2.0 - x) / 2.0)
    assert model_curve(fit_record("constant", c=0.7), x) == pytest.approx(np.full(9, 0.7))
    rounded = fit_record("rounded", x_c=1.2, beta=2.0, w=0.3, A=4.0, c=0.1)
    z = np.linspace(-9, 9, 200_001)
    weight = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    wanted = [0.1 + 4 * np.sum(weight * np.maximum((1.2 - at - 0.3 * z) / 1.2, 0) ** 2) for at in x]
    assert model_curve(rounded, x) == pytest.approx(wanted, abs=1e-4)


def test_threshold_fits_of_one_curve_and_of_a_shared_shape():
    x = np.linspace(0.0, 2.0, 21)
    shape = np.maximum((1.2 - x) / 1.2, 0.0) ** 2
    scatter = np.array([-1.0, 0.0, 1.0])[:, None] * 0.01 * np.ones_like(x)
    made = [
        Curve(size, x, a * shape + c + scatter, np.ones(3))
        for size, a, c in ((8.0, 1.0, 0.1), (16.0, 2.0, -0.3))
    ]
    both = CurveSet(tuple(made), (0, 1, 2))
    single = {"threshold": fit_record("threshold", x_c=1.2, beta=2.0, A=1.0, c=0.1),
              "line": {"success": False, "parameters": {}}, "comparison": {}}  # fmt: skip
    ax = plot_threshold_fits(both.only(0), single)
    drawn = line(ax, "threshold")
    assert np.interp(x, drawn.get_xdata(), drawn.get_ydata()) == pytest.approx(
        made[0].values.mean(axis=0), abs=1e-4
    )
    assert "line" not in labels(ax)
    shared = {"threshold": fit_record("threshold", x_c=1.2, beta=2.0),
              "constant": fit_record("constant")}  # fmt: skip
    ax = plot_threshold_fits(both, shared, log=True)
    lines = [one for one in ax.lines if one.get_color() == "#000000"]
    for one, curve in zip(lines, made, strict=True):
        at = np.interp(x, one.get_xdata(), one.get_ydata())
        assert at == pytest.approx(curve.values.mean(axis=0), abs=1e-3)
    assert line(ax, "constant").get_ydata()[0] == pytest.approx(made[0].values.mean(), abs=1e-9)
    # t of 2 degrees of freedom times 0.01 / sqrt(3)
    bar = container(ax, "$L = 8$")[2][0].get_segments()[0]
    assert bar[1, 1] - bar[0, 1] == pytest.approx(2 * 4.302653 * 0.01 / np.sqrt(3), rel=1e-5)
    assert "constant" not in labels(plot_threshold_fits(both, shared, models=["threshold"]))
