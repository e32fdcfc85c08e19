"""Curve sets whose transition is known exactly."""

import numpy as np
from scipy.stats import norm

from sta.analysis.statistics.curves import Curve, CurveSet

SIZES = (16, 32, 64, 128)


def whole(curves: list[Curve]) -> CurveSet:
    return CurveSet(tuple(curves), tuple(range(len(curves[0].values))))


def shifted(
    seed: int,
    exponent: float,
    *,
    trials: int = 20,
    sizes: tuple[float, ...] = SIZES,
    spread: float = 0.4,
    drift: float = 0.5,
    rising: bool = False,
) -> CurveSet:
    """Logistic steps at 1 + drift / L, shifted in each trial with sd spread L^-exponent."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 2, 81)
    curves = []
    for size in sizes:
        place = 1 + drift / size + spread * size**-exponent * rng.standard_normal((trials, 1))
        y = 1 / (1 + np.exp(np.clip((x - place) / 0.03, -50, 50)))
        curves.append(Curve(float(size), x, 1 - y if rising else y, np.ones(trials)))
    return whole(curves)


def scaling(
    seed: int, *, trials: int, a: float = 0.75, b: float = 0.125, noise: float = 0.0
) -> CurveSet:
    """m = L^-b Phi(-(x - 0.5) L^a - g), g Gaussian: chi peaks as L^(1 - 2 b), U crosses at 0.5."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.2, 0.8, 41)
    curves = []
    for size in SIZES:
        g = 0.7 * rng.standard_normal((trials, 1))
        m = norm.cdf(-((x - 0.5) * size**a + g))
        # noise that did not scale as m does would move the crossings
        m = size**-b * (m + noise * rng.standard_normal(m.shape))
        curves.append(Curve(float(size), x, m, np.ones(trials)))
    return whole(curves)


def ramps(
    seed: int,
    *,
    beta: float | None = None,
    jump: float = 0.6,
    trials: int = 40,
    sizes: tuple[int, ...] = (10, 20, 40, 80),
    noise: float = 0.02,
) -> CurveSet:
    """Ramps over n / L that end at a jittered x_c: as a power law, or with a jump if beta is None.

    The jitter 0.25 L^-1/2 makes trials at x_c(L) fall into two phases where there is a jump.
    """
    rng = np.random.default_rng(seed)
    curves = []
    for size in sizes:
        x = np.arange(int(1.6 * size) + 1) / size
        x_c = 1 + 0.25 * size**-0.5 * rng.standard_normal((trials, 1))
        below = np.clip(1 - x / x_c, 0, None)
        m = jump * (x < x_c) + (1 - jump) * below if beta is None else below**beta
        m = m + noise * rng.standard_normal(m.shape)
        m[:, 0] = 1
        curves.append(Curve(float(size), x, m, m[:, 0].copy()))
    return whole(curves)
