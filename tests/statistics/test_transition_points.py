"""Pseudo-critical points of single trials, and what their spread and drift say about nu."""

import doctest
import importlib
import json
import pkgutil
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import curve_fit

from sta import ConfigError
from sta.analysis.statistics import transition
from sta.analysis.statistics.curves import Curve
from sta.analysis.statistics.transition.ensembles import local_quadratic, parabolic_peak
from sta.analysis.statistics.transition.power_laws import offset_power, weighted_line
from sta.analysis.statistics.transition.pseudo_critical import crossing_points, steepest_points
from sta.analysis.statistics.transition.spread import pseudo_critical_scaling
from transition_truths import SIZES, shifted, whole

X = np.linspace(0.0, 1.0, 21)


def curve(*rows):
    values = np.array(rows, dtype=float)
    return Curve(8.0, X, values, np.ones(len(values)))


def test_levels_of_a_straight_line_and_of_a_power():
    line, cube = 5 * (1 - X), (1 - X) ** 3
    for eps in (0.5, 0.1, 0.05):
        first, second = crossing_points(curve(line, cube), eps)
        assert first == pytest.approx(1 - eps, abs=1e-12)
        assert second == pytest.approx(1 - eps ** (1 / 3), abs=2e-3)


def test_the_last_crossing_counts_and_ends_do_not():
    bump = np.where(X < 0.3, 1.0, 0.0)
    bump[14] = 0.4
    found = crossing_points(curve(bump, np.ones_like(X), -X, np.full_like(X, np.nan)), 0.2)
    assert found[0] == pytest.approx(0.7 + 0.025)
    assert np.isnan(found[1:]).all()


def test_missing_points_are_bridged_but_not_at_the_ends():
    line = 1 - X
    holes, start = line.copy(), line.copy()
    holes[5:12] = np.nan
    start[0] = np.nan
    found = crossing_points(curve(holes, start), 0.5)
    assert found[0] == pytest.approx(0.5) and np.isnan(found[1])


def test_a_rising_curve_is_the_mirror_image():
    y = 1 / (1 + np.exp((X - 0.437) / 0.06))
    falls, rises = curve(y), Curve(8.0, X, y[None, ::-1], np.ones(1))
    for find in (
        lambda c, f: crossing_points(c, 0.1, falling=f),
        lambda c, f: steepest_points(c, falling=f),
    ):
        assert find(rises, False)[0] == pytest.approx(1.0 - find(falls, True)[0], abs=1e-12)


def test_the_steepest_slope_of_a_logistic_is_its_middle():
    for middle in (0.31, 0.437, 0.5):
        y = 1 / (1 + np.exp((X - middle) / 0.08))
        assert steepest_points(curve(y))[0] == pytest.approx(middle, abs=0.005)
    assert np.isnan(steepest_points(curve((1 - X) ** 3, np.ones_like(X)))).all()


def test_local_parabolas_are_exact_on_any_grid():
    x = np.sort(np.random.default_rng(0).random(12))
    smooth, slope = local_quadratic(x)
    assert np.allclose(smooth @ (3 - x + 2 * x**2), 3 - x + 2 * x**2)
    assert np.allclose(slope @ (3 - x + 2 * x**2), -1 + 4 * x)
    place, height = parabolic_peak(x, (1 - (x - 0.41) ** 2)[None])
    assert place[0] == pytest.approx(0.41) and height[0] == pytest.approx(1.0)


def test_a_level_outside_0_to_1_is_refused():
    for level in (0.0, 1.0, -0.1):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            crossing_points(curve(1 - X), level)
    with pytest.raises(ConfigError, match=r"'level 0\.3'"):
        pseudo_critical_scaling(shifted(0, 0.5), main="level 0.3")


def test_fits_agree_with_numpy_and_scipy():
    rng = np.random.default_rng(3)
    x, y, errors = np.log([4.0, 9.0, 20.0, 50.0]), rng.normal(size=(2, 4)), rng.uniform(0.1, 1, 4)
    slope, intercept, _ = weighted_line(x, y, errors)
    for k in range(2):
        assert np.allclose([slope[k], intercept[k]], np.polyfit(x, y[k], 1, w=1 / errors))
    sizes = np.array([8.0, 16.0, 32.0, 64.0, 128.0])
    sigma = np.array([0.02, 0.01, 0.02, 0.005, 0.01])
    v = 0.7 + 0.9 * (sizes / 8) ** -0.8 + sigma * rng.standard_normal(5)
    fit = offset_power(sizes, v[None], sigma)
    expected, _ = curve_fit(
        lambda s, o, c, e: o + c * (s / 8) ** -e, sizes, v, (0.5, 1.0, 1.0), sigma=sigma
    )
    found = [fit.offset[0], fit.amplitude[0], fit.exponent[0]]
    assert np.allclose(found, expected, rtol=2e-3)
    assert (offset_power(sizes, -v[None], sigma, positive=True).offset == 0).all()


