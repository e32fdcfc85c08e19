r"""Spectra that exist: singular values of the layers, and the Laplacian of the whole network.

The adjacency matrix of a layered graph is nilpotent, so that all its eigenvalues are 0. The
normalised Laplacian :math:`1 - D^{-1/2} A D^{-1/2}` of the undirected graph with weights
:math:`|w|` has eigenvalues from 0 to 2, and NetLSD summarises them in the trace of heat, or
of waves, that spread on it,

.. math:: h(t) = \sum_j e^{-t \lambda_j}, \qquad c(t) = \sum_j \cos(t \lambda_j).

A unit without edges has a row of zeros in the Laplacian: one more eigenvalue 0, heat that
stays where it is. A layered graph is bipartite, which makes the spectrum symmetric about 1.

References
----------
.. [1] Roy, Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO
   2007.
.. [2] Tsitsulin, Mottin, Karras, Bronstein, Mueller, "NetLSD: hearing the shape of a graph",
   KDD 2018, arXiv:1805.10712.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from sta.analysis.graph.checks import frozen
from sta.analysis.graph.edges import FloatArray, Layer, dense
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.errors import StaError

__all__ = [
    "TIMESCALES",
    "LayerSpectrum",
    "Trace",
    "laplacian_eigenvalues",
    "layer_spectra",
    "netlsd",
    "netlsd_distance",
]

Trace: TypeAlias = Literal["heat", "wave"]
TIMESCALES: dict[Trace, FloatArray] = {
    "heat": frozen(np.logspace(-2, 2, 250)),
    "wave": frozen(np.linspace(0, 2 * np.pi, 250)),
}
"""Times at which NetLSD takes each trace, those of its authors."""
LARGEST_SIDE = 8192
"""Units on the smaller side of a layer above which its singular values are refused."""
LARGEST_DENSE = 2**31
"""Bytes of a dense layer above which its singular values are refused."""
LARGEST_GRAPH = 8192
"""Units above which the Laplacian is not diagonalised."""


@dataclass(frozen=True, eq=False)
class LayerSpectrum:
    r"""Singular values of one weight matrix, and how many of them count.

    Attributes
    ----------
    singular_values : ndarray
        Largest first.
    effective_rank : float or None
        :math:`\exp(-\sum_i p_i \log p_i)` with :math:`p_i = \sigma_i / \sum_j \sigma_j`.
    stable_rank : float or None
        :math:`\|W\|_F^2 / \|W\|_2^2`.
    reason : str
        Why there are no ranks; empty otherwise.
    """

    singular_values: FloatArray
    effective_rank: float | None
    stable_rank: float | None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the values as plain Python objects."""
        return {
            "singular_values": self.singular_values.tolist(),
            "effective_rank": self.effective_rank,
            "stable_rank": self.stable_rank,
            "reason": self.reason,
        }


def layer_spectra(graph: LayeredGraph) -> tuple[LayerSpectrum, ...]:
    """Singular values, effective rank and stable rank of every weight matrix, without biases.

    They change under a rescaling of ReLU units, and not under a permutation of units.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    tuple of LayerSpectrum

    Raises
    ------
    StaError
        If a layer has more than 8192 units on both sides, or takes more than 2 GiB when dense.

    Examples
    --------
    >>> spectrum, = layer_spectra(LayeredGraph.from_arrays([[[3.0, 0.0], [0.0, -3.0]]]))
    >>> spectrum.singular_values.tolist(), round(spectrum.effective_rank, 12)
    ([3.0, 3.0], 2.0)
    """
    layers = graph.without_bias().layers
    for number, layer in enumerate(layers):
        if min(layer.shape) > LARGEST_SIDE or 8 * layer.shape[0] * layer.shape[1] > LARGEST_DENSE:
            raise StaError(
                f"layer {number} of shape {layer.shape} is too large for its singular values "
                f"({LARGEST_SIDE} units on one side, {LARGEST_DENSE // 2**30} GiB); prune units"
            )
    return tuple(_spectrum(layer) for layer in layers)


