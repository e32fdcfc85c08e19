"""Plateau, growth and predicted escape against the motion of the overlaps."""

import numpy as np
import pytest
from scipy.special import digamma

from sta.errors import ConfigError
from sta.quadratic import (
    drift,
    escape_constant,
    gathered_noise,
    integrate_flow,
    make_system,
    order_parameter,
    overparameterization,
    plateau,
    predict_escape,
    times_of_starts,
)

GENERAL = {
    "p = p*": make_system(1, 1, 0.03),
    "wide": make_system(4, 1, 0.12),
    "two": make_system(4, 2, 0.24),
    "noise, batch": make_system(3, 2, 0.2, label_noise=0.5, batch=2),
    "free scales": make_system(3, 2, 0.01, student_scale=1.0, teacher_scale=2.0),
    "unequal": make_system(3, 2, 0.2, teacher_overlap=[[1.2, 0.4], [0.4, 0.8]]),
    "spherical": make_system(4, 2, 0.24, spherical=True),
    "spherical, noise": make_system(2, 1, 0.06, spherical=True, label_noise=0.5, batch=4),
}


@pytest.mark.parametrize("name", GENERAL)
def test_growth_rates_are_those_of_the_motion(name):
    system = GENERAL[name]
    found = plateau(system)
    vectors = np.linalg.eigh(system.teacher_overlap)[1][:, ::-1]
    for rate, vector in zip(found.growth_rates, vectors.T, strict=True):
        mixed = np.zeros((system.student_width, system.teacher_width))
        mixed[0] = 1e-7 * vector
        moved = drift(system, found.norm_sgd * np.eye(system.student_width), mixed)[1]
        assert moved[0] == pytest.approx(rate * mixed[0], rel=1e-5, abs=1e-18)


@pytest.mark.parametrize("name", GENERAL)
def test_growth_seen_in_the_order_parameter(name):
    system = GENERAL[name]
    found = plateau(system)
    mixed = 1e-6 * np.eye(system.student_width, system.teacher_width)
    student = found.norm_sgd * np.eye(system.student_width)
    long = 6.0 / found.growth_rate
    flow = integrate_flow(system, student, mixed, np.array([0.75 * long, long]))
    m2 = order_parameter(system, flow.mixed)
    slope = np.log(m2[1] / m2[0]) / (0.25 * long) / 2.0
    assert slope == pytest.approx(found.growth_rate, rel=0.01)


@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize("p", [1, 2, 4, 8, 16])
def test_gradient_flow_leaves_at_a_rate_that_width_does_not_change(p, spherical):
    system = make_system(p, 1, 0.03 * p, spherical=spherical)
    found = plateau(system)
    assert found.growth_rate_gradient_flow == pytest.approx(0.12, rel=1e-12)
    mixed = np.zeros((p, 1))
    mixed[0] = 1e-6
    times = np.array([5.0, 10.0])
    flow = integrate_flow(system, found.norm * np.eye(p), mixed, times, gradient_flow=True)
    slope = np.log(flow.mixed[1, 0, 0] / flow.mixed[0, 0, 0]) / 5.0
    assert slope == pytest.approx(0.12, rel=1e-3)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (2, 1), (4, 1), (2, 2), (4, 2)])
def test_the_spherical_formula_to_six_digits(p, q):
    system = make_system(p, q, 0.03 * p * q, spherical=True)
    a, b, eta = system.student_scale, system.teacher_scale, system.learning_rate
    tau = a * p - b * q
    variance = tau**2 + 2 * (a**2 * p + b**2 * q)
    exact = 4 * a * b * eta - 2 * a**2 * eta**2 * (variance + 4 * a * tau + 8 * a**2)
    assert plateau(system).growth_rate == pytest.approx(exact, rel=1e-12)
    mixed = np.zeros((p, q))
    mixed[0, 0] = 1e-7
    flow = integrate_flow(system, np.eye(p), mixed, np.array([1.0, 2.0]), atol=1e-16)
    slope = np.log(flow.mixed[1, 0, 0] / flow.mixed[0, 0, 0])
    assert slope == pytest.approx(exact, rel=1e-5)


def test_growth_rate_to_first_order_in_the_gain():
    for p, q, noise in ((1, 1, 0.0), (4, 1, 0.3), (4, 2, 0.0)):
        gain = 1e-4
        system = make_system(p, q, gain * p * q, label_noise=noise)
        b = system.teacher_scale
        first = gain * q * (1 + q / (p + 2))
        first += system.student_scale * system.learning_rate * noise / (2 * b)
        assert 1 - plateau(system).growth_rate / (4 * gain) == pytest.approx(first, rel=2e-3)


PUBLISHED = {1: 1.0986, 2: 1.451, 4: 1.935, 8: 2.521, 16: 3.167, 32: 3.840, 64: 4.525}


