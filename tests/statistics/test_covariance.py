"""Covariance of mean curves: known structures are found, and nothing of low rank is inverted."""

import numpy as np
import pytest
from scipy.linalg import eigh

from sta.analysis.statistics.covariance import (
    mean_covariance,
    noise_model,
    trial_covariance,
    trial_residuals,
)
from sta.analysis.statistics.curves import Curve, CurveSet, mean_curve
from sta.analysis.statistics.oracles.mock import mock_curves

SIZES = (16.0, 64.0, 256.0)


def curves_of(correlation, *, trials, points=15, shrink=0.0, scale=1.0, seed=0) -> CurveSet:
    """Curves on x in 0 .. L^-shrink with noise of the given correlation; deviations 0.1 .. 0.3."""
    rng = np.random.default_rng(seed)
    curves = []
    for size in SIZES:
        x = np.linspace(0, 1, points) * (size / SIZES[0]) ** -shrink
        factor = np.linalg.cholesky(correlation(np.linspace(0, 1, points)))
        errors = rng.standard_normal((trials, points)) @ factor.T
        values = 1.0 + np.linspace(0, 1, points) + np.linspace(0.1, 0.3, points) * errors
        curves.append(Curve(size, scale * x, values, np.ones(trials)))
    return CurveSet(tuple(curves), tuple(range(trials)))


def independent(x):
    return np.eye(x.size)


def offset_and_smooth(x):
    near = np.exp(-(((x[:, None] - x) / 0.3) ** 2))
    return 0.3 + 0.5 * near + 0.2 * np.eye(x.size)


def rough(x):
    """Of an Ornstein-Uhlenbeck walk."""
    return np.exp(-np.abs(x[:, None] - x) / 0.4)


def late_walk(x):
    """Of a random walk that began before the curve does."""
    start = 1.0 + x
    return np.minimum(start[:, None], start) / np.sqrt(start[:, None] * start)


def fitted_correlation(curves: CurveSet, place: int) -> np.ndarray:
    covariance = trial_covariance(noise_model(curves), curves, place)
    sd = np.sqrt(np.diag(covariance))
    return covariance / sd[:, None] / sd


@pytest.mark.parametrize(
    ("truth", "within"),
    [(independent, 0.05), (offset_and_smooth, 0.12), (rough, 0.12), (late_walk, 0.12)],
)
def test_simulated_correlations_are_found(truth, within):
    curves = curves_of(truth, trials=150)
    for place in range(3):
        expected = truth(np.linspace(0, 1, 15))
        assert np.abs(fitted_correlation(curves, place) - expected).max() < within


def test_power_tells_rough_from_smooth_curves():
    assert noise_model(curves_of(rough, trials=150)).power == pytest.approx(1.0, abs=0.25)
    assert noise_model(curves_of(late_walk, trials=150)).power == pytest.approx(1.0, abs=0.4)
    assert noise_model(curves_of(offset_and_smooth, trials=150)).power > 1.5


def test_length_shrinks_with_the_size():
    model = noise_model(curves_of(offset_and_smooth, trials=150, shrink=0.75))
    assert model.length_exponent == pytest.approx(0.75, abs=0.1)
    assert model.length == pytest.approx(0.3, rel=0.25)
    same = noise_model(curves_of(offset_and_smooth, trials=150))
    assert same.length_exponent < 0.15


def test_deviations_are_shrunk_towards_their_neighbours():
    """They are nearer to the truth than the sample's, and nowhere far from it."""
    truth = np.linspace(0.1, 0.3, 15)
    curves = curves_of(offset_and_smooth, trials=6, seed=4)
    model = noise_model(curves)
    sample = [np.std(curve.values, axis=0, ddof=1) for curve in curves.curves]
    missed = np.log(np.concatenate(model.deviations) / np.tile(truth, 3))
    plain = np.log(np.concatenate(sample) / np.tile(truth, 3))
    assert np.mean(missed**2) < np.mean(plain**2)
    assert np.abs(missed).max() < np.log(2)
    assert model.degrees_of_freedom == 15