def laplacian_eigenvalues(graph: LayeredGraph) -> FloatArray:
    r"""Eigenvalues of the normalised Laplacian of the symmetrised graph of :math:`|w|`.

    Units of even and of odd node layers are the two halves of a bipartite graph, whatever the
    depth. With M the block of :math:`D^{-1/2} A D^{-1/2}` between those with edges, the
    eigenvalues are :math:`1 \pm \sigma` for the singular values of M, 1 for each unit that the
    larger half has more, and 0 for each unit without edges.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    ndarray, shape (n_nodes,)
        Without bias units; smallest first.

    Raises
    ------
    StaError
        If there are more than 8192 units.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0], [-1.0]]])
    >>> laplacian_eigenvalues(graph).round(12).tolist()
    [0.0, 1.0, 2.0]
    """
    bare = graph.without_bias()
    if bare.n_nodes > LARGEST_GRAPH:
        raise StaError(
            f"the graph has {bare.n_nodes} units and its Laplacian is diagonalised up to "
            f"{LARGEST_GRAPH}; prune units or take layer_spectra"
        )
    block = _even_to_odd(bare)
    block /= block.max(initial=0.0) or 1.0  # keeps the sums in range
    degrees = block.sum(axis=1), block.sum(axis=0)
    even, odd = (degree > 0 for degree in degrees)
    block = block[np.ix_(even, odd)]
    block /= np.sqrt(degrees[0][even])[:, None]
    block /= np.sqrt(degrees[1][odd])
    isolated = np.zeros(bare.n_nodes - sum(block.shape))
    cosines = np.minimum(scipy.linalg.svdvals(block), 1.0) if block.size else np.zeros(0)
    unpaired = np.ones(abs(block.shape[0] - block.shape[1]))
    return np.sort(np.concatenate([isolated, 1 - cosines, unpaired, 1 + cosines]))


def netlsd(
    graph: LayeredGraph,
    *,
    trace: Trace = "heat",
    timescales: ArrayLike | None = None,
    per_unit: bool = True,
) -> FloatArray:
    """NetLSD signature of the symmetrised graph of |w|, without bias units.

    Parameters
    ----------
    graph : LayeredGraph
    trace : {"heat", "wave"}, optional
    timescales : array_like, shape (n_times,), optional
        Times; 250 from 0.01 to 100, evenly on a logarithmic scale, for heat and from 0 to
        2 pi for waves if None.
    per_unit : bool, optional
        Divide by the number of units, the trace of a graph without edges, so that graphs of
        different sizes compare.

    Returns
    -------
    ndarray, shape (n_times,)

    Raises
    ------
    StaError
        If ``trace`` is neither of the two or the graph has more than 8192 units.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[2.0]]])  # eigenvalues 0 and 2
    >>> netlsd(graph, timescales=[0.0, 100.0]).tolist()
    [1.0, 0.5]
    """
    if trace not in TIMESCALES:
        raise StaError(f"trace is {trace!r}; choose 'heat' or 'wave'")
    times = np.asarray(TIMESCALES[trace] if timescales is None else timescales, dtype=np.float64)
    phases = np.multiply.outer(times, laplacian_eigenvalues(graph))
    terms = np.exp(-phases) if trace == "heat" else np.cos(phases)
    return np.asarray(terms.mean(axis=-1) if per_unit else terms.sum(axis=-1))


def netlsd_distance(a: LayeredGraph, b: LayeredGraph, *, trace: Trace = "heat") -> float:
    """Euclidean distance between the NetLSD signatures per unit of two graphs.

    It is 0 for graphs of the same spectrum, which may still differ: in the signs or the scale
    of all weights, or in the order of units.

    Parameters
    ----------
    a, b : LayeredGraph
        Their sizes may differ.
    trace : {"heat", "wave"}, optional

    Returns
    -------
    float

    Raises
    ------
    StaError
        As :func:`netlsd`.
    """
    return float(np.linalg.norm(netlsd(a, trace=trace) - netlsd(b, trace=trace)))


def _spectrum(layer: Layer) -> LayerSpectrum:
    values = np.asarray(scipy.linalg.svdvals(dense(layer)))
    if values[0] == 0:
        return LayerSpectrum(values, None, None, "the layer has no edges")
    shares = values / values[0]
    stable = float(np.sum(shares**2))
    shares = shares[shares > 0] / shares.sum()
    return LayerSpectrum(values, float(np.exp(-np.sum(shares * np.log(shares)))), stable)


def _even_to_odd(graph: LayeredGraph) -> FloatArray:
    """|w| between the units of even node layers, as rows, and of odd ones."""
    first = [sum(graph.widths[at % 2 : at : 2]) for at in range(len(graph.widths))]
    block = np.zeros((sum(graph.widths[::2]), sum(graph.widths[1::2])))
    for at, layer in enumerate(graph.layers):
        weights = np.abs(dense(layer))
        if at % 2:
            weights = weights.T
        row, column = (first[at + 1], first[at]) if at % 2 else (first[at], first[at + 1])
        block[row : row + weights.shape[0], column : column + weights.shape[1]] = weights
    return block
