"""Recovery of known truths, nulls, and the search itself."""

import re

import numpy as np
import pytest
from scipy.optimize import least_squares

from sta import ConfigError
from sta.analysis.statistics import Curve, CurveSet, fit_models
from sta.analysis.statistics.curves import draw
from sta.analysis.statistics.threshold.models import build_shape
from sta.analysis.statistics.threshold.published import published_exponential
from sta.analysis.statistics.threshold.separable import solve
from sta.analysis.statistics.threshold.shapes import Block


def covers(estimate, truth: float) -> bool:
    return estimate.ci95[0] <= truth <= estimate.ci95[1]


def order_statistics_sample(h: int, trials: int, seed: int) -> np.ndarray:
    """Cost of removing the k smallest of h uniform contributions, summed coherently."""
    s = np.sort(np.random.default_rng(seed).uniform(size=(trials, h)), axis=1)
    removed = np.cumsum(s**2, axis=1) / h
    return np.concatenate([np.zeros((trials, 1)), removed], axis=1)


def test_search_agrees_with_scipy(synth):
    curves = synth.curve_set(synth.power_ramp(1.1, 2.5), seed=0)
    curve = curves.curves[0]
    y = curve.values.mean(axis=0) / curve.norm.mean()
    shape = build_shape("threshold", [curve.x])
    weight = np.linspace(1.0, 3.0, y.size)
    ours = solve(shape, [Block(curve.x, y[None], np.diag(np.sqrt(weight)))])

    def residual(p):
        fit = p[2] * np.maximum((p[0] - curve.x) / p[0], 0) ** p[1] + p[3]
        return np.sqrt(weight) * (y - fit)

    theirs = [
        least_squares(residual, [x_c, beta, 1.0, 0.0], xtol=1e-14, ftol=1e-14, gtol=1e-14)
        for x_c in (0.8, 1.1, 1.5)
        for beta in (1.0, 3.0)
    ]
    best = min(theirs, key=lambda one: one.cost)
    assert ours.converged.all()
    assert ours.rss[0] == pytest.approx(2 * best.cost, rel=1e-6)
    assert ours.theta[0] == pytest.approx(best.x[:2], rel=1e-3)
    assert ours.amplitude[0, 0] == pytest.approx(best.x[2], rel=1e-3)


@pytest.mark.parametrize("beta", [1.0, 2.0, 4.0])
def test_noiseless_threshold_is_found_exactly(beta):
    x = np.linspace(0, 3, 61)
    y = 0.7 * np.maximum(1 - x / 1.234, 0) ** beta + 0.05
    curves = CurveSet((Curve(1.0, x, y[None], np.ones(1)),), (0,))
    fit = fit_models(curves).fits["threshold"]
    assert fit.success
    assert fit.parameters["x_c"].value == pytest.approx(1.234, rel=1e-3)
    assert fit.parameters["beta"].value == pytest.approx(beta, rel=1e-3)
    assert fit.parameters["A"].value == pytest.approx(0.7, rel=1e-3)
    assert fit.parameters["c"].value == pytest.approx(0.05, abs=1e-4)
    assert fit.parameters["x_c"].ci95 is None


POWERS = [(1.1, 1.0, 0.0), (1.1, 3.0, 0.0), (1.0, 2.0, 0.03)]
SMOOTH_RAMPS = ["exponential_ramp", "linear_ramp", "logistic_ramp", "stretched_ramp"]


def recovery(synth, x_c: float, beta: float, jitter: float, repeats: int) -> None:
    hits = {"x_c": 0, "beta": 0}
    preferred = 0
    values = []
    for seed in range(repeats):
        curves = synth.curve_set(synth.power_ramp(x_c, beta, jitter), seed=seed)
        fits = fit_models(curves, seed=seed)
        found = fits.fits["threshold"].parameters
        hits["x_c"] += covers(found["x_c"], x_c)
        hits["beta"] += covers(found["beta"], beta)
        values.append((found["x_c"].value, found["beta"].value))
        preferred += fits.comparison.preferred == "threshold"
    assert np.median(values, axis=0) == pytest.approx([x_c, beta], rel=0.06)
    assert preferred >= 0.9 * repeats
    assert min(hits.values()) >= 0.85 * repeats, hits


@pytest.mark.parametrize(("x_c", "beta", "jitter"), POWERS)
def test_threshold_recovery(synth, x_c, beta, jitter):
    recovery(synth, x_c, beta, jitter, repeats=4)


