"""Values of nodes as files hold them: exact numbers, and attributes with the types they had."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sta.analysis.graph.edges import IntArray
from sta.analysis.graph.formats.columns import FILE_COLUMNS, OWN_COLUMNS, Column

__all__ = ["attribute_arrays", "real_number", "whole_number"]

_WHOLE = re.compile("[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_INFINITE = re.compile("[+-]?inf(inity)?", re.IGNORECASE)


def whole_number(value: Any) -> int:
    """Return a whole number to the last digit, also one that a library made a float or text.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If it is none. Python itself would also read ``1_000`` and digits of other scripts.

    Examples
    --------
    >>> whole_number("9007199254740993"), whole_number(3.0)
    (9007199254740993, 3)
    """
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):
            raise ValueError(f"{value!r} is no whole number")
        return int(value)
    number = int(value)
    if number != value:
        raise ValueError(f"{value!r} is no whole number")
    return number


def real_number(value: Any) -> float:
    """Return a number as float64.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If it is none, or text of a number too large or too small for any but 0 and infinity.

    Examples
    --------
    >>> real_number("0.1"), real_number("-inf"), real_number(2)
    (0.1, -inf, 2.0)
    """
    if not isinstance(value, str):
        return float(value)
    if not _REAL.fullmatch(value):
        if not _INFINITE.fullmatch(value):
            raise ValueError(f"{value!r} is no number")
        return float(value)
    number = float(value)
    lost = number == 0 and re.search("[1-9]", value.lower().partition("e")[0])
    if lost or math.isinf(number):
        raise ValueError(f"{value!r} is out of the range of float64")
    return number


def attribute_arrays(
    nodes: Mapping[str, Column], groups: Sequence[IntArray], types: Mapping[str, Any]
) -> tuple[dict[str, list[NDArray[Any]]], list[str]]:
    """Return attributes, one array for each group of nodes, and the names of what is none.

    They have the named types, one for each group, if the values do, else the plainest that fits.
    """
    missing = [None] * sum(group.size for group in groups)
    attributes, left_out = {}, []
    for name in dict.fromkeys([*types, *nodes]):
        if name in OWN_COLUMNS + FILE_COLUMNS:
            continue
        values = list(nodes.get(name, missing))
        parts = [[values[node] for node in group] for group in groups]
        try:
            arrays = [_typed(part, of) for part, of in zip(parts, types[name], strict=True)]
        except (KeyError, TypeError, ValueError, OverflowError):
            whole = _inferred(values)
            arrays = [] if whole is None else [whole[group] for group in groups]
        if arrays:
            attributes[name] = arrays
        else:
            left_out.append(name)
    return attributes, left_out


def _typed(values: list[Any], name: str) -> NDArray[Any]:
    """Return values as an array of a named type; ValueError if they are not of that type."""
    if name == "U":
        if not all(value is None or isinstance(value, str) for value in values):
            raise ValueError(name)
        return np.array(["" if value is None else value for value in values])
    dtype = np.dtype(name)
    if dtype.kind not in "fiub":
        raise ValueError(name)
    exact: NDArray[Any]
    if dtype.kind in "iu":
        exact = np.array([whole_number(value) for value in values], object)  # GML quotes long ones
    else:
        exact = np.array([np.nan if value is None else real_number(value) for value in values])
    with np.errstate(over="ignore", invalid="ignore"):
        result = exact.astype(dtype)
    same = np.array_equal(result, exact, equal_nan=dtype.kind == "f")
    if not same:
        raise ValueError(name)
    return result


def _inferred(values: list[Any]) -> NDArray[Any] | None:
    """Return values as an array of numbers, truth values or text; None if they are neither."""
    present = [value for value in values if value is not None]
    whole = len(present) == len(values)
    if not present:
        return None
    if all(isinstance(value, str) for value in present):
        return np.array(["" if value is None else value for value in values])
    if whole and all(isinstance(value, bool | np.bool_) for value in present):
        return np.array(values, dtype=bool)
    if not all(isinstance(value, int | float | np.number) for value in present):
        return None
    integers = whole and all(isinstance(value, int | np.integer) for value in present)
    if integers and all(-(2**63) <= value < 2**63 for value in present):
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if value is None else float(value) for value in values])
