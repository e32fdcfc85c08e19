"""Curves and sweeps whose truth was planted."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from sta.analysis.statistics.curves import Curve, CurveSet

Ramp = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def power_ramp(x_c: float = 1.1, beta: float = 3.0, jitter: float = 0.0) -> Ramp:
    def ramp(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        edge = x_c + jitter * rng.standard_normal()
        return np.maximum(1 - x / edge, 0.0) ** beta

    return ramp


def exponential_ramp(b: float = 6.0, jitter: float = 0.0) -> Ramp:
    return lambda x, rng: np.exp(-b * (1 + jitter * rng.standard_normal()) * x)


def linear_ramp() -> Ramp:
    return lambda x, _: 1 - x / x[-1]


def logistic_ramp(middle: float = 0.5, width: float = 0.1) -> Ramp:
    return lambda x, _: 1 / (1 + np.exp((x - middle) / width))


def stretched_ramp(b: float = 2.5, p: float = 1.5) -> Ramp:
    return lambda x, _: np.exp(-((b * x) ** p))


def smooth_noise(x: np.ndarray, rng: np.random.Generator, length: float = 0.2) -> np.ndarray:
    """Unit-variance noise, correlated along the curve as points of one student are."""
    anchors = np.arange(x[0] - 3 * length, x[-1] + 3 * length, length)
    kernel = np.exp(-0.5 * ((x[:, None] - anchors) / length) ** 2)
    kernel /= np.sqrt((kernel**2).sum(axis=1, keepdims=True))
    return kernel @ rng.standard_normal(anchors.size)


def curve_set(
    ramp: Ramp,
    *,
    seed: int,
    trials: int = 10,
    n: int = 40,
    teacher: int = 20,
    noise: float = 0.02,
    spread: float = 0.2,
) -> CurveSet:
    """Ramps with an amplitude and correlated relative noise of their own for each trial."""
    rng = np.random.default_rng(seed)
    x = np.arange(n + 1) / teacher
    rows = []
    for _ in range(trials):
        y = ramp(x, rng)
        y = y * (1 + noise * 5 * smooth_noise(x, rng)) + 0.1 * noise * smooth_noise(x, rng)
        rows.append(np.exp(spread * rng.standard_normal()) * y)
    values = np.array(rows)
    return CurveSet((Curve(float(n), x, values, values[:, 0]),), tuple(range(trials)))


def importance(rng: np.random.Generator, kind: str, h: int, teacher: int, extra: int) -> list:
    if kind == "direct":
        return list(rng.uniform(0.3, 1.0, h))
    strong = np.concatenate([[1.0], rng.uniform(0.5, 1.0, min(h, teacher) - 1)])
    left = rng.uniform(0.07, 0.2, max(min(extra, h - teacher), 0))
    dead = np.full(h - strong.size - left.size, 1e-6)
    return list(rng.permutation(np.concatenate([strong, left, dead])) * 3.7)


def sweep(
    ramps: dict[str, Ramp],
    *,
    seed: int = 0,
    widths: tuple[int, ...] = (30, 60, 120),
    teachers: tuple[int, ...] = (20,),
    trials: int = 8,
    teacher_seeds: int = 1,
    noise: float = 0.02,
    extra: Callable[[int], int] = lambda _: 2,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A students table and a ramps table; trial amplitude is shared by the widths."""
    rng = np.random.default_rng(seed)
    students, rows = [], []
    for teacher in teachers:
        for teacher_seed in range(teacher_seeds):
            for trial in range(trials):
                scale = 20 * np.exp(0.2 * rng.standard_normal())
                for kind, ramp in ramps.items():
                    for h in widths:
                        key = {
                            "student_id": f"{kind}-{teacher}-{teacher_seed}-{trial}-{h}",
                            "kind": kind,
                            "student_width": h,
                            "teacher_width": teacher,
                            "teacher_seed": teacher_seed,
                            "trial": trial,
                        }
                        x = np.arange(h + 1) / teacher
                        y = ramp(x, rng) * (1 + 5 * noise * smooth_noise(x, rng))
                        mse = 0.01 + scale * (y - y[-1])
                        weights = importance(rng, kind, h, teacher, extra(h))
                        students.append(
                            {
                                **key,
                                "status": "ok",
                                "train_loss": 0.009,
                                "test_loss": 0.01,
                                "zero_loss": mse[0],
                                "target_variance": 4.0,
                                "effective_size": int(np.sum(np.array(weights) > 0.185)),
                                "importance": weights,
                            }
                        )
                        rows.append(
                            pd.DataFrame(
                                {
                                    **key,
                                    "n_kept": np.arange(h + 1),
                                    "mse": mse,
                                    "delta_mse": mse - mse[-1],
                                }
                            )
                        )
    return pd.DataFrame(students), pd.concat(rows, ignore_index=True)
