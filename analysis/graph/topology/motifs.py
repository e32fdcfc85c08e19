r"""Counts of small patterns of edges, exact, in closed form, with the signs of their weights.

With in- and out-degrees :math:`k`, and :math:`B` the 0-1 support of a layer:

========  ======================================  =========================================
motif     edges                                   number
========  ======================================  =========================================
chain     into a hidden unit and out of it        :math:`\sum_j k^{in}_j k^{out}_j`
diverge   two out of one unit                     :math:`\sum_i \binom{k^{out}_i}{2}`
converge  two into one unit                       :math:`\sum_j \binom{k^{in}_j}{2}`
bifan     two units each into the same two units  :math:`\sum_{i<i'} \binom{(BB^T)_{ii'}}{2}`
========  ======================================  =========================================

A motif is *coherent* if the product of the signs of its edges is positive, and *incoherent* if
it is negative; of a bi-fan, which is a cycle, one also says balanced and frustrated. The split
follows from the same sums over :math:`S = \mathrm{sign}\,W`, such as
:math:`\sum_{j<j'} s_j s_{j'} = ((\sum_j s_j)^2 - k) / 2`.

All numbers are whole: degrees and their products are 64-bit integers, which no graph that fits
in memory exceeds, and totals are Python's, without a bound. Bias units are left out.

References
----------
.. [1] Milo et al., "Network motifs: simple building blocks of complex networks", Science 298,
   824 (2002).
.. [2] Zambra, Maritan, Testolin, "Emergence of network motifs in deep neural networks",
   Entropy 22, 204 (2020).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import (
    Layer,
    edge_count,
    edge_values,
    is_sparse,
    mapped,
    support,
)
from sta.analysis.graph.layered_graph import LayeredGraph

__all__ = [
    "MOTIFS",
    "MotifCensus",
    "MotifCounts",
    "bifan_count",
    "motif_census",
]

Whole: TypeAlias = NDArray[np.int64]
MOTIFS = ("chain", "diverge", "converge", "bifan")
CHUNK = 2**25
"""Bytes of the block of common neighbours that is held at a time."""
LARGEST_SINGLE = 2**24
"""Whole numbers up to here are exact in float32."""


@dataclass(frozen=True)
class MotifCounts:
    """Numbers of one motif, split by the product of the signs of its edges.

    Attributes
    ----------
    coherent, incoherent : tuple of int
        One entry per hidden node layer for the chain, and per weight matrix for the others.
    """

    coherent: tuple[int, ...]
    incoherent: tuple[int, ...]

    @property
    def layers(self) -> tuple[int, ...]:
        """Numbers of either sign."""
        return tuple(a + b for a, b in zip(self.coherent, self.incoherent, strict=True))

    @property
    def total(self) -> int:
        """Number in the whole graph."""
        return sum(self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain Python objects."""
        return {
            "total": self.total,
            "layers": list(self.layers),
            "coherent": list(self.coherent),
            "incoherent": list(self.incoherent),
        }


