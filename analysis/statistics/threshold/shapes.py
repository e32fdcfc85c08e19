"""The parts of a fit y = A g(x; theta) + c: shape parameters, basis, data, solution."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from sta.analysis.statistics.resampling import FloatArray

Basis = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True)
class Axis:
    """One shape parameter and its search interval.

    The parameter is origin + low (high / low)^u on a log axis, low + (high - low) u on a
    linear one, with u in [0, 1].

    Attributes
    ----------
    name
        Name of the parameter.
    low, high
        Ends of the interval, measured from `origin` on a log axis.
    cells
        Number of grid values of the first search.
    log, origin
        See above.
    """

    name: str
    low: float
    high: float
    cells: int
    log: bool = True
    origin: float = 0.0

    def value(self, u: FloatArray) -> FloatArray:
        """Return the parameter at unit coordinate u."""
        if self.log:
            return self.origin + self.low * np.power(self.high / self.low, u)
        return self.low + (self.high - self.low) * u

    def unit(self, value: FloatArray) -> FloatArray:
        """Return the unit coordinate of a parameter, within [0, 1]."""
        if self.log:
            inside = np.clip(value - self.origin, self.low, self.high)
            u = np.log(inside / self.low) / np.log(self.high / self.low)
        else:
            u = (value - self.low) / (self.high - self.low)
        return np.asarray(np.clip(u, 0.0, 1.0), dtype=float)


@dataclass(frozen=True)
class Shape:
    """A model y = A g(x; theta) + c.

    Attributes
    ----------
    name
        Name of the model.
    axes
        The shape parameters theta; none for a constant (g = 0) and a line.
    basis
        g(x, theta): x of shape (P,), theta of shape (..., d), result (..., P).
    """

    name: str
    axes: tuple[Axis, ...]
    basis: Basis

    def theta(self, unit: FloatArray) -> FloatArray:
        """Shape parameters at unit coordinates, both of shape (..., d)."""
        if not self.axes:
            return unit
        return np.stack([axis.value(unit[..., i]) for i, axis in enumerate(self.axes)], axis=-1)


@dataclass(frozen=True)
class Block:
    """One curve of every data set: x (P,), y (B, P) and W (P, P), W^T W = covariance^-1."""

    x: FloatArray
    y: FloatArray
    whitening: FloatArray


@dataclass(frozen=True)
class Solution:
    """Fits of B data sets.

    Attributes
    ----------
    unit, theta
        Shape parameters, as unit coordinates and as values, shape (B, d).
    amplitude, offset
        A and c, shape (B, number of blocks).
    rss
        Squared length of the whitened residual, shape (B,).
    converged
        Whether the search came to rest, shape (B,).
    """

    unit: FloatArray
    theta: FloatArray
    amplitude: FloatArray
    offset: FloatArray
    rss: FloatArray
    converged: NDArray[np.bool_]


def whitening(covariance: FloatArray) -> FloatArray:
    """Inverse of the Cholesky factor of a covariance, both (P, P)."""
    factor = cholesky(covariance, lower=True)
    inverse: FloatArray = solve_triangular(factor, np.eye(len(factor)), lower=True)
    return inverse
