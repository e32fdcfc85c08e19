"""How good a collapse is: four measures, and a p-value that knows about correlation.

Scaled points are X = (x - x_c) L^a, Y = y L^b, E = e L^b with e the standard error of y.  All
but the p-value take points as independent, so values near one prove little: with points
correlated along a curve they lie below one even for wrong exponents.

References
----------
J. Houdayer, A. K. Hartmann, Phys. Rev. B 70, 014418 (2004): S.  N. Kawashima, N. Ito, J. Phys.
Soc. Jpn. 62, 435 (1993): chi^2.  S. M. Bhattacharjee, F. Seno, J. Phys. A 34, 6375 (2001): P_b.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.plain import plain_fields
from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.scaling.evidence import Kernel
from sta.analysis.statistics.scaling.fit import CollapseFit

MOST_FREEDOM = 0.75  # share of the points' degrees of freedom that a master curve may use


@dataclass(frozen=True)
class Quality:
    """Measures of a collapse.

    Attributes
    ----------
    houdayer_hartmann
        S, mean squared distance to the other sizes' line in units of its error.
    kawashima_ito
        chi^2 per point to the line between neighbours in X.
    bhattacharjee_seno
        P_b, mean distance to the other sizes' curves over the range of Y; knows no errors.
    overlap
        Share of the points that enter S: those that lie between points of another size.
    p_value
        Chance of residuals at least as large, if the fitted master curve is true and the noise
        is as estimated (posterior predictive); None if the master curve follows nearly every
        point, so that no residual is left to judge it by.
    n_points, n_sizes
        What was fitted.
    """

    houdayer_hartmann: float | None
    kawashima_ito: float | None
    bhattacharjee_seno: float | None
    overlap: float
    p_value: float | None
    n_points: int
    n_sizes: int

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self)


def collapse_quality(fit: CollapseFit, *, seed: int = 0) -> Quality:
    """Measure the collapse at its optimum."""
    points = fit.points
    scaled = scaled_points(fit)
    s, overlap = houdayer_hartmann(*scaled, points.place)
    return Quality(
        s,
        kawashima_ito(*scaled),
        bhattacharjee_seno(scaled[0], scaled[1], points.place),
        overlap,
        predictive_p_value(fit, seed=seed),
        points.place.size,
        len(points.sizes),
    )


def scaled_points(fit: CollapseFit) -> tuple[FloatArray, FloatArray, FloatArray]:
    """X, Y and E of every point, in the unit of the data and with L itself (not L / L_0)."""
    points, units = fit.points, fit.points.units
    x_c, inv_nu, ratio = fit.scaling
    sizes = np.array(points.sizes)[points.place]
    x = units.origin + units.width * points.design.x
    scale = sizes**ratio * units.height
    error = np.sqrt(np.diag(points.design.noise))
    return (x - x_c) * sizes**inv_nu, points.design.y * scale, error * scale


def houdayer_hartmann(
    x: FloatArray, y: FloatArray, error: FloatArray, place: NDArray[np.intp]
) -> tuple[float | None, float]:
    """S of scaled points and the share of points that enter it.

    For each point i and every other size the two points that bracket X_i give a weighted
    straight line, whose value M and variance dM^2 at X_i enter S = <(Y - M)^2 / (E^2 + dM^2)>.
    """
    sums = np.zeros((5, x.size))
    for other in np.unique(place):
        mine = np.flatnonzero(place == other)
        mine = mine[np.argsort(x[mine])]
        asked = np.flatnonzero(place != other)
        right = np.searchsorted(x[mine], x[asked], side="right")
        inside = (right > 0) & (right < mine.size)
        for pair in (right[inside] - 1, right[inside]):
            at = mine[pair]
            weight = 1.0 / error[at] ** 2
            moments = [np.ones_like(weight), x[at], x[at] ** 2, y[at], x[at] * y[at]]
            sums[:, asked[inside]] += weight * np.stack(moments)
    k, kx, kxx, ky, kxy = sums
    d = k * kxx - kx**2
    used = d > 0.0
    if not used.any():
        return None, 0.0
    k, kx, kxx, ky, kxy, d, at_x = (one[used] for one in (k, kx, kxx, ky, kxy, d, x))
    line = (kxx * ky - kx * kxy) / d + at_x * (k * kxy - kx * ky) / d
    variance = (kxx - 2.0 * at_x * kx + at_x**2 * k) / d
    terms = (y[used] - line) ** 2 / (error[used] ** 2 + variance)
    return float(terms.mean()), float(used.mean())


def kawashima_ito(x: FloatArray, y: FloatArray, error: FloatArray) -> float | None:
    """chi^2 per inner point to the straight line between its two neighbours in X."""
    order = np.argsort(x, kind="stable")
    x, y, error = x[order], y[order], error[order]
    gap = x[2:] - x[:-2]
    inner = gap > 0.0
    if not inner.any():
        return None
    share = np.where(inner, (x[2:] - x[1:-1]) / np.where(inner, gap, 1.0), 0.5)
    line = share * y[:-2] + (1.0 - share) * y[2:]
    variance = error[1:-1] ** 2 + (share * error[:-2]) ** 2 + ((1.0 - share) * error[2:]) ** 2
    terms = (y[1:-1] - line) ** 2 / variance
    return float(terms[inner].mean())


def bhattacharjee_seno(
    x: FloatArray, y: FloatArray, place: NDArray[np.intp], power: float = 1.0
) -> float | None:
    """P_b = <|Y - E_p(X)|^q>^(1/q) over the range of Y; E_p interpolates size p linearly."""
    terms = []
    for basis in np.unique(place):
        mine = np.flatnonzero(place == basis)
        mine = mine[np.argsort(x[mine])]
        others = np.flatnonzero(place != basis)
        inside = others[(x[others] >= x[mine[0]]) & (x[others] <= x[mine[-1]])]
        terms.append(np.abs(y[inside] - np.interp(x[inside], x[mine], y[mine])) ** power)
    found = np.concatenate(terms)
    if found.size == 0:
        return None
    return float(found.mean() ** (1.0 / power) / np.ptp(y))


def predictive_p_value(fit: CollapseFit, *, draws: int = 2000, seed: int = 0) -> float | None:
    """Posterior predictive p-value of the residuals about the fitted master curve.

    Notes
    -----
    With m = S C^-1 y the fitted signal (S its covariance, C = S + Sigma) the statistic is
    r^T Sigma^-1 r of the residuals r = y - m.  It is compared with that of m + noise, treated
    alike; the noise is drawn from Sigma times nu / chi^2_nu, because Sigma is an estimate with
    nu degrees of freedom.  The scaling parameters are held, which makes the test conservative
    against small misfits: p-values of a true model come out a little large.

    The master curve uses tr(S C^-1) degrees of freedom.  Above 3/4 of the points it follows the
    points whatever they are, and there is no p-value.
    """
    design = fit.points.design
    kernel = Kernel(design, fit.parameters)
    factor = np.linalg.cholesky(design.noise)
    inverse = np.linalg.inv(kernel.signal + design.noise)
    if np.sum(kernel.signal * inverse) > MOST_FREEDOM * design.y.size:
        return None
    # residual operator in units of the noise: Sigma^(-1/2) (1 - S C^-1) = Sigma^(1/2)T C^-1
    operator = factor.T @ inverse
    signal = design.y - design.noise @ (inverse @ design.y)
    observed = float(np.sum((operator @ design.y) ** 2))
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((draws, design.y.size)) @ factor.T
    freedom = fit.points.degrees_of_freedom
    if freedom:
        noise *= np.sqrt(freedom / rng.chisquare(freedom, size=(draws, 1)))
    replicated = np.sum(((signal + noise) @ operator.T) ** 2, axis=1)
    return float((1.0 + np.sum(replicated >= observed)) / (1.0 + draws))