@dataclass(frozen=True)
class MotifCensus:
    """Numbers of every motif in a graph; the tuples of the chain have one entry less."""

    chain: MotifCounts
    diverge: MotifCounts
    converge: MotifCounts
    bifan: MotifCounts

    def totals(self) -> dict[str, int]:
        """Numbers in the whole graph, of all and of either sign, such as ``bifan.coherent``."""
        named = {}
        for name in MOTIFS:
            counts: MotifCounts = getattr(self, name)
            named[name] = counts.total
            named[f"{name}.coherent"] = sum(counts.coherent)
            named[f"{name}.incoherent"] = sum(counts.incoherent)
        return named

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain Python objects."""
        return {name: getattr(self, name).to_dict() for name in MOTIFS}


def motif_census(graph: LayeredGraph) -> MotifCensus:
    """Count chains, diverging and converging pairs and bi-fans, by sign.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    MotifCensus

    Examples
    --------
    >>> census = motif_census(LayeredGraph.from_arrays([[[1.0, 2.0], [3.0, -4.0]]]))
    >>> census.bifan
    MotifCounts(coherent=(0,), incoherent=(1,))
    >>> census.converge
    MotifCounts(coherent=(1,), incoherent=(1,))
    """
    signs = [mapped(layer, np.sign) for layer in graph.without_bias().layers]
    out_degrees = [_sums(support(layer), 1) for layer in signs]
    in_degrees = [_sums(support(layer), 0) for layer in signs]
    out_signs, in_signs = [_sums(s, 1) for s in signs], [_sums(s, 0) for s in signs]
    chains = [
        _split(int(k_in @ k_out), int(s_in @ s_out))
        for k_in, k_out, s_in, s_out in zip(
            in_degrees, out_degrees[1:], in_signs, out_signs[1:], strict=False
        )
    ]
    return MotifCensus(
        chain=_counts(chains),
        diverge=_counts([_pairs(*sums) for sums in zip(out_degrees, out_signs, strict=True)]),
        converge=_counts([_pairs(*sums) for sums in zip(in_degrees, in_signs, strict=True)]),
        bifan=_counts([_bifans(layer) for layer in signs]),
    )


def bifan_count(layer: Layer) -> int:
    """Count the pairs of sources that share a pair of targets: the cycles of four edges.

    Parameters
    ----------
    layer : ndarray or scipy.sparse.csr_array, shape (n_in, n_out)

    Returns
    -------
    int

    Examples
    --------
    >>> bifan_count(np.ones((3, 3)))
    9
    """
    return _bifans(support(layer))[0]


def _bifans(signs: Layer) -> tuple[int, int]:
    """Bi-fans, balanced and frustrated, from sums over pairs of sources.

    Of c common targets, d more with equal than with unequal signs, C(c, 2) pairs make a
    bi-fan, and (d ** 2 - c) / 2 more of them are balanced than frustrated.
    """
    ones = support(signs)
    out_degree, in_degree = _sums(ones, 1), _sums(ones, 0)
    common = int(in_degree @ in_degree - in_degree.sum())
    own = int(out_degree @ out_degree)
    equal = edge_count(signs) == edge_values(signs).sum()
    squares = _gram_square(ones) - own
    sign_squares = squares if equal else _gram_square(signs) - own
    return _split((squares - common) // 4, (sign_squares - common) // 4)


def _gram_square(matrix: Layer) -> int:
    r"""Sum of the squared entries of M M^T, which is that of M^T M: the smaller is taken."""
    if is_sparse(matrix):
        turned = matrix.T.tocsr()
        out_degree, in_degree = np.diff(matrix.indptr), np.diff(turned.indptr)
        if np.square(out_degree, dtype=np.int64).sum() < np.square(in_degree, dtype=np.int64).sum():
            matrix, turned = turned, matrix
        return sum(int(np.square(block).sum()) for block in _sparse_products(matrix, turned))
    if matrix.shape[1] < matrix.shape[0]:
        matrix = matrix.T
    exact = np.float32 if matrix.shape[1] <= LARGEST_SINGLE else np.float64
    numbers: NDArray[Any] = np.ascontiguousarray(matrix, dtype=exact)
    rows = max(1, CHUNK // (8 * numbers.shape[0]))
    blocks = (numbers[at : at + rows] @ numbers.T for at in range(0, numbers.shape[0], rows))
    return sum(int(np.square(block.astype(np.int64)).sum()) for block in blocks)


def _sparse_products(matrix: Layer, turned: Layer) -> Iterator[Whole]:
    """Yield the entries of M M^T, as many rows at a time as need at most CHUNK bytes."""
    work = support(matrix) @ _sums(support(turned), 1)
    block = np.cumsum(work) // (CHUNK // 16)
    cuts = np.append(np.flatnonzero(np.diff(block, prepend=-1)), matrix.shape[0])
    for start, stop in itertools.pairwise(cuts):
        yield (matrix[start:stop] @ turned).data.astype(np.int64)


def _sums(layer: Layer, axis: int) -> Whole:
    """Row or column sums of a layer of whole numbers."""
    return np.asarray(layer.sum(axis=axis)).astype(np.int64)


def _pairs(degrees: Whole, signs: Whole) -> tuple[int, int]:
    """Pairs of edges at one unit, coherent and incoherent."""
    count = int(degrees @ degrees - degrees.sum()) // 2
    return _split(count, int(signs @ signs - degrees.sum()) // 2)


def _split(count: int, difference: int) -> tuple[int, int]:
    return (count + difference) // 2, (count - difference) // 2


def _counts(split: list[tuple[int, int]]) -> MotifCounts:
    return MotifCounts(tuple(a for a, _ in split), tuple(b for _, b in split))
