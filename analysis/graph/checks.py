"""What a layered graph must satisfy, and the lines that say what does not."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, DTypeLike, NDArray

from sta.analysis.graph.edges import IntArray, Layer, check_size, edge_values, is_sparse
from sta.errors import ShapeError


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Make an array read-only."""
    array.setflags(write=False)
    return array


def frozen_layer(layer: Layer) -> Layer:
    """Make a layer read-only."""
    for array in (layer.data, layer.indices, layer.indptr) if is_sparse(layer) else (layer,):
        frozen(array)
    return layer


def frozen_arrays(
    values: Sequence[ArrayLike], kind: DTypeLike | None = None
) -> tuple[NDArray[Any], ...]:
    """Read-only copies of arrays; those that are read-only already are not copied."""
    return tuple(
        value
        if type(value) is np.ndarray
        and not value.flags.writeable
        and (kind is None or value.dtype == kind)
        else frozen(np.array(value, dtype=kind))
        for value in values
    )


def as_layer(given: object, number: int) -> Layer:
    """Read-only copy of a matrix of real numbers, sparse if it is.

    Parameters
    ----------
    given : array_like or scipy.sparse array
        Not copied if it is a layer already: float64 and read-only, in C order, or a csr_array
        without repeated entries and stored zeros.
    number : int
        Which layer it is, for the message.

    Returns
    -------
    ndarray or scipy.sparse.csr_array

    Raises
    ------
    ShapeError
        If it is not a matrix of real numbers, or too large for memory.
    """
    return as_matrix(given, f"layer {number}")


def as_matrix(given: object, name: str) -> Layer:
    """Do the same for a matrix of another name."""
    if _is_layer(given):
        return given
    shape = getattr(given, "shape", ())
    mend = "pass a scipy.sparse array"
    try:
        if scipy.sparse.issparse(given):
            mend = "leave out units without edges"
            n_units = sum(int(side) for side in shape)
            check_size(16.0 * n_units, f"{name} of shape {shape}", mend)
            return _as_sparse(given)
        check_size(_dense_size(given), f"{name} of shape {shape}", mend)
        matrix: NDArray[np.float64] = np.array(_real(given), dtype=np.float64, order="C")
        matrix += 0.0  # no edge has one form: files keep no sign of it
        return frozen(matrix)
    except MemoryError as error:
        raise ShapeError(f"{name} of shape {shape} does not fit in memory; {mend}") from error
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ShapeError(
            f"{name} is not a matrix of real numbers ({error}); pass a 2-d numpy array"
        ) from error


def check_total(layers: Sequence[object]) -> None:
    """Refuse layers that together would not fit in memory as they are given."""
    total = sum(_dense_size(layer) for layer in layers)
    check_size(total, f"a graph of {len(layers)} dense layers", "pass scipy.sparse arrays")


def _dense_size(given: object) -> float:
    shape = () if scipy.sparse.issparse(given) else getattr(given, "shape", ())
    return 8.0 * math.prod(int(side) for side in shape)


def _is_layer(given: Any) -> bool:
    if type(given) is np.ndarray:
        flags = given.flags
        return given.dtype == np.float64 and flags.c_contiguous and not flags.writeable
    return (
        type(given) is scipy.sparse.csr_array
        and given.dtype == np.float64
        and given.ndim == 2
        and not any(part.flags.writeable for part in (given.data, given.indices, given.indptr))
        and bool(given.has_canonical_format)
        and bool(given.data.all())
    )


def _real(given: object) -> NDArray[Any]:
    """Array of real numbers only: no strings of digits, dates or entries hidden by a mask."""
    if np.ma.is_masked(given):
        raise TypeError("masked entries; fill them")
    array = np.asarray(given)
    if array.dtype.kind == "O":
        wrong = [entry for entry in array.ravel() if not isinstance(entry, numbers.Real)]
        if wrong:
            raise TypeError(f"an entry of type {type(wrong[0]).__name__}")
    elif array.dtype.kind not in "biuf":
        kind = "complex weights" if array.dtype.kind == "c" else f"entries of type {array.dtype}"
        raise TypeError(kind)
    return array


def _as_sparse(given: Any) -> Layer:
    if given.ndim != 2:
        raise ValueError(f"a sparse array of shape {given.shape}")
    if given.dtype.kind not in "biuf":
        _real(np.empty(0, given.dtype))
    layer = scipy.sparse.csr_array(given, dtype=np.float64, copy=True)
    layer.sum_duplicates()
    layer.eliminate_zeros()
    return frozen_layer(layer)


def as_ids(entry: ArrayLike, number: int) -> IntArray:
    """Read-only copy of the ids of one node layer."""
    ids = np.asarray(entry)
    if ids.dtype.kind not in "iu":
        raise ShapeError(
            f"unit_ids of node layer {number} have type {ids.dtype}; give whole numbers"
        )
    largest = np.iinfo(np.intp).max
    if ids.size and int(ids.max()) > largest:
        raise ShapeError(f"unit_ids of node layer {number} hold {ids.max()}, above {largest}")
    return frozen_arrays([ids], np.intp)[0]


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
            raise ShapeError(_infinite(layer, f"layer {number}"))
        if number and layer.shape[0] != layers[number - 1].shape[1]:
            raise ShapeError(
                f"layer {number} has {layer.shape[0]} sources but layer {number - 1} has "
                f"{layers[number - 1].shape[1]} targets; transpose torch weights "
                "(n_out, n_in) or reorder the layers"
            )


def _infinite(layer: Layer, name: str) -> str:
    entries = scipy.sparse.coo_array(layer)  # NaN is stored: it is not zero
    wrong = int(np.flatnonzero(~np.isfinite(entries.data))[0])
    return (
        f"{name} holds {entries.data[wrong]} at source {entries.row[wrong]}, "
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