@pytest.mark.slow
@pytest.mark.parametrize(("x_c", "beta", "jitter"), POWERS)
def test_threshold_recovery_of_many(synth, x_c, beta, jitter):
    recovery(synth, x_c, beta, jitter, repeats=60)


def test_exponential_recovery(synth):
    hits = 0
    for seed in range(5):
        curves = synth.curve_set(synth.exponential_ramp(6.0, 0.05), seed=seed, n=60)
        fits = fit_models(curves, models=("exponential",), seed=seed)
        hits += covers(fits.fits["exponential"].parameters["b"], 6.0)
    assert hits >= 4


@pytest.mark.parametrize("name", SMOOTH_RAMPS)
def test_nulls_are_not_called_a_threshold(synth, name):
    called = [answer(synth, name, seed) for seed in range(3)]
    assert "threshold" not in called


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOOTH_RAMPS)
def test_many_nulls_are_not_called_a_threshold(synth, name):
    called = [answer(synth, name, seed) for seed in range(100)]
    assert called.count("threshold") <= 5, called


def answer(synth, name: str, seed: int) -> str:
    curves = synth.curve_set(getattr(synth, name)(), seed=seed, n=60)
    return fit_models(curves, seed=seed).comparison.preferred


def test_pinned_threshold_says_so(synth):
    fits = fit_models(synth.curve_set(synth.linear_ramp(), seed=1))
    assert "x_c high" in fits.fits["threshold"].pinned
    assert not fits.fits["threshold"].inside
    assert fits.comparison.preferred == "none"
    assert fits.comparison.message.startswith("no threshold in the window")


def test_order_statistics_mean_is_the_closed_form():
    h, trials = 20, 40_000
    k = np.arange(h + 1)
    sample = order_statistics_sample(h, trials, 0)
    # E s_(i)^2 = i (i + 1) / ((h + 1)(h + 2)), so the sum is k(k+1)(k+2) / (3 h (h+1)(h+2))
    exact = k * (k + 1) * (k + 2) / (3 * h * (h + 1) * (h + 2))
    assert sample.mean(axis=0)[1:] == pytest.approx(exact[1:], rel=0.05)


def test_order_statistics_oracle_has_beta_three():
    """Pruning teacher units in order of contribution: beta = 3 for uniform contributions."""
    h_t, h = 100, 200
    cost = order_statistics_sample(h_t, 30, 3)
    n = np.arange(h + 1)
    values = np.where(n <= h_t, cost[:, np.clip(h_t - n, 0, h_t)], 0.0)
    curves = CurveSet((Curve(float(h), n / h_t, values, values[:, 0]),), tuple(range(30)))
    fits = fit_models(curves, floor=0.003, seed=0)
    found = fits.fits["threshold"].parameters
    assert fits.comparison.preferred == "threshold"
    assert found["beta"].value == pytest.approx(3.0, rel=0.04)
    assert found["x_c"].value == pytest.approx(1.0, abs=0.03)


def test_order_statistics_exact_curve():
    h_t = 400
    n = np.arange(2 * h_t + 1)
    k = np.maximum(h_t - n, 0)
    y = k * (k + 1.0) * (k + 2) / (3 * h_t * (h_t + 1.0) * (h_t + 2))
    curves = CurveSet((Curve(800.0, n / h_t, y[None], y[:1]),), (0,))
    found = fit_models(curves, models=("threshold",)).fits["threshold"].parameters
    assert found["beta"].value == pytest.approx(3.0, rel=0.01)
    assert found["x_c"].value == pytest.approx(1.0, rel=0.01)


def test_curves_that_share_a_shape_are_fitted_together(synth):
    both = [synth.curve_set(synth.power_ramp(1.1, 2.0), seed=s, n=n) for s, n in ((0, 40), (1, 70))]
    joint = CurveSet(tuple(one.curves[0] for one in both), tuple(range(10)))
    fit = fit_models(joint).fits["threshold"]
    assert set(fit.parameters) == {"x_c", "beta"}
    assert covers(fit.parameters["x_c"], 1.1)
    alone = fit_models(both[0]).fits["threshold"]
    assert fit.parameters["x_c"].se < alone.parameters["x_c"].se