@pytest.mark.parametrize("truth", [independent, offset_and_smooth, rough])
def test_five_trials_give_no_direction_without_noise(truth):
    """The sample covariance of 5 trials has 11 such directions of 15, and a raw inverse of it
    would weigh them infinitely; the model stays within a factor of the truth in all.
    """
    curves = curves_of(truth, trials=5, seed=1)
    covariance = mean_covariance(noise_model(curves), curves)[:15, :15]
    deviation = np.linspace(0.1, 0.3, 15)
    expected = deviation[:, None] * truth(np.linspace(0, 1, 15)) * deviation / 5
    assert np.linalg.matrix_rank(np.cov(curves.curves[0].values.T)) == 4
    ratios = eigh(covariance, expected, eigvals_only=True)
    assert ratios.min() > 0.1
    assert ratios.max() < 10.0


@pytest.mark.parametrize("trials", [2, 3, 5])
def test_few_trials_and_points_do_not_break(trials):
    for points in (4, 15):
        curves = curves_of(independent, trials=trials, points=points)
        assert np.linalg.eigvalsh(mean_covariance(noise_model(curves), curves)).min() > 0.0


def test_trials_that_agree_exactly_do_not_break():
    curves = curves_of(independent, trials=5)
    curves.curves[0].values[:, :3] = 1.0
    model = noise_model(curves)
    assert np.linalg.eigvalsh(mean_covariance(model, curves)).min() > 0.0
    assert model.deviations[0][0] < model.deviations[0][-1]


def test_missing_cells_divide_by_what_is_there():
    curves = curves_of(offset_and_smooth, trials=12)
    rng = np.random.default_rng(0)
    for curve in curves.curves:
        curve.values[rng.random(curve.values.shape) < 0.2] = np.nan
    curves.curves[1].values[3:] = np.nan
    model = noise_model(curves)
    whole = mean_covariance(model, curves)
    for place, curve in enumerate(curves.curves):
        single = trial_covariance(model, curves, place)
        there = np.isfinite(curve.values)
        for i in range(15):
            for j in range(15):
                share = (there[:, i] & there[:, j]).sum()
                share = share / (there[:, i].sum() * there[:, j].sum())
                found = whole[15 * place + i, 15 * place + j]
                assert found == pytest.approx(single[i, j] * share)
    assert not whole[:15, 15:].any()
    assert np.linalg.eigvalsh(whole).min() > 0.0


def test_residuals_are_those_of_a_ratio_of_means():
    """Delta method against the spread of simulated ratios."""
    rng = np.random.default_rng(0)

    def sample(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        norm = np.exp(0.4 * rng.standard_normal(shape))
        shape_of_y = np.array([1.0, 0.5, 0.1])
        values = norm[..., None] * (shape_of_y + 0.05 * rng.standard_normal((*shape, 3)))
        return values + 0.1 * rng.standard_normal((*shape, 1)), norm

    values, norm = sample((20_000,))
    residuals = trial_residuals(Curve(1.0, np.arange(3.0), values, norm))
    np.testing.assert_allclose(residuals.mean(axis=0), 0.0, atol=1e-12)
    many, norms = sample((4000, 40))
    ratios = many.mean(axis=1) / norms.mean(axis=1)[:, None]
    np.testing.assert_allclose(np.cov(residuals.T) / 40, np.cov(ratios.T), rtol=0.1)


def test_unit_of_x_does_not_matter():
    small, large = (curves_of(rough, trials=8, scale=scale) for scale in (1.0, 1e4))
    one, other = noise_model(small), noise_model(large)
    assert other.length == pytest.approx(1e4 * one.length, rel=1e-2)
    assert other.common == pytest.approx(one.common, abs=1e-3)
    np.testing.assert_allclose(
        mean_covariance(other, large), mean_covariance(one, small), rtol=0.02, atol=1e-5
    )


def test_covariance_of_means_is_that_of_repeated_experiments():
    """Of mean curves of 20 trials each, drawn 400 times with the noise of the mock oracle."""
    curves = mock_curves(trials=20, correlated=True, points=8)
    model = mean_covariance(noise_model(curves), curves)
    many = mock_curves(trials=20 * 400, correlated=True, points=8, seed=1)
    means = [
        mean_curve(Curve(c.size, c.x, v, np.ones(20)))[0]
        for c in many.curves[:1]
        for v in c.values.reshape(400, 20, 8)
    ]
    ratios = eigh(model[:8, :8], np.cov(np.array(means).T), eigvals_only=True)
    assert 0.4 < ratios.min() < ratios.max() < 2.5
