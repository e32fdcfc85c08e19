"""Measures of a collapse against plain loops over their formulas, and the p-value by simulation."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.oracles.mock import mock_curves
from sta.analysis.statistics.scaling.design import build_points
from sta.analysis.statistics.scaling.fit import fit_points
from sta.analysis.statistics.scaling.master import LEAST_OVERLAP
from sta.analysis.statistics.scaling.quality import (
    bhattacharjee_seno,
    collapse_quality,
    houdayer_hartmann,
    kawashima_ito,
    predictive_p_value,
    scaled_points,
)


@pytest.fixture
def scaled():
    """X, Y, E and size of points in no order, the ranges of X overlapping in part."""
    rng = np.random.default_rng(0)
    place = rng.permutation(np.repeat([0, 1, 2], [9, 6, 12]))
    x = rng.uniform(-1, 1, 27) * np.array([1.0, 1.5, 0.7])[place]
    return x, np.sin(x) + 0.1 * rng.standard_normal(27), rng.uniform(0.05, 0.2, 27), place


def plain_houdayer_hartmann(x, y, error, place):
    terms, n = [], 0
    for i in range(x.size):
        points = []
        for other in set(place) - {place[i]}:
            mine = sorted(np.flatnonzero(place == other), key=lambda j: x[j])
            for left, right in itertools.pairwise(mine):
                if x[left] <= x[i] < x[right]:
                    points += [left, right]
        n += 1
        if not points:
            continue
        w = 1 / error[points] ** 2
        k, kx, ky = w.sum(), (w * x[points]).sum(), (w * y[points]).sum()
        kxx, kxy = (w * x[points] ** 2).sum(), (w * x[points] * y[points]).sum()
        d = k * kxx - kx**2
        m = (kxx * ky - kx * kxy) / d + x[i] * (k * kxy - kx * ky) / d
        dm2 = (kxx - 2 * x[i] * kx + x[i] ** 2 * k) / d
        terms.append((y[i] - m) ** 2 / (error[i] ** 2 + dm2))
    return np.mean(terms), len(terms) / n


def plain_kawashima_ito(x, y, error):
    order = np.argsort(x)
    x, y, e = x[order], y[order], error[order]
    terms = []
    for i in range(1, x.size - 1):
        w1 = (x[i + 1] - x[i]) / (x[i + 1] - x[i - 1])
        w2 = (x[i] - x[i - 1]) / (x[i + 1] - x[i - 1])
        line = w1 * y[i - 1] + w2 * y[i + 1]
        variance = e[i] ** 2 + (w1 * e[i - 1]) ** 2 + (w2 * e[i + 1]) ** 2
        terms.append((y[i] - line) ** 2 / variance)
    return np.mean(terms)


def plain_bhattacharjee_seno(x, y, place, q):
    terms = []
    for p in set(place):
        mine = sorted(np.flatnonzero(place == p), key=lambda j: x[j])
        for i in np.flatnonzero(place != p):
            for left, right in itertools.pairwise(mine):
                if x[left] <= x[i] <= x[right]:
                    share = (x[i] - x[left]) / (x[right] - x[left])
                    terms.append(abs(y[i] - y[left] - share * (y[right] - y[left])) ** q)
    return np.mean(terms) ** (1 / q) / (y.max() - y.min())


def test_measures_are_their_formulas(scaled):
    x, y, error, place = scaled
    s, overlap = houdayer_hartmann(*scaled)
    expected = plain_houdayer_hartmann(*scaled)
    assert s == pytest.approx(expected[0], rel=1e-10)
    assert overlap == pytest.approx(expected[1])
    assert kawashima_ito(x, y, error) == pytest.approx(plain_kawashima_ito(x, y, error), rel=1e-10)
    for q in (1.0, 2.0):
        expected = plain_bhattacharjee_seno(x, y, place, q)
        assert bhattacharjee_seno(x, y, place, q) == pytest.approx(expected, rel=1e-10)


def test_an_exact_collapse_has_no_distance(scaled):
    x, _, error, place = scaled
    y = 2.0 - 3.0 * x
    assert houdayer_hartmann(x, y, error, place)[0] == pytest.approx(0.0, abs=1e-20)
    assert kawashima_ito(x, y, error) == pytest.approx(0.0, abs=1e-20)
    assert bhattacharjee_seno(x, y, place) == pytest.approx(0.0, abs=1e-12)


def test_sizes_that_do_not_overlap_have_no_measure():
    place = np.repeat([0, 1], 5)
    x = np.arange(10.0)
    assert houdayer_hartmann(x, x, np.ones(10), place) == (None, 0.0)
    assert bhattacharjee_seno(x, x, place) is None
    assert kawashima_ito(np.zeros(5), np.ones(5), np.ones(5)) is None


def fit_of(curves: CurveSet, corrections: bool = False):
    return fit_points(build_points(curves, corrections=corrections), screened=16)


def test_scaled_points_are_in_the_unit_of_the_data():
    curves = mock_curves(points=8)
    fit = fit_of(curves)
    x_c, a, b = fit.scaling
    x, y, error = scaled_points(fit)
    for place, curve in enumerate(curves.curves):
        mine = fit.points.place == place
        np.testing.assert_allclose(x[mine], (curve.x - x_c) * curve.size**a)
        np.testing.assert_allclose(y[mine], curve.values.mean(axis=0) * curve.size**b)
        sample = curve.values.std(axis=0, ddof=1) / np.sqrt(20) * curve.size**b
        assert np.median(error[mine] / sample) == pytest.approx(1.0, abs=0.25)
    found = collapse_quality(fit)
    assert found.houdayer_hartmann == houdayer_hartmann(x, y, error, fit.points.place)[0]
    assert 0.3 < found.houdayer_hartmann < 2.0
    assert (found.n_points, found.n_sizes) == (32, 4)
    assert found.to_dict()["p_value"] == found.p_value


def test_p_value_is_not_small_for_true_models():
    p = [predictive_p_value(fit_of(mock_curves(points=8, trials=8, seed=k))) for k in range(6)]
    assert min(p) > 0.01
    assert np.median(p) > 0.2


def broken(curves: CurveSet) -> CurveSet:
    """Shift every second size aside and bend it: no exponents bring them together."""
    bent = []
    for place, curve in enumerate(curves.curves):
        wave = 1.0 + 0.2 * (-1) ** place * np.sin(np.linspace(0, 6, curve.x.size))
        bent.append(Curve(curve.size, curve.x, curve.values * wave, curve.norm))
    return replace(curves, curves=tuple(bent))


@pytest.mark.parametrize("correlated", [False, True])
def test_p_value_is_tiny_for_curves_that_do_not_collapse(correlated):
    """At the true exponents, whatever the master curve; see also the next test."""
    fit = fit_of(broken(mock_curves(points=15, correlated=correlated)))
    p = predictive_p_value(fit)
    assert p is None or p < 0.005


def test_a_size_that_is_off_is_no_good_collapse():
    """One of five sizes is too low by a fifth: the fit can only draw the sizes apart, so that each
    has a part of the master curve to itself, and the overlap tells.
    """
    curves = mock_curves(sizes=(16, 32, 64, 128, 256), points=10, noise=0.01)
    low = replace(curves.curves[2], values=curves.curves[2].values * 0.8)
    fit = fit_of(replace(curves, curves=(*curves.curves[:2], low, *curves.curves[3:])))
    found = collapse_quality(fit)
    assert found.overlap < LEAST_OVERLAP or found.p_value is None or found.p_value < 0.005


def test_a_master_curve_through_every_point_has_no_p_value():
    fit = fit_of(mock_curves(points=8))
    wiggly = fit.parameters.copy()
    wiggly[4] = -8.0
    assert predictive_p_value(replace(fit, parameters=wiggly)) is None


@pytest.mark.slow
@pytest.mark.parametrize("correlated", [False, True])
def test_p_value_of_true_models_is_conservative(correlated):
    number = 200
    p = np.array(
        [
            predictive_p_value(fit_of(mock_curves(correlated=correlated, seed=k)))
            for k in range(number)
        ]
    )
    for level in (0.05, 0.2, 0.5):
        chance = 3 * np.sqrt(level * (1 - level) / number)
        assert np.mean(p <= level) <= level + chance