def test_published_form_recovers_b(synth):
    curves = synth.curve_set(synth.exponential_ramp(6.0), seed=2, trials=10)
    curve = curves.curves[0]
    fit = published_exponential(curve, draw(curves, 200, 0), curves, 20)
    assert fit.x_range == pytest.approx((-0.95, 0.0))
    assert fit.n_points == 20
    assert covers(fit.parameters["b"], 6.0)
    exact = Curve(40.0, curve.x, np.exp(-6 * curve.x)[None], np.ones(1))
    alone = published_exponential(exact, None, CurveSet((exact,), (0,)), 20)
    # y is 1 at n = 1, so a = exp(-6 * 0.95)
    assert alone.parameters["b"].value == pytest.approx(6.0, rel=1e-5)
    assert alone.parameters["a"].value == pytest.approx(np.exp(-5.7), rel=1e-4)


def test_same_seed_same_numbers(synth):
    curves = synth.curve_set(synth.power_ramp(), seed=0)
    assert fit_models(curves, seed=4).to_dict() == fit_models(curves, seed=4).to_dict()


def test_missing_cells_and_trials(synth):
    curves = synth.curve_set(synth.power_ramp(1.1, 2.0), seed=0)
    curve = curves.curves[0]
    values = curve.values.copy()
    values[3, 5:9] = np.nan
    values[4] = np.nan
    norm = np.where(np.arange(10) == 4, np.nan, curve.norm)
    holey = CurveSet((Curve(40.0, curve.x, values, norm),), curves.trials)
    assert holey.n_trials == 9
    fit = fit_models(holey).fits["threshold"]
    assert covers(fit.parameters["x_c"], 1.1)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.arange(3.0), [3.0, 1.0, 0.0], "3 points"),
        (np.arange(9.0), np.ones(9), "constant"),
    ],
)
def test_what_cannot_be_fitted_says_why(x, y, words):
    curves = CurveSet((Curve(1.0, x, np.array([y]), np.ones(1)),), (0,))
    fits = fit_models(curves)
    assert not any(fit.success for fit in fits.fits.values())
    assert words in fits.fits["threshold"].message
    assert fits.comparison.preferred == "none"


def test_a_rising_curve_has_no_falling_fit():
    x = np.linspace(0, 1, 20)
    curves = CurveSet((Curve(1.0, x, x[None], np.ones(1)),), (0,))
    assert fit_models(curves).fits["threshold"].message == "y does not fall with x"


def noisy(y: np.ndarray, trials: int, seed: int = 0) -> CurveSet:
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, y.size)
    values = y + 0.03 * rng.standard_normal((trials, y.size))
    return CurveSet((Curve(1.0, x, values, np.ones(trials)),), tuple(range(trials)))


@pytest.mark.parametrize(
    ("y", "trials", "words"),
    [
        (np.zeros(30), 8, "constant within its noise"),
        (np.linspace(1.0, 0.4, 30), 8, "(end of|the line model)"),
        (np.maximum(1.0 - np.linspace(0, 1.6, 30), 0.0), 1, "1 trials"),
    ],
    ids=["beyond", "before", "one trial"],
)
def test_one_side_of_a_transition_or_one_trial_is_no_threshold(y, trials, words):
    comparison = fit_models(noisy(y, trials)).comparison
    assert comparison.preferred in ("none", "undecided")
    assert re.search(words, comparison.message)


def test_a_rounded_threshold_is_not_called_sharp():
    x = np.linspace(0, 1, 41)
    y = np.convolve(
        np.maximum(1 - np.linspace(-0.4, 2.0, 61) / 1.1, 0), np.hanning(21) / 10, "same"
    )
    comparison = fit_models(noisy(y[10:51] / y[10], 20)).comparison
    assert x.size == 41
    assert comparison.preferred != "threshold"
    assert comparison.rounding_p < 0.01


def test_negative_normaliser_is_refused():
    x = np.linspace(0, 1, 20)
    curves = CurveSet((Curve(1.0, x, x[None], -np.ones(1)),), (0,))
    assert "normaliser" in fit_models(curves).fits["threshold"].message


def test_bad_settings(synth):
    curves = synth.curve_set(synth.power_ramp(), seed=0)
    with pytest.raises(ConfigError, match="floor is 0"):
        fit_models(curves, floor=0.0)
    with pytest.raises(ConfigError, match="'kink'"):
        fit_models(curves, models=("kink",))
