"""Cost of removing the smallest of h contributions: a threshold made by ranking alone.

References
----------
H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed. (2003): the i-th smallest of h uniform
numbers is Beta(i, h + 1 - i), and those below a given one are independent and uniform.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from sta.analysis.statistics.oracles.oracle import Oracle, curve_set, kept_grid, plan, truth
from sta.analysis.statistics.resampling import FloatArray, Seed
from sta.errors import ConfigError

DESCRIPTION = (
    "A teacher of h units with contributions s = u^kappa, u uniform on (0, 1): a student that"
    " keeps the n largest loses the sum of s^2 of the others (or, coherent, the square of the"
    " sum of s), as a share of the mean loss at n = 0. Nothing is lost for n >= h, so x_c = 1 for"
    " x = n/h, and beta = 2 kappa + 1 (coherent 2 kappa + 2) as h grows (David and Nagaraja,"
    " Order Statistics, 2003). A power law of a sharp threshold collapses for every pair of"
    " exponents with the ratio beta, so nu is not identified. Corrections are of order 1/h."
)


def order_statistics(
    *,
    sizes: Sequence[int] = (10, 20, 40, 80),
    trials: int | Sequence[int] = 100,
    x_max: float = 1.5,
    points: int | None = 31,
    kappa: float = 1.0,
    coherent: bool = False,
    seed: Seed = 0,
) -> Oracle:
    """Draw contributions and remove them in ascending order.

    Parameters
    ----------
    sizes
        Numbers of units h.
    trials
        Number of draws, of every size or of each.
    x_max, points
        The grid n = 0 .. x_max h: about `points` of it, or all if None.
    kappa
        Exponent of the quantile function s(u) = u^kappa.
    coherent
        Whether removed contributions add before they are squared.
    seed
        Of the draws.

    Raises
    ------
    ConfigError
        If kappa is not positive, or an option is out of range.
    """
    numbers = plan(sizes, trials, least=1)
    grids = [kept_grid(h, x_max, points) for h in numbers]
    streams = np.random.default_rng(seed).spawn(len(numbers))
    values = []
    for (h, number), n, rng in zip(numbers.items(), grids, streams, strict=True):
        scale = _cost(h, np.array([h]), _positive(kappa), coherent)
        s = np.sort(rng.random((number, h)), axis=1) ** kappa
        values.append(removal_cost(s, n.astype(np.intp), coherent) / scale)
    return Oracle(
        name="order-statistics",
        curves=curve_set(
            list(numbers), [n / h for n, h in zip(grids, numbers, strict=True)], values
        ),
        truth=truth(x_c=1.0, beta=2.0 * kappa + (2.0 if coherent else 1.0)),
        x_name="kept units n/h",
        y_name="cost / cost of all",
        size_name="units h",
        description=DESCRIPTION,
        corrections=True,
    )


def removal_cost(s: FloatArray, n: ArrayLike, coherent: bool = False) -> FloatArray:
    """Return the cost of keeping the n largest of ascending rows s, shape (T, len(n))."""
    start = np.zeros((s.shape[0], 1))
    total = np.hstack([start, np.cumsum(s if coherent else s**2, axis=1)])
    removed = np.maximum(s.shape[1] - np.asarray(n), 0)
    cost: FloatArray = total[:, removed] ** (2 if coherent else 1)
    return cost


def order_statistics_mean(
    h: int, n: ArrayLike, kappa: float = 1.0, coherent: bool = False
) -> FloatArray:
    """Return the expected cost of keeping n of h units, in units of that of keeping none.

    With k = max(h - n, 0) removed and kappa = 1 this is k (k+1) (k+2) / (h (h+1) (h+2)).
    In general the k smallest are k independent numbers below the (k+1)-th smallest v, so
    E cost = E v^(2 kappa) [k / (2 kappa + 1)  (+ k (k - 1) / (kappa + 1)^2 if coherent)], with
    E v^(2 kappa) = Gamma(k + 1 + 2 kappa) Gamma(h + 1) / (Gamma(k + 1) Gamma(h + 1 + 2 kappa)).

    Parameters
    ----------
    h
        Number of units.
    n
        Numbers of units kept, at least 0.
    kappa, coherent
        The law of the contributions, as in `order_statistics`.

    Examples
    --------
    >>> order_statistics_mean(4, [0, 2, 4, 6]).round(12).tolist()
    [1.0, 0.2, 0.0, 0.0]
    """
    removed = np.maximum(h - np.asarray(n), 0)
    mean: FloatArray = _cost(h, removed, _positive(kappa), coherent)
    return mean / _cost(h, np.array([h]), kappa, coherent)


def _cost(h: int, removed: ArrayLike, kappa: float, coherent: bool) -> FloatArray:
    k, power = np.asarray(removed, dtype=float), 2.0 * kappa
    grow = gammaln(k + 1 + power) - gammaln(k + 1) + gammaln(h + 1) - gammaln(h + 1 + power)
    pairs = k * (k - 1) / (kappa + 1) ** 2 if coherent else 0.0
    cost: FloatArray = np.exp(grow) * (k / (power + 1) + pairs)
    return cost


def _positive(kappa: float) -> float:
    if not kappa > 0.0:
        raise ConfigError(f"kappa is {kappa}: give a positive exponent")
    return float(kappa)
