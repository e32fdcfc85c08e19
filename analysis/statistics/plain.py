"""Results as plain JSON values: no NaN, no numpy type, no table."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd


def plain(value: object) -> Any:
    """Convert to what `json.dumps(..., allow_nan=False)` takes; NaN and infinity become None.

    Objects with a `to_dict` of their own are asked for it; a table becomes a list of rows.

    Examples
    --------
    >>> plain({"a": np.float64("nan"), "b": (np.int64(3), None)})
    {'a': None, 'b': [3, None]}
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, pd.DataFrame):
        return plain(value.to_dict(orient="records"))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    to_dict = getattr(value, "to_dict", None)
    if to_dict is None:
        raise TypeError(f"{type(value).__name__} has no JSON form")
    return plain(to_dict())


def plain_fields(result: object, *omit: str) -> dict[str, Any]:
    """Return the fields of a dataclass, but those in `omit`, as plain JSON values."""
    if not is_dataclass(result):
        raise TypeError(f"{type(result).__name__} is not a dataclass")
    names = [one.name for one in fields(result) if one.name not in omit]
    return {name: plain(getattr(result, name)) for name in names}
