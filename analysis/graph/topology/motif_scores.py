"""Motifs of a graph against those of random graphs in its likeness."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.topology.motifs import motif_census
from sta.analysis.graph.topology.null_models import Seed, null_model
from sta.errors import StaError

__all__ = ["MotifScore", "MotifScores", "motif_scores"]


@dataclass(frozen=True)
class MotifScore:
    """How a number of motifs compares with a null model.

    Attributes
    ----------
    observed : int
    mean, sd : float
        Mean and sample standard deviation over the null graphs.
    z : float or None
        ``(observed - mean) / sd``; None where all null graphs have the same number.
    p_value : float
        Two-sided, twice the smaller share of null graphs, the observed one counted among
        them, with a number as small or as large; at most 1.
    reason : str
        Why there is no ``z``; empty otherwise.
    """

    observed: int
    mean: float
    sd: float
    z: float | None
    p_value: float
    reason: str = ""


@dataclass(frozen=True)
class MotifScores:
    """Scores of all motifs, by the names of :meth:`MotifCensus.totals`."""

    null: str
    samples: int
    scores: dict[str, MotifScore]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain Python objects."""
        return {
            "null": self.null,
            "samples": self.samples,
            "scores": {name: vars(score).copy() for name, score in self.scores.items()},
        }


def motif_scores(
    graph: LayeredGraph, null: str = "degree_preserving", samples: int = 100, seed: Seed = 0
) -> MotifScores:
    """Compare the numbers of motifs with those in random graphs.

    Degrees alone fix the numbers of chains, diverging and converging pairs, so that
    ``degree_preserving`` null graphs all have the observed ones; their signs, and bi-fans,
    vary. In a complete layer nothing but signs can vary. Where the null graphs do not differ
    there is no Z-score, and the reason is given.

    Parameters
    ----------
    graph : LayeredGraph
    null : str, optional
        A name in :data:`~sta.analysis.graph.topology.null_models.NULL_MODELS`.
    samples : int, optional
        Number of null graphs, at least 2.
    seed : int or numpy.random.Generator, optional

    Returns
    -------
    MotifScores

    Raises
    ------
    StaError
        If there is no such null model, or fewer than 2 samples.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0, 2.0], [3.0, -4.0]]])
    >>> scores = motif_scores(graph, samples=5).scores
    >>> scores["bifan"].z, scores["bifan"].reason
    (None, 'all 5 null graphs have 1')
    """
    drawn_from = null_model(null)
    if samples < 2:
        raise StaError(f"samples is {samples}; draw at least 2 null graphs")
    bare, rng = graph.without_bias(), np.random.default_rng(seed)
    totals = [motif_census(drawn_from(bare, rng)).totals() for _ in range(samples)]
    observed = motif_census(bare).totals()
    fixed = () if null == "erdos_renyi" else ("chain", "diverge", "converge")
    scores = {
        name: _score(count, [one[name] for one in totals], fixed=name in fixed)
        for name, count in observed.items()
    }
    return MotifScores(null, samples, scores)


def _score(observed: int, drawn: list[int], *, fixed: bool) -> MotifScore:
    count, total = len(drawn), sum(drawn)
    # whole numbers as long as possible: counts may lie beyond 2 ** 53
    squares = sum((one * count - total) ** 2 for one in drawn)
    sd = math.sqrt(squares / (count - 1)) / count
    low = 1 + sum(one <= observed for one in drawn)
    high = 1 + sum(one >= observed for one in drawn)
    p_value = min(1.0, 2 * min(low, high) / (count + 1))
    if squares == 0:
        reason = "the null model keeps the degrees, which fix this number"
        if not fixed:
            reason = f"all {count} null graphs have {drawn[0]}"
        return MotifScore(observed, total / count, 0.0, None, p_value, reason)
    z = (observed * count - total) / count / sd
    return MotifScore(observed, total / count, sd, z, p_value)
