"""Joint fits: several data sets with some scaling parameters in common.

Several observables of one transition share x_c and 1/nu, each with a beta/nu of its own; several
teachers, if the transition is universal, share 1/nu and beta/nu, each with an x_c and with metric
factors of its own.  The joint objective is the sum of the single ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize

from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.scaling.evidence import hessian, response, value_and_gradient
from sta.analysis.statistics.scaling.fit import CollapseFit
from sta.analysis.statistics.scaling.intervals import spread_over_units, trial_influences
from sta.errors import ConfigError

Shared = Literal["x_c", "inv_nu", "beta_over_nu"]
SCALING: tuple[Shared, ...] = ("x_c", "inv_nu", "beta_over_nu")


@dataclass(frozen=True)
class JointFit:
    """Data sets fitted together.

    Attributes
    ----------
    shared
        Names of the common parameters.
    value
        Negative log posterior of all data.
    scaling
        x_c, 1/nu, beta/nu of every data set, shape (M, 3).
    covariance
        Of these 3 M numbers, over whole trials, shape (3 M, 3 M).
    converged
        Whether the search came to rest.
    """

    shared: tuple[Shared, ...]
    value: float
    scaling: FloatArray
    covariance: FloatArray
    converged: bool


def fit_joint(fits: Sequence[CollapseFit], shared: Sequence[Shared]) -> JointFit:
    """Fit data sets with common parameters, starting from their single fits.

    Parameters
    ----------
    fits
        One fit a data set.  Trials with one label are one trial in all of them.
    shared
        Which of x_c, 1/nu and beta/nu the data sets have in common.

    Raises
    ------
    ConfigError
        If there are fewer than two data sets, or a name is unknown.
    """
    unknown = [name for name in shared if name not in SCALING]
    if unknown or len(fits) < 2:
        what = f"{unknown[0]!r} cannot be shared" if unknown else f"{len(fits)} data set"
        raise ConfigError(f"{what}: give two data sets or more and names from {SCALING}")
    maps = _maps(fits, tuple(shared))
    start = np.linalg.lstsq(
        np.concatenate([matrix for matrix, _ in maps]),
        np.concatenate(
            [fit.parameters - offset for fit, (_, offset) in zip(fits, maps, strict=True)]
        ),
        rcond=None,
    )[0]

    def objective(joint: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = 0.0, np.zeros_like(joint)
        for fit, (matrix, offset) in zip(fits, maps, strict=True):
            one, slope = value_and_gradient(fit.points.design, matrix @ joint + offset)
            value, gradient = value + one, gradient + matrix.T @ slope
        return (value, gradient) if np.isfinite(value) else (1e12, gradient)

    def curvature(joint: FloatArray) -> FloatArray:
        parts = [
            matrix.T @ hessian(fit.points.design, matrix @ joint + offset) @ matrix
            for fit, (matrix, offset) in zip(fits, maps, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0))

    found = minimize(
        objective, start, jac=True, hess=curvature, method="trust-exact",
        options={"gtol": 1e-3, "initial_trust_radius": 0.3, "max_trust_radius": 2.0},
    )  # fmt: skip
    joint = np.asarray(found.x, dtype=float)
    matrix = curvature(joint)
    gradient = objective(joint)[1]
    own = [m @ joint + offset for m, offset in maps]
    scaling = np.stack([_natural(fit, p) for fit, p in zip(fits, own, strict=True)])
    covariance = _covariance(fits, maps, own, matrix)
    settled = bool(np.linalg.eigvalsh(matrix)[0] > 0.0)
    at_rest = abs(float(gradient @ np.linalg.solve(matrix, gradient))) < 1e-2
    return JointFit(tuple(shared), float(found.fun), scaling, covariance, settled and at_rest)


def _maps(
    fits: Sequence[CollapseFit], shared: tuple[Shared, ...]
) -> list[tuple[FloatArray, FloatArray]]:
    """Own parameters as matrix @ joint + offset; shared ones come first, in natural units."""
    counts = [fit.parameters.size - len(shared) for fit in fits]
    total = len(shared) + sum(counts)
    maps, column = [], len(shared)
    for fit in fits:
        matrix = np.zeros((fit.parameters.size, total))
        offset = np.zeros(fit.parameters.size)
        for row in range(fit.parameters.size):
            name = SCALING[row] if row < len(SCALING) else None
            if name in shared:
                units = fit.points.units
                scale = 1.0 / units.width if name == "x_c" else 1.0
                matrix[row, shared.index(name)] = scale
                offset[row] = -units.origin * scale if name == "x_c" else 0.0
            else:
                matrix[row, column] = 1.0
                column += 1
        maps.append((matrix, offset))
    return maps


def _natural(fit: CollapseFit, parameters: FloatArray) -> FloatArray:
    units = fit.points.units
    return np.array([units.origin + units.width * parameters[0], parameters[1], parameters[2]])


def _covariance(
    fits: Sequence[CollapseFit],
    maps: Sequence[tuple[FloatArray, FloatArray]],
    own: Sequence[FloatArray],
    curvature: FloatArray,
) -> FloatArray:
    """Covariance over whole units of the natural scaling parameters of all data sets."""
    inverse = np.linalg.inv(curvature)
    tops = []
    for fit, (matrix, _) in zip(fits, maps, strict=True):
        top = matrix[:3].copy()
        top[0] *= fit.points.units.width
        tops.append(top)
    to_scaling = np.concatenate(tops) @ inverse
    units: dict[object, int] = {}
    rows_of, influences = [], []
    for fit, (matrix, _), parameters in zip(fits, maps, own, strict=True):
        jacobian = -to_scaling @ matrix.T @ response(fit.points.design, parameters)
        influences.append(trial_influences(fit.points, jacobian))
        labels = fit.points.curves.groups or fit.points.curves.trials
        rows_of.append([units.setdefault(label, len(units)) for label in labels])
    summed = np.zeros((len(units), to_scaling.shape[0]))
    present = np.zeros((len(units), len(fits)), dtype=bool)
    for place, (rows, influence) in enumerate(zip(rows_of, influences, strict=True)):
        np.add.at(summed, rows, influence)
        present[rows, place] = True
    # units of the same data sets are exchangeable with each other, and only those
    _, layer = np.unique(present, axis=0, return_inverse=True)
    covariance = np.zeros((summed.shape[1], summed.shape[1]))
    for label in np.unique(layer):
        mine = summed[layer.ravel() == label]
        if len(mine) > 1:
            covariance += spread_over_units(mine)
    return covariance
