"""Teacher and student trained on patterns of finite N, measured as in the theory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sta.distillation.erm import generalization_error
from sta.distillation.losses import Distilled
from sta.distillation.newton import minimum
from sta.distillation.setting import Setting
from sta.errors import ConfigError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DistillationRuns:
    """Outcomes of several draws, each array of shape (seeds,).

    Attributes
    ----------
    dimension : int
        N.
    teacher : dict
        test_error, training_error, m, q, b.
    student : dict
        test_error, training_error, m, q, s, b, cross_entropy, distance_outputs,
        distance_probabilities. Test errors follow from m, q and b; no test set is drawn.
    """

    dimension: int
    teacher: dict[str, Array]
    student: dict[str, Array]


def simulate_distillation(
    setting: Setting,
    dimension: int,
    seeds: int,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> DistillationRuns:
    """Draw patterns, train the teacher and the student on them, and measure both.

    The clusters' direction is all ones (any other is a rotation of it), and classes have exactly
    rho M and (1 - rho) M patterns.

    Parameters
    ----------
    setting : Setting
        Of one point.
    dimension : int
        N; the student has eta N weights, rounded.
    seeds : int
        Independent draws.
    seed : int
        Of all of them.
    on_progress : callable, optional
        Called with the draws done and their number.

    Returns
    -------
    DistillationRuns

    Raises
    ------
    ConfigError
        If the setting has several points, or N is too small for one weight or one pattern a class.
    StaError
        If Newton's method does not converge.
    """
    if setting.alpha.size != 1:
        raise ConfigError(f"a setting of {setting.alpha.size} points: simulate one at a time")
    point = setting.ravel()
    kept = round(float(point.eta[0]) * dimension)
    patterns = round(float(point.alpha[0]) * dimension)
    positive = round(float(point.rho[0]) * patterns)
    if kept < 1 or positive < 1 or positive >= patterns or seeds < 1:
        raise ConfigError(
            f"N = {dimension} gives {kept} weights and {positive} of {patterns} positive patterns;"
            " give a larger N, and at least 1 seed"
        )
    rows = []
    for number, child in enumerate(np.random.SeedSequence(seed).spawn(seeds)):
        rows.append(_one(point, dimension, kept, patterns, positive, np.random.default_rng(child)))
        if on_progress is not None:
            on_progress(number + 1, seeds)
    teachers, students = zip(*rows, strict=True)
    return DistillationRuns(
        dimension,
        {name: np.array([one[name] for one in teachers]) for name in teachers[0]},
        {name: np.array([one[name] for one in students]) for name in students[0]},
    )


def _one(
    point: Setting, dimension: int, kept: int, patterns: int, positive: int,
    rng: np.random.Generator,
) -> tuple[dict[str, float], dict[str, float]]:  # fmt: skip
    label = np.where(np.arange(patterns) < positive, 1.0, -1.0)
    x = _patterns(point, label, dimension, rng)
    if point.teacher == "erm":
        zero = np.zeros(1)
        hard = Distilled(point.loss, zero, zero + 1.0)
        weights, bias = minimum(x, hard, hard.pull(label, zero), float(point.lam_teacher[0]))
    else:
        seen = x if point.teacher == "hebb" else _patterns(point, label, dimension, rng)
        alpha, delta, rho = float(point.alpha[0]), float(point.delta[0]), float(point.rho[0])
        weights = label @ seen / alpha
        bias = 0.5 * delta * (1.0 + delta / alpha) * float(np.log(rho / (1.0 - rho)))
    outputs = x @ weights + bias
    teacher = _measured(point, weights, bias, label * outputs, dimension)
    loss = Distilled(point.loss, point.chi, point.temperature)
    own = np.ascontiguousarray(x[:, :kept])
    small, shift = minimum(own, loss, loss.pull(label, outputs), float(point.lam[0]))
    h = own @ small + shift
    student = _measured(point, small, shift, label * h, dimension)
    student |= {
        "s": float(small @ weights[:kept]) / dimension,
        "cross_entropy": float(np.mean(np.logaddexp(0.0, h) - expit(outputs) * h)),
        "distance_outputs": float(np.mean((h - outputs) ** 2)),
        "distance_probabilities": float(np.mean((expit(h) - expit(outputs)) ** 2)),
    }
    return teacher, student


def _patterns(point: Setting, label: Array, dimension: int, rng: np.random.Generator) -> Array:
    """Return x / sqrt N with x = s v / sqrt N + sqrt Delta z and v all ones, shape (M, N)."""
    noise = np.sqrt(float(point.delta[0])) * rng.standard_normal((len(label), dimension))
    return np.asarray((noise + label[:, None] / np.sqrt(dimension)) / np.sqrt(dimension))


def _measured(
    point: Setting, weights: Array, bias: float, margins: Array, dimension: int
) -> dict[str, float]:
    m, q = float(weights.sum()) / dimension, float(weights @ weights) / dimension
    wrong = generalization_error(point.rho, point.delta, np.array(m), np.array(q), np.array(bias))
    return {
        "test_error": float(wrong[0]), "training_error": float(np.mean(margins < 0.0)),
        "m": m, "q": q, "b": bias,
    }  # fmt: skip
