"""Fixed points of many systems at once, by Anderson's acceleration, with a certificate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEMORY = 6
RESTART = 25  # iterations after which the memory is cleared, against cycles
RIDGE = 1e-12
LONGEST_STEP = 1.0


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
        Largest |update(x) - x| at rest.
    most : int
        Iterations at most.
    damping : float
        Share of the step taken; the rest of the way is Anderson's.

    Returns
    -------
    x : (G, k) array
    residual : (G,) array
        max |update(x) - x|, infinite where it ran away.
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
        size = np.max(np.abs(r), axis=1)
        size[~np.isfinite(size)] = np.inf
        residual[open_rows], iterations[open_rows] = size, count
        going = (size > tolerance) & np.isfinite(size)
        if not np.any(going):
            break
        if count % RESTART == 0:
            past_x, past_r = [], []
        step = damping * r
        if past_r:
            step = _mixed(here, r, past_x, past_r, damping)
        step = np.where(np.isfinite(step), step, damping * r)
        length = np.max(np.abs(step), axis=1, keepdims=True)
        step *= np.minimum(1.0, LONGEST_STEP / np.maximum(length, 1e-300))
        past_x, past_r = [*past_x, here][-MEMORY:], [*past_r, r][-MEMORY:]
        x[open_rows[going]] = (here + step)[going]
        if not np.all(going):
            open_rows = open_rows[going]
            past_x, past_r = [one[going] for one in past_x], [one[going] for one in past_r]
    return x, residual, iterations


def _mixed(x: Array, r: Array, past_x: list[Array], past_r: list[Array], damping: float) -> Array:
    dx = np.stack([x - one for one in past_x], axis=2)
    dr = np.stack([r - one for one in past_r], axis=2)
    gram = np.einsum("gkm,gkn->gmn", dr, dr)
    ridge = RIDGE * np.einsum("gmm->g", gram) + 1e-300
    gram += ridge[:, None, None] * np.eye(gram.shape[1])
    weight = np.linalg.solve(gram, np.einsum("gkm,gk->gm", dr, r)[..., None])[..., 0]
    return np.asarray(damping * r - np.einsum("gkm,gm->gk", dx + damping * dr, weight))
