"""Linear student of a linear teacher: perfect generalisation from N patterns on.

References
----------
A. Krogh, J. A. Hertz, Generalization in a linear perceptron in the presence of noise, J. Phys.
A 25, 1135 (1992): the error of the noiseless case, 1 - alpha.
"""

from collections.abc import Sequence

import numpy as np

from sta.analysis.statistics.oracles.oracle import Oracle, curve_set, kept_grid, plan, truth
from sta.analysis.statistics.resampling import FloatArray, Seed

DESCRIPTION = (
    "Least squares of smallest norm on P = alpha N noiseless Gaussian patterns of a linear"
    " teacher with N weights: the error is the share of the teacher outside the span of the"
    " patterns, with mean exactly 1 - alpha below alpha = 1 and zero beyond (Krogh and Hertz, J."
    " Phys. A 25, 1135, 1992), so x_c = 1 and beta = 1 for every N. The mean collapses for every"
    " 1/nu = beta/nu, so nu is not identified by it. Patterns are added one by one in a trial."
)


def linear_student(
    *,
    sizes: Sequence[int] = (16, 32, 64, 128),
    trials: int | Sequence[int] = 100,
    x_max: float = 1.5,
    points: int | None = 31,
    seed: Seed = 0,
) -> Oracle:
    """Teach linear students with ever more patterns.

    Parameters
    ----------
    sizes
        Numbers of weights N.
    trials
        Number of teachers with patterns of their own, of every size or of each.
    x_max, points
        The grid P = 0 .. x_max N: about `points` of it, or all if None.
    seed
        Of teachers and patterns.

    Raises
    ------
    ConfigError
        If an option is out of range.

    Notes
    -----
    The residual share R of P < N patterns is chi2(N - P) / (chi2(N - P) + chi2(P)), that is
    Beta((N - P)/2, P/2): mean 1 - alpha without any correction in N, and variance
    2 alpha (1 - alpha) / (N + 2).  Within 1/N of the threshold, N R tends to chi2 with
    k = N - P degrees of freedom: every moment there is N^(-m) F_m(N (1 - alpha)), so the
    *fluctuations* have 1/nu = beta/nu = 1, and R fluctuates by as much as its mean only at
    1 - alpha ~ 1/N.  The mean alone, F_1(z) = max(-z, 0), fits 1/nu = beta/nu of any value;
    the truth therefore has None for both.
    """
    numbers = plan(sizes, trials, least=1)
    grids = [kept_grid(width, x_max, points) for width in numbers]
    streams = np.random.default_rng(seed).spawn(len(numbers))
    values = []
    for (width, number), patterns, rng in zip(numbers.items(), grids, streams, strict=True):
        every = np.stack([residual_share(width, rng) for _ in range(number)])
        values.append(every[:, np.minimum(patterns, width).astype(np.intp)])
    return Oracle(
        name="linear",
        curves=curve_set(
            list(numbers),
            [grid / width for grid, width in zip(grids, numbers, strict=True)],
            values,
        ),
        truth=truth(x_c=1.0, beta=1.0),
        x_name="patterns per weight alpha",
        y_name="error / error without patterns",
        size_name="weights N",
        description=DESCRIPTION,
        corrections=False,
    )


def residual_share(width: int, rng: np.random.Generator) -> FloatArray:
    """Return |teacher - student|^2 / |teacher|^2 after 0, 1, ..., N patterns, shape (N + 1,).

    The student of smallest norm is the projection of the teacher on the span of the first P
    patterns; an orthonormal basis in which the first P columns span it comes from one QR.
    """
    teacher = rng.standard_normal(width)
    basis, _ = np.linalg.qr(rng.standard_normal((width, width)))
    share = (teacher @ basis) ** 2
    outside = np.cumsum(share[::-1])[::-1] / share.sum()
    return np.append(outside, 0.0)
