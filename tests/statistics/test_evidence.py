"""Evidence of a collapse against brute force, Harada's scaled form and finite differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from sta.analysis.statistics.scaling.design import CORRECTION_PRIOR, PRIOR
from sta.analysis.statistics.scaling.evidence import (
    CONSTANT_VARIANCE,
    Design,
    hessian,
    master_curve,
    response,
    value_and_gradient,
)

PARAMETERS = np.array([0.2, 0.7, 0.15, -0.4, 0.3, -0.9, 0.2])


@pytest.fixture(params=[False, True], ids=["plain", "corrected"])
def corrected(request) -> bool:
    return request.param


def make_design(corrected: bool, deviation: float | None = None) -> Design:
    """Three sizes of unlike numbers of points, correlated noise."""
    rng = np.random.default_rng(3)
    sizes = np.repeat([16.0, 40.0, 64.0], [6, 4, 5])
    mixing = 0.1 * rng.standard_normal((15, 15))
    prior = np.array(PRIOR + (CORRECTION_PRIOR if corrected else ()))
    if deviation is not None:
        prior[:, 1] = deviation
    return Design(
        x=rng.uniform(-2, 2, 15),
        y=rng.standard_normal(15),
        log_size=np.log(sizes / 35.0),
        noise=mixing @ mixing.T + 0.02 * np.eye(15),
        prior_mean=prior[:, 0],
        prior_deviation=prior[:, 1],
    )


def parameters(corrected: bool) -> np.ndarray:
    return PARAMETERS if corrected else PARAMETERS[:5]


def master_covariance(design: Design, p: np.ndarray) -> np.ndarray:
    """Covariance of F (1 + correction) at the points, one entry at a time."""
    size = np.exp(design.log_size)
    scaled = (design.x - p[0]) * size ** p[1]
    matrix = np.empty((size.size, size.size))
    for i in range(size.size):
        for j in range(size.size):
            square = (scaled[i] - scaled[j]) ** 2 / (2 * np.exp(p[4]) ** 2)
            matrix[i, j] = np.exp(p[3]) ** 2 * np.exp(-square) + CONSTANT_VARIANCE
            if design.corrected:
                exponent = np.exp(p[6]) / np.log(size.max() / size.min())
                falls = (size[i] * size[j] / size.min() ** 2) ** -exponent
                matrix[i, j] *= 1.0 + np.exp(p[5]) ** 2 * falls
    return matrix


def log_prior(design: Design, p: np.ndarray) -> float:
    return -0.5 * float(np.sum(((p - design.prior_mean) / design.prior_deviation) ** 2))


def test_value_is_the_log_density_of_y(corrected):
    design, p = make_design(corrected), parameters(corrected)
    shrink = np.exp(design.log_size) ** -p[2]
    covariance = shrink[:, None] * master_covariance(design, p) * shrink + design.noise
    density = multivariate_normal.logpdf(design.y, np.zeros(15), covariance)
    expected = -density - 7.5 * np.log(2 * np.pi) - log_prior(design, p)
    assert value_and_gradient(design, p)[0] == pytest.approx(expected, rel=1e-10)


def test_value_is_haradas_with_the_jacobian(corrected):
    """Y = L^b y with noise scaled alike; p(y) = p(Y) prod L^b."""
    design, p = make_design(corrected), parameters(corrected)
    grow = np.exp(design.log_size) ** p[2]
    covariance = master_covariance(design, p) + grow[:, None] * design.noise * grow
    density = multivariate_normal.logpdf(grow * design.y, np.zeros(15), covariance)
    density += p[2] * design.log_size.sum()
    expected = -density - 7.5 * np.log(2 * np.pi) - log_prior(design, p)
    assert value_and_gradient(design, p)[0] == pytest.approx(expected, rel=1e-10)


def test_gradient_and_curvature_are_differences_of_the_value(corrected):
    design, p = make_design(corrected), parameters(corrected)
    step = 1e-4 * np.eye(p.size)

    def value(q: np.ndarray) -> float:
        return value_and_gradient(design, q)[0]

    slopes = [(value(p + s) - value(p - s)) / 2e-4 for s in step]
    np.testing.assert_allclose(value_and_gradient(design, p)[1], slopes, rtol=1e-5, atol=1e-5)
    bends = [
        [
            (value(p + s + t) - value(p + s - t) - value(p - s + t) + value(p - s - t)) / 4e-8
            for t in step
        ]
        for s in step
    ]
    np.testing.assert_allclose(hessian(design, p), bends, rtol=1e-3, atol=1e-3)


def test_response_is_the_derivative_of_the_gradient_by_y(corrected):
    design, p = make_design(corrected), parameters(corrected)
    found = response(design, p)
    assert found.shape == (p.size, 15)
    for place in range(15):
        shift = 1e-5 * (np.arange(15) == place)
        ahead = value_and_gradient(design.with_y(design.y + shift), p)[1]
        behind = value_and_gradient(design.with_y(design.y - shift), p)[1]
        np.testing.assert_allclose(found[:, place], (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-6)


def test_order_of_the_points_does_not_matter(corrected):
    design, p = make_design(corrected), parameters(corrected)
    order = np.random.default_rng(0).permutation(15)
    mixed = replace(
        design,
        x=design.x[order],
        y=design.y[order],
        log_size=design.log_size[order],
        noise=design.noise[np.ix_(order, order)],
    )
    value, gradient = value_and_gradient(design, p)
    other, slope = value_and_gradient(mixed, p)
    assert other == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-9)


def test_a_power_of_the_size_divides_the_exponents(corrected):
    """With L^2 called size, half the 1/nu and half the beta/nu have the same evidence."""
    design, p = make_design(corrected, deviation=1e8), parameters(corrected)
    squared = replace(design, log_size=2 * design.log_size)
    halved = p.copy()
    halved[1:3] /= 2
    value, gradient = value_and_gradient(design, p)
    other, slope = value_and_gradient(squared, halved)
    assert other == pytest.approx(value, rel=1e-12)
    slope[1:3] /= 2
    np.testing.assert_allclose(slope, gradient, rtol=1e-9)


def test_where_there_is_no_density_the_value_is_infinite():
    design = make_design(False)
    assert value_and_gradient(replace(design, noise=-10 * np.eye(15)), PARAMETERS[:5])[0] == np.inf


def test_master_curve_goes_through_exact_points():
    design, p = make_design(False), PARAMETERS[:5]
    size = np.exp(design.log_size)
    scaled = (design.x - p[0]) * size ** p[1]
    exact = replace(design, y=size ** -p[2] * np.sin(scaled), noise=1e-7 * np.eye(15))
    mean, deviation = master_curve(exact, p, scaled)
    np.testing.assert_allclose(mean, np.sin(scaled), atol=1e-3)
    assert deviation.max() < 1e-3
    far = master_curve(exact, p, np.array([1e3]))[1][0]
    assert far > 0.5 * np.exp(p[3])