@pytest.mark.parametrize("rising", [False, True])
def test_spread_and_drift_of_a_simulated_truth(rising):
    found = pseudo_critical_scaling(shifted(1, 0.75, trials=150, rising=rising), resamples=200)
    assert abs(found.inv_nu.value - 0.75) < 3 * found.inv_nu.se
    assert found.excludes_central_limit and "excludes" in found.message
    assert found.inv_nu.systematic < found.inv_nu.se
    assert len(found.definitions) == 5
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_the_central_limit_is_no_evidence():
    null = pseudo_critical_scaling(shifted(1, 0.5, trials=150), levels=(0.1,), resamples=200)
    assert not null.excludes_central_limit and "no evidence" in null.message


def test_the_shift_exponent_and_the_limit():
    curves = shifted(2, 1.0, trials=60, spread=0.3, drift=2.0)
    found = pseudo_critical_scaling(curves, levels=(0.1,), resamples=300)
    level = 1 + 0.03 * np.log(9)  # where the logistic is at a tenth
    assert found.shift.ci95[0] < 1.0 < found.shift.ci95[1]
    assert abs(found.x_c.value - level) < 3 * found.x_c.se
    known = pseudo_critical_scaling(curves, levels=(0.1,), x_c=level, resamples=300)
    assert known.shift.se < found.shift.se
    assert known.shift.ci95[0] < 1.0 < known.shift.ci95[1]


def test_what_is_too_little_gives_the_reason():
    few = pseudo_critical_scaling(shifted(0, 0.5, trials=7), resamples=50)
    assert few.inv_nu.value is None and "size: 7, and a spread needs 8" in few.inv_nu.reason
    two = pseudo_critical_scaling(shifted(0, 0.5, sizes=(16, 32)), resamples=50)
    assert two.inv_nu.value is None and "points: 2," in two.inv_nu.reason
    three = pseudo_critical_scaling(shifted(0, 0.5, sizes=(16, 32, 64)), resamples=50)
    assert three.inv_nu.ci95 is not None and "need 4" in three.shift.reason
    flat = whole([Curve(float(n), X, np.ones((9, 21)), np.ones(9)) for n in SIZES])
    assert "points: 0," in pseudo_critical_scaling(flat, resamples=50).inv_nu.reason
    same = whole([Curve(float(n), X, np.tile(1 - X, (9, 1)), np.ones(9)) for n in SIZES])
    assert "the same" in pseudo_critical_scaling(same, resamples=50).inv_nu.reason


def test_groups_are_the_units_where_there_are_groups():
    curves = replace(shifted(0, 0.5), groups=tuple(np.repeat(["a", "b"], 10)))
    found = pseudo_critical_scaling(curves, resamples=50)
    assert found.inv_nu.value is not None and found.inv_nu.ci95 is None and found.inv_nu.reason


@pytest.mark.slow
@pytest.mark.parametrize("exponent", [0.3, 0.5, 0.75])
@pytest.mark.parametrize("trials", [8, 20])
def test_coverage_of_the_exponent(exponent, trials):
    hits, values = [], []
    for seed in range(200):
        curves = shifted(1000 * trials + seed, exponent, trials=trials)
        found = pseudo_critical_scaling(curves, levels=(0.1,), seed=seed, resamples=400)
        low, high = found.inv_nu.ci95
        hits.append(low <= exponent <= high)
        values.append(found.inv_nu.value)
    assert 0.90 <= np.mean(hits) <= 0.99
    assert abs(np.mean(values) - exponent) < 0.25 * np.std(values)


def test_examples_in_the_docstrings():
    for module in pkgutil.iter_modules(transition.__path__, f"{transition.__name__}."):
        assert doctest.testmod(importlib.import_module(module.name)).failed == 0, module.name
