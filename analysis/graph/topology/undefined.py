"""What a layered graph does not have: quantities that are 0 for all of them, or undefined.

Such a number says that the graph is layered and acyclic, and nothing about the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from sta.errors import StaError

__all__ = ["UNDEFINED", "Undefined", "refuse"]


@dataclass(frozen=True)
class Undefined:
    """Why a quantity is refused, and what to use instead."""

    reason: str
    instead: str


UNDEFINED: dict[str, Undefined] = {
    "adjacency_spectrum": Undefined(
        "the adjacency matrix is nilpotent, so that all its eigenvalues are 0",
        "layer_spectra or laplacian_eigenvalues",
    ),
    "average_path_length": Undefined(
        "a path between two node layers has as many edges as they are apart, whichever it takes",
        "the path distribution",
    ),
    "clustering": Undefined(
        "edges join consecutive layers only, so that no three units form a triangle",
        "robins_alexander_clustering",
    ),
    "cycle_count": Undefined(
        "edges lead from one layer to the next, so that no directed path comes back",
        "bifan_count, the cycles without direction",
    ),
    "diameter": Undefined(
        "no two units reach each other, so that some directed distance is infinite",
        "the path distribution",
    ),
    "eigenvector_centrality": Undefined(
        "all eigenvalues of the adjacency matrix are 0, so that none leads",
        "path-mass centrality",
    ),
    "feed_forward_loops": Undefined(
        "they need an edge that skips a layer, and there is none", "motif_census"
    ),
    "in_coreness": Undefined(
        "inputs have no incoming edge, and without them the next layer has none: all are 0",
        "core_numbers",
    ),
    "out_coreness": Undefined(
        "outputs have no outgoing edge, and without them the layer before has none: all are 0",
        "core_numbers",
    ),
    "reciprocity": Undefined("no edge leads back, so that it is 0", "motif_census"),
    "small_world_omega": Undefined(
        "its clustering coefficient is 0, and the graph is directed",
        "robins_alexander_clustering against a null model",
    ),
    "small_world_sigma": Undefined(
        "the clustering coefficients of the graph and of random layered graphs are 0: it is 0/0",
        "robins_alexander_clustering against a null model",
    ),
    "strongly_connected_components": Undefined(
        "no directed path comes back, so that every unit is one by itself",
        "leiden_communities",
    ),
    "transitivity": Undefined(
        "edges join consecutive layers only, so that no three units form a triangle",
        "robins_alexander_clustering",
    ),
}
"""Every refused quantity by name."""


def refuse(name: str) -> NoReturn:
    """Raise the error that says why a quantity is not given.

    Parameters
    ----------
    name : str
        A key of ``UNDEFINED``.

    Raises
    ------
    StaError
        Always.

    Examples
    --------
    >>> refuse("reciprocity")
    Traceback (most recent call last):
    sta.errors.StaError: reciprocity of a layered graph: no edge leads back, so that it is 0; \
use motif_census
    """
    if name not in UNDEFINED:
        raise StaError(f"no undefined quantity {name!r}; they are {', '.join(UNDEFINED)}")
    why = UNDEFINED[name]
    raise StaError(f"{name} of a layered graph: {why.reason}; use {why.instead}")
