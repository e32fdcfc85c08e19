"""Gaps in sorted importances against a smooth law.

Importances s_1 >= s_2 >= ... drawn from a smooth density have log spacings
D_k = log s_k - log s_{k+1} that are nearly independent and exponential, with mean q(u) / n at
u = k / n, where q is the quantile density (Pyke).  With Parzen's tail law q(u) ~ C u^b (1 - u)^c,

    log D_k = a + b log k + c log(n - k) + log e_k,     e_k exponential,

is linear: it holds exactly for the exponential (b = -1), logistic (b = c = -1) and uniform
(b = c = 0) laws and closely for normal ones.  A gap is a spacing too large for that line.  The
studentised residuals of least squares do not depend on a, b and c, so their largest value has
one null distribution for each n, which is simulated.

References
----------
R. Pyke, Spacings, J. R. Stat. Soc. B 27, 395 (1965).  E. Parzen, Nonparametric statistical data
modeling, J. Am. Stat. Assoc. 74, 105 (1979), for the tail law.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.counts import FloatArray

MIN_SPACINGS = 5
MIN_ABOVE = 3
_TIED = 1e-3  # spacings below this share of the median are too small to be told apart


def studentised_spacings(spacings: FloatArray, n_units: int) -> FloatArray:
    """Residuals of the log spacings about the smooth law, over their standard deviations.

    Parameters
    ----------
    spacings
        D_k from the largest importance down, shape (..., m), positive or 0 (ties).
    n_units
        n, at least m + 1; more where the smallest units are too small to be told apart.

    Returns
    -------
    ndarray, shape (..., m)
        e_k / sqrt(1 - h_kk), with h the hat matrix; large where there is a gap.
    """
    logs = _log_spacings(spacings)
    design, leverage = _law(spacings.shape[-1], n_units)
    residual = logs - logs @ design.T
    found: FloatArray = residual / np.sqrt(1.0 - leverage)
    return found


def candidates(n_spacings: int) -> slice:
    """Return the spacings that may be gaps: those with at least 3 units above."""
    return slice(MIN_ABOVE - 1, n_spacings)


def largest_null(
    n_spacings: int, n_units: int, simulations: int, rng: np.random.Generator
) -> FloatArray:
    """Draw the largest studentised candidate of one smooth sample, shape (simulations,)."""
    draws = rng.exponential(size=(simulations, n_spacings))
    scores = studentised_spacings(draws, n_units)
    found: FloatArray = scores[:, candidates(n_spacings)].max(axis=1)
    return found


def _log_spacings(spacings: FloatArray) -> FloatArray:
    least = _TIED * np.median(spacings, axis=-1, keepdims=True)
    logs: FloatArray = np.log(np.maximum(spacings, np.maximum(least, np.finfo(float).tiny)))
    return logs


@lru_cache(maxsize=256)
def _law(n_spacings: int, n_units: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hat matrix of the smooth law and its diagonal."""
    k = np.arange(1.0, n_spacings + 1.0)
    columns = [np.ones_like(k), np.log(k)]
    if 2 * n_spacings > n_units:  # else 1 - u is nearly constant, and c is not determined
        columns.append(np.log(n_units - k))
    basis, _ = np.linalg.qr(np.stack(columns, axis=1))
    hat = basis @ basis.T
    return hat, np.diag(hat).copy()
