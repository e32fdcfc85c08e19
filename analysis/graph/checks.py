"""What a layered graph must satisfy, and the lines that say what does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from sta.analysis.graph.edges import IntArray, Layer, edge_values, is_sparse
from sta.errors import ShapeError

LARGEST_LAYER = 2**33
"""Bytes of one dense weight matrix above which a graph is refused."""


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Make an array read-only."""
    array.setflags(write=False)
    return array


def frozen_layer(layer: Layer) -> Layer:
    """Make a layer read-only."""
    frozen(layer.data if is_sparse(layer) else layer)
    return layer


def as_layer(given: object, number: int) -> Layer:
    """Copy a matrix of real numbers, keeping it sparse if it is.

    Parameters
    ----------
    given : array_like or scipy.sparse array
    number : int
        Which layer it is, for the message.

    Returns
    -------
    ndarray or scipy.sparse.csr_array

    Raises
    ------
    ShapeError
        If it is not a matrix of real numbers, or too large for one array.
    """
    _check_size(given, number)
    try:
        raw: Any = given if scipy.sparse.issparse(given) else np.asarray(given)
        if np.iscomplexobj(raw):
            raise TypeError("complex weights")
        if not scipy.sparse.issparse(raw):
            return frozen(np.array(raw, dtype=np.float64, order="C"))
        if raw.ndim != 2:
            raise ValueError(f"a sparse array of shape {raw.shape}")
        layer = scipy.sparse.csr_array(raw, dtype=np.float64, copy=True)
        layer.sum_duplicates()
        layer.eliminate_zeros()
        return frozen_layer(layer)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ShapeError(
            f"layer {number} is not a matrix of real numbers ({error}); pass a 2-d numpy array"
        ) from error


def _check_size(given: object, number: int) -> None:
    shape = getattr(given, "shape", None)
    if not isinstance(shape, tuple) or scipy.sparse.issparse(given):
        return
    size = 8 * math.prod(int(side) for side in shape)
    if size > LARGEST_LAYER:
        raise ShapeError(
            f"layer {number} of shape {shape} takes {size / 2**30:.1f} GiB as a dense matrix; "
            "pass a scipy.sparse array"
        )


def as_ids(entry: ArrayLike, number: int) -> IntArray:
    """Copy the ids of one node layer."""
    ids = np.array(entry)
    if ids.dtype.kind not in "iu":
        raise ShapeError(
            f"unit_ids of node layer {number} have type {ids.dtype}; give whole numbers"
        )
    return ids.astype(np.intp)


def as_indices(units: ArrayLike, width: int, layer: int) -> IntArray:
    """Turn a list of units or a mask into indices; refuse repeated or missing ones."""
    chosen = np.asarray(units)
    if chosen.dtype == np.bool_ and chosen.shape == (width,):
        chosen = np.flatnonzero(chosen)
    if chosen.size == 0:
        raise ShapeError(f"no unit of node layer {layer} would be left; keep at least one")
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise ShapeError(
            f"units of node layer {layer} have shape {chosen.shape} and type {chosen.dtype}; "
            f"give a list of indices or a boolean mask of length {width}"
        )
    if chosen.min() < 0 or chosen.max() >= width:
        wrong = chosen[(chosen < 0) | (chosen >= width)][0]
        raise ShapeError(f"node layer {layer} has no unit {wrong}; it has units 0 to {width - 1}")
    if np.unique(chosen).size < chosen.size:
        raise ShapeError(f"units of node layer {layer} repeat; name each unit once")
    return chosen.astype(np.intp)


def check_layers(layers: Sequence[Layer]) -> None:
    """Refuse layers that are empty, not matrices, not finite or not chained."""
    if len(layers) == 0:
        raise ShapeError("a graph of 0 weight matrices has no edges; give at least one layer")
    for number, layer in enumerate(layers):
        if layer.ndim != 2:
            raise ShapeError(
                f"layer {number} has shape {layer.shape}; give a matrix of shape (n_in, n_out)"
            )
        if 0 in layer.shape:
            raise ShapeError(
                f"layer {number} has shape {layer.shape}; every layer needs at least one unit"
            )
        if not np.isfinite(edge_values(layer)).all():
            _refuse_infinite(layer, number)
        if number and layer.shape[0] != layers[number - 1].shape[1]:
            raise ShapeError(
                f"layer {number} has {layer.shape[0]} sources but layer {number - 1} has "
                f"{layers[number - 1].shape[1]} targets; transpose torch weights "
                "(n_out, n_in) or reorder the layers"
            )


def _refuse_infinite(layer: Layer, number: int) -> None:
    entries = scipy.sparse.coo_array(layer)  # NaN is stored: it is not zero
    wrong = int(np.flatnonzero(~np.isfinite(entries.data))[0])
    raise ShapeError(
        f"layer {number} holds {entries.data[wrong]} at source {entries.row[wrong]}, "
        f"target {entries.col[wrong]}; weights must be finite"
    )


def check_unit_ids(unit_ids: Sequence[IntArray], widths: Sequence[int]) -> None:
    """Refuse ids that do not name every unit of a layer once."""
    check_attribute("unit_ids", unit_ids, widths)
    for number, ids in enumerate(unit_ids):
        if np.unique(ids).size < ids.size:
            raise ShapeError(f"unit_ids of node layer {number} repeat; name each unit once")


def check_attribute(name: str, values: Sequence[NDArray[Any]], widths: Sequence[int]) -> None:
    """Refuse an attribute without one value per unit."""
    shapes = [np.shape(value) for value in values]
    if shapes != [(width,) for width in widths]:
        raise ShapeError(
            f"{name} has arrays of shape {shapes} but the node layers hold {list(widths)} units; "
            "give one value per unit"
        )


def check_bias_units(
    masks: Sequence[NDArray[np.bool_]], layers: Sequence[Layer], widths: Sequence[int]
) -> None:
    """Refuse bias units among the outputs or behind other units."""
    check_attribute("bias_units", masks, widths)
    for number, mask in enumerate(masks):
        if not mask.any():
            continue
        if number == len(layers):
            raise ShapeError("the last node layer cannot hold bias units; they feed a next layer")
        if number and np.any(abs(layers[number - 1]).sum(axis=0)[mask]):
            raise ShapeError(
                f"bias units of node layer {number} have incoming weights; remove them"
            )


def check_properties(properties: Mapping[str, object]) -> None:
    """Refuse properties that a file could not hold."""
    for name, value in properties.items():
        if not isinstance(value, str | int | float | bool) or value != value:
            raise ShapeError(
                f"property {name!r} is {value!r}; give a string, a number or a truth value"
            )
