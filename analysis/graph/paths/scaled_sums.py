"""Sums over the paths of a graph, one a unit, that no scale of a unit can carry out of range.

The sum of a unit is a mantissa times a power of two of its own: ReLU units may be rescaled by
any factors, and a unit whose paths weigh 1e-600 stands beside one whose paths weigh 1e600.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from sta.analysis.graph.edges import FloatArray, Layer, edge_values, is_sparse, mapped

__all__ = ["ScaledSums", "carried", "edge_products", "is_moderate", "times_power_of_two"]

_NOWHERE = -(2**30)
"""Power of two of a weight of zero, below all others."""
_ROOM = 400
"""Powers of two that squares of weights may lie from 1, and sums from the largest, to be
multiplied plainly: far from the 1022 of float64, as products of the two are and their sums."""


@dataclass(frozen=True, eq=False)
class ScaledSums:
    """Nonnegative sums ``mantissas * 2.0**powers``.

    Attributes
    ----------
    mantissas : ndarray, shape (n_units,)
        0, or from 1/2 up to 1.
    powers : ndarray of int, shape (n_units,)
        0 where the mantissa is.
    """

    mantissas: FloatArray
    powers: NDArray[np.int32]

    @classmethod
    def ones(cls, n_units: int) -> ScaledSums:
        """Return sums of 1, such as those of the units of the last layer."""
        return cls.of(np.ones(n_units), np.zeros(n_units, dtype=np.int32))

    @classmethod
    def of(cls, values: FloatArray, powers: NDArray[np.int32]) -> ScaledSums:
        """Split ``values * 2.0**powers``."""
        mantissas, drift = np.frexp(values)
        return cls(mantissas, np.where(values > 0, powers + drift, 0))

    def common(self) -> tuple[FloatArray, int]:
        """Return all sums over one power of two, that of the largest, and this power."""
        filled = self.mantissas > 0
        top = int(self.powers[filled].max()) if filled.any() else 0
        return np.ldexp(self.mantissas, self.powers - top), top

    def total(self) -> ScaledSums:
        """Add up all units, into a single one."""
        values, top = self.common()
        return ScaledSums.of(values.sum(keepdims=True), np.full(1, top, dtype=np.int32))

    def __add__(self, other: ScaledSums) -> ScaledSums:
        """Add unit by unit."""
        parts = (self, other)
        top = np.maximum(*(np.where(part.mantissas > 0, part.powers, _NOWHERE) for part in parts))
        values = sum(np.ldexp(part.mantissas, part.powers - top) for part in parts)
        return ScaledSums.of(np.asarray(values), top)

    def joined(self, other: ScaledSums) -> ScaledSums:
        """Put the sums of other units behind these."""
        return ScaledSums(
            np.concatenate([self.mantissas, other.mantissas]),
            np.concatenate([self.powers, other.powers]),
        )


def carried(
    layer: Layer, sums: ScaledSums, *, plain: bool = False, squared: bool = False
) -> ScaledSums:
    r"""Carry the sums of the targets to the sources, :math:`\sum_j w_{ij} s_j`.

    Parameters
    ----------
    layer : ndarray or scipy.sparse.csr_array, shape (n_in, n_out)
        Nonnegative, unless squared.
    sums : ScaledSums
        Of the targets.
    plain : bool, optional
        The layer is known to be moderate: one matrix product does where the sums are too.
    squared : bool, optional
        Put :math:`w_{ij}^2` for the weight.

    Returns
    -------
    ScaledSums
        Of the sources.
    """
    powers = sums.powers[sums.mantissas > 0]
    if plain and (powers.size == 0 or np.ptp(powers) < _ROOM):
        values, top = sums.common()
        product = (mapped(layer, np.square) if squared else layer) @ values
        return ScaledSums.of(product, np.full(layer.shape[0], top, dtype=np.int32))
    products, tops = edge_products(layer, sums, squared=squared)
    return ScaledSums.of(np.asarray(products.sum(axis=1)), tops)


def is_moderate(layer: Layer) -> bool:
    """Whether squares of weights, and their products with sums, are far from out of range."""
    with np.errstate(over="ignore"):
        squares = np.square(edge_values(layer))
    if squares.size == 0:
        return True
    low, high = float(squares.min()), float(squares.max())
    if low == 0:  # no edges, or an underflow
        sizes = np.abs(edge_values(layer))
        low = float(sizes.min(where=sizes > 0, initial=1.0)) ** 2
    return low > 2.0**-_ROOM and high < 2.0**_ROOM


def edge_products(
    layer: Layer, sums: ScaledSums, *, squared: bool = False
) -> tuple[Layer, NDArray[np.int32]]:
    r"""Terms :math:`w_{ij} s_j` of the sum of every source, over a power of two of its own.

    Parameters
    ----------
    layer : ndarray or scipy.sparse.csr_array, shape (n_in, n_out)
    sums, squared
        As of :func:`carried`.

    Returns
    -------
    products : ndarray or scipy.sparse.csr_array, shape (n_in, n_out)
        In the storage of ``layer``; the size of the largest of a row is from 1/8 up to 1.
    powers : ndarray of int, shape (n_in,)
        ``-2**30`` for rows of zeros.
    """
    sparse = is_sparse(layer)
    weights, exponents = np.frexp(layer.data if sparse else layer)
    if squared:
        weights, exponents = np.square(weights), 2 * exponents
    weights *= sums.mantissas[layer.indices] if sparse else sums.mantissas
    exponents += sums.powers[layer.indices] if sparse else sums.powers
    exponents[weights == 0] = _NOWHERE
    if sparse:
        degrees = np.diff(layer.indptr)
        largest = np.full(degrees.size, _NOWHERE, dtype=np.int32)
        starts = layer.indptr[:-1][degrees > 0]
        if starts.size:
            largest[degrees > 0] = np.maximum.reduceat(exponents, starts)
        weights = np.ldexp(weights, exponents - np.repeat(largest, degrees))
        layer = scipy.sparse.csr_array((weights, layer.indices, layer.indptr), shape=layer.shape)
        return layer, largest
    largest = exponents.max(axis=1)
    return np.ldexp(weights, exponents - largest[:, None]), largest


def times_power_of_two(mantissa: float, power: int) -> float:
    """Return ``mantissa * 2**power``, infinite if it is beyond float64."""
    try:
        return math.ldexp(mantissa, power)
    except OverflowError:
        return math.copysign(math.inf, mantissa)
