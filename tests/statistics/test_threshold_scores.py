"""Scores, profile intervals and calibration against brute force and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from scipy.stats import t as student_t

from sta import ConfigError
from sta.analysis.statistics import CurveSet, fit_models
from sta.analysis.statistics.covariance import noise_model, trial_covariance
from sta.analysis.statistics.curves import mean_curve
from sta.analysis.statistics.threshold.calibration import rounding_p_value, simulated_noise
from sta.analysis.statistics.threshold.coverage import threshold_coverage, threshold_power
from sta.analysis.statistics.threshold.means import curve_noise, mean_curves
from sta.analysis.statistics.threshold.models import build_shape
from sta.analysis.statistics.threshold.profile import profiles
from sta.analysis.statistics.threshold.sandwich import sandwich, wald
from sta.analysis.statistics.threshold.scores import (
    effective_points,
    elpd_gain,
    information_criteria,
    size_misfits,
    trial_misfits,
)
from sta.analysis.statistics.threshold.separable import predict, solve
from sta.analysis.statistics.threshold.shapes import Block, whitening
from sta.analysis.statistics.threshold.truths import TRUTHS, additive, multiplicative, power_law


@pytest.fixture(scope="module")
def curves() -> CurveSet:
    return multiplicative(power_law(2.0), trials=6, sizes=(10, 20), seed=5)


def means_of(curves: CurveSet, resamples: int = 0):
    return mean_curves(curves, counts=None, resamples=resamples, seed=0, floor=0.01)


def test_effective_points_of_known_correlations():
    x = np.arange(8.0)
    alone = Block(x, x[None], whitening(np.diag(1.0 + x)))
    assert effective_points([alone]) == pytest.approx(8.0)
    tied = Block(x, x[None], whitening(np.ones((8, 8)) + 1e-9 * np.eye(8)))
    assert effective_points([tied, alone]) == pytest.approx(9.0, abs=1e-6)
    # pairs that move as one: half as many points
    pairs = np.kron(np.eye(4), np.ones((2, 2))) + 1e-9 * np.eye(8)
    assert effective_points([Block(x, x[None], whitening(pairs))]) == pytest.approx(4.0, abs=1e-6)


def test_information_criteria_by_hand(curves):
    means = means_of(curves)
    shape = build_shape("threshold", [block.x for block in means.blocks])
    solution = solve(shape, means.blocks)
    logs = 0.0
    for place, block in enumerate(means.blocks):
        spread = means.noise.mean[place] + np.eye(block.x.size) * (0.01 * np.ptp(block.y[0])) ** 2
        fitted = predict(shape, solution, place, block.x)[0]
        logs += multivariate_normal.logpdf(block.y[0], fitted, spread)
    n, k = 30.0, 6
    found = information_criteria(shape, means.blocks, solution, n)
    assert found[0] == k
    assert found[1] == pytest.approx(-2 * logs + 2 * k + 2 * k * (k + 1) / (n - k - 1))
    assert found[2] == pytest.approx(-2 * logs + k * np.log(n))
    assert information_criteria(shape, means.blocks, solution, 6.5)[1] is None


def test_trials_left_out_by_brute_force(curves):
    """Refit by hand without each trial, and score it with scipy's normal density."""
    means = means_of(curves)
    names = ("threshold", "exponential")
    shapes = {name: build_shape(name, [block.x for block in means.blocks]) for name in names}
    solutions = {name: solve(shape, means.blocks) for name, shape in shapes.items()}
    misfits, number = trial_misfits(means, shapes, solutions)
    model = noise_model(curves)
    gains = []
    for left in range(6):
        counts = np.ones((1, 6))
        counts[0, left] = 0
        score = dict.fromkeys(names, 0.0)
        blocks = [
            Block(block.x, mean_curve(curve, counts), block.whitening)
            for curve, block in zip(curves.curves, means.blocks, strict=True)
        ]
        for name in names:
            fit = solve(shapes[name], blocks)
            for place, curve in enumerate(curves.curves):
                spread = trial_covariance(model, curves, place) * 6 / 5
                spread = spread + 6 * np.eye(curve.x.size) * (0.01 * means.ranges[place]) ** 2
                guess = predict(shapes[name], fit, place, curve.x)[0] * curve.norm[left]
                scale = curve.norm.mean()
                score[name] += multivariate_normal.logpdf(
                    curve.values[left] / scale, guess / scale, spread
                )
        gains.append(score["threshold"] - score["exponential"])
    found = elpd_gain(misfits["exponential"], misfits["threshold"])
    assert found.value == pytest.approx(np.sum(gains), rel=1e-5)
    assert found.se == pytest.approx(np.std(gains, ddof=1) * np.sqrt(6), rel=1e-5)
    assert number.tolist() == [62.0] * 6


