"""Giant component of the random graph G(N, c/N), order parameter S_max / N.

References
----------
P. Erdős, A. Rényi, On the evolution of random graphs (1960): S = 1 - exp(-c S).
B. Bollobás, The evolution of random graphs, Trans. Am. Math. Soc. 286, 257 (1984), and
T. Łuczak, Component behavior near the critical point of the random graph process, Random
Struct. Algorithms 1, 287 (1990): the critical window |c - 1| ~ N^(-1/3), where S ~ N^(-1/3).
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from sta.analysis.statistics.oracles.components import (
    GrowingGraph,
    IntArray,
    components,
    largest_components,
)
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

EXPONENT = 1.0 / 3.0

DESCRIPTION = (
    "Random graph G(N, c/N): share of the nodes in the largest component, against the mean"
    " degree c. Of an infinite graph it is the solution of S = 1 - exp(-c S), so c = 1 and"
    " beta = 1; the critical window |c - 1| ~ N^(-1/3) gives 1/nu = beta/nu = 1/3 with L = N"
    " (Bollobás, Trans. Am. Math. Soc. 286, 257, 1984). Edges are nested within a trial."
)


def giant_component(
    *,
    sizes: Sequence[int] = (512, 2048, 8192, 32768),
    trials: int | Sequence[int] = 100,
    points: int = 15,
    window: Window = 2.0,
    seed: Seed = 0,
) -> Oracle:
    """Simulate the largest component of random graphs around mean degree 1.

    Parameters
    ----------
    sizes
        Numbers of nodes N.
    trials
        Number of realisations, of every size or of each.
    points, window
        Points of c a size, even in (c - 1) N^(1/3) between -window and window, or between
        the two ends (low, high).
    seed
        Of the graphs; more trials continue those of the same seed.

    Raises
    ------
    ConfigError
        If the window leaves 0 <= c <= N, or an option is out of range.
    """
    numbers = plan(sizes, trials)
    grids = [scaled_grid(1.0, EXPONENT, size, window, points) for size in numbers]
    for size, c in zip(numbers, grids, strict=True):
        if c[0] < 0.0 or c[-1] > size:
            raise ConfigError(f"window {window} at N = {size} leaves 0 <= c <= N: narrow it")
    streams = np.random.default_rng(seed).spawn(len(numbers))
    values = []
    for (size, number), c, rng in zip(numbers.items(), grids, streams, strict=True):
        edges = (random_edges(size, float(c[-1]), rng) for _ in range(number))
        graphs = (growing_graph(size, *drawn, c) for drawn in edges)
        values.append(largest_components(graphs, points) / float(size))
    return Oracle(
        name="giant-component",
        curves=curve_set(list(numbers), grids, values),
        truth=truth(1.0, EXPONENT, EXPONENT),
        x_name="mean degree c",
        y_name="largest component / nodes",
        size_name="nodes N",
        description=DESCRIPTION,
        corrections=True,
    )


def random_edges(
    n_nodes: int, c_max: float, rng: Generator
) -> tuple[IntArray, IntArray, FloatArray]:
    """Draw the edges of G(N, c_max/N), each with the mean degree c at which it appears.

    The edges with a degree below c are a draw of G(N, c/N), for every c up to c_max.
    """
    n_pairs = n_nodes * (n_nodes - 1) // 2
    n_edges = int(rng.binomial(n_pairs, c_max / n_nodes))
    pair = rng.choice(n_pairs, n_edges, replace=False)
    # Pair number first (first - 1) / 2 + second, with second < first.
    first = np.floor(0.5 + 0.5 * np.sqrt(1.0 + 8.0 * pair)).astype(np.int64)
    second = pair - first * (first - 1) // 2
    return first, second, c_max * rng.random(n_edges)


def growing_graph(
    n_nodes: int, first: IntArray, second: IntArray, degree: FloatArray, c: FloatArray
) -> GrowingGraph:
    """Return the graph of the edges with degree < c, one step for each of the ascending c."""
    step = np.searchsorted(c, degree, side="right")
    base, later = step == 0, (step > 0) & (step < c.size)
    cluster = components(n_nodes, first[base], second[base])
    return GrowingGraph(
        weights=np.bincount(cluster),
        first=cluster[first[later]],
        second=cluster[second[later]],
        step=step[later],
    )
