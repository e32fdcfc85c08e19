"""Integration of the overlaps: dense output, reasons for stopping, late times."""

import numpy as np
import pytest

from sta.errors import ConfigError
from sta.quadratic import (
    drift,
    integrate_flow,
    late_loss,
    late_rate,
    make_system,
    plateau,
    population_loss,
)


def start(p, q, seed=0, size=0.3):
    mixed = size * np.random.default_rng(seed).standard_normal((p, q))
    return np.eye(p) + mixed @ mixed.T, mixed


def test_against_small_steps():
    system = make_system(3, 2, 0.1, teacher_overlap=[1.5, 0.5], label_noise=0.1, batch=2)
    student, mixed = start(3, 2)
    flow = integrate_flow(system, student, mixed, np.array([2.5, 5.0]))
    steps = 20_000
    for _ in range(steps):  # Heun's method: error of order 1e-7
        first = drift(system, student, mixed)
        h = 5.0 / steps
        second = drift(system, student + h * first[0], mixed + h * first[1])
        student = student + h / 2 * (first[0] + second[0])
        mixed = mixed + h / 2 * (first[1] + second[1])
    assert flow.stop == "end" and flow.alpha.tolist() == [2.5, 5.0]
    assert flow.student[-1] == pytest.approx(student, abs=1e-6)
    assert flow.mixed[-1] == pytest.approx(mixed, abs=1e-6)


def test_dense_output_and_stacks():
    system = make_system(2, 2, 0.2)
    pairs = [start(2, 2, seed) for seed in range(3)]
    stack = [np.stack(part) for part in zip(*pairs, strict=True)]
    flow = integrate_flow(system, *stack, 30.0)
    assert flow.student.shape == (201, 3, 2, 2) and flow.loss.shape == (201, 3)
    times = np.array([[0.0, 7.3], [11.1, 30.0]])
    student, mixed = flow.at(times)
    assert student.shape == (2, 2, 3, 2, 2) and mixed.shape == (2, 2, 3, 2, 2)
    for k, pair in enumerate(pairs):
        alone = integrate_flow(system, *pair, np.array([7.3, 11.1, 30.0]))
        assert student[0, 1, k] == pytest.approx(alone.student[0], abs=1e-7)
        assert mixed[1, 1, k] == pytest.approx(alone.mixed[2], abs=1e-7)


def test_stops_when_solved():
    system = make_system(2, 2, 0.2, label_noise=0.0)
    flow = integrate_flow(system, *start(2, 2), 1e4, loss_floor=1e-6)
    assert flow.stop == "solved" and flow.alpha[-1] < 1e3
    assert flow.loss[-1] == pytest.approx(1e-6, rel=1e-3)


def test_divergence_is_explained():
    system = make_system(1, 1, 0.2)
    flow = integrate_flow(system, *start(1, 1), 1e3)
    assert flow.stop == "diverged" and flow.alpha[-1] < 1e3
    assert "eta = 0.2 is above the critical 0.16666" in flow.message
    far = integrate_flow(make_system(1, 1, 0.1), 100.0 * np.eye(1), np.eye(1), 1e3)
    assert far.stop == "diverged" and "too far away" in far.message
    below = integrate_flow(make_system(1, 1, 0.15), *start(1, 1), 1e3)
    assert below.stop == "end" and below.loss[-1] < 1e-9


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.array([0.0, 2.0, 1.0]), np.array([-1.0, 2.0])])
def test_bad_times(alpha):
    with pytest.raises(ConfigError, match=r"increasing and end above 0"):
        integrate_flow(make_system(1, 1, 0.1), *start(1, 1), alpha)


@pytest.mark.parametrize(("p", "q"), [(2, 1), (4, 1), (4, 2), (8, 2)])
def test_spare_units_die_algebraically(p, q):
    system = make_system(p, q, 0.03 * p * q)
    mixed = 0.1 * np.random.default_rng(1).standard_normal((p, q))
    times = np.array([2000.0, 4000.0, 8000.0])
    flow = integrate_flow(system, 0.5 * np.eye(p), mixed, times, gradient_flow=True)
    ratio = flow.loss / late_loss(system, times)
    assert ratio[1] == pytest.approx(1.0, abs=0.02)
    slope = np.log(flow.loss[2] / flow.loss[0]) / np.log(4.0)
    assert slope == pytest.approx(-2.0, abs=0.05)


@pytest.mark.parametrize("gradient_flow", [True, False])
@pytest.mark.parametrize("q", [1, 2, 3])
def test_without_spare_units_the_loss_decays_exponentially(q, gradient_flow):
    system = make_system(q, q, 0.03 * q * q)
    flow = integrate_flow(
        system, *start(q, q), np.array([80.0, 100.0]), gradient_flow=gradient_flow, rtol=1e-11,
        atol=1e-14,
    )  # fmt: skip
    rate = np.log(flow.loss[0] / flow.loss[1]) / 20.0
    assert rate == pytest.approx(late_rate(system, gradient_flow=gradient_flow), rel=1e-3)


def test_late_times_say_where_they_do_not_hold():
    with pytest.raises(ConfigError, match=r"p = p. = 2"):
        late_loss(make_system(2, 2, 0.1), 10.0)
    with pytest.raises(ConfigError, match="T = I"):
        late_loss(make_system(3, 2, 0.1, teacher_overlap=[1.0, 0.5]), 10.0)
    with pytest.raises(ConfigError, match="algebraically"):
        late_rate(make_system(3, 2, 0.1))


@pytest.mark.parametrize("spherical", [False, True])
def test_label_noise_leaves_a_floor_under_sgd_and_none_under_gradient_flow(spherical):
    system = make_system(2, 2, 0.1, label_noise=0.2, spherical=spherical)
    student, mixed = start(2, 2)
    if spherical:
        size = np.sqrt(np.diag(student))
        student, mixed = student / np.outer(size, size), mixed / size[:, None]
    floor = system.label_noise / 2.0
    loss = {
        flow: integrate_flow(system, student, mixed, 2e3, gradient_flow=flow).loss[-1] - floor
        for flow in (True, False)
    }
    assert 0.0 <= loss[True] < 1e-6 < loss[False] < 0.1


def test_plateau_is_a_rest_point_of_the_motion():
    system = make_system(3, 2, 0.2, label_noise=0.3, teacher_overlap=[1.5, 0.5])
    found = plateau(system)
    for norm, flow in ((found.norm, True), (found.norm_sgd, False)):
        moved = drift(system, norm * np.eye(3), np.zeros((3, 2)), gradient_flow=flow)
        assert np.abs(moved[0]).max() < 1e-12 and not moved[1].any()
    resting = population_loss(system, found.norm * np.eye(3), np.zeros((3, 2)))
    assert found.loss == pytest.approx(resting, rel=1e-12)
