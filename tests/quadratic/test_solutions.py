"""Closed-form flow, what it conserves, and which solution is selected."""

import numpy as np
import pytest

from sta.errors import ConfigError, ShapeError
from sta.quadratic import (
    conserved_matrix,
    distance_to_solution,
    exact_flow,
    factor_overlap,
    integrate_flow,
    make_system,
    noise_overlap,
    polar_factor,
    population_loss,
    random_overlaps,
    select_by_flow,
    select_by_sgd,
    sequential_factor,
    solution,
)


def start(p, q, size, seed=0):
    rng = np.random.default_rng(seed)
    mixed = size * rng.standard_normal((p, q))
    return np.eye(p) + 2 * mixed @ mixed.T, mixed


@pytest.mark.parametrize("scales", [(None, None), (0.7, 1.3), (1.0, 1.0)])
@pytest.mark.parametrize("p", [1, 2, 3])
def test_closed_form_is_the_integrated_flow(p, scales):
    system = make_system(p, p, 0.02, student_scale=scales[0], teacher_scale=scales[1])
    turn = np.linalg.qr(np.random.default_rng(p).standard_normal((p, p)))[0]
    times = np.linspace(0.0, 10.0 / (8 * system.gain), 50)
    flow = integrate_flow(
        system, 1.4 * np.eye(p), 0.01 * turn, times, gradient_flow=True, rtol=1e-11, atol=1e-13
    )
    q, m = exact_flow(system, 1.4, 0.01, times)
    assert np.abs(flow.student - q[:, None, None] * np.eye(p)).max() < 1e-7
    assert np.abs(flow.mixed - m[:, None, None] * turn).max() < 1e-7


def test_closed_form_from_no_overlap_stays_on_the_plateau():
    system = make_system(2, 2, 0.1)
    q, m = exact_flow(system, 1.0, 0.0, np.array([0.0, 1e3]))
    assert m.tolist() == [0.0, 0.0] and q == pytest.approx([1.0, 2 / 4])
    for given, words in (
        ((make_system(3, 2, 0.1), 1.0, 0.1), "p = p"),
        ((make_system(2, 2, 0.1, teacher_overlap=[1.0, 0.5]), 1.0, 0.1), "T = I"),
        ((system, 1.0, 1.0), "m_0.2 below q_0"),
    ):
        with pytest.raises(ConfigError, match=words):
            exact_flow(*given, 1.0)


@pytest.mark.parametrize(
    ("p", "q", "teacher"),
    [(1, 1, None), (3, 1, None), (2, 2, None), (4, 2, None), (3, 3, None),
     (4, 2, [1.5, 0.5]), (3, 2, [[1.2, 0.4], [0.4, 0.8]])],
)  # fmt: skip
def test_gradient_flow_conserves_a_matrix(p, q, teacher):
    system = make_system(p, q, 0.03 * p * q, teacher_overlap=teacher)
    times = np.linspace(0.0, 30.0, 31)
    both = [
        integrate_flow(system, *start(p, q, 0.2), times, gradient_flow=flow, rtol=1e-10, atol=1e-13)
        for flow in (True, False)
    ]
    kept, noisy = (conserved_matrix(system, one.student, one.mixed, times) for one in both)
    scale = np.abs(kept[0]).max()
    assert np.abs(kept - kept[0]).max() < 1e-6 * scale
    assert np.abs(noisy - noisy[0]).max() > 1e-2 * scale  # the noise of SGD breaks it


@pytest.mark.parametrize("gradient_flow", [True, False])
@pytest.mark.parametrize(("p", "q"), [(1, 1), (2, 2), (3, 3), (2, 1), (4, 2)])
def test_polar_factor_is_conserved_and_the_closest_solution_reached(p, q, gradient_flow):
    system = make_system(p, q, 0.03 * p * q)
    mixed = 0.05 * np.random.default_rng(p).standard_normal((p, q))
    times = np.array([10.0, 100.0, 4000.0])
    flow = integrate_flow(
        system, np.eye(p), mixed, times, gradient_flow=gradient_flow, rtol=1e-11, atol=1e-13
    )
    factor = polar_factor(mixed)
    assert np.abs(polar_factor(flow.mixed) - factor).max() < 1e-8
    off = np.abs(flow.mixed[-1] - solution(system, factor)[1]).max()
    assert off < (1e-6 if p == q else 1e-3)


