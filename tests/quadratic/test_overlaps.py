"""Loss and motion of the overlaps against averages over patterns, and what is refused."""

import numpy as np
import pytest

from sta.errors import ConfigError, ShapeError
from sta.quadratic import (
    check_learning_rate,
    check_overlaps,
    critical_learning_rate,
    drift,
    make_system,
    order_parameter,
    population_loss,
)

SYSTEMS = {
    "averages": make_system(2, 1, 0.1),
    "sums": make_system(3, 2, 0.01, student_scale=1.0, teacher_scale=1.0),
    "free scales, noise": make_system(
        2, 2, 0.05, student_scale=0.7, teacher_scale=1.3, label_noise=0.4
    ),
    "unequal teacher, batch": make_system(
        3, 2, 0.1, teacher_overlap=[[1.5, 0.3], [0.3, 0.5]], batch=4
    ),
    "spherical": make_system(4, 2, 0.2, spherical=True, label_noise=0.1),
}


def overlaps(system, seed=0, dimension=12):
    """Overlaps of random weights of few dimensions, so that none is small."""
    rng = np.random.default_rng(seed)
    teacher = rng.standard_normal((system.teacher_width, dimension))
    white = np.linalg.cholesky(teacher @ teacher.T)
    teacher = np.linalg.cholesky(system.teacher_overlap) @ np.linalg.solve(white, teacher)
    weights = 0.4 * rng.standard_normal((system.student_width, dimension))
    if system.spherical:
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    return weights @ weights.T, weights @ teacher.T


@pytest.mark.parametrize("name", SYSTEMS)
def test_loss_and_motion_are_averages_over_patterns(name):
    system = SYSTEMS[name]
    a, b, eta, p = (
        system.student_scale, system.teacher_scale, system.learning_rate, system.student_width
    )  # fmt: skip
    student, mixed = overlaps(system)
    joint = np.block([[student, mixed], [mixed.T, system.teacher_overlap]])
    rng = np.random.default_rng(1)
    sums = squares = 0.0
    for _ in range(16):
        fields = rng.standard_normal((250_000, len(joint))) @ np.linalg.cholesky(joint).T
        lam, nu = fields[:, :p], fields[:, p:]
        noise = np.sqrt(system.label_noise) * rng.standard_normal(len(fields))
        error = b * (nu**2).sum(1) + noise - a * (lam**2).sum(1)
        d_mixed = 2 * a * eta * error[:, None, None] * lam[:, :, None] * nu[:, None, :]
        pairs = lam[:, :, None] * lam[:, None, :]
        slope = 4 * a * eta * error + system.noise_rate * error**2
        d_student = slope[:, None, None] * pairs
        if system.spherical:
            growth = 0.5 * np.diagonal(d_student, axis1=1, axis2=2)
            d_mixed = d_mixed - mixed * growth[:, :, None]
            d_student = d_student - student * (growth[:, :, None] + growth[:, None, :])
        all_of_them = np.concatenate(
            [(error**2 / 2)[:, None], d_student.reshape(len(fields), -1),
             d_mixed.reshape(len(fields), -1)], axis=1,
        )  # fmt: skip
        sums = sums + all_of_them.sum(0)
        squares = squares + (all_of_them**2).sum(0)
    number = 16 * 250_000
    mean = sums / number
    error = np.sqrt((squares / number - mean**2) / number)
    found = drift(system, student, mixed)
    exact = np.concatenate(
        [[population_loss(system, student, mixed)], found[0].ravel(), found[1].ravel()]
    )
    assert np.all(np.abs(mean - exact) < 5 * error + 1e-14)


@pytest.mark.parametrize("name", SYSTEMS)
def test_gradient_flow_is_minus_the_gradient_of_the_loss(name):
    system = SYSTEMS[name]
    student, mixed = overlaps(system)
    rate = sum(
        np.sum(motion * gradient)
        for motion, gradient in zip(
            drift(system, student, mixed, gradient_flow=True),
            loss_gradient(system, student, mixed),
            strict=True,
        )
    )
    assert rate < 0
    if not system.spherical:  # dL/dalpha = -eta |dL/dw|^2 with w = W / sqrt N
        gradient_q, gradient_m = loss_gradient(system, student, mixed)
        joint = np.block([[student, mixed], [mixed.T, system.teacher_overlap]])
        factor = np.hstack([2 * gradient_q, gradient_m])
        assert rate == pytest.approx(
            -system.learning_rate * np.trace(factor @ joint @ factor.T), rel=1e-6
        )


def loss_gradient(system, student, mixed, step=1e-6):
    """By central differences; Q is moved symmetrically."""
    parts = []
    for which, matrix in enumerate((student, mixed)):
        gradient = np.zeros_like(matrix)
        for i in np.ndindex(matrix.shape):
            shift = np.zeros_like(matrix)
            shift[i] += step / 2
            if which == 0:
                shift[i[::-1]] += step / 2
            ends = [
                population_loss(system, student + s * shift, mixed)
                if which == 0
                else population_loss(system, student, mixed + 2 * s * shift)
                for s in (1, -1)
            ]
            gradient[i] = (ends[0] - ends[1]) / (2 * step)
        parts.append(gradient)
    return parts


def test_stacks_are_moved_one_by_one():
    system = SYSTEMS["unequal teacher, batch"]
    pairs = [overlaps(system, seed) for seed in range(5)]
    student, mixed = (np.stack(part) for part in zip(*pairs, strict=True))
    together = drift(system, student, mixed)
    losses = population_loss(system, student, mixed)
    for k, pair in enumerate(pairs):
        for whole, alone in zip(together, drift(system, *pair), strict=True):
            assert whole[k] == pytest.approx(alone, rel=1e-12, abs=1e-15)
        assert losses[k] == pytest.approx(population_loss(system, *pair), rel=1e-12)


