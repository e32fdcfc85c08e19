"""Fixed points of many systems at once, by Anderson's acceleration, with a certificate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEMORY = 6
RESTART = 25  # iterations after which the memory is cleared, against cycles
RIDGE = 1e-12
LONGEST_STEP = 1.0
LEAST_RIDGE = 1e-12
DENSITIES = (1, 2, 4)  # stages a factor of ten of the ridge
MOST = 600
TOLERABLE = 1e-8


def solve(
    update: Callable[[Array, NDArray[np.intp]], Array],
    start: Array,
    *,
    tolerance: float = 1e-10,
    most: int = 3000,
    damping: float = 0.5,
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Iterate x -> update(x) to rest, each row for itself.

    Parameters
    ----------
    update : callable
        From rows (g, k) and their numbers to the next rows.
    start : (G, k) array
        Where to begin.
    tolerance : float
        Largest |update(x) - x| at rest, of each number relative to it where it is above 1.
    most : int
        Iterations at most.
    damping : float
        Share of the step taken; the rest of the way is Anderson's.

    Returns
    -------
    x : (G, k) array
    residual : (G,) array
        max |update(x) - x| / max(1, |x|), infinite where it ran away.
    iterations : (G,) array

    References
    ----------
    D. G. Anderson, J. ACM 12, 547 (1965).
    """
    x = start.copy()
    residual = np.full(len(x), np.inf)
    iterations = np.zeros(len(x), dtype=np.intp)
    open_rows = np.arange(len(x))
    past_x: list[Array] = []
    past_r: list[Array] = []
    for count in range(1, most + 1):
        here = x[open_rows]
        r = update(here, open_rows) - here
        scale = np.maximum(1.0, np.abs(here))
        size = np.max(np.abs(r) / scale, axis=1)
        size[~np.isfinite(size)] = np.inf
        residual[open_rows], iterations[open_rows] = size, count
        going = (size > tolerance) & np.isfinite(size)
        if not np.any(going):
            break
        if count % RESTART == 0:
            past_x, past_r = [], []
        step = damping * r
        if past_r:
            step = _mixed(here, r, past_x, past_r, scale, damping)
        step = np.where(np.isfinite(step), step, damping * r)
        length = np.max(np.abs(step) / scale, axis=1, keepdims=True)
        step *= np.minimum(1.0, LONGEST_STEP / np.maximum(length, 1e-300))
        past_x, past_r = [*past_x, here][-MEMORY:], [*past_r, r][-MEMORY:]
        x[open_rows[going]] = (here + step)[going]
        if not np.all(going):
            open_rows = open_rows[going]
            past_x, past_r = [one[going] for one in past_x], [one[going] for one in past_r]
    return x, residual, iterations


def solve_down(
    update: Callable[[Array, NDArray[np.intp], Array], Array], start: Array, lam: Array
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Find fixed points at small ridges by way of larger ones, from 0.1 down.

    Rows that do not come to rest are followed again from the start in smaller steps: ridges fall
    by factors of 10, then of 10^(1/2), then of 10^(1/4).

    Parameters
    ----------
    update : callable
        From rows, their numbers and their ridges to the next rows.
    start : (G, k) array
    lam : (G,) array
        The ridges asked for.

    Returns
    -------
    x, residual, iterations : arrays
        As `solve`; iterations are those at the last ridge.
    """
    found, rows = start.copy(), np.arange(len(start))
    residual, iterations = np.full(len(start), np.inf), np.zeros(len(start), dtype=np.intp)
    for density in DENSITIES:
        last, x = lam[rows], start[rows]
        before = x
        for number, ridge in enumerate(_stages(last, density)):
            ahead = x + (x - before) if number > 1 else x
            before, final = x, ridge is last
            x, size, count = solve(
                partial(_at, update, rows, ridge),
                ahead,
                tolerance=1e-10 if final else 1e-4,
                most=MOST if final else 200,
            )
        found[rows], residual[rows], iterations[rows] = x, size, count
        rows = rows[~(size < TOLERABLE)]
        if not len(rows):
            break
    return found, residual, iterations


def _at(
    update: Callable[[Array, NDArray[np.intp], Array], Array], rows: NDArray[np.intp],
    ridge: Array, x: Array, k: NDArray[np.intp],
) -> Array:  # fmt: skip
    """Update some of the open rows."""
    return update(x, rows[k], ridge[k])


def _stages(lam: Array, density: int) -> list[Array]:
    stages, level = [], 0.1
    while level > 1.001 * lam.min() and level > LEAST_RIDGE:
        stages.append(np.maximum(lam, level))
        level /= 10.0 ** (1.0 / density)
    return [*stages, lam]


def _mixed(
    x: Array, r: Array, past_x: list[Array], past_r: list[Array], scale: Array, damping: float
) -> Array:
    dx = np.stack([x - one for one in past_x], axis=2)
    dr = np.stack([r - one for one in past_r], axis=2)
    weighted = dr / scale[:, :, None] ** 2
    gram = np.einsum("gkm,gkn->gmn", weighted, dr)
    ridge = RIDGE * np.einsum("gmm->g", gram) + 1e-300
    gram += ridge[:, None, None] * np.eye(gram.shape[1])
    weight = np.linalg.solve(gram, np.einsum("gkm,gk->gm", weighted, r)[..., None])[..., 0]
    return np.asarray(damping * r - np.einsum("gkm,gm->gk", dx + damping * dr, weight))