def test_solutions_have_no_loss_and_the_polar_factor_is_nearest():
    system = make_system(4, 2, 0.1, teacher_overlap=[[1.2, 0.4], [0.4, 0.8]])
    student, mixed = start(4, 2, 0.3)
    nearest = polar_factor(mixed)
    rng = np.random.default_rng(0)
    others = np.linalg.qr(rng.standard_normal((500, 4, 2)))[0]
    close = np.linalg.qr(nearest + 0.05 * rng.standard_normal((500, 4, 2)))[0]
    close = np.stack([polar_factor(nearest + one) for one in 0.05 * (close - nearest)])
    least = distance_to_solution(system, student, mixed, nearest)
    for group in (others, close):
        loss = population_loss(system, *solution(system, group))
        assert np.abs(loss).max() < 1e-24
        assert np.all(distance_to_solution(system, student, mixed, group) > least)
    # the distance itself, from weights
    dimension = 8
    frame = np.linalg.qr(rng.standard_normal((dimension, 6)))[0].T
    teacher = system.teacher_root @ frame[:2]
    along = mixed @ np.linalg.inv(system.teacher_root)
    rest = np.linalg.cholesky(student - along @ along.T)
    weights = along @ frame[:2] + rest @ frame[2:]
    unit = np.sqrt(system.teacher_scale / system.student_scale)
    exact = np.sum((weights - unit * nearest @ teacher) ** 2)
    assert least == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize(("p", "q"), [(2, 1), (2, 2), (4, 2)])
def test_gradient_flow_from_random_starts_selects_the_closest_solution(p, q):
    system = make_system(p, q, 0.03 * p * q)
    medians = []
    for dimension in (100, 1000):
        rng = np.random.default_rng(dimension)
        found = select_by_flow(system, *random_overlaps(system, dimension, 40, rng))
        medians.append(np.median(1.0 - found.closest))
    assert medians[1] < 1e-3
    assert medians[0] / medians[1] == pytest.approx(10.0, rel=0.7)  # 1 - overlap ~ 1 / N


def test_unequal_teacher_eigenvalues_select_one_after_the_other():
    system = make_system(2, 2, 0.12, teacher_overlap=[1.5, 0.5])
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((30, 2, 2))
    mixed *= 1e-2 / np.linalg.norm(mixed, axis=(1, 2), keepdims=True)
    found = select_by_flow(system, np.broadcast_to(np.eye(2), (30, 2, 2)), mixed)
    assert np.median(1.0 - found.sequential) < 1e-3
    assert np.median(1.0 - found.closest) > 1e-2
    assert found.start_size == pytest.approx(np.full(30, 1e-2))


def test_sequential_factor_in_the_teachers_eigenbasis():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    plain = make_system(3, 2, 0.1, teacher_overlap=[1.5, 0.5])
    turned = make_system(3, 2, 0.1, teacher_overlap=turn @ np.diag([1.5, 0.5]) @ turn.T)
    mixed = rng.standard_normal((3, 2))
    found = sequential_factor(plain, mixed)
    assert found[:, 0] == pytest.approx(mixed[:, 0] / np.linalg.norm(mixed[:, 0]))
    assert found.T @ found == pytest.approx(np.eye(2))
    assert found[:, 1] @ mixed[:, 1] > 0
    assert sequential_factor(turned, mixed @ turn.T) == pytest.approx(found @ turn.T)


def test_noise_turns_the_selected_solution_at_any_dimension():
    """p = p* = 1: only the sign is selected, and it is wrong with a known probability."""
    system = make_system(1, 1, 0.03)
    expected = noise_overlap(system)
    assert expected == pytest.approx(0.75, abs=0.01)
    for dimension in (60, 240):
        found = select_by_sgd(system, dimension, 300, seed=dimension)
        assert set(np.round(found.closest, 9)) == {-1.0, 1.0}
        error = np.sqrt((1 - expected**2) / 300)
        assert abs(found.closest.mean() - expected) < 3 * error
    calm = make_system(1, 1, 0.003)
    assert noise_overlap(calm) > 0.9


MEASURED = {1: (0.77, 0.07), 2: (0.87, 0.05), 4: (0.92, 0.03), 8: (0.93, 0.02)}


@pytest.mark.slow
@pytest.mark.parametrize("p", MEASURED)
def test_overlap_with_the_closest_solution_under_sgd(p):
    value, width = MEASURED[p]
    found = select_by_sgd(make_system(p, 1, 0.03 * p), 500, 200, seed=p).closest
    assert abs(found.mean() - value) < width + 2 * found.std() / np.sqrt(200)


def test_bad_input():
    system = make_system(2, 1, 0.1)
    with pytest.raises(ShapeError, match="vanishing singular value"):
        polar_factor(np.zeros((2, 1)))
    with pytest.raises(ConfigError, match="spherical"):
        solution(make_system(2, 1, 0.1, spherical=True), np.eye(2, 1))
    with pytest.raises(ConfigError, match=r"p = p. = 1"):
        noise_overlap(system)
    with pytest.raises(ConfigError, match="critical"):
        hot = make_system(1, 1, 0.5)
        select_by_flow(hot, np.eye(1)[None], 0.1 * np.eye(1)[None], gradient_flow=False, alpha=1e3)
    assert factor_overlap(np.eye(3, 2), np.eye(3, 2)) == 1.0
