"""Counting and listing the paths of a layered graph, exactly.

The count is exact at any depth; the list has one signed product per path and is made only
where it fits a stated limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from sta.analysis.graph.edges import (
    FloatArray,
    Layer,
    edge_list,
    edge_values,
    is_sparse,
    mapped,
    support,
)
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.starts import live_layers, path_layers
from sta.errors import StaError

__all__ = [
    "ENUMERATION_LIMIT",
    "count_paths",
    "count_text",
    "path_weights",
    "signed_path_counts",
]

ENUMERATION_LIMIT = 2e7
"""Number of paths up to which all path weights are listed: 160 MB, and while they are
computed up to three times that."""


def count_paths(graph: LayeredGraph) -> int:
    """Exact number of paths from an input to the last layer along nonzero weights.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    int
        A Python integer, without overflow or rounding at any depth.

    Examples
    --------
    >>> dense = LayeredGraph.from_arrays([[[1.0] * 512] * 512] * 30)
    >>> count_paths(dense) == 512**31
    True
    """
    layers = path_layers(graph)
    bits = _limb_bits(layers)
    limbs = np.ones((1, layers[0].shape[0]))
    for layer in layers:
        if not is_sparse(layer) and layer.all():
            sums = np.tile(limbs.sum(axis=1, keepdims=True), layer.shape[1])
        else:
            sums = limbs @ support(layer)
        limbs = _carry(sums, bits)
    return _whole(limbs, bits)


def signed_path_counts(graph: LayeredGraph) -> tuple[int, int]:
    """Exact numbers of paths of positive and of negative weight.

    Parameters
    ----------
    graph : LayeredGraph

    Returns
    -------
    positive, negative : int

    Examples
    --------
    >>> signed_path_counts(LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]]))
    (1, 1)
    """
    layers = path_layers(graph)
    bits = _limb_bits(layers)
    positive, negative = np.ones((1, layers[0].shape[0])), np.zeros((1, layers[0].shape[0]))
    for layer in layers:
        plus = mapped(layer, lambda weights: (weights > 0).astype(np.float64))
        minus = mapped(layer, lambda weights: (weights < 0).astype(np.float64))
        positive, negative = (
            _carry(positive @ plus + negative @ minus, bits),
            _carry(positive @ minus + negative @ plus, bits),
        )
        positive, negative = _of_equal_length(positive, negative)
    return _whole(positive, bits), _whole(negative, bits)


def path_weights(graph: LayeredGraph, *, limit: float = ENUMERATION_LIMIT) -> FloatArray:
    """Signed products of the weights along every path with nonzero weights.

    Parameters
    ----------
    graph : LayeredGraph
    limit : float, optional
        Largest number of paths to list; checked before anything is allocated.

    Returns
    -------
    ndarray, shape (count,)
        In no particular order.

    Raises
    ------
    StaError
        If the graph has more than ``limit`` paths, or one weighs more than float64 can hold.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 2.0]], [[3.0, 0.0], [0.0, -1.0]]])
    >>> path_weights(graph).tolist()
    [3.0, -2.0]
    """
    count = count_paths(graph)
    if count > limit:
        raise StaError(
            f"{count_text(count)} paths exceed the limit of {limit:.4g}; raise limit (8 bytes a "
            "path, three times that while they are computed) or use method='dp'"
        )
    if count == 0:
        return np.empty(0)
    layers = live_layers(graph)
    full = all(not is_sparse(layer) and layer.all() for layer in layers)
    safe = _in_range(layers)
    products = _dense_products(layers) if full and safe else _listed_products(layers, safe=safe)
    if not safe and not (np.isfinite(products) & (products != 0)).all():
        raise StaError(
            "a path weight is beyond the range of float64; scale the weights, or use "
            "path_histogram, which bins their logarithms"
        )
    return products


def count_text(count: int) -> str:
    """Write a number of paths of any size with at most four digits.

    Examples
    --------
    >>> count_text(25_000_000), count_text(2**2000)
    ('2.5e+07', '1.148e+602')
    """
    try:
        return f"{count:.4g}"
    except OverflowError:  # beyond float64
        return f"{Decimal(count):.4g}"


def _limb_bits(layers: Sequence[Layer]) -> int:
    """Bits of a digit such that sums over all units of a layer stay below 2**53, exact."""
    widest = max(int(max(layer.shape)) for layer in layers)
    return 53 - widest.bit_length()


def _carry(limbs: FloatArray, bits: int) -> FloatArray:
    """Bring digits of base 2**bits, shape (places, units), least significant first, below it."""
    digits = limbs.astype(np.int64)
    rows = []
    carry = np.zeros(digits.shape[1], dtype=np.int64)
    for digit in digits:
        total = digit + carry
        rows.append(total & (2**bits - 1))
        carry = total >> bits
    if carry.any():
        rows.append(carry)
    return np.array(rows, dtype=np.float64)


def _whole(limbs: FloatArray, bits: int) -> int:
    return sum(int(total) << (bits * place) for place, total in enumerate(limbs.sum(axis=1)))


def _of_equal_length(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    places = max(len(a), len(b))
    padded_a, padded_b = (np.pad(x, ((0, places - len(x)), (0, 0))) for x in (a, b))
    return padded_a, padded_b


def _in_range(layers: Sequence[Layer]) -> bool:
    """Whether no product of weights can leave float64 on its way."""
    low = high = 0
    for layer in layers:
        weights = np.abs(edge_values(layer))
        high += max(0, math.frexp(float(weights.max()))[1])
        smallest = float(weights.min()) or float(weights[weights > 0].min())
        low += min(0, math.frexp(smallest)[1] - 1)
    return low > -1022 and high < 1024


def _dense_products(matrices: list[Layer]) -> FloatArray:
    products = matrices[0]
    for matrix in matrices[1:]:
        products = (products[:, :, None] * matrix).reshape(-1, matrix.shape[1])
    return np.array(products).ravel()


def _listed_products(layers: list[Layer], *, safe: bool) -> FloatArray:
    """Products along every path; unless ``safe``, with their powers of two kept apart."""
    ends = np.arange(layers[0].shape[0])
    products, powers = np.ones(ends.size), np.zeros(ends.size, dtype=np.int64)
    for layer in layers:
        sources, targets, weights = edge_list(layer)
        degree = np.bincount(sources, minlength=layer.shape[0])
        first = np.cumsum(degree) - degree
        # every partial path is repeated once for each edge that leaves its end
        copies = degree[ends]
        offset = first[ends] - (np.cumsum(copies) - copies)
        edge = np.arange(copies.sum()) + np.repeat(offset, copies)
        ends = targets[edge]
        if safe:
            products = np.repeat(products, copies) * weights[edge]
            continue
        parts, exponents = np.frexp(weights)
        products, drift = np.frexp(np.repeat(products, copies) * parts[edge])
        powers = np.repeat(powers, copies) + exponents[edge] + drift
    with np.errstate(over="ignore", under="ignore"):
        return products if safe else np.ldexp(products, powers)
