"""The distilled student: teacher and student trained on one set of patterns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from sta.distillation.erm import (
    Erm,
    generalization_error,
    require,
    solve_erm,
)
from sta.distillation.fixed_point import solve_down
from sta.distillation.losses import Distilled
from sta.distillation.moments import nodes
from sta.distillation.setting import Setting

Array = NDArray[np.float64]

NODES_STUDENT = 65
NODES_BORDER = 4001
POINTS_AT_ONCE = 32


@dataclass(frozen=True)
class Teacher:
    """The teacher as the student sees it, arrays of one shape.

    Attributes
    ----------
    m, q, b : arrays
        Overlap with the clusters' direction, norm and bias.
    width, resolvent : arrays
        V~ and R~; zero for a teacher that does not depend on the student's patterns.
    test_error, training_error : arrays
        Shares of wrong signs; no training error (NaN) for an independent teacher.
    residual, iterations : arrays
        Certificate of its own fixed point; zero where it is closed.
    """

    m: Array
    q: Array
    b: Array
    width: Array
    resolvent: Array
    test_error: Array
    training_error: Array
    residual: Array
    iterations: NDArray[np.intp]


@dataclass(frozen=True)
class Student:
    """Fixed point of the distilled student, arrays of one shape.

    Attributes
    ----------
    m, q, s, b : arrays
        Overlap w v / N, norm w w / N, overlap with the teacher w w~ / N, and bias.
    width, reaction : arrays
        V, the variance of the output over resampled patterns, and V_21, its reaction through the
        teacher's own fit of a pattern.
    test_error, training_error : arrays
        Shares of wrong signs.
    cross_entropy : array
        Mean of log(1 + e^h) - sigma(h~) h over the training patterns.
    distance_outputs, distance_probabilities : arrays
        Mean of (h - h~)^2 and of (sigma(h) - sigma(h~))^2 over the training patterns.
    residual, iterations : arrays
        Certificate: largest change of an order parameter in the last iteration (relative, where
        it is above 1), and their number.
    """

    m: Array
    q: Array
    s: Array
    b: Array
    width: Array
    reaction: Array
    test_error: Array
    training_error: Array
    cross_entropy: Array
    distance_outputs: Array
    distance_probabilities: Array
    residual: Array
    iterations: NDArray[np.intp]


def solve_teacher(setting: Setting) -> Teacher:
    """Solve the teacher of a flat setting.

    "erm": empirical risk minimisation with all weights. "bayes" and "hebb": w~ = sum s x /
    (alpha sqrt N), b~ = Delta (1 + Delta / alpha) log(rho / (1 - rho)) / 2, from independent
    patterns or from the student's own.

    Raises
    ------
    StaError
        If it does not converge.
    """
    s = setting
    if s.teacher == "erm":
        one = np.ones_like(s.alpha)
        found: Erm = solve_erm(s.alpha, s.rho, s.delta, one, s.lam_teacher, s.loss)
        return Teacher(
            found.m, found.q, found.b, found.width, found.resolvent, found.test_error,
            found.training_error, found.residual, found.iterations,
        )  # fmt: skip
    m, q = np.ones_like(s.alpha), 1.0 + s.delta / s.alpha
    b = 0.5 * s.delta * q * np.log(s.rho / (1.0 - s.rho))
    own = s.teacher == "hebb"
    width = s.delta / s.alpha if own else np.zeros_like(m)
    nothing = np.zeros(len(m), dtype=np.intp)
    wrong = generalization_error(s.rho, s.delta, m, q, b)
    return Teacher(
        m, q, b, width, 1.0 / s.alpha if own else np.zeros_like(m), wrong, np.full_like(m, np.nan),
        np.zeros_like(m), nothing,
    )  # fmt: skip


def solve_student(setting: Setting, teacher: Teacher) -> Student:
    """Solve the student of a flat setting, in portions that fit the cache.

    Raises
    ------
    StaError
        If one point does not converge; the message names its residual.
    """
    size = len(setting.alpha)
    parts = []
    for first in range(0, size, POINTS_AT_ONCE):
        which = slice(first, first + POINTS_AT_ONCE)
        piece = Teacher(*(getattr(teacher, name)[which] for name in teacher.__dataclass_fields__))
        parts.append(_Portion(setting.take(which), piece).solved())
    return Student(
        *(
            np.concatenate([getattr(one, name) for one in parts])
            for name in Student.__dataclass_fields__
        )
    )


class _Portion:
    """Averages over the cavity fields of a few points: axes are point, label, z~ and z."""

    def __init__(self, setting: Setting, teacher: Teacher) -> None:
        self.setting, self.teacher = setting, teacher
        z, weight = nodes(NODES_STUDENT)
        self.z_teacher, self.z = z[None, None, :, None], z[None, None, None, :]
        self.label = np.array([1.0, -1.0])[None, :, None, None]
        rho = _wide(setting.rho)
        self.share = np.where(self.label > 0, rho, 1.0 - rho) * (weight[:, None] * weight)
        self.loss = Distilled(setting.loss, _wide(setting.chi), _wide(setting.temperature))
        self.h_teacher, self.f_teacher, self.dh_teacher, self.df_teacher = _teacher_fit(
            setting, teacher, self.z_teacher
        )
        self.teacher_response = self.loss.response(self.h_teacher)
        self.pull = self.loss.pull(self.label, self.h_teacher)
        self.outputs = np.full((len(teacher.m), 2, len(z), len(z)), np.nan)

    def averages(self, x: Array, k: NDArray[np.intp]) -> tuple[Array, ...]:
        """Return h*, g, and the derivatives of g by the student's and the teacher's field."""
        s, t = self.setting, self.teacher
        m, b, width, reaction = x[:, 0], x[:, 1], np.exp(x[:, 2]), x[:, 3]
        overlap, rest = x[:, 4], np.exp(x[:, 5])
        along = np.sqrt(s.delta[k] / t.q[k]) * overlap
        across = np.sqrt(s.delta[k] * rest)
        omega = (
            self.label * _wide(m) + _wide(b) + _wide(along) * self.z_teacher
            + _wide(across) * self.z + _wide(reaction) * self.f_teacher[k]
        )  # fmt: skip
        loss = Distilled(s.loss, self.loss.chi[k], self.loss.temperature[k])
        start = self.outputs[k]
        h = loss.prox(omega, _wide(width), self.pull[k], None if np.isnan(start).any() else start)
        self.outputs[k] = h
        slope, curved = loss.derivatives(h, self.pull[k])
        g, damped = -slope, 1.0 / (1.0 + _wide(width) * curved)
        dg = -curved * damped
        dg_teacher = (
            dg * _wide(reaction) * self.df_teacher[k]
            - self.teacher_response[k] * damped * self.dh_teacher[k]
        )
        return h, g, dg, dg_teacher

    def training_error(self, x: Array) -> Array:
        """Return the share of wrong signs.

        The average over z is an error function of z~, steep where the student follows its teacher,
        so that it has finer nodes.
        """
        z, weight = nodes(NODES_BORDER)
        z = z[None, None, :, None]
        h_teacher, f_teacher, _, _ = _teacher_fit(self.setting, self.teacher, z)
        pull = self.loss.pull(self.label, h_teacher)
        along = np.sqrt(self.setting.delta / self.teacher.q) * x[:, 4]
        across = np.sqrt(self.setting.delta * np.exp(x[:, 5]))
        mean = (
            self.label * _wide(x[:, 0]) + _wide(x[:, 1]) + _wide(along) * z
            + _wide(x[:, 3]) * f_teacher
        )  # fmt: skip
        # The output changes sign where the field passes V dl/dh at h = 0.
        border = _wide(np.exp(x[:, 2])) * self.loss.derivatives(np.zeros_like(pull), pull)[0]
        wrong = ndtr(self.label * (border - mean) / _wide(across))
        share = np.where(self.label > 0, _wide(self.setting.rho), 1.0 - _wide(self.setting.rho))
        return np.asarray(np.sum(share * weight[:, None] * wrong, axis=(1, 2, 3)))

    def update(self, x: Array, k: NDArray[np.intp], ridge: Array) -> Array:
        """Return the next order parameters: m, b, log V, V_21, S, log(q - S^2 / q~)."""
        s, t = self.setting, self.teacher
        _, g, dg, dg_teacher = self.averages(x, k)
        share, alpha, delta = self.share[k], s.alpha[k], s.delta[k]

        def mean(values: Array) -> Array:
            return np.asarray(np.sum(share * values, axis=(1, 2, 3)))

        mh, qh = alpha * mean(self.label * g), alpha * delta * mean(g**2)
        sh = alpha * delta * mean(g * self.f_teacher[k])
        curve, response = mean(dg), alpha * delta * mean(dg_teacher)
        r = 1.0 / (ridge - alpha * delta * curve)
        m_t, q_t, r_t = t.m[k], t.q[k], t.resolvent[k]
        field = mh * m_t + sh * r_t
        m = s.eta[k] * r * (mh + response * m_t)
        overlap = s.eta[k] * r * (field + response * q_t)
        q = s.eta[k] * r**2 * (mh**2 + qh + response**2 * q_t + 2.0 * response * field)
        width = s.eta[k] * delta * r
        rest = np.maximum(q - overlap**2 / q_t, 1e-14 * q)
        return np.stack(
            [m, x[:, 1] - mean(g) / curve, np.log(width), width * r_t * response, overlap,
             np.log(rest)], axis=1,
        )  # fmt: skip

    def solved(self) -> Student:
        """Solve all points, from large ridges down."""
        s, t = self.setting, self.teacher
        eta, zero = s.eta, np.zeros_like(s.eta)
        x = np.stack([0.5 * eta, zero, zero, zero, 0.4 * eta, np.log(0.4 * eta)], axis=1)
        x, residual, iterations = solve_down(self.update, x, s.lam)
        require(residual, "the student", s.lam)
        q = np.exp(x[:, 5]) + x[:, 4] ** 2 / t.q
        h = self.averages(x, np.arange(len(x)))[0]

        def mean(values: Array) -> Array:
            return np.asarray(np.sum(self.share * values, axis=(1, 2, 3)))

        return Student(
            x[:, 0], q, x[:, 4], x[:, 1], np.exp(x[:, 2]), x[:, 3],
            generalization_error(s.rho, s.delta, x[:, 0], q, x[:, 1]), self.training_error(x),
            mean(np.logaddexp(0.0, h) - expit(self.h_teacher) * h), mean((h - self.h_teacher) ** 2),
            mean((expit(h) - expit(self.h_teacher)) ** 2), residual, iterations,
        )  # fmt: skip


def _teacher_fit(setting: Setting, teacher: Teacher, z: Array) -> tuple[Array, Array, Array, Array]:
    """Return the teacher's output on a training pattern, its f~, and both's derivatives."""
    label = np.array([1.0, -1.0])[None, :, None, None]
    field = label * _wide(teacher.m) + _wide(teacher.b)
    field = field + np.sqrt(_wide(setting.delta * teacher.q)) * z
    width = _wide(teacher.width)
    if setting.teacher == "erm":
        zero = np.zeros((1, 1, 1, 1))
        hard = Distilled(setting.loss, zero, zero + 1.0)
        pull = hard.pull(label, zero)
        output = hard.prox(field, width, pull)
        slope, curved = hard.derivatives(output, pull)
        damped = 1.0 / (1.0 + width * curved)
        return output, -slope, damped, -curved * damped
    own = 1.0 if setting.teacher == "hebb" else 0.0
    one = np.ones_like(field)
    return field + own * width * label, own * label * one, one, 0.0 * one


def _wide(values: Array) -> Array:
    return np.asarray(values)[:, None, None, None]
