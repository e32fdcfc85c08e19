"""Generalised least squares of y = A g(x; theta) + c for many data sets at once.

For given theta the amplitude A >= 0 and the offset c follow in closed form (variable
projection), so only theta, up to three shape parameters, is searched: first a whole grid,
for every data set by one matrix product, then Levenberg-Marquardt steps on the projected
residual from each data set's best grid point.  The grid is the multi-start.

Several curves may share theta, each with an A and a c of its own.  A curve enters as W y,
with W^T W the inverse of the covariance of its points.

References
----------
G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sta.analysis.statistics.resampling import FloatArray
from sta.analysis.statistics.threshold.shapes import Block, Shape, Solution

MAX_STEPS = 200
CRAWL = 25  # steps over which a search must lower its squared residual by a share of 1e-4
_SHIFT = 1e-6


@dataclass(frozen=True)
class Projected:
    """A block without its offset.

    The offset is projected out of the data once and for all: `y` is Q y, (B, P), with Q (P, P)
    the whitening followed by the projection off the whitened constant.
    """

    x: FloatArray
    y: FloatArray
    operator: FloatArray


def project(blocks: Sequence[Block]) -> list[Projected]:
    """Whiten the blocks and project their offsets out."""
    parts = []
    for block in blocks:
        constant = block.whitening.sum(axis=1)
        constant = constant / np.linalg.norm(constant)
        operator = block.whitening - np.outer(constant, constant @ block.whitening)
        parts.append(Projected(block.x, block.y @ operator.T, operator))
    return parts


def solve(
    shape: Shape,
    blocks: Sequence[Block],
    *,
    start: FloatArray | None = None,
    held: Sequence[int] = (),
    search: bool = True,
    tolerance: float = 1e-10,
) -> Solution:
    """Fit a shape to every data set of the blocks.

    Parameters
    ----------
    shape, blocks
        The model and the data sets.
    start
        Unit coordinates (B, d) to try beside the grid.
    held
        Axes that stay at `start`.
    search
        Whether the grid is searched; without it the fits begin at `start`.
    tolerance
        Relative fall of the squared residual below which a search has come to rest.

    Notes
    -----
    Data sets with values that are not finite come back as NaN, not converged.
    """
    finite = np.all([np.isfinite(block.y).all(axis=1) for block in blocks], axis=0)
    unit = np.full((finite.size, len(shape.axes)), np.nan)
    converged = np.zeros(finite.size, dtype=bool)
    if finite.any():
        good = project([Block(block.x, block.y[finite], block.whitening) for block in blocks])
        begin = None if start is None else np.broadcast_to(start, unit.shape)[finite]
        first = _first(shape, good, begin, search)
        unit[finite], converged[finite] = _descend(shape, good, first, held, tolerance)
    theta = shape.theta(unit)
    parts = [constants(shape.basis(block.x, theta), block) for block in blocks]
    rss: FloatArray = np.sum([left for left, _, _ in parts], axis=0)
    amplitude = np.stack([a for _, a, _ in parts], axis=-1)
    offset = np.stack([c for _, _, c in parts], axis=-1)
    return Solution(unit, theta, amplitude, offset, rss, converged & np.isfinite(rss))


def predict(shape: Shape, solution: Solution, place: int, x: FloatArray) -> FloatArray:
    """Fitted curves of block `place` at x, shape (B, P)."""
    curve = shape.basis(x, solution.theta)
    return solution.amplitude[:, place, None] * curve + solution.offset[:, place, None]


def residuals(shape: Shape, parts: Sequence[Projected], unit: FloatArray) -> FloatArray:
    """Whitened residuals at unit coordinates (..., B, d), A and c at their best, (..., B, P)."""
    theta = shape.theta(unit)
    found = []
    for part in parts:
        g = shape.basis(part.x, theta) @ part.operator.T
        found.append(part.y - _slope(g, part.y)[..., None] * g)
    return np.concatenate(found, axis=-1)


def jacobian(
    shape: Shape, parts: Sequence[Projected], unit: FloatArray, residual: FloatArray
) -> FloatArray:
    """Finite differences of the projected residual, shape (B, sum of P, d)."""
    shift = np.where(unit < 0.5, _SHIFT, -_SHIFT)
    moved = unit + np.eye(unit.shape[1])[:, None, :] * shift
    slope = (residuals(shape, parts, moved) - residual) / shift.T[:, :, None]
    return np.moveaxis(slope, 0, -1)


def _slope(g: FloatArray, y: FloatArray) -> FloatArray:
    """Best A >= 0 of y = A g, for g of shape (..., P)."""
    power = np.einsum("...p,...p->...", g, g)
    overlap = np.maximum(np.einsum("...p,...p->...", g, y), 0.0)
    slope: FloatArray = overlap / np.where(power > 0.0, power, 1.0)
    return slope


def constants(g: FloatArray, block: Block) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Squared residual, A and c, each (B,), for basis values g (B, P)."""
    (part,) = project([block])
    amplitude = _slope(g @ part.operator.T, part.y)
    constant = block.whitening.sum(axis=1)
    rest = (block.y - amplitude[:, None] * g) @ block.whitening.T
    offset = rest @ constant / (constant @ constant)
    left = np.sum((rest - offset[:, None] * constant) ** 2, axis=1)
    return left, amplitude, offset


