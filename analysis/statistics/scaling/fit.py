"""The best collapse of given points: a screened multi-start, Newton steps in a trust region.

Precise data make the evidence rugged: of 48 screened starts the best lie as a rule in the wrong
basins.  The starts are therefore polished first for data of 5 % of noise, and from those few
optima for the data as they are.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from sta.analysis.statistics.resampling import FloatArray, Seed
from sta.analysis.statistics.scaling.design import Points
from sta.analysis.statistics.scaling.evidence import (
    Design,
    hessian,
    response,
    value_and_gradient,
)
from sta.errors import StaError

SCREENED = 48
POLISHED = 4
BLUR = 0.05  # noise of the first polish, in units of the root mean square of y
SAME_OPTIMUM = 0.05  # difference of the log evidence below which two optima are one
X_C, INV_NU, BETA_OVER_NU = 0, 1, 2
_LARGE = 1e12


@dataclass(frozen=True)
class CollapseFit:
    """A collapse at its optimum.

    Attributes
    ----------
    points
        What was fitted.
    parameters
        Optimum, in the units of `points.design`, shape (p,).
    value
        Negative log posterior there.
    curvature
        Its second derivatives, shape (p, p).
    sensitivity
        Derivative of the optimum by every y, shape (p, N): by the implicit function theorem,
        minus the inverse curvature times the derivative of the gradient by y.
    converged
        Whether the search came to rest at a minimum.
    """

    points: Points
    parameters: FloatArray
    value: float
    curvature: FloatArray
    sensitivity: FloatArray
    converged: bool

    @property
    def scaling(self) -> FloatArray:
        """x_c, 1/nu and beta/nu in the unit of the data, shape (3,)."""
        return natural(self.points, self.parameters)


def natural(points: Points, parameters: FloatArray) -> FloatArray:
    """Return x_c, 1/nu and beta/nu in the unit of the data, from parameters (..., p)."""
    found = np.array(parameters[..., :3])
    found[..., X_C] = points.units.origin + points.units.width * found[..., X_C]
    return found


def random_starts(points: Points, number: int, seed: Seed = 0) -> FloatArray:
    """Draw parameters to start from, shape (number, p): x_c within the data, 1/nu in 0.2 .. 2.5."""
    rng = np.random.default_rng(seed)
    design = points.design
    starts = np.tile(design.prior_mean, (number, 1))
    low, high = np.quantile(design.x, [0.05, 0.95])
    starts[:, X_C] = rng.uniform(low, high, number)
    starts[:, INV_NU] = np.exp(rng.uniform(np.log(0.2), np.log(2.5), number))
    starts[:, BETA_OVER_NU] = rng.uniform(-0.5, 1.5, number)
    starts[:, 3] = rng.uniform(-2.0, 0.5, number)
    starts[:, 4] = rng.uniform(-1.0, 1.0, number)
    return starts


def fit_points(
    points: Points, *, start: FloatArray | None = None, screened: int = SCREENED, seed: Seed = 0
) -> CollapseFit:
    """Fit the collapse to points.

    Parameters
    ----------
    points
        See `build_points`.
    start
        Parameters to start from; else the best few of `screened` random ones are polished,
        see the module's text.
    seed
        Of the random starts.

    Raises
    ------
    StaError
        If no start leads to a finite optimum.
    """
    design = points.design
    if start is not None:
        found = [_search(design, start)]
    else:
        starts = random_starts(points, screened, seed)
        found = [_search(design, one) for one in _blurred_optima(design, starts)]
    best = min(found, key=lambda one: float(one.fun))
    if not np.isfinite(best.fun) or best.fun >= _LARGE:
        raise StaError("no start leads to a collapse: check the errors and the range of x")
    parameters = np.asarray(best.x, dtype=float)
    curvature = hessian(design, parameters)
    settled = float(np.linalg.eigvalsh(curvature)[0]) > 0.0
    sensitivity = np.asarray(
        -np.linalg.solve(curvature, response(design, parameters)), dtype=np.float64
    )
    gradient = value_and_gradient(design, parameters)[1]
    decrement = float(gradient @ np.linalg.solve(curvature, gradient))
    converged = settled and abs(decrement) < SAME_OPTIMUM**2
    return CollapseFit(points, parameters, float(best.fun), curvature, sensitivity, converged)


def refit(fit: CollapseFit, y: FloatArray) -> FloatArray:
    """Optimum for other data on the same points, from the optimum of `fit`, shape (p,).

    NaN where the search does not come to rest.
    """
    design = fit.points.design.with_y(y)
    found = minimize(
        _safe(design),
        fit.parameters + fit.sensitivity @ (y - fit.points.design.y) * 0.5,
        jac=True,
        method="BFGS",
        options={"hess_inv0": _inverse(fit.curvature), "gtol": 1e-2, "maxiter": 60},
    )
    if not np.isfinite(found.fun) or found.fun >= _LARGE:
        return np.full_like(fit.parameters, np.nan)
    return np.asarray(found.x, dtype=float)


def _blurred_optima(design: Design, starts: FloatArray) -> list[FloatArray]:
    """Return the different optima that the best starts lead to under `BLUR` more noise."""
    blurred = replace(design, noise=design.noise + BLUR**2 * np.eye(design.y.size))
    values = np.array([value_and_gradient(blurred, one)[0] for one in starts])
    polished = [_search(blurred, starts[k]) for k in np.argsort(values)[:POLISHED]]
    optima: list[FloatArray] = []
    last = -np.inf
    for one in sorted(polished, key=lambda one: float(one.fun)):
        if one.fun > last + SAME_OPTIMUM:
            optima.append(np.asarray(one.x, dtype=float))
            last = float(one.fun)
    return optima


def _search(design: Design, start: FloatArray) -> OptimizeResult:
    return minimize(
        _safe(design),
        start,
        jac=True,
        hess=lambda p: _forward_hessian(design, p),
        method="trust-exact",
        options={
            "gtol": 1e-3, "initial_trust_radius": 0.3, "max_trust_radius": 2.0, "maxiter": 60
        },
    )  # fmt: skip


def _safe(design: Design):  # type: ignore[no-untyped-def]
    def objective(parameters: FloatArray) -> tuple[float, FloatArray]:
        if np.abs(parameters).max() > 30.0:
            return _LARGE, np.zeros_like(parameters)
        value, gradient = value_and_gradient(design, parameters)
        return (value, gradient) if np.isfinite(value) else (_LARGE, gradient)

    return objective


def _forward_hessian(design: Design, parameters: FloatArray, step: float = 1e-5) -> FloatArray:
    base = value_and_gradient(design, parameters)[1]
    shifts = step * np.eye(parameters.size)
    rows = [(value_and_gradient(design, parameters + s)[1] - base) / step for s in shifts]
    matrix = np.array(rows)
    return 0.5 * (matrix + matrix.T)


def _inverse(curvature: FloatArray) -> FloatArray:
    """Inverse of the curvature, made positive definite, for a quasi-Newton search."""
    values, vectors = np.linalg.eigh(curvature)
    safe = np.maximum(values, 1e-6 * values.max())
    inverse: FloatArray = (vectors / safe) @ vectors.T
    return 0.5 * (inverse + inverse.T)
