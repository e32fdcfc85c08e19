"""Random paths, drawn exactly from all paths of a graph without listing them.

A path is drawn unit by unit from the start. The probability of each step is the share of the
paths behind it, so that whole paths come out equally likely, or likely in proportion to the
size of their weights. Sums over a sample estimate sums over paths; for the distribution of
weights itself, the other path methods are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse

from sta.analysis.graph.edges import FloatArray, IntArray, Layer, check_size, support
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.starts import path_layers
from sta.analysis.graph.paths.strongest import path_products, units_of_graph
from sta.analysis.graph.paths.transitions import path_transitions
from sta.errors import StaError

__all__ = ["PathSample", "SamplingMeasure", "sample_paths"]

SamplingMeasure: TypeAlias = Literal["count", "mass"]


@dataclass(frozen=True, eq=False)
class PathSample:
    """Independent random paths; one may come more than once.

    Attributes
    ----------
    units : ndarray of int, shape (n, n_layers + 1)
        The unit that a path passes in every node layer; -1 before a start at a bias unit.
    weights : ndarray, shape (n,)
        Signed products; infinite or 0 where they are beyond the range of float64.
    log_abs : ndarray, shape (n,)
        log(abs(weight)), finite for every path.
    by : str
        ``"count"`` or ``"mass"``, as asked for.
    """

    units: IntArray
    weights: FloatArray
    log_abs: FloatArray
    by: SamplingMeasure


def sample_paths(
    graph: LayeredGraph,
    n: int,
    seed: int | np.random.Generator,
    by: SamplingMeasure = "count",
) -> PathSample:
    r"""Draw paths independently, uniformly or in proportion to :math:`|p|`.

    Parameters
    ----------
    graph : LayeredGraph
    n : int
        Number of paths to draw.
    seed : int or numpy.random.Generator
    by : {"count", "mass"}, optional
        Give every path the same probability, or :math:`|p| / \sum |p|`.

    Returns
    -------
    PathSample

    Raises
    ------
    StaError
        If the graph has no path, n is not a positive whole number or ``by`` is unknown, or the
        sample would not fit in memory.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 0.0]], [[3.0], [4.0]]])
    >>> sample_paths(graph, 2, seed=0).units.tolist()
    [[0, 0, 0], [0, 0, 0]]
    """
    if by not in ("count", "mass"):
        raise StaError(f"by is {by!r}; choose 'count' or 'mass'")
    if not isinstance(n, int | np.integer) or n < 1:
        raise StaError(f"n is {n!r}; draw 1 path or more")
    check_size(8.0 * n * (graph.n_layers + 6), f"a sample of {n} paths", "draw fewer at a time")
    rng = np.random.default_rng(seed)
    layers = path_layers(graph)
    start, steps = path_transitions(
        layers if by == "mass" else [support(layer) for layer in layers]
    )
    columns = [_draw(start[None, :], np.zeros(n, dtype=np.intp), rng)]
    for step in steps:
        columns.append(_draw(step, columns[-1], rng))
    units = np.stack(columns, axis=1)
    weights, log_abs = path_products(layers, units)
    return PathSample(units_of_graph(units, graph), weights, log_abs, by)


def _draw(step: Layer, rows: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw a column for each of the rows, with the probabilities that the row holds."""
    table = scipy.sparse.csr_array(step, copy=True)
    table.eliminate_zeros()  # so that rounding at the end of a row meets a possible step
    mass = np.concatenate([[0.0], np.cumsum(table.data)])
    first, last = table.indptr[rows], table.indptr[rows + 1]
    points = mass[first] + rng.random(rows.size) * (mass[last] - mass[first])
    edges = np.searchsorted(mass, points, side="right") - 1
    return np.asarray(table.indices[np.clip(edges, first, last - 1)], dtype=np.intp)
