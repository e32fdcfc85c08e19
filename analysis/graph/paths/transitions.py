r"""A random path as a Markov chain, from one node layer to the next.

With :math:`b_j` the sum of :math:`|p|` over the paths from unit j to the last layer, and
:math:`Z` the sum over whole paths, a path drawn in proportion to :math:`|p|` starts at i with
probability :math:`b_i / Z` and goes on from i to j with probability :math:`|w_{ij}| b_j / b_i`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sta.analysis.graph.edges import FloatArray, Layer, divided, mapped
from sta.analysis.graph.paths.scaled_sums import ScaledSums, edge_products
from sta.errors import StaError

__all__ = ["path_transitions", "unit_masses"]


def path_transitions(layers: Sequence[Layer]) -> tuple[FloatArray, tuple[Layer, ...]]:
    r"""Probabilities with which a path drawn in proportion to :math:`|p|` starts and goes on.

    Parameters
    ----------
    layers : sequence of ndarray or scipy.sparse.csr_array
        Such as those of :func:`~sta.analysis.graph.paths.starts.path_layers`.

    Returns
    -------
    start : ndarray, shape (n_in of the first layer,)
        :math:`b_i / Z`.
    steps : tuple of ndarray or scipy.sparse.csr_array
        :math:`|w_{ij}| b_j / b_i`, in the shapes and storage of ``layers``. Rows sum to 1, or
        to 0 for units from which no path leads to the last layer.

    Raises
    ------
    StaError
        If there is no path.
    """
    sums = ScaledSums.ones(layers[-1].shape[1])
    steps = []
    for layer in reversed(layers):
        products, powers = edge_products(mapped(layer, np.abs), sums)
        totals = np.asarray(products.sum(axis=1))
        steps.append(divided(products, np.where(totals > 0, totals, 1.0)))
        sums = ScaledSums.of(totals, powers)
    if not sums.mantissas.any():
        raise StaError(
            "the graph has no path to its last layer, so path shares are undefined; "
            "prune less or look at effective_units"
        )
    start, _ = sums.common()
    return start / start.sum(), tuple(reversed(steps))


def unit_masses(start: FloatArray, steps: Sequence[Layer]) -> list[FloatArray]:
    """Probability that the path passes each unit, one array per node layer."""
    masses = [start]
    for step in steps:
        masses.append(masses[-1] @ step)
    return masses
