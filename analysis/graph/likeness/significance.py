r"""Whether a student is closer to its teacher than chance.

A distance is small or large only beside what chance gives. ``distance_test`` puts the
distance of a student to its teacher among those of n graphs drawn from a null model:

.. math:: p = \frac{1 + \#\{d_{null} \le d\}}{1 + n} ,

the share of graphs of the null model that are as close, which can be no smaller than
1 / (1 + n). The nulls answer different questions: random networks with the teacher's shape and
weights like its own (is the student like its teacher beyond that?), the student with its weights
shuffled (is it their places that matter?), students of the same settings before training (did
training do it?).

A p-value is calibrated where the student could have been drawn from the null: of shuffled
weights and of untrained students. Of random networks it is a rank: a student of another width,
or with another law of its weights, is not one of them, however alike.

Whether one kind of student is closer than another is asked of pairs of trials, by
:func:`sta.analysis.statistics.paired_difference`.

References
----------
.. [1] B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", Statistical
   Applications in Genetics and Molecular Biology 9, 39 (2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sta.analysis.graph.checks import frozen
from sta.analysis.graph.layered_graph import FloatArray, LayeredGraph
from sta.analysis.graph.topology.null_models import NullModel, null_model
from sta.errors import StaError

__all__ = ["DistanceTest", "among", "distance_test"]

Between: TypeAlias = Callable[[LayeredGraph, LayeredGraph], float]
Seed: TypeAlias = int | np.random.Generator
OF_THE_TEACHER = ("resampled_weights", "gaussian_like")
"""Null models that are given the teacher unless told otherwise."""

# Distances that differ by rounding alone are equally close.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class DistanceTest:
    """A distance among those that chance gives.

    Attributes
    ----------
    distance : float
        Of the student to its teacher.
    null_distances : ndarray, shape (n,)
        Of the graphs of the null model to the teacher, ascending.
    null : str
        What they are.
    p_value : float
        Share of graphs at least as close, the student among them; small if the student is
        closer than chance.
    null_median : float
    null_range : tuple of float
        5 % and 95 % quantile of the null distances.
    z : float or None
        Distance minus the mean null distance over their standard deviation; None where they
        are all equal or fewer than two.
    reason : str
        Why ``z`` is None, and why no p-value could be below 0.05; empty otherwise.
    """

    distance: float
    null_distances: FloatArray
    null: str
    p_value: float
    null_median: float
    null_range: tuple[float, float]
    z: float | None
    reason: str = ""

    @property
    def smallest_p(self) -> float:
        """Smallest p-value that so many graphs can give."""
        return 1 / (1 + self.null_distances.size)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values for JSON, the null distances left out."""
        return {
            "distance": self.distance,
            "null": self.null,
            "samples": self.null_distances.size,
            "p_value": self.p_value,
            "smallest_p": self.smallest_p,
            "null_median": self.null_median,
            "null_range": list(self.null_range),
            "z": self.z,
            "reason": self.reason,
        }


def distance_test(
    student: LayeredGraph,
    teacher: LayeredGraph,
    distance: Between,
    null: str | NullModel | Sequence[LayeredGraph],
    *,
    of: Literal["student", "teacher"] | None = None,
    samples: int = 199,
    seed: Seed = 0,
) -> DistanceTest:
    """Test whether a student is closer to its teacher than graphs of a null model.

    Parameters
    ----------
    student, teacher : LayeredGraph
    distance : callable
        A function ``(graph, graph) -> float``, called with the teacher second.
    null : str, callable or sequence of LayeredGraph
        A key of :data:`~sta.analysis.graph.topology.null_models.NULL_MODELS`, a function
        ``(graph, seed) -> LayeredGraph``, or the graphs themselves, such as students before
        training.
    of : {"student", "teacher"}, optional
        The graph that the null model is given; unless told, the teacher for
        ``"resampled_weights"`` and ``"gaussian_like"``, random networks with its shape, and the
        student for any other.
    samples : int, optional
        Number of graphs to draw.
    seed : int or numpy.random.Generator, optional

    Returns
    -------
    DistanceTest

    Raises
    ------
    StaError
        If the null model is unknown, there is no graph to draw, or a distance is not finite.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([np.arange(1.0, 21).reshape(4, 5), np.ones((5, 2))])
    >>> def distance(a, b):
    ...     return float(np.abs(a.layers[0] - b.layers[0]).sum())
    >>> test = distance_test(graph, graph, distance, "shuffled_weights", samples=99)
    >>> test.distance, test.p_value
    (0.0, 0.01)
    """
    observed = _finite(distance(student, teacher), "of the student to its teacher")
    name, graphs = _null_graphs(student, teacher, null, of, samples, seed)
    return among(observed, [distance(graph, teacher) for graph in graphs], name)


def among(distance: float, null_distances: ArrayLike, null: str) -> DistanceTest:
    """Place a distance among those of a null model.

    Parameters
    ----------
    distance : float
    null_distances : array_like, shape (n,)
    null : str
        What the null model is called.

    Returns
    -------
    DistanceTest

    Raises
    ------
    StaError
        If there is no null distance, or one is not finite.
    """
    observed = _finite(float(distance), "of the student to its teacher")
    drawn = np.sort(np.asarray(null_distances, dtype=np.float64))
    if drawn.size == 0:
        raise StaError(f"the null model {null} has 0 distances; draw at least one graph")
    _finite(float(drawn[-1]), f"of a graph of the null model {null}")
    closer = np.count_nonzero(drawn <= observed + _ROUNDING * abs(observed))
    low, median, high = np.quantile(drawn, [0.05, 0.5, 0.95]).tolist()
    spread = float(drawn.std(ddof=1)) if drawn.size > 1 else 0.0
    z = (observed - float(drawn.mean())) / spread if spread > _ROUNDING * abs(median) else None
    reasons = {
        f"{drawn.size} null distances without spread have no z": z is None,
        f"{drawn.size} graphs can give no p-value below {1 / (1 + drawn.size):.3g}": drawn.size
        < 19,
    }
    return DistanceTest(
        observed,
        frozen(drawn),
        null,
        (1 + int(closer)) / (1 + drawn.size),
        median,
        (low, high),
        z,
        "; ".join(reason for reason, holds in reasons.items() if holds),
    )


def _null_graphs(
    student: LayeredGraph,
    teacher: LayeredGraph,
    null: str | NullModel | Sequence[LayeredGraph],
    of: Literal["student", "teacher"] | None,
    samples: int,
    seed: Seed,
) -> tuple[str, Iterator[LayeredGraph]]:
    """Name of a null model, and its graphs one by one."""
    if not isinstance(null, str) and not callable(null):
        if len(null) == 0:
            raise StaError("the null model is a list of 0 graphs; give at least one")
        return f"{len(null)} given graphs", iter(null)
    if samples < 1:
        raise StaError(f"samples is {samples}; draw at least 1 graph")
    if of not in (None, "student", "teacher"):
        raise StaError(f"of is {of!r}; choose 'student' or 'teacher'")
    model = null_model(null) if isinstance(null, str) else null
    name = null if isinstance(null, str) else str(getattr(null, "__name__", "null"))
    source = of or ("teacher" if name in OF_THE_TEACHER else "student")
    graph = teacher if source == "teacher" else student
    children = np.random.default_rng(seed).spawn(samples)
    return f"{name} of the {source}", (model(graph, child) for child in children)


def _finite(value: float, which: str) -> float:
    if not math.isfinite(value):
        raise StaError(f"the distance {which} is {value}; use one that is finite for all graphs")
    return float(value)