@pytest.mark.parametrize("p", PUBLISHED)
def test_constant_of_the_escape(p):
    found = escape_constant(make_system(p, 1, 0.03 * p), gradient_flow=True)
    assert found == pytest.approx(PUBLISHED[p], abs=2e-3)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("threshold", [0.02, 0.5, 0.8])
def test_constant_without_spare_units_is_that_of_logistic_growth(p, threshold):
    system = make_system(p, p, 0.03 * p * p)
    found = escape_constant(system, threshold=threshold, gradient_flow=True)
    exact = np.log((p + 2) * threshold / (1 - threshold))
    assert found == pytest.approx(exact, abs=1e-3)


def test_overparameterization_only_modestly_accelerates_the_escape():
    rows = {row.student_width: row for row in overparameterization([1, 2, 4, 16, 64], 1, 0.03)}
    gain = rows[1].delay_gradient_flow - rows[16].delay_gradient_flow
    assert 1.8 <= gain <= 2.0
    half = rows[1].delay_gradient_flow - rows[2].delay_gradient_flow
    assert half / gain == pytest.approx(0.5, abs=0.06)
    for row in rows.values():
        assert abs(row.growth_rate / rows[1].growth_rate - 1) < 0.02
        assert row.prefactor == pytest.approx(2 * row.student_width / (row.student_width + 2))
    assert rows[1].std / rows[64].std > 10


@pytest.mark.parametrize("name", ["p = p*", "noise, batch", "unequal", "free scales", "spherical"])
def test_gathered_noise_without_an_approach_is_that_of_the_plateau(name):
    system = GENERAL[name]
    found = plateau(system)
    assert gathered_noise(system, found.norm_sgd) == pytest.approx(found.noise_to_signal, rel=1e-4)


def test_noise_that_feeds_the_overlap_is_an_average_over_patterns():
    system = make_system(3, 2, 0.2, teacher_overlap=[1.5, 0.5], label_noise=0.3)
    found = plateau(system)
    a, b = system.student_scale, system.teacher_scale
    rng = np.random.default_rng(0)
    size = 2_000_000
    lam = np.sqrt(found.norm_sgd) * rng.standard_normal((size, 3))
    nu = np.sqrt([1.5, 0.5]) * rng.standard_normal((size, 2))
    error = b * (nu**2).sum(1) - a * (lam**2).sum(1) + np.sqrt(0.3) * rng.standard_normal(size)
    fed = (2 * a * system.learning_rate * error[:, None] * lam[:, :1] * nu) ** 2
    rho = fed / (2 * found.growth_rates) / (found.norm_sgd * np.array([1.5, 0.5]))
    off = np.abs(rho.mean(0) - found.noise_to_signal)
    assert np.all(off < 5 * rho.std(0) / np.sqrt(size))


def test_prediction_for_one_teacher_unit():
    system = make_system(2, 1, 0.06)
    small, large = (predict_escape(system, n) for n in (500, 8000))
    rate = plateau(system).growth_rate
    assert large.mean - small.mean == pytest.approx(np.log(16) / (2 * rate))
    assert small.std == large.std and small.times is None
    log = small.constant - digamma(1.0) - np.log(2) - np.log1p(small.noise_to_signal)
    assert 2 * rate * small.mean == pytest.approx(np.log(500) + log)


def test_prediction_by_sampled_starts_agrees_with_the_formula_in_the_linear_regime():
    system = make_system(2, 2, 0.12)
    sampled = predict_escape(system, 10**6, threshold=0.001, samples=400, seed=1)
    rate = sampled.growth_rate
    constant = sampled.constant - np.log1p(sampled.noise_to_signal)
    exact = (np.log(10**6) + constant - digamma(2.0) - np.log(2)) / (2 * rate)
    error = sampled.std / np.sqrt(400)
    assert abs(sampled.mean - exact) < 3 * error + 0.05


def test_times_are_found_in_the_order_of_the_starts():
    system = make_system(2, 1, 0.06)
    sizes = np.array([1e-3, 1e-5, 1e-4])
    mixed = np.zeros((3, 2, 1))
    mixed[:, 0, 0] = sizes
    times = times_of_starts(system, mixed, 0.5)
    expected = times[1] - np.log(sizes / 1e-5) / plateau(system).growth_rate
    assert times == pytest.approx(expected, abs=5e-3)


def test_what_cannot_escape_says_so():
    with pytest.raises(ConfigError, match=r"nothing escapes|outgrows the plateau"):
        predict_escape(make_system(1, 1, 0.5, spherical=True), 100)
    with pytest.raises(ConfigError, match=r"outgrows the plateau"):
        plateau(make_system(1, 1, 5.0))
    with pytest.raises(ConfigError, match=r"threshold 1.5"):
        predict_escape(make_system(1, 1, 0.03), 100, threshold=1.5)
    with pytest.raises(ConfigError, match=r"N = 2 is smaller than p \+ p. = 3"):
        predict_escape(make_system(2, 1, 0.03), 2)
