"""Curves whose truth is known, for studies of coverage, false claims and power."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import expit

from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.resampling import FloatArray, Seed

X_C = 1.1
Truth = Callable[[FloatArray], FloatArray]


def power_law(beta: float, x_c: float = X_C) -> Truth:
    """(1 - x / x_c)_+^beta."""
    return lambda x: np.asarray(np.maximum(1.0 - x / x_c, 0.0) ** beta)


TRUTHS: Mapping[str, Truth] = {
    "exponential": lambda x: np.exp(-5.0 * x),
    "line": lambda x: 1.0 - x / 2.0,
    "crossover": lambda x: np.asarray(expit((0.5 - x) / 0.1)),
    "threshold, beta = 1": power_law(1.0),
    "threshold, beta = 2": power_law(2.0),
    "threshold, beta = 3": power_law(3.0),
}


def additive(
    truth: Truth,
    *,
    trials: int,
    correlated: bool,
    sd: float = 0.03,
    points: int = 41,
    seed: Seed = 0,
) -> CurveSet:
    """One curve on 0 <= x <= 2 with noise of one standard deviation at every point.

    Parameters
    ----------
    truth
        y(x).
    trials, points
        Number of trials and of points.
    correlated
        Whether noise is shared along the curve of a trial: a third is an offset of the whole
        curve, half is smooth (length 0.2 in x), the rest is independent.
    sd
        Standard deviation of a point of one trial.
    seed
        Of the noise.
    """
    rng = np.random.default_rng(seed)
    x = np.linspace(0.0, 2.0, points)
    errors = rng.standard_normal((trials, points))
    if correlated:
        smooth = np.exp(-0.5 * ((x[:, None] - x) / 0.2) ** 2)
        covariance = 1.0 / 3.0 + 0.5 * smooth + np.eye(points) / 6.0
        errors = errors @ np.linalg.cholesky(covariance).T
    values = truth(x) + sd * errors
    return CurveSet((Curve(1.0, x, values, np.ones(trials)),), tuple(range(trials)))


def multiplicative(
    truth: Truth,
    *,
    trials: int,
    sizes: Sequence[int] = (10, 20, 40),
    relative: float = 0.1,
    spread: float = 0.2,
    seed: Seed = 0,
) -> CurveSet:
    """Ramps of several sizes h on x = n / h, n = 0 .. 2 h, noisy as pruning ramps are.

    Parameters
    ----------
    truth
        y(x), the same for all sizes.
    trials, sizes
        Number of trials, each with a curve of every size; sizes h.
    relative
        Relative standard deviation along a trial's curve, smooth in x with length 0.2.
    spread
        Standard deviation of the logarithm of a trial's amplitude, which is also its normaliser.
    seed
        Of the noise.
    """
    rng = np.random.default_rng(seed)
    curves = []
    for h in sizes:
        x = np.arange(2 * h + 1) / h
        factor = np.exp(spread * rng.standard_normal((trials, 1)))
        wobble = 1.0 + relative * smooth_noise(x, trials, rng)
        small = 0.02 * relative * smooth_noise(x, trials, rng)
        values = factor * (truth(x) * wobble + small)
        curves.append(Curve(float(h), x, values, values[:, 0]))
    return CurveSet(tuple(curves), tuple(range(trials)))


def smooth_noise(
    x: FloatArray, trials: int, rng: np.random.Generator, length: float = 0.2
) -> FloatArray:
    """Noise of unit variance and of a correlation length along x, shape (trials, P)."""
    anchors = np.arange(x[0] - 3.0 * length, x[-1] + 3.0 * length, length)
    kernel = np.exp(-0.5 * ((x[:, None] - anchors) / length) ** 2)
    kernel /= np.sqrt((kernel**2).sum(axis=1, keepdims=True))
    noise: FloatArray = rng.standard_normal((trials, anchors.size)) @ kernel.T
    return noise
