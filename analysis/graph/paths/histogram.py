r"""Histogram of the path weights of a network too large to list its paths.

Every weight is rounded to a multiple of the bin width h on the scale of :math:`\log|w|`, so
that path weights fall into bins by addition of whole numbers, and the number of paths in every
bin follows exactly, layer by layer: a unit's histogram is the sum of its sources' histograms,
each moved by the rounded logarithm of an edge, with the signs exchanged where the weight is
negative. Each edge errs by at most h/2, so no :math:`\log|p|` moves by more than
:math:`L h / 2` for L layers: the Wasserstein-infinity distance between the histogram and the
true distribution of :math:`\log|p|` has that bound.

The paths are cut in the middle. Histograms of beginnings and of ends meet at one node layer;
their pairs are counted by one matrix product, whose antidiagonals are the bins of whole paths.
That halves the number of bins in the sums before it, and like them it adds nonnegative numbers
only, so that bins far from the bulk keep their relative precision, which a Fourier transform
would drown. Counts are stored in the smallest type that provably holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sta.analysis.graph.edges import FloatArray, Layer
from sta.analysis.graph.layered_graph import LayeredGraph
from sta.analysis.graph.paths.shifted_sums import joined, summed
from sta.analysis.graph.paths.starts import live_layers
from sta.analysis.graph.paths.steps import Step, rounded_step
from sta.errors import StaError

__all__ = ["BIN_WIDTH", "MEMORY_LIMIT", "WORK_LIMIT", "PathHistogram", "path_histogram"]

BIN_WIDTH = 0.02
"""Bin width of log(abs(p)) with which distances stay within 1 % of their exact values."""
MEMORY_LIMIT = 2**31
"""Bytes that the histograms of one layer may take."""
LARGEST_LOG = 708.0
"""Size of log(abs(p)) up to which p is a normal number of float64."""
WORK_LIMIT = 3e10
"""Additions that the default bin width may cost, some ten seconds."""
# Cost of a multiplication in the matrix product that joins the sides, in additions.
_JOIN = 0.25


@dataclass(frozen=True, eq=False)
class PathHistogram:
    """Number of paths by sign and binned logarithm of the weight.

    Attributes
    ----------
    bin_width : float
        h, in units of log(abs(p)).
    first_bin : int
        Bin k is centred at log(abs(p)) = (first_bin + k) h.
    positive, negative : ndarray, shape (n_bins,)
        Number of paths in every bin over ``2**exponent``; whole numbers below 2^53 are exact,
        larger ones are rounded to float64.
    exponent : int
        0 unless the counts exceed the range of float64.
    log_error_bound : float
        Largest error of any log(abs(p)), L h / 2.
    """

    bin_width: float
    first_bin: int
    positive: FloatArray
    negative: FloatArray
    exponent: int
    log_error_bound: float

    def log_magnitudes(self) -> FloatArray:
        """Centres of the bins, log(abs(p))."""
        bins = np.arange(self.first_bin, self.first_bin + self.positive.size)
        return np.asarray(bins * self.bin_width, dtype=np.float64)

    def sample(self) -> tuple[FloatArray, FloatArray]:
        """Signed path weights in ascending order, one a filled bin, and the paths at each.

        Returns
        -------
        values, counts : ndarray

        Raises
        ------
        StaError
            If a weight is beyond the range of float64.
        """
        logs = self.log_magnitudes()
        filled = logs[(self.positive > 0) | (self.negative > 0)]
        for extreme in (filled.max(initial=0.0), filled.min(initial=0.0)):
            if abs(extreme) > LARGEST_LOG:
                raise StaError(
                    f"a path weight of e^{extreme:.0f} is beyond the range of float64; rescale "
                    "the weights, or use log_magnitudes"
                )
        minus, plus = np.flatnonzero(self.negative)[::-1], np.flatnonzero(self.positive)
        values = np.concatenate([-np.exp(logs[minus]), np.exp(logs[plus])])
        return values, np.concatenate([self.negative[minus], self.positive[plus]])


def path_histogram(
    graph: LayeredGraph, bin_width: float | None = None, *, memory: float = MEMORY_LIMIT
) -> PathHistogram:
    """Count the paths of a graph by sign and binned logarithm of their weight.

    The time is about 2 E B additions for E edges between hidden layers and B bins.

    Parameters
    ----------
    graph : LayeredGraph
    bin_width : float, optional
        h, in units of log(abs(w)); 0.05 is 5 % of a weight. By default ``BIN_WIDTH``, or as
        much wider as keeps the additions near ``WORK_LIMIT``.
    memory : float, optional
        Largest number of bytes for the histograms of one layer; checked before it is used.

    Returns
    -------
    PathHistogram

    Raises
    ------
    StaError
        If the bin width is not between 1e-4 and 10, or the histograms take too much memory.

    Examples
    --------
    >>> graph = LayeredGraph.from_arrays([[[1.0] * 64] * 64] * 30)
    >>> paths = path_histogram(graph, 0.05)
    >>> bool(paths.positive.sum() == 64.0**31), paths.log_error_bound
    (True, 0.75)
    """
    if bin_width is not None and not 1e-4 <= bin_width <= 10:
        raise StaError(f"bin width is {bin_width}; choose one between 1e-4 and 10")
    width = BIN_WIDTH if bin_width is None else float(bin_width)
    layers = live_layers(graph)
    if not layers:
        return PathHistogram(width, 0, np.zeros(1), np.zeros(1), 0, graph.n_layers * width / 2)
    sides = _sides(layers, width)
    if bin_width is None and _work(sides) > WORK_LIMIT:
        width = min(10.0, float(f"{BIN_WIDTH * _work(sides) / WORK_LIMIT:.2g}"))
        sides = _sides(layers, width)
    _check_memory(sides, width, memory)
    whole = joined([summed(side, memory) for side in sides if side])
    positive, negative = whole.counts[0].astype(np.float64)
    return PathHistogram(
        width, whole.first, positive, negative, whole.exponent, graph.n_layers * width / 2
    )


def _sides(layers: Sequence[Layer], bin_width: float) -> tuple[list[Step], list[Step]]:
    """Layers to be crossed forwards and backwards, cut where that is the least work."""
    forward = [rounded_step(layer, bin_width) for layer in layers]
    backward = [replace(step, backward=True) for step in forward]
    cuts = [(forward[:at], backward[at:][::-1]) for at in range(len(layers) + 1)]
    return min(cuts, key=_work)


def _work(sides: tuple[list[Step], list[Step]]) -> float:
    """Additions to carry histograms across all layers but the first of each side, and to join."""
    total, joins = 0.0, _JOIN
    for side in sides:
        bins = 0
        for step in side:
            total += 2.0 * step.n_edges * bins
            bins += step.span
        joins *= 2.0 * bins
    return total + joins * (sides[0][-1].shape[1] if sides[0] else 0)


def _check_memory(sides: Sequence[Sequence[Step]], bin_width: float, memory: float) -> None:
    largest = 0.0
    for side in sides:
        bins = 0
        for step in side:
            bins += step.span
            largest = max(largest, 8.0 * 2 * step.shape[1] * bins)
    if largest > memory:
        raise StaError(
            f"the histograms of a layer take {largest / 2**30:.1f} GiB at bin width "
            f"{bin_width:g}, above the limit of {memory / 2**30:.1f} GiB; choose wider bins or "
            "raise memory"
        )
