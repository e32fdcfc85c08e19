"""Collapse fits: recovery, derivatives, error bars, starts, profiles, what is identified."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student_t

from sta import ConfigError, ShapeError
from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.oracles.linear_student import linear_student
from sta.analysis.statistics.oracles.mock import TRUTH, falling_branch, mock_curves
from sta.analysis.statistics.oracles.order_statistics import order_statistics
from sta.analysis.statistics.scaling.design import HELD, PRIOR, build_points, select_window
from sta.analysis.statistics.scaling.evidence import hessian, value_and_gradient
from sta.analysis.statistics.scaling.fit import (
    SAME_OPTIMUM,
    CollapseFit,
    fit_points,
    random_starts,
    refit,
)
from sta.analysis.statistics.scaling.intervals import (
    NAMES,
    interval_estimates,
    scaling_covariance,
)
from sta.analysis.statistics.scaling.master import bootstrap_scaling, fit_collapse
from sta.analysis.statistics.scaling.profiles import profile
from sta.analysis.statistics.scaling.stability import scan
from sta.analysis.statistics.table import collapse_curves
from sta.errors import StaError

EXACT = np.array([TRUTH["x_c"], TRUTH["inv_nu"], TRUTH["beta_over_nu"]])


def fit_of(curves: CurveSet, corrections: bool = False) -> CollapseFit:
    return fit_points(build_points(curves, corrections=corrections), screened=24)


@pytest.fixture(scope="module")
def plain() -> CollapseFit:
    """40 points with little noise, shared along the curves."""
    return fit_of(mock_curves(points=10, noise=0.02, trials=40, correlated=True))


@pytest.fixture(scope="module")
def bent() -> CollapseFit:
    """40 points with a correction to scaling."""
    return fit_of(mock_curves(points=10, correction=0.6, seed=2), corrections=True)


@pytest.fixture(scope="module")
def mock_collapse():
    return fit_collapse(mock_curves(points=10, correlated=True), fractions=(1.0,))


def assert_truth(fit: CollapseFit) -> None:
    """Each of the three within its 99.9 % interval: false in a third of a percent of data sets."""
    found = scaling_covariance(fit)
    se = np.sqrt(np.diag(found.covariance)[:3])
    reach = student_t.ppf(0.9995, found.degrees_of_freedom[:3])
    assert fit.converged
    assert (np.abs(found.value[:3] - EXACT) < reach * se).all(), (found.value, se)
    assert (se < [0.03, 0.2, 0.1]).all()


def test_truth_is_recovered(plain, bent):
    assert_truth(plain)
    assert_truth(bent)


def test_irregular_grids_and_missing_cells():
    """Points and trials dropped at random; sizes with other x and fewer trials."""
    curves = mock_curves(points=14, trials=16, correlated=True, seed=5)
    rng = np.random.default_rng(0)
    cut = []
    for curve in curves.curves:
        kept = np.sort(rng.choice(14, size=rng.integers(7, 13), replace=False))
        values = curve.values[:, kept]
        values[rng.random(values.shape) < 0.1] = np.nan
        gone = rng.random(16) < 0.2
        values[gone] = np.nan
        norm = np.where(gone, np.nan, 1.0)
        cut.append(Curve(curve.size, curve.x[kept], values, norm))
    fit = fit_of(replace(curves, curves=tuple(cut)))
    assert fit.points.design.x.size < 50
    assert_truth(fit)


def test_stated_errors_without_trials():
    curves = mock_curves(points=12, seed=3)
    means = []
    for curve in curves.curves:
        error = curve.values.std(axis=0, ddof=1) / np.sqrt(20)
        means.append(Curve(curve.size, curve.x, curve.values.mean(0)[None], np.ones(1), error))
    stated = CurveSet(tuple(means), (0,), replicated=False)
    fit = fit_of(stated)
    found = scaling_covariance(fit)
    assert np.isinf(found.degrees_of_freedom).all()
    assert_truth(fit)
    estimates = interval_estimates(found, None)
    assert all(one.ci95 is not None for one in estimates.values())
    whole = scaling_covariance(fit_of(curves))
    ratio = np.sqrt(np.diag(found.covariance) / np.diag(whole.covariance))
    np.testing.assert_allclose(ratio, 1.0, atol=0.5)


def settle(fit: CollapseFit, y: np.ndarray) -> np.ndarray:
    """Newton's method to the last digit."""
    design, p = fit.points.design.with_y(y), fit.parameters.copy()
    for _ in range(8):
        p = p - np.linalg.solve(hessian(design, p), value_and_gradient(design, p)[1])
    return p