def test_sizes_left_out_by_brute_force(curves):
    means = means_of(curves)
    shape = build_shape("threshold", [block.x for block in means.blocks])
    found = size_misfits(means, shape, solve(shape, means.blocks))
    for place in range(2):
        theta = solve(shape, [means.blocks[1 - place]]).theta[:1]
        block = means.blocks[place]
        design = np.stack([shape.basis(block.x, theta)[0], np.ones(block.x.size)], axis=1)
        root = block.whitening
        chi2 = np.linalg.lstsq(root @ design, root @ block.y[0], rcond=None)[1][0]
        assert found[place] == pytest.approx(chi2, rel=1e-3)


def test_scores_come_with_the_comparison(curves):
    comparison = fit_models(curves, resamples=40).comparison
    scores = comparison.scores
    assert set(scores) == {
        "threshold", "exponential", "stretched", "crossover", "line", "constant", "rounded",
    }  # fmt: skip
    assert min(scores, key=lambda name: scores[name].bic) == "threshold"
    assert min(scores, key=lambda name: scores[name].aicc) == "threshold"
    assert scores["exponential"].elpd_gain.ci95[0] > 0.0
    assert scores["exponential"].size_gain.value > 0.0
    assert "2 sizes" in scores["exponential"].size_gain.reason
    assert 2.0 < comparison.n_effective < 62.0
    assert set(comparison.p_values) == {"exponential", "stretched", "crossover", "line"}
    assert comparison.p_values["exponential"] == pytest.approx(1 / 200)


def test_profile_by_brute_force():
    """The rise at either end of the interval is t^2 kappa, with everything else refitted."""
    curves = additive(power_law(1.5), trials=7, correlated=True, seed=2)
    means = means_of(curves)
    shape = build_shape("threshold", [means.blocks[0].x])
    solution = solve(shape, means.blocks)
    precision = sandwich(shape, means, solution)
    block = means.blocks[0]
    for i, (name, profile) in enumerate(profiles(shape, means, solution).items()):
        assert name == ("x_c", "beta")[i]
        assert 6.0 <= profile.freedom <= 6.0 * 41
        bound = student_t.ppf(0.975, profile.freedom)
        others = np.linspace(0, 1, 4001)
        for end in profile.interval(0.95)[:2]:
            unit = np.empty((others.size, 2))
            unit[:, i], unit[:, 1 - i] = shape.axes[i].unit(np.array(end)), others
            g = shape.basis(block.x, shape.theta(unit))
            least = min(
                np.linalg.lstsq(
                    block.whitening @ np.stack([row, np.ones(row.size)], axis=1),
                    block.whitening @ block.y[0],
                    rcond=None,
                )[1][0]
                for row in g[g[:, 0] > 0]
            )
            rise = (least - solution.rss[0]) / (precision.noisy[i, i] / precision.weighted[i, i])
            assert np.sqrt(rise) == pytest.approx(bound, rel=0.03)
        low, high, shut = profile.interval(0.68)
        assert shut
        assert profile.interval(0.95)[0] < low < profile.value < high < profile.interval(0.95)[1]


def test_degrees_of_freedom_are_satterthwaites():
    """The variance of the variance, over simulated sample standard deviations at each point."""
    curves = additive(power_law(1.5), trials=7, correlated=True, seed=2)
    means = means_of(curves)
    shape = build_shape("threshold", [means.blocks[0].x])
    first = solve(shape, means.blocks)
    # on data without residual, where Gauss-Newton levers are exact
    exact = predict(shape, first, 0, means.blocks[0].x)[:1]
    block = means.blocks[0]
    means = replace(means, blocks=(Block(block.x, exact, block.whitening),))
    solution = solve(shape, means.blocks, start=first.unit[:1])
    precision = sandwich(shape, means, solution)
    noise = means.noise.mean[0]
    sd = np.sqrt(np.diag(noise))
    correlation = noise / np.outer(sd, sd)
    # the levers by finite differences of the fit itself
    lever = np.empty((2, sd.size))
    for j in range(sd.size):
        moved = means.blocks[0].y[:1].repeat(2, axis=0)
        moved[:, j] += np.array([-1e-3, 1e-3])
        block = Block(means.blocks[0].x, moved, means.blocks[0].whitening)
        unit = solve(shape, [block], start=solution.unit[:1], search=False, tolerance=1e-15).unit
        lever[:, j] = (unit[1] - unit[0]) / 2e-3
    assert np.diag(lever @ noise @ lever.T) == pytest.approx(np.diag(precision.noisy), rel=0.1)
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((4000, 6, sd.size)) @ np.linalg.cholesky(correlation).T
    scaled = lever[:, None, :] * (sd * np.sqrt(np.mean(draws**2, axis=1)))
    variance = np.einsum("dbj,jk,dbk->db", scaled, correlation, scaled)
    freedom = 2.0 * variance.mean(axis=1) ** 2 / variance.var(axis=1)
    assert precision.freedom == pytest.approx(freedom, rel=0.25)
    assert wald(shape, solution, precision)["x_c"].se == pytest.approx(
        profiles(shape, means, solution)["x_c"].se
    )


