"""Mock curves y = L^(-b) F((x - x_c) L^a) (1 + A L^(-w)) with noise of known structure."""

from collections.abc import Callable, Sequence

import numpy as np

from sta.analysis.statistics.curves import Curve, CurveSet
from sta.analysis.statistics.resampling import FloatArray, Seed

TRUTH = {"x_c": 0.5, "inv_nu": 0.75, "beta_over_nu": 0.125}
SIZES = (16, 32, 64, 128)


def falling_branch(z: FloatArray) -> FloatArray:
    """F(z) = (1 + softplus(-z))^(beta) with beta = 1/6: rises as |z|^beta left of the transition.

    A smooth stand-in for the order parameter of percolation, whose beta is 5/36.
    """
    beta = TRUTH["beta_over_nu"] / TRUTH["inv_nu"]
    return np.asarray((0.1 + np.logaddexp(0.0, -z)) ** beta, dtype=float)


def mock_curves(
    *,
    sizes: Sequence[float] = SIZES,
    points: int = 15,
    trials: int = 20,
    window: float = 2.0,
    noise: float = 0.03,
    correlated: bool = False,
    correction: float = 0.0,
    correction_exponent: float = 1.0,
    scaling_function: Callable[[FloatArray], FloatArray] = falling_branch,
    seed: Seed = 0,
) -> CurveSet:
    """Draw curves of several sizes whose scaling is known exactly (see `TRUTH`).

    Parameters
    ----------
    sizes, points, trials
        Sizes L, points of x a size, independent trials a size.
    window
        The points cover |x - x_c| L^(1/nu) <= window, on a grid of each size's own.
    noise
        Standard deviation of one trial's point, relative to the largest y of its size.
    correlated
        Whether noise is shared along the curve of a trial: a third is an offset of the whole
        curve, half is smooth along it (length 0.6 in the scaled x), the rest is independent.
    correction, correction_exponent
        A and w of the correction to scaling.
    scaling_function
        F.
    seed
        Of the noise.
    """
    rng = np.random.default_rng(seed)
    z = np.linspace(-window, window, points)
    curves = []
    for size in sizes:
        x = TRUTH["x_c"] + z * float(size) ** -TRUTH["inv_nu"]
        y = size ** -TRUTH["beta_over_nu"] * scaling_function(z)
        y = y * (1.0 + correction * float(size) ** -correction_exponent)
        errors = rng.standard_normal((trials, points))
        if correlated:
            smooth = np.exp(-0.5 * ((z[:, None] - z) / 0.6) ** 2)
            covariance = 1.0 / 3.0 + 0.5 * smooth + np.eye(points) / 6.0
            errors = errors @ np.linalg.cholesky(covariance).T
        values = y + noise * y.max() * errors
        curves.append(Curve(float(size), x, values, np.ones(trials)))
    return CurveSet(tuple(curves), tuple(range(trials)))
