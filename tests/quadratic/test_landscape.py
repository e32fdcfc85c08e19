"""Closed-form curvature against automatic differentiation, and what its parts mean."""

import numpy as np
import pytest

from sta.errors import ConfigError
from sta.quadratic import (
    critical_weights,
    drift,
    hessian_modes,
    make_system,
    numeric_hessian,
    population_loss,
    spectrum,
    zero_modes,
)
from sta.quadratic.plateau import resting_norm

SYSTEMS = {
    "1 on 1": make_system(1, 1, 0.1),
    "2 on 1": make_system(2, 1, 0.1),
    "4 on 1": make_system(4, 1, 0.1),
    "2 on 2": make_system(2, 2, 0.1),
    "4 on 2": make_system(4, 2, 0.1),
    "4 on 2, no plateau of SGD": make_system(4, 2, 50.0),
    "3 on 2, unequal": make_system(3, 2, 0.1, teacher_overlap=[1.5, 0.5]),
    "free scales, skew": make_system(
        3, 2, 0.1, student_scale=0.7, teacher_scale=1.3, teacher_overlap=[[1.2, 0.4], [0.4, 0.8]]
    ),
}


@pytest.mark.parametrize("dimension", [24, None])
@pytest.mark.parametrize("at", ["plateau", "manifold"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_closed_form_is_the_second_derivative(name, at, dimension):
    system = SYSTEMS[name]
    dimension = dimension or system.student_width + system.teacher_width
    modes = hessian_modes(system, dimension, at)
    assert sum(one.multiplicity for one in modes) == system.student_width * dimension
    assert all(one.multiplicity > 0 for one in modes)
    found = numeric_hessian(system, dimension, at)
    assert found.gradient_norm < 1e-12 and found.max_error < 1e-8
    for one in spectrum(modes):  # multiplicities, one eigenvalue at a time
        near = np.abs(found.eigenvalues - one.eigenvalue) < 1e-7
        assert near.sum() == one.multiplicity


PUBLISHED = {
    ("2 on 1", "plateau"): {-2: 2, 0: 43, 1: 2, 2: 1},
    ("2 on 1", "manifold"): {0: 24, 2: 23, 6: 1},
    ("2 on 2", "plateau"): {-1: 4, 0: 41, 1: 2, 2: 1},
    ("2 on 2", "manifold"): {0: 1, 1: 44, 2: 2, 4: 1},
}


@pytest.mark.parametrize(("name", "at"), PUBLISHED)
def test_examples(name, at):
    found = spectrum(hessian_modes(SYSTEMS[name], 24, at))
    assert {round(one.eigenvalue, 9): one.multiplicity for one in found} == PUBLISHED[name, at]


@pytest.mark.parametrize("name", SYSTEMS)
def test_negative_curvature_is_the_growth_rate(name):
    system = SYSTEMS[name]
    modes = hessian_modes(system, 24, "plateau")
    growing = sorted(one.eigenvalue for one in modes if one.eigenvalue < 0)
    assert len(growing) == len(set(np.round(system.teacher_eigenvalues, 9)))
    assert sum(one.multiplicity for one in modes if one.eigenvalue < 0) == (
        system.student_width * system.teacher_width
    )
    norm = resting_norm(system) * np.eye(system.student_width)
    mixed = np.zeros((system.student_width, system.teacher_width))
    mixed[0] = np.linalg.eigh(system.teacher_overlap)[1][:, -1] * 1e-7
    moved = drift(system, norm, mixed, gradient_flow=True)[1]
    rate = np.linalg.norm(moved) / np.linalg.norm(mixed)
    assert -system.learning_rate * growing[0] == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize("name", SYSTEMS)
def test_zero_modes_are_rotations_and_spare_units(name):
    system = SYSTEMS[name]
    p, q = system.student_width, system.teacher_width
    found = zero_modes(system, 12)
    assert found.orbit == p * q - q * (q + 1) // 2
    assert found.number - found.orbit == (p - q) * (12 - q)
    assert found.outside < 1e-12
    assert len(found.exponents) == min(8, (p - q) * (12 - q))
    assert np.all(np.abs(found.exponents - 4.0) < 0.05)


@pytest.mark.parametrize("name", ["2 on 1", "4 on 2", "3 on 2, unequal"])
def test_spherical_plateau(name):
    free = SYSTEMS[name]
    system = make_system(
        free.student_width, free.teacher_width, 0.1, teacher_overlap=free.teacher_overlap,
        spherical=True,
    )  # fmt: skip
    found = numeric_hessian(system, 14, "plateau")
    assert len(found.eigenvalues) == system.student_width * 13
    assert found.gradient_norm < 1e-12 and found.max_error < 1e-8


@pytest.mark.parametrize(
    ("p", "q", "teacher"), [(4, 2, [1.0, 1.0]), (3, 2, [1.5, 0.5]), (5, 3, None)]
)
def test_spherical_solutions_are_minima(p, q, teacher):
    system = make_system(p, q, 0.1, teacher_overlap=teacher, spherical=True)
    student, fixed = critical_weights(system, 10, "manifold")
    assert np.linalg.norm(student, axis=1) == pytest.approx(np.ones(p))
    overlaps = student @ student.T, student @ fixed.T
    assert population_loss(system, *overlaps) == pytest.approx(0.0, abs=1e-20)
    found = numeric_hessian(system, 10, "manifold")
    assert found.max_error is None and found.gradient_norm < 1e-12
    assert found.eigenvalues[0] > -1e-9


def test_bad_input():
    system = SYSTEMS["2 on 1"]
    with pytest.raises(ConfigError, match=r"N = 2 is smaller than p \+ p. = 3"):
        hessian_modes(system, 2, "plateau")
    with pytest.raises(ConfigError, match="'saddle'"):
        hessian_modes(system, 20, "saddle")
    with pytest.raises(ConfigError, match="'saddle'"):
        critical_weights(system, 20, "saddle")
    with pytest.raises(ConfigError, match=r"p N = 2000 weights.*at most 1200"):
        numeric_hessian(system, 1000, "plateau")
    off = make_system(2, 1, 0.1, student_scale=1.0, spherical=True)
    with pytest.raises(ConfigError, match=r"a p = 2, b tr T = 1"):
        critical_weights(off, 20, "manifold")
