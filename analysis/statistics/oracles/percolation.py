"""Site percolation on the periodic square lattice, order parameter S_max / L^2.

References
----------
D. Stauffer, A. Aharony, Introduction to Percolation Theory, 2nd ed. (1994): the exponents.
X. Feng, Y. Deng, H. W. J. Blöte, Percolation transitions in two dimensions, Phys. Rev. E 78,
031136 (2008): p_c = 0.59274605(3).
M. E. J. Newman, R. M. Ziff, Phys. Rev. E 64, 016706 (2001): one realisation for all p.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from sta.analysis.statistics.oracles.components import GrowingGraph, IntArray, largest_components
from sta.analysis.statistics.oracles.oracle import (
    Oracle,
    Window,
    curve_set,
    plan,
    scaled_grid,
    truth,
)
from sta.analysis.statistics.resampling import FloatArray, Seed
from sta.errors import ConfigError

P_C = 0.59274605
INV_NU = 3.0 / 4.0
BETA_OVER_NU = 5.0 / 48.0

DESCRIPTION = (
    "Site percolation on the periodic L x L square lattice: share of the sites in the largest"
    " cluster of occupied nearest neighbours. nu = 4/3 and beta = 5/36 are exact for the"
    " universality class; p_c = 0.59274605(3) is numerical (Feng, Deng, Blöte, Phys. Rev. E 78,"
    " 031136, 2008). One random field serves all p of a trial, so its points are correlated."
)


def percolation(
    *,
    sizes: Sequence[int] = (32, 64, 128, 256),
    trials: int | Sequence[int] = 100,
    points: int = 15,
    window: Window = 1.0,
    seed: Seed = 0,
) -> Oracle:
    """Simulate site percolation on periodic square lattices.

    Parameters
    ----------
    sizes
        Linear sizes L.
    trials
        Number of realisations, of every size or of each.
    points, window
        Points of p a size, even in (p - p_c) L^(3/4) between -window and window, or between
        the two ends (low, high).
    seed
        Of the fields; more trials continue those of the same seed.

    Raises
    ------
    ConfigError
        If the window leaves 0 < p < 1, or an option is out of range.
    """
    numbers = plan(sizes, trials)
    grids = [scaled_grid(P_C, INV_NU, size, window, points) for size in numbers]
    for size, p in zip(numbers, grids, strict=True):
        if p[0] <= 0.0 or p[-1] >= 1.0:
            raise ConfigError(f"window {window} at L = {size} leaves 0 < p < 1: narrow it")
    streams = np.random.default_rng(seed).spawn(len(numbers))
    values = []
    for (size, number), p, rng in zip(numbers.items(), grids, streams, strict=True):
        fields = (rng.random((size, size)) for _ in range(number))
        graphs = (growing_clusters(field, p) for field in fields)
        values.append(largest_components(graphs, points) / float(size**2))
    return Oracle(
        name="percolation",
        curves=curve_set(list(numbers), grids, values),
        truth=truth(P_C, INV_NU, BETA_OVER_NU),
        x_name="occupation probability p",
        y_name="largest cluster / sites",
        size_name="linear size L",
        description=DESCRIPTION,
        corrections=True,
    )


def growing_clusters(field: FloatArray, p: FloatArray) -> GrowingGraph:
    """Return the clusters of sites with field < p as a graph that grows with p.

    Parameters
    ----------
    field
        Shape (rows, columns), periodic in both.
    p
        Thresholds, ascending, one a step, shape (P,).

    Notes
    -----
    The nodes are the clusters of the smallest p, labelled without regard to the seams, and
    the sites that are occupied later.
    """
    first = field < p[0]
    node = np.zeros(field.shape, dtype=np.int32)
    n_clusters = label(first, output=node)
    sizes = np.bincount(node.ravel(), minlength=n_clusters + 1)
    sizes[0] = 0
    later = np.flatnonzero(~first & (field < p[-1]))
    node.ravel()[later] = n_clusters + 1 + np.arange(later.size)
    born = np.zeros(sizes.size + later.size, dtype=np.int64)
    born[sizes.size :] = np.searchsorted(p, field.ravel()[later], side="right")
    one, other = _links(node, later)
    there = (one > 0) & (other > 0)
    one, other = one[there], other[there]
    return GrowingGraph(
        weights=np.concatenate([sizes, np.ones(later.size, dtype=np.int64)]),
        first=one,
        second=other,
        step=np.maximum(born[one], born[other]),
        born=int(np.searchsorted(p, field.min(), side="right")),
    )


def _links(node: NDArray[np.int32], later: NDArray[np.intp]) -> tuple[IntArray, IntArray]:
    """Node pairs across the seams of the labelled lattice and around the sites born later."""
    rows, columns = node.shape
    row, column = np.divmod(later, columns)
    flat = node.ravel()
    around = [
        (row + 1) % rows * columns + column,
        (row - 1) % rows * columns + column,
        row * columns + (column + 1) % columns,
        row * columns + (column - 1) % columns,
    ]
    one = np.concatenate([node[0], node[:, 0], np.tile(flat[later], 4)])
    other = np.concatenate([node[-1], node[:, -1], flat[np.concatenate(around)]])
    return one.astype(np.int64), other.astype(np.int64)
