"""The usual collapse, to compare with: Houdayer and Hartmann's S, errors from its curvature.

This is what existing tools do.  Points are taken as independent, S is minimised by the simplex
method, and the error of a parameter is read off the curvature of N S, a chi^2, at the minimum.

References
----------
J. Houdayer, A. K. Hartmann, Phys. Rev. B 70, 014418 (2004).  O. Melchert, arXiv:0910.5403.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from sta.analysis.statistics.curves import CurveSet, mean_curve
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.scaling.quality import houdayer_hartmann

LEAST_OVERLAP = 0.5


@dataclass(frozen=True)
class SimplexCollapse:
    """Minimum of S.

    Attributes
    ----------
    value, se
        x_c, 1/nu, beta/nu and the square root of the diagonal of the inverse curvature of
        N S / 2, shape (3,) each; NaN where the curvature is not positive.
    quality
        S at the minimum.
    evaluations
        How often S was computed.
    """

    value: FloatArray
    se: FloatArray
    quality: float
    evaluations: int


def simplex_collapse(curves: CurveSet, start: FloatArray) -> SimplexCollapse:
    """Minimise S from a start (x_c, 1/nu, beta/nu) by Nelder and Mead's method."""
    x = np.concatenate([curve.x for curve in curves.curves])
    y = np.concatenate([mean_curve(curve)[0] for curve in curves.curves])
    numbers = [np.isfinite(curve.values).sum(axis=0) for curve in curves.curves]
    error = np.concatenate(
        [
            np.nanstd(curve.values, axis=0, ddof=1) / np.sqrt(number)
            for curve, number in zip(curves.curves, numbers, strict=True)
        ]
    )
    place = np.repeat(np.arange(len(curves.curves)), [curve.x.size for curve in curves.curves])
    sizes = np.array([curve.size for curve in curves.curves])[place]
    scale = np.array([0.25 * np.ptp(x), 1.0, 1.0])

    def quality(u: FloatArray) -> float:
        x_c, inv_nu, ratio = start + u * scale
        factor = sizes**ratio
        s, overlap = houdayer_hartmann((x - x_c) * sizes**inv_nu, y * factor, error * factor, place)
        return 1e6 if s is None or overlap < LEAST_OVERLAP else s

    simplex = np.vstack([np.zeros(3), 0.1 * np.eye(3)])
    found = minimize(
        quality, np.zeros(3), method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 1e-4, "fatol": 1e-4, "maxfev": 400},
    )  # fmt: skip
    curvature = 0.5 * x.size * _curvature(quality, found.x, 0.01)
    try:
        variance = np.diag(np.linalg.inv(curvature)) * scale**2
    except np.linalg.LinAlgError:
        variance = np.full(3, -1.0)
    se = np.sqrt(np.where(variance > 0.0, variance, np.nan))
    return SimplexCollapse(start + found.x * scale, se, float(found.fun), int(found.nfev))


def _curvature(function, at: FloatArray, step: float) -> FloatArray:  # type: ignore[no-untyped-def]
    """Matrix of second differences."""
    shifts = step * np.eye(at.size)
    matrix = np.empty((at.size, at.size))
    for i, a in enumerate(shifts):
        for j, b in enumerate(shifts):
            corners = (
                function(at + a + b)
                - function(at + a - b)
                - function(at - a + b)
                + function(at - a - b)
            )
            matrix[i, j] = corners / (4.0 * step**2)
    return 0.5 * (matrix + matrix.T)
