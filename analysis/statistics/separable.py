"""Weighted least squares of y = A g(x; theta) + c for many data sets at once.

For given theta the amplitude A >= 0 and the offset c follow in closed form (variable
projection), so only theta, one or two shape parameters, is searched: first a whole grid,
for every data set by one matrix product, then Levenberg-Marquardt steps on the projected
residual from each data set's best grid point.  The grid is the multi-start.

Several curves may share theta, each with an A and a c of its own.

References
----------
G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.resampling import FloatArray

Basis = Callable[[FloatArray, FloatArray], FloatArray]

MAX_STEPS = 60
EDGE = 0.01


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


@dataclass(frozen=True)
class Shape:
    """A model y = A g(x; theta) + c.

    Attributes
    ----------
    name
        Name of the model.
    axes
        The shape parameters theta.
    basis
        g(x, theta): x of shape (P,), theta of shape (..., d), result (..., P).
    """

    name: str
    axes: tuple[Axis, ...]
    basis: Basis

    def theta(self, unit: FloatArray) -> FloatArray:
        """Shape parameters at unit coordinates, both of shape (..., d)."""
        return np.stack([axis.value(unit[..., i]) for i, axis in enumerate(self.axes)], axis=-1)


@dataclass(frozen=True)
class Block:
    """One curve of every data set: x (P,), y (B, P) and weights 1 / sigma^2 (P,)."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray


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
        Weighted sum of squared residuals, shape (B,).
    converged
        Whether the search came to rest, shape (B,).
    """

    unit: FloatArray
    theta: FloatArray
    amplitude: FloatArray
    offset: FloatArray
    rss: FloatArray
    converged: NDArray[np.bool_]


def solve(shape: Shape, blocks: Sequence[Block]) -> Solution:
    """Fit a shape to every data set of the blocks.

    Data sets with values that are not finite come back as NaN, not converged.
    """
    finite = np.all([np.isfinite(block.y).all(axis=1) for block in blocks], axis=0)
    good = [Block(block.x, block.y[finite], block.weight) for block in blocks]
    unit = np.full((finite.size, len(shape.axes)), np.nan)
    converged = np.zeros(finite.size, dtype=bool)
    if finite.any():
        unit[finite], converged[finite] = _descend(shape, good, _best_on_grid(shape, good))
    theta = shape.theta(unit)
    parts = [_project(shape.basis(block.x, theta), block) for block in blocks]
    rss = np.sum([np.sum(residual**2, axis=-1) for residual, _, _ in parts], axis=0)
    amplitude = np.stack([a for _, a, _ in parts], axis=-1)
    offset = np.stack([c for _, _, c in parts], axis=-1)
    return Solution(unit, theta, amplitude, offset, rss, converged)


def predict(shape: Shape, solution: Solution, place: int, x: FloatArray) -> FloatArray:
    """Fitted curves of block `place` at x, shape (B, P)."""
    curve = shape.basis(x, solution.theta)
    return solution.amplitude[:, place, None] * curve + solution.offset[:, place, None]


def _project(g: FloatArray, block: Block) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weighted residual (B, P), A (B,) and c (B,) for basis values g (B, P)."""
    share = block.weight / block.weight.sum()
    root = np.sqrt(block.weight)
    g_mean, y_mean = g @ share, block.y @ share
    dg, dy = (g - g_mean[:, None]) * root, (block.y - y_mean[:, None]) * root
    power = np.sum(dg**2, axis=1)
    amplitude = np.maximum(np.sum(dg * dy, axis=1), 0.0) / np.where(power > 0.0, power, 1.0)
    offset = y_mean - amplitude * g_mean
    return dy - amplitude[:, None] * dg, amplitude, offset