def test_zero_loss_does_not_cancel():
    system = make_system(3, 2, 0.1, teacher_overlap=[1.5, 0.5])
    root = np.sqrt(system.teacher_scale / system.student_scale)
    weights = np.zeros((3, 5))
    weights[:2, :2] = root * np.diag(np.sqrt([1.5, 0.5]))
    weights[2, 4] = 1e-6
    teacher = np.diag(np.sqrt([1.5, 0.5]))
    student, mixed = weights @ weights.T, weights[:, :2] @ teacher.T
    spare = system.student_scale * 1e-12
    assert population_loss(system, student, mixed) == pytest.approx(1.5 * spare**2, rel=1e-3)
    assert order_parameter(system, mixed) == pytest.approx(1.0)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (3, 1), (2, 2), (4, 2), (3, 3)])
@pytest.mark.parametrize("batch", [1, 4])
def test_critical_learning_rate(p, q, batch):
    system = make_system(p, q, 0.1, batch=batch)
    gain = critical_learning_rate(system) * system.student_scale * system.teacher_scale
    assert gain == pytest.approx(batch / (2 * (q + 2)), abs=1e-4)


@pytest.mark.parametrize("teacher", [[1.0, 1.0], [1.5, 0.5], [2.0, 1.0, 0.2]])
@pytest.mark.parametrize("side", [0.98, 1.02])
def test_solutions_are_stable_below_and_unstable_above_the_critical_rate(teacher, side):
    q = len(teacher)
    system = make_system(q, q, 1.0, teacher_overlap=teacher)
    eta = side * critical_learning_rate(system)
    system = make_system(q, q, eta, teacher_overlap=teacher)
    student = np.diag(teacher) * (1 + 1e-6)
    mixed = np.diag(teacher).astype(float)
    losses = []
    for _ in range(4000):
        moved = drift(system, student, mixed)
        student, mixed = student + 0.05 * moved[0], mixed + 0.05 * moved[1]
        losses.append(population_loss(system, student, mixed))
    assert (losses[-1] > losses[len(losses) // 2]) == (side > 1)


def test_spherical_students_stop_escaping_at_their_critical_rate():
    system = make_system(4, 2, 1.0, spherical=True)
    critical = critical_learning_rate(system)
    for side in (0.99, 1.01):
        here = make_system(4, 2, side * critical, spherical=True)
        mixed = np.zeros((4, 2))
        mixed[0, 0] = 1e-6
        growth = drift(here, np.eye(4), mixed)[1][0, 0] / 1e-6
        assert (growth > 0) == (side < 1)


BAD = {
    "p < p*": (lambda: make_system(1, 2, 0.1), ConfigError, "p = 1 below the teacher's p. = 2"),
    "p* = 0": (lambda: make_system(1, 0, 0.1), ConfigError, "p. = 0: give at least 1"),
    "eta = 0": (lambda: make_system(1, 1, 0.0), ConfigError, "eta = 0.0: give a positive"),
    "eta nan": (lambda: make_system(1, 1, float("nan")), ConfigError, "eta = nan"),
    "noise": (
        lambda: make_system(1, 1, 0.1, label_noise=-0.5), ConfigError, "Delta = -0.5.*at least 0",
    ),
    "batch": (lambda: make_system(1, 1, 0.1, batch=0), ConfigError, "batch = 0"),
    "shape of T": (
        lambda: make_system(2, 2, 0.1, teacher_overlap=[1.0]), ShapeError, r"needs 2 x 2",
    ),
    "singular T": (
        lambda: make_system(2, 2, 0.1, teacher_overlap=[1.0, 0.0]), ShapeError, "above 1e-12",
    ),
    "skew T": (
        lambda: make_system(2, 2, 0.1, teacher_overlap=[[1.0, 0.2], [0.0, 1.0]]),
        ShapeError, "symmetric",
    ),
    "critical": (
        lambda: check_learning_rate(make_system(1, 1, 0.2)), ConfigError,
        "eta = 0.2 is above the critical 0.16666.*diverges",
    ),
    "overlaps": (
        lambda: check_overlaps(make_system(1, 1, 0.1), np.eye(1), 1.1 * np.eye(1)), ShapeError,
        "Q - M T.-1 M.T has the eigenvalue -0.21.*at least 0",
    ),
    "singular Q": (
        lambda: check_overlaps(make_system(2, 1, 0.1), np.ones((2, 2)), np.zeros((2, 1))),
        ShapeError, "Q is singular",
    ),
    "skew Q": (
        lambda: check_overlaps(
            make_system(2, 1, 0.1), np.array([[1.0, 0.3], [0.0, 1.0]]), np.zeros((2, 1))
        ),
        ShapeError, "Q .* symmetric",
    ),
    "not finite": (
        lambda: check_overlaps(make_system(1, 1, 0.1), np.array([[np.nan]]), np.eye(1)),
        ShapeError, "finite",
    ),
    "shapes": (
        lambda: check_overlaps(make_system(2, 1, 0.1), np.eye(1), np.eye(1)), ShapeError, "p = 2",
    ),
    "spherical Q": (
        lambda: check_overlaps(
            make_system(1, 1, 0.1, spherical=True), 2 * np.eye(1), np.zeros((1, 1))
        ),
        ShapeError, "Q_kk = 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_the_bound(name):
    call, error, words = BAD[name]
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