def test_an_open_profile_says_so():
    curves = additive(lambda x: np.exp(-5.0 * x), trials=5, correlated=True, seed=0)
    found = fit_models(curves, models=("threshold",)).fits["threshold"].parameters["x_c"]
    assert "the interval of x_c reaches the high end" in found.reason
    assert found.ci95[1] == pytest.approx(2.0)


def test_simulated_noise_has_the_covariance_of_the_weights():
    curves = additive(power_law(1.0), trials=400, correlated=True, points=9, seed=0)
    means = means_of(curves)
    drawn = simulated_noise(means, 40_000, seed=1)[0]
    wanted = means.noise.mean[0] + np.eye(9) * (0.01 * means.ranges[0]) ** 2
    assert np.cov(drawn.T) == pytest.approx(wanted, abs=0.03 * wanted.max())


def test_rounding_p_value_is_half_of_fisher():
    curves = additive(TRUTHS["crossover"], trials=10, correlated=False, seed=0)
    means = means_of(curves)
    grids = [means.blocks[0].x]
    sharp = solve(build_shape("threshold", grids), means.blocks)
    rounded = solve(build_shape("rounded", grids), means.blocks)
    gain = sharp.rss[0] - rounded.rss[0]
    assert gain > 0
    # F(1, n) is the square of Student's t
    assert rounding_p_value(means, sharp, rounded) == pytest.approx(
        student_t.sf(np.sqrt(gain), 9), rel=1e-9
    )
    assert rounding_p_value(means, rounded, sharp) == 1.0


def test_given_noise_is_used(curves):
    noise = curve_noise(curves)
    known = fit_models(curves, resamples=0, noise=noise, models=("threshold",))
    own = fit_models(curves, resamples=0, models=("threshold",))
    assert known.to_dict() == own.to_dict()
    part = fit_models(curves.only(1), resamples=0, noise=noise.pick([1]), models=("threshold",))
    assert part.fits["threshold"].n_points == 41
    kept = [np.arange(21) < 15, np.arange(41) < 30]
    assert [one.shape for one in noise.select(kept).mean] == [(15, 15), (30, 30)]


def test_tables_have_a_row_a_case():
    table = threshold_coverage(3, (5,), betas=(1.0,), noises=("independent",), resamples=20)
    assert list(table["parameter"]) == ["x_c", "beta"]
    shares = table[[c for c in table if c.startswith(("profile", "bootstrap"))]]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)
    power = threshold_power(1, (10,), truths={"line": TRUTHS["line"]})
    assert power["none"].tolist() == [1.0]
    with pytest.raises(ConfigError, match="0 repeats"):
        threshold_power(0)
    with pytest.raises(ConfigError, match="'white': choose"):
        threshold_coverage(1, noises=("white",))


@pytest.mark.slow
@pytest.mark.parametrize("trials", [5, 8, 20])
def test_intervals_cover(trials):
    table = threshold_coverage(200, (trials,))
    assert (table["profile 95%"] >= 0.90).all()
    assert (table["bias/sd"].abs() < 0.25).all()


@pytest.mark.slow
def test_claims_and_power():
    table = threshold_power(100).set_index(["truth", "trials"])["threshold"]
    for (truth, _), share in table.items():
        assert share >= 0.9 if truth.startswith("threshold") else share <= 0.05, truth


def test_stated_errors_set_the_scale(curves):
    known = curve_noise(curves)
    stated = tuple(replace(curve, error=np.full(curve.x.size, 0.02)) for curve in curves.curves)
    scaled = curve_noise(CurveSet(stated, curves.trials))
    for before, after in zip(known.mean, scaled.mean, strict=True):
        assert np.diag(after) == pytest.approx(4e-4)
        assert after[3, 9] / 4e-4 == pytest.approx(
            before[3, 9] / np.sqrt(before[3, 3] * before[9, 9])
        )
