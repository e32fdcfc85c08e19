"""What a student was before training: a null model that only its own settings can give."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sta.analysis.graph import LayeredGraph
from sta.analysis.network_graph import graph_of
from sta.checkpoint import Checkpoint
from sta.errors import ConfigError, FileFormatError, StaError
from sta.spectral import Network, importance, make_student, shrink
from sta.sweep.config import config_from_table
from sta.sweep.material import architecture_of
from sta.sweep.plan import StudentId

__all__ = ["untrained_graphs"]


def untrained_graphs(
    checkpoint: Checkpoint, n_kept: Mapping[int, int], samples: int, *, seed: int = 0
) -> list[LayeredGraph]:
    """Students of the same settings before training, pruned to as many units.

    Parameters
    ----------
    checkpoint : Checkpoint
        A single student of a sweep or of `sta train`.
    n_kept : mapping of int to int
        Units to keep in every ranked layer, by its number: the most important ones as drawn.
    samples : int
        Number of students.
    seed : int, optional
        Of their initial weights.

    Returns
    -------
    list of LayeredGraph

    Raises
    ------
    StaError
        If the checkpoint does not say how the student was made.
    FileFormatError
        If what it says is damaged.
    """
    if "study" in checkpoint.config:
        raise StaError("students of `sta transfer` are not drawn again for this")
    if not checkpoint.seeds or checkpoint.teacher is None:
        raise StaError("the file does not say how the student was made, so not what it was before")
    try:
        address = dict(checkpoint.seeds)
        config = config_from_table({**checkpoint.config, "seed": address.pop("seed")})
        student = StudentId(**address)
        architecture = architecture_of(config, student, checkpoint.teacher)
        train = config.kinds[student.kind].train
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise FileFormatError(f"the checkpoint's settings or seeds are damaged: {error}") from error
    generators = np.random.default_rng([seed, *b"untrained"]).spawn(samples)
    networks = (make_student(architecture, train, generator) for generator in generators)
    return [graph_of(shrink(one, _most_important(one, n_kept)), "untrained") for one in networks]


def _most_important(network: Network, n_kept: Mapping[int, int]) -> dict[int, list[int]]:
    return {
        layer: sorted((-importance(network.chain[layer])).argsort()[:count].tolist())
        for layer, count in n_kept.items()
    }