def _first(
    shape: Shape, parts: Sequence[Projected], start: FloatArray | None, search: bool
) -> FloatArray:
    """Where each data set's descent begins, shape (B, d)."""
    if not shape.axes:
        return np.zeros((len(parts[0].y), 0))
    if start is not None and not search:
        return start.copy()
    best, gain = _best_on_grid(shape, parts)
    if start is None:
        return best
    total = np.sum([np.sum(part.y**2, axis=1) for part in parts], axis=0)
    known = total - np.sum(residuals(shape, parts, start) ** 2, axis=1)
    return np.where((known >= gain)[:, None], start, best)


def _best_on_grid(shape: Shape, parts: Sequence[Projected]) -> tuple[FloatArray, FloatArray]:
    """Each data set's best grid point (B, d) and the sum of squares it explains (B,)."""
    ticks = [(np.arange(axis.cells) + 0.5) / axis.cells for axis in shape.axes]
    grid = np.stack([t.ravel() for t in np.meshgrid(*ticks, indexing="ij")], axis=-1)
    gain = np.zeros((len(grid), len(parts[0].y)))
    for part in parts:
        g = shape.basis(part.x, shape.theta(grid)) @ part.operator.T
        power = np.sum(g**2, axis=1)
        overlap = np.maximum(g @ part.y.T, 0.0)
        gain += overlap**2 / np.where(power > 0.0, power, np.inf)[:, None]
    place = np.argmax(gain, axis=0)
    return grid[place], gain[place, np.arange(place.size)]


def _descend(
    shape: Shape,
    parts: Sequence[Projected],
    start: FloatArray,
    held: Sequence[int],
    tolerance: float,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Levenberg-Marquardt in unit coordinates, every data set with its own damping."""
    unit = start.copy()
    free = np.array([i for i in range(unit.shape[1]) if i not in held], dtype=np.intp)
    reach = 10.0 * np.sqrt(tolerance)
    converged = np.full(len(unit), free.size == 0)
    damping = np.full(len(unit), 1e-2)
    active = np.flatnonzero(~converged)
    if active.size == 0:
        return unit, converged
    here = parts
    residual = residuals(shape, here, unit)
    mark = np.full(len(unit), np.inf)
    for step in range(MAX_STEPS):
        if active.size == 0:
            break
        at = unit[active]
        slope = jacobian(shape, here, at, residual)[:, :, free]
        trial = at.copy()
        trial[:, free] = _step(at[:, free], residual, slope, damping[active])
        tried = residuals(shape, here, trial)
        old, new = np.sum(residual**2, axis=1), np.sum(tried**2, axis=1)
        better = new < old
        moved = np.abs(trial - at).max(axis=1)
        unit[active[better]] = trial[better]
        damping[active] *= np.where(better, 0.2, 6.0)
        small = (moved < 1e-7) | (better & (old - new <= tolerance * old) & (moved < reach))
        rest = small | (damping[active] > 1e9)
        if step % CRAWL == CRAWL - 1:
            # a kink at a point of the grid can make the last steps endless and worthless
            rest |= mark[active] - old <= 1e-4 * old
            mark[active] = old
        converged[active[rest]] = True
        residual = np.where(better[:, None], tried, residual)[~rest]
        active = active[~rest]
        here = [Projected(part.x, part.y[active], part.operator) for part in parts]
    return unit, converged


def _step(
    unit: FloatArray, residual: FloatArray, slope: FloatArray, damping: FloatArray
) -> FloatArray:
    """Take a damped Gauss-Newton step that stays in the unit box."""
    gradient = np.einsum("bpd,bp->bd", slope, residual)
    normal = np.einsum("bpd,bpe->bde", slope, slope)
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
