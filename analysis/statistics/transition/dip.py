"""Hartigan's dip: how far a sample is from any unimodal distribution.

The dip is the smallest maximal distance between the empirical distribution function and a
unimodal one (convex up to its mode, concave after).  Its p-value is taken against the uniform
distribution, the least favourable unimodal one.

References
----------
J. A. Hartigan, P. M. Hartigan, Ann. Stat. 13, 70 (1985).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.statistics.checks import finite_vector
from sta.analysis.statistics.resampling import FloatArray


def dip(values: ArrayLike) -> float:
    r"""Dip of a sample, between 1 / (2 n) and 1 / 4.

    .. math:: D = \min_{G\ \mathrm{unimodal}} \sup_x |F_n(x) - G(x)|

    Parameters
    ----------
    values
        The sample, shape (n,); ties are allowed.

    Raises
    ------
    ShapeError
        If the values are not a list of finite numbers.

    Notes
    -----
    Hartigan's algorithm: in the current modal interval the greatest convex minorant and the
    least concave majorant of F_n are drawn, and the interval shrinks to where they are farthest
    apart, until that distance is no more than what was needed outside.

    Examples
    --------
    >>> dip([0.0, 0.0, 1.0, 1.0]), dip([1.0, 2.0, 3.0, 4.0])
    (0.25, 0.125)
    """
    x, number = np.unique(finite_vector(values, "values"), return_counts=True)
    after = np.cumsum(number) / number.sum()
    before = after - number / number.sum()
    needed = 1.0 / float(number.sum())
    while True:
        lower, low_knots = _minorant(x, before)
        upper, high_knots = _minorant(x, -after)
        gap = -upper - lower
        at_low, at_high = gap[low_knots], gap[high_knots]
        if at_high.max() > at_low.max():
            end = high_knots[at_high.argmax()]
            start = low_knots[low_knots <= end].max()
        else:
            start = low_knots[at_low.argmax()]
            end = high_knots[high_knots >= start].min()
        if gap.max() <= needed or (start == 0 and end == x.size - 1):
            return 0.5 * needed
        # a unimodal distribution may jump at its mode, so the ends are still free
        left = np.max(after[:start] - lower[:start], initial=0.0)
        right = np.max(-upper[end + 1 :] - before[end + 1 :], initial=0.0)
        needed = max(needed, float(left), float(right))
        inner = slice(start, end + 1)
        x, before, after = x[inner], before[inner], after[inner]


def dip_p_value(values: ArrayLike, *, samples: int = 500, seed: int = 0) -> float:
    """Probability of a larger dip for as many uniform numbers: (1 + #{larger}) / (1 + samples).

    Parameters
    ----------
    values
        The sample, shape (n,).
    samples, seed
        Of the simulated null.
    """
    vector = finite_vector(values, "values")
    null = _uniform_dips(vector.size, samples, seed)
    # ties of the null with the observed dip count as larger
    return float((1 + np.sum(null >= dip(vector) - 1e-12)) / (1 + samples))


@lru_cache(maxsize=32)
def _uniform_dips(n: int, samples: int, seed: int) -> FloatArray:
    rng = np.random.default_rng([seed, n])
    return np.array([dip(row) for row in rng.random((samples, n))])


def _minorant(x: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Greatest convex minorant of the points (x, f), and the indices at which it touches."""
    place, height = x.tolist(), f.tolist()
    knots: list[int] = []
    for i in range(len(place)):
        while len(knots) > 1:
            a, b = knots[-2], knots[-1]
            rise = (height[b] - height[a]) * (place[i] - place[a])
            if rise < (height[i] - height[a]) * (place[b] - place[a]):
                break
            knots.pop()
        knots.append(i)
    touched = np.array(knots)
    return np.interp(x, x[touched], f[touched]), touched
