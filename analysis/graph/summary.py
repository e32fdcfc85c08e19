"""One graph, or the distances between two samples, as plain values with a reason for every None."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.likeness.distances import kolmogorov_smirnov, wasserstein
from sta.analysis.graph.paths.distribution import PathDistribution, path_distribution
from sta.analysis.graph.paths.moments import PathMoments
from sta.errors import StaError

__all__ = [
    "Notes",
    "attempt",
    "finite",
    "number",
    "path_std",
    "positive_std",
    "reasoned",
    "sample_distances",
    "summarize_graph",
]

Notes: TypeAlias = dict[str, str]
T = TypeVar("T")
NOTHING = "undefined: there is nothing to compare, or to divide by"


def summarize_graph(
    graph: LayeredGraph,
    distribution: PathDistribution | None = None,
    *,
    notes: Notes | None = None,
    name: str = "graph",
) -> dict[str, Any]:
    """Sizes and path sums of one graph as plain values.

    Parameters
    ----------
    graph : LayeredGraph
    distribution : PathDistribution, optional
        Of this graph, where it is known already; computed without path weights otherwise.
    notes : dict, optional
        Receives the reason for every None.
    name : str, optional
        What the graph is called in ``notes``.

    Returns
    -------
    dict
        ``nodes``, ``edges``, ``widths``, ``role`` and ``paths``: ``count``, ``signed_sum``,
        ``l1``, ``l2``, ``effective_number``, ``method``, ``log_error_bound``.

    Examples
    --------
    >>> summarize_graph(LayeredGraph.from_arrays([[[1.0, -1.0]], [[3.0], [4.0]]]))["paths"]["l1"]
    7.0
    """
    paths = path_distribution(graph, "moments") if distribution is None else distribution
    notes = {} if notes is None else notes
    sums = {
        key: finite(getattr(paths, key), f"{name}.paths.{key}", notes)
        for key in ("signed_sum", "l1", "l2", "effective_number", "log_error_bound")
    }
    return {
        "role": graph.role,
        "nodes": graph.n_nodes,
        "units": sum(graph.widths[1:]) - sum(int(mask.sum()) for mask in graph.bias_units[1:]),
        "edges": graph.n_edges,
        "widths": list(graph.widths),
        "paths": {"count": paths.count, **sums, "method": paths.method},
    }


def sample_distances(
    student: ArrayLike, teacher: ArrayLike, *, name: str, notes: Notes
) -> dict[str, float | None]:
    """Distances between two samples, each None with a reason in ``notes`` where it fails.

    Parameters
    ----------
    student, teacher : array_like, 1-d
    name : str
        What the samples are called in ``notes``.
    notes : dict
        Receives the reason for every None.

    Returns
    -------
    dict
        ``wasserstein``, ``wasserstein_over_std`` (standard deviation of ``teacher``), ``ks``.
    """

    def over_std() -> float:
        std = float(np.asarray(teacher, dtype=np.float64).std())
        return wasserstein(student, teacher) / positive_std(std)

    metrics: dict[str, Callable[[], float]] = {
        "wasserstein": lambda: wasserstein(student, teacher),
        "wasserstein_over_std": over_std,
        "ks": lambda: kolmogorov_smirnov(student, teacher),
    }
    return {key: number(metric, f"{name}.{key}", notes) for key, metric in metrics.items()}


def path_std(paths: PathMoments) -> float:
    """Return the standard deviation of the path weights, from their exact sums."""
    if paths.count == 0:
        raise StaError("0 paths have no standard deviation")
    if not math.isfinite(paths.l1):
        raise StaError("the path weights sum to more than float64 holds; scale the weights down")
    if paths.l2 == 0:
        return 0.0
    # the mean, over the root of the mean square
    ratio = _over_root(paths.signed_sum / paths.l2, paths.count)
    excess = 1.0 - ratio**2
    return _over_root(paths.l2, paths.count) * math.sqrt(excess) if excess > 1e-14 else 0.0


def _over_root(value: float, count: int) -> float:
    """Divide by the square root of a count that may be beyond float64."""
    half = max(0, count.bit_length() - 1000) // 2
    return math.ldexp(value / math.sqrt(count >> 2 * half), -half)


def positive_std(std: float) -> float:
    """Return a standard deviation to divide by, or say that there is none."""
    if not std > 0:
        raise StaError("the teacher's values are all equal; their standard deviation is 0")
    return std


def number(compute: Callable[[], float], name: str, notes: Notes) -> float | None:
    """Return a finite number, or None with its reason in ``notes``."""
    value = attempt(compute, name, notes)
    return None if value is None else finite(value, name, notes)


def reasoned(value: Any, notes: Notes, name: str = "", reason: str = "") -> Any:
    """Return plain values with None for what is not finite, and see that every None has a note.

    A None is explained by a note under its own name or that of a part that it belongs to, else
    by the ``reason`` that stands beside it.

    Parameters
    ----------
    value : dict, list, number, string or None
    notes : dict
        Receives the reasons that are missing, by the names of keys and numbers of list entries
        with dots between them.
    name, reason : str, optional
        Of the value itself.

    Returns
    -------
    dict, list, number, string or None

    Examples
    --------
    >>> notes = {}
    >>> reasoned({"z": None, "reason": "no spread", "sums": [1.0, math.inf]}, notes)
    {'z': None, 'reason': 'no spread', 'sums': [1.0, None]}
    >>> notes
    {'z': 'no spread', 'sums.1': 'inf is beyond the range of float64; rescale the weights'}
    """
    if isinstance(value, dict):
        own = str(value.get("reason") or reason)
        return {k: reasoned(v, notes, f"{name}.{k}".lstrip("."), own) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [reasoned(v, notes, f"{name}.{k}".lstrip("."), reason) for k, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return finite(value, name, notes)
    if value is None:
        parts = name.split(".")
        if not any(".".join(parts[: n + 1]) in notes for n in range(len(parts))):
            notes[name] = reason or NOTHING
    return value


def attempt(compute: Callable[[], T], name: str, notes: Notes) -> T | None:
    """Return what a call gives, or None with the reason in ``notes``."""
    try:
        return compute()
    except (StaError, ArithmeticError, ValueError, MemoryError) as error:
        notes[name] = str(error) or type(error).__name__
        return None


def finite(value: float, name: str, notes: Notes) -> float | None:
    """Return a number, or None with a note if it is beyond float64."""
    if math.isfinite(value):
        return value
    notes[name] = f"{value} is beyond the range of float64; rescale the weights"
    return None
