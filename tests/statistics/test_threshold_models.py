"""Shapes and generalised least squares against closed forms and scipy."""

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import gamma as gamma_function
from scipy.special import ndtr, pbdv

from sta.analysis.statistics.threshold.models import MODELS, build_shape, rounded_power
from sta.analysis.statistics.threshold.separable import predict, solve
from sta.analysis.statistics.threshold.shapes import Block, whitening

X = np.linspace(0.0, 2.0, 41)


def covariance(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sd = 0.01 * (1 + rng.uniform(size=X.size))
    near = 0.7 * np.exp(-0.5 * ((X[:, None] - X) / 0.2) ** 2) + 0.3 * np.eye(X.size)
    return sd[:, None] * near * sd


def rounded(beta: float, width: float) -> np.ndarray:
    return rounded_power(X, np.array([[1.1, beta, width]]), 0.0)[0]


def test_rounded_line_and_parabola_are_closed_forms():
    # E (s + z)_+ = s Phi(s) + phi(s), E (s + z)_+^2 = (s^2 + 1) Phi(s) + s phi(s)
    width = 0.2
    s = (1.1 - X) / width
    phi = np.exp(-0.5 * s**2) / np.sqrt(2 * np.pi)
    one = (s * ndtr(s) + phi) * width / 1.1
    two = ((s**2 + 1) * ndtr(s) + s * phi) * (width / 1.1) ** 2
    assert rounded(1.0, width) == pytest.approx(one, abs=2e-6)
    assert rounded(2.0, width) == pytest.approx(two, abs=2e-6)


@pytest.mark.parametrize("beta", [0.5, 1.7, 4.3])
def test_rounded_power_is_a_parabolic_cylinder_function(beta):
    width = 0.3
    s = (1.1 - X) / width
    cylinder = np.array([pbdv(-beta - 1.0, -one)[0] for one in s])
    exact = gamma_function(beta + 1) / np.sqrt(2 * np.pi) * np.exp(-(s**2) / 4) * cylinder
    exact *= (width / 1.1) ** beta
    assert rounded(beta, width) == pytest.approx(exact, abs=2e-4 if beta < 1 else 2e-6)


@pytest.mark.parametrize("beta", [1.0, 2.5, 20.0])
def test_a_narrow_rounding_is_none(beta):
    sharp = np.maximum(1 - X / 1.1, 0) ** beta
    away = np.abs(X - 1.1) > 0.01
    assert rounded(beta, 1e-3)[away] == pytest.approx(sharp[away], abs=2e-4)


@pytest.mark.parametrize("name", MODELS)
def test_shapes_fall_from_one_data_set_to_many(name):
    """A basis takes any leading shape of theta, and no shape rises with x."""
    shape = build_shape(name, [X])
    unit = np.full((2, 3, len(shape.axes)), 0.5)
    g = shape.basis(X, shape.theta(unit))
    assert g.shape == (2, 3, X.size)
    assert np.diff(g[0, 0]).max() <= 1e-9
    assert np.isfinite(g).all()


@pytest.mark.parametrize("name", ["threshold", "exponential", "crossover", "rounded"])
def test_unit_coordinates_and_values_are_inverse(name):
    u = np.array([0.0, 0.3, 1.0])
    for axis in build_shape(name, [X]).axes:
        assert axis.unit(axis.value(u)) == pytest.approx(u, abs=1e-12)


def test_constant_and_line_are_the_gauss_markov_estimates():
    y = 1.0 - 0.4 * X + np.random.default_rng(1).multivariate_normal(np.zeros(41), covariance())
    root = whitening(covariance())
    block = Block(X, y[None], root)
    inverse = np.linalg.inv(covariance())
    level = inverse.sum(axis=0) @ y / inverse.sum()
    constant = solve(build_shape("constant", [X]), [block])
    assert constant.offset[0, 0] == pytest.approx(level, rel=1e-9)
    assert constant.rss[0] == pytest.approx((y - level) @ inverse @ (y - level), rel=1e-9)
    design = np.stack([1 - X / 2.0, np.ones(41)], axis=1)
    best, chi2, *_ = np.linalg.lstsq(root @ design, root @ y, rcond=None)
    line = solve(build_shape("line", [X]), [block])
    assert [line.amplitude[0, 0], line.offset[0, 0]] == pytest.approx(best, rel=1e-9)
    assert line.rss[0] == pytest.approx(chi2[0], rel=1e-9)


@pytest.mark.parametrize("name", ["threshold", "stretched", "crossover"])
def test_correlated_fit_agrees_with_scipy(name):
    """Two curves, one shape, each with a covariance of its own: least_squares from our optimum
    and from elsewhere finds nothing better."""
    rng = np.random.default_rng(3)
    shape = build_shape(name, [X, X])
    truth = np.maximum(1 - X / 1.1, 0) ** 1.7
    data = [
        a * truth + c + rng.multivariate_normal(np.zeros(41), covariance(k))
        for k, (a, c) in enumerate([(1.0, 0.0), (2.0, 0.3)])
    ]
    roots = [whitening(covariance(k)) for k in range(2)]
    ours = solve(shape, [Block(X, y[None], root) for y, root in zip(data, roots, strict=True)])

    def residual(p):
        g = shape.basis(X, shape.theta(p[None, :2]))[0]
        return np.concatenate([roots[k] @ (data[k] - p[2 + k] * g - p[4 + k]) for k in range(2)])

    low, high = [0, 0, 0, 0, -9, -9], [1, 1, 99, 99, 9, 9]
    best = np.inf
    for u in ([0.5, 0.5], [0.8, 0.4], ours.unit[0]):
        start = [*np.clip(u, 0.01, 0.99), 1, 2, 0, 0]
        best = min(best, 2 * least_squares(residual, start, bounds=(low, high)).cost)
    assert ours.rss[0] == pytest.approx(best, rel=1e-5)
    found = [predict(shape, ours, k, X)[0] for k in range(2)]
    again = [roots[k] @ (data[k] - found[k]) for k in range(2)]
    assert np.sum(np.square(again)) == pytest.approx(ours.rss[0], rel=1e-9)


def test_a_held_axis_stays_and_a_start_is_used():
    y = np.maximum(1 - X / 1.1, 0) ** 2
    shape = build_shape("threshold", [X])
    start = np.stack([shape.axes[0].unit(np.array([0.9, 1.3])), np.full(2, 0.5)], axis=1)
    block = Block(X, np.stack([y, y]), whitening(covariance()))
    held = solve(shape, [block], start=start, held=(0,), search=False)
    assert held.theta[:, 0] == pytest.approx([0.9, 1.3])
    assert (held.rss > 1.0).all()
    free = solve(shape, [block], start=start, search=False)
    assert free.theta == pytest.approx(np.array([[1.1, 2.0]] * 2), rel=1e-3)