def _best_on_grid(shape: Shape, blocks: Sequence[Block]) -> FloatArray:
    """Return the unit coordinates of each data set's best grid point, shape (B, d)."""
    ticks = [(np.arange(axis.cells) + 0.5) / axis.cells for axis in shape.axes]
    grid = np.stack([t.ravel() for t in np.meshgrid(*ticks, indexing="ij")], axis=-1)
    gain = np.zeros((len(grid), len(blocks[0].y)))
    for block in blocks:
        share, root = block.weight / block.weight.sum(), np.sqrt(block.weight)
        g = shape.basis(block.x, shape.theta(grid))
        dg = (g - (g @ share)[:, None]) * root
        dy = (block.y - (block.y @ share)[:, None]) * root
        power = np.sum(dg**2, axis=1)
        overlap = np.maximum(dg @ dy.T, 0.0)
        gain += overlap**2 / np.where(power > 0.0, power, np.inf)[:, None]
    best: FloatArray = grid[np.argmax(gain, axis=0)]
    return best


def _descend(
    shape: Shape, blocks: Sequence[Block], start: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Levenberg-Marquardt in unit coordinates, every data set with its own damping."""
    unit = start.copy()
    damping = np.full(len(unit), 1e-2)
    converged = np.zeros(len(unit), dtype=bool)
    active = np.arange(len(unit))
    for _ in range(MAX_STEPS):
        if active.size == 0:
            break
        here = [Block(block.x, block.y[active], block.weight) for block in blocks]
        residual = _residual(shape, here, unit[active])
        jacobian = _jacobian(shape, here, unit[active], residual)
        trial = _step(unit[active], residual, jacobian, damping[active])
        old = np.sum(residual**2, axis=1)
        new = np.sum(_residual(shape, here, trial) ** 2, axis=1)
        better = new < old
        moved = np.abs(trial - unit[active]).max(axis=1)
        unit[active[better]] = trial[better]
        damping[active] *= np.where(better, 0.2, 6.0)
        small = (moved < 1e-7) | (better & (old - new <= 1e-10 * old) & (moved < 1e-4))
        rest = small | (damping[active] > 1e9)
        converged[active[rest]] = True
        active = active[~rest]
    return unit, converged


def _residual(shape: Shape, blocks: Sequence[Block], unit: FloatArray) -> FloatArray:
    theta = shape.theta(unit)
    parts = [_project(shape.basis(block.x, theta), block)[0] for block in blocks]
    return np.concatenate(parts, axis=1)


def _jacobian(
    shape: Shape, blocks: Sequence[Block], unit: FloatArray, residual: FloatArray
) -> FloatArray:
    """Finite differences of the projected residual, shape (B, P, d)."""
    columns = []
    for i in range(unit.shape[1]):
        shift = np.where(unit[:, i] < 0.5, 1e-6, -1e-6)
        moved = unit.copy()
        moved[:, i] += shift
        columns.append((_residual(shape, blocks, moved) - residual) / shift[:, None])
    return np.stack(columns, axis=-1)


def _step(
    unit: FloatArray, residual: FloatArray, jacobian: FloatArray, damping: FloatArray
) -> FloatArray:
    """Take a damped Gauss-Newton step that stays in the unit box."""
    gradient = np.einsum("bpd,bp->bd", jacobian, residual)
    normal = np.einsum("bpd,bpe->bde", jacobian, jacobian)
    # a coordinate that rests on a bound and is pushed outwards is held there
    held = ((unit <= 0.0) & (gradient > 0.0)) | ((unit >= 1.0) & (gradient < 0.0))
    gradient[held] = 0.0
    normal[held[:, :, None] | held[:, None, :]] = 0.0
    scale = np.einsum("bdd->bd", normal)
    tiny = 1e-12 * np.maximum(scale.max(axis=1, keepdims=True), 1e-300)
    for i in range(unit.shape[1]):
        normal[:, i, i] += damping * scale[:, i] + tiny[:, 0] + held[:, i]
    step = np.linalg.solve(normal, -gradient[:, :, None])[:, :, 0]
    moved: FloatArray = np.clip(unit + step, 0.0, 1.0)
    return moved