def test_sensitivity_is_the_derivative_of_the_optimum(plain, bent):
    rng = np.random.default_rng(0)
    for fit in (plain, bent):
        y = fit.points.design.y
        step = 1e-5 * rng.standard_normal((3, y.size))
        found = np.array([(settle(fit, y + s) - settle(fit, y - s)) / 2 for s in step])
        expected = step @ fit.sensitivity.T
        scale = np.abs(expected).max(axis=0)
        np.testing.assert_allclose(found / scale, expected / scale, atol=0.02)


def test_refit_finds_the_optimum_of_other_data(plain):
    y = plain.points.design.y
    other = y + 0.002 * np.random.default_rng(1).standard_normal(y.size)
    np.testing.assert_allclose(refit(plain, other), settle(plain, other), atol=0.01)


def test_infinitesimal_jackknife_is_the_limit_of_the_bootstrap(plain):
    draws = bootstrap_scaling(plain, 120, 0)
    assert np.isfinite(draws).all()
    low, high = np.quantile(draws, [0.16, 0.84], axis=0)
    se = np.sqrt(np.diag(scaling_covariance(plain).covariance)[:3])
    np.testing.assert_allclose(0.5 * (high - low) / se, 1.0, atol=0.25)


def test_groups_that_share_a_shift_widen_the_interval(plain):
    """Four teachers of ten trials, each with an x_c of its own."""
    x_c = 0.3 * np.array([-0.03, 0.01, 0.04, -0.02])
    labels = tuple(trial // 10 for trial in range(40))
    moved = []
    for curve in mock_curves(points=10, noise=0.02, trials=40).curves:
        z = (curve.x - EXACT[0]) * curve.size ** EXACT[1]
        aside = z - x_c[list(labels), None] * curve.size ** EXACT[1]
        change = curve.size ** -EXACT[2] * (falling_branch(aside) - falling_branch(z))
        moved.append(replace(curve, values=curve.values + change))
    fit = fit_of(replace(plain.points.curves, curves=tuple(moved)))
    grouped = replace(fit.points.curves, groups=labels)
    alone = scaling_covariance(fit)
    together = scaling_covariance(replace(fit, points=replace(fit.points, curves=grouped)))
    se = [np.sqrt(one.covariance[0, 0]) for one in (alone, together)]
    few = np.sqrt(4 / 3)  # of `spread_over_units`
    assert se[1] == pytest.approx(few * np.std(x_c, ddof=1) / 2, rel=0.3)
    assert se[1] > 2.0 * se[0]
    assert together.degrees_of_freedom[0] == pytest.approx(3.0)
    widths = [
        np.ptp(interval_estimates(one, units)["x_c"].ci95)
        for one, units in ((alone, 40), (together, 4))
    ]
    assert widths[1] > 3.0 * widths[0]


def near_starts(fit: CollapseFit, number: int) -> np.ndarray:
    """x_c within a quarter of the range, exponents within a factor of two, the rest anywhere."""
    rng = np.random.default_rng(0)
    starts = random_starts(fit.points, number, seed=7)
    reach = 0.25 * np.ptp(fit.points.design.x)
    starts[:, 0] = fit.parameters[0] + reach * rng.uniform(-1, 1, number)
    starts[:, 1:3] = fit.parameters[1:3] * 2.0 ** rng.uniform(-1, 1, (number, 2))
    return starts


@pytest.mark.parametrize("which", ["plain", "bent"])
def test_random_starts_reach_one_optimum(which, request):
    fit = request.getfixturevalue(which)
    found = []
    for start in near_starts(fit, 20):
        try:
            found.append(fit_points(fit.points, start=start).value)
        except StaError:
            found.append(np.inf)
    assert sum(value < min(*found, fit.value) + SAME_OPTIMUM for value in found) >= 19


@pytest.mark.parametrize("seed", [0, 3])
def test_precise_data_are_fitted_at_their_best_optimum(seed):
    """With little noise the evidence is rugged; a search from the truth finds nothing better."""
    points = build_points(
        mock_curves(sizes=(16, 32, 64, 128, 256), noise=0.01, seed=seed), corrections=True
    )
    start = points.design.prior_mean.copy()
    start[:5] = (EXACT[0] - points.units.origin) / points.units.width, *EXACT[1:], -1.3, 0.5
    assert fit_points(points).value < fit_points(points, start=start).value + SAME_OPTIMUM


def test_other_seeds_of_the_starts_give_the_same_fit(bent):
    for seed in (1, 2):
        again = fit_points(bent.points, seed=seed)
        assert again.value == pytest.approx(bent.value, abs=SAME_OPTIMUM)


def test_profile_is_the_loss_of_a_constrained_fit(plain):
    """The other way to hold 1/nu is a prior of no width."""
    values = np.array([0.6, 0.75, 0.9])
    found = profile(plain, 1, values, "inv_nu")
    mean, deviation = PRIOR[1]
    for value, loss in zip(values, found.loss, strict=True):
        points = build_points(plain.points.curves, corrections=False, inv_nu=value)
        held = fit_points(points, start=np.where(np.arange(5) == 1, value, plain.parameters))
        slack = 0.5 * ((held.parameters[1] - value) / HELD) ** 2
        prior = 0.5 * ((value - mean) / deviation) ** 2
        assert loss == pytest.approx(held.value - slack + prior - plain.value, abs=0.02)
    assert (found.loss > -0.01).all()


def test_profile_of_x_c_is_in_the_unit_of_the_data(plain):
    x_c = plain.scaling[0]
    found = profile(plain, 0, x_c + np.array([-0.01, 0.0, 0.01]), "x_c")
    curvature = 1.0 / np.linalg.inv(plain.curvature)[0, 0] / plain.points.units.width**2
    assert found.loss[1] == pytest.approx(0.0, abs=1e-3)
    assert found.loss[0] == pytest.approx(0.5e-4 * curvature, rel=0.3)
    assert found.loss[2] == pytest.approx(0.5e-4 * curvature, rel=0.3)


def test_mock_curves_are_identified(mock_collapse):
    assert mock_collapse.good
    assert mock_collapse.identifiability.identified
    assert mock_collapse.branch is None
    for name, estimate in mock_collapse.estimates.items():
        low, high = estimate.ci95
        truth = {**TRUTH, "beta": EXACT[2] / EXACT[1]}[name]
        assert low - 0.5 * (high - low) < truth < high + 0.5 * (high - low)
    z, y, sd = mock_collapse.master
    assert (sd >= 0).all()
    for curve in mock_collapse.curves:
        inside = (curve.x > z[8]) & (curve.x < z[-8])
        distance = np.interp(curve.x[inside], z, y) - curve.y[inside]
        assert np.abs(distance).max() < 6 * curve.error.max()


def test_fit_is_deterministic(mock_collapse):
    again = fit_collapse(mock_curves(points=10, correlated=True), fractions=(1.0,))
    assert again.to_dict() == mock_collapse.to_dict()


def test_order_statistics_give_beta_and_no_nu():
    oracle = order_statistics(points=12)
    found = fit_collapse(oracle.curves, fractions=(1.0,))
    assert not found.identifiability.identified
    for name in ("inv_nu", "beta_over_nu"):
        assert found.estimates[name].value is None
        assert found.estimates[name].reason.startswith("not identified")
    assert found.branch.good
    assert found.estimates["beta"].value == pytest.approx(3.0, rel=0.05)
    assert found.estimates["x_c"].value == pytest.approx(1.0, abs=0.03)


@pytest.mark.slow
def test_order_statistics_give_beta_within_two_percent():
    betas = [fit_collapse(order_statistics(seed=k).curves).branch.beta.value for k in range(5)]
    assert np.mean(betas) == pytest.approx(3.0, rel=0.02)


@pytest.mark.slow
def test_linear_student_is_in_the_intervals_of_the_claim():
    found = collapse_curves(linear_student(seed=0).curves, "linear")
    assert found.details["transition"]
    assert not found.identified
    for name in ("x_c", "beta"):
        low, high = found.estimates[name].ci95
        systematic = found.estimates[name].systematic or 0.0
        assert low - systematic <= 1.0 <= high + systematic


def test_small_sizes_are_left_out_under_a_strong_correction():
    """30 % at the smallest size, which only fits without it can pass over."""
    curves = mock_curves(
        sizes=(8, 16, 32, 64, 128), points=10, correction=2.4, correction_exponent=1.5, noise=0.02
    )
    found = scan(curves, corrections=False, fractions=(1.0,))
    assert found.variant.smallest_size > 8
    assert found.variant.accepted
    rows = {row.smallest_size: row for row in found.variants if not row.corrections}
    assert not rows[8].accepted
    assert found.variants[-1].corrections
    assert found.chosen.points.sizes[0] == found.variant.smallest_size


def test_window_keeps_what_is_near():
    curves = mock_curves(points=15)
    cut = select_window(curves, 0.5, 0.75, 1.0)
    for curve in cut.curves:
        assert curve.x.size == 7
        assert (np.abs(curve.x - 0.5) * curve.size**0.75 <= 1.0 + 1e-9).all()
    with pytest.raises(ConfigError, match=r"window 0\.1 leaves 0 sizes: widen it"):
        select_window(curves, 0.5, 0.75, 0.1)


def test_units_do_not_matter(plain):
    """x as 100 + 1000 x, y as 7 y, L as L^2: the same collapse in other words."""
    moved = tuple(
        Curve(c.size**2, 100.0 + 1000.0 * c.x, 7.0 * c.values, c.norm)
        for c in plain.points.curves.curves
    )
    other = fit_of(replace(plain.points.curves, curves=moved))
    x_c, inv_nu, ratio = plain.scaling
    spread, wide = scaling_covariance(plain), scaling_covariance(other)
    se = np.sqrt(np.diag(spread.covariance))
    # the prior of the exponents, though weak, is one for L
    slack = 0.1 * se[:3]
    found = other.scaling * [1e-3, 2.0, 2.0] - [0.1, 0.0, 0.0]
    assert (np.abs(found - [x_c, inv_nu, ratio]) < slack).all()
    ratio = np.sqrt(np.diag(wide.covariance)) * [1e-3, 2.0, 2.0, 1.0] / se
    np.testing.assert_allclose(ratio, 1.0, atol=0.05)


def test_order_of_the_sizes_does_not_matter(plain):
    curves = plain.points.curves
    other = fit_of(replace(curves, curves=curves.curves[::-1]))
    se = np.sqrt(np.diag(scaling_covariance(plain).covariance)[:3])
    assert (np.abs(other.scaling - plain.scaling) < 0.1 * se).all()


def test_long_curves_are_thinned():
    points = build_points(mock_curves(points=100), corrections=False)
    assert points.design.x.size == 120
    for curve in points.curves.curves:
        assert curve.x.size == 30
        assert curve.x[-1] - 0.5 == pytest.approx(2.0 * curve.size**-0.75)


def one_size(c):
    return replace(c, curves=c.curves[:1])


def three_points(c):
    return replace(c, curves=tuple(one.select(np.arange(3)) for one in c.curves))


def constant(c):
    return replace(c, curves=tuple(replace(one, values=one.values * 0 + 2.0) for one in c.curves))


def no_size(c):
    return replace(c, curves=(replace(c.curves[0], size=0.0), *c.curves[1:]))


def one_trial(c):
    cut = tuple(replace(one, values=one.values[:1], norm=one.norm[:1]) for one in c.curves)
    return replace(c, curves=cut, trials=(0,))


def empty_column(c):
    values = c.curves[0].values.copy()
    values[:, 2] = np.nan
    return replace(c, curves=(replace(c.curves[0], values=values), *c.curves[1:]))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_size, "one size: a scaling collapse compares at least 2 sizes"),
        (three_points, "size 16 has 3 points: a collapse needs at least 4 a size"),
        (constant, "size 16: y is constant"),
        (no_size, "size 0: a scaling collapse needs positive sizes"),
        (one_trial, "size 16 has neither trials nor errors: give 2 trials"),
        (empty_column, "size 16: the mean curve is not finite"),
    ],
)
def test_refusals(spoil, message):
    with pytest.raises(ShapeError, match=message):
        fit_collapse(spoil(mock_curves(points=6, trials=3)))


def test_two_trials_give_values_without_intervals():
    fit = fit_of(mock_curves(points=10, trials=2))
    estimates = interval_estimates(scaling_covariance(fit), fit.points.curves.n_units)
    assert set(estimates) == set(NAMES)
    for estimate in estimates.values():
        assert estimate.ci95 is None
        assert estimate.reason == "2 trials: an interval needs at least 3"
