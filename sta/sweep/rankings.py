"""Ramps of trained students whose units are removed in another order than their importance.

They are what a threshold in the students' own ramps is to be compared with: a random order, an
order by the size of the weights on both sides of a unit, and the teacher itself, whose units are
removed by what they contribute. Nothing is trained; networks come from the shards, and test
patterns are drawn again from the seeds, so that all ramps of a student share them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from sta.checkpoint import Checkpoint
from sta.errors import ConfigError, FileFormatError
from sta.spectral import (
    Dataset,
    Network,
    importance,
    masked_forward,
    member,
    spectral_layers,
    stack_datasets,
    stack_networks,
)
from sta.spectral.pruning import MOST_PATTERNS, _summed_errors
from sta.sweep.material import dataset_of
from sta.sweep.plan import Plan, StudentId, read_plan, shard_path
from sta.sweep.tables import shards_of

Ranking = Literal["importance", "random", "magnitude", "teacher"]

RANKINGS: tuple[Ranking, ...] = get_args(Ranking)
CHUNK = 2**18


def ranked_ramps(
    folder: Path, rankings: Sequence[Ranking] = ("random", "magnitude"), seed: int = 0
) -> pd.DataFrame:
    r"""Return the ramps of a finished sweep under other rankings of the units.

    Parameters
    ----------
    folder : Path
        A sweep whose shards are all there.
    rankings : sequence of {"importance", "random", "magnitude", "teacher"}
        The order in which units of the first spectral layer are kept:

        ``importance``: the sweep's own, :math:`\lVert w_i\rVert \sqrt h` falling.
        ``random``: one random order a student.
        ``magnitude``: :math:`\lVert w_i\rVert\,\lVert v_i\rVert` falling, with w_i the weights
        into unit i and v_i those out of it (one for a summed last layer).
        ``teacher``: the teacher in place of the student, its first layer's units kept in order
        of falling cost of their removal, :math:`\langle (f - f_{\setminus i})^2 \rangle`,
        f its output and :math:`f_{\setminus i}` that without unit i, over the *training*
        patterns of the teacher's first student, so that the order is independent of the test
        patterns. One curve a teacher, on the test patterns of that student.
    seed : int
        Of the random orders; they are the same for students of different kinds that share
        widths, teacher and trial.

    Returns
    -------
    DataFrame
        student_id, kind, student_width, teacher_width, teacher_seed, trial, n_kept, mse,
        delta_mse as in ``ramps.parquet``, and ranking; healthy students alone. Teachers have
        kind ``teacher``, their own width for the student's, and the trial of that student.

    Raises
    ------
    ConfigError
        If a ranking is unknown, or the teachers have no hidden units.
    FileFormatError
        If the folder is no sweep, or one that is not finished.

    Notes
    -----
    With one spectral layer, ``importance`` gives the ramps of the sweep. With several, those
    rank the units of all layers together, whereas here the later ones stay whole.
    """
    wanted = tuple(dict.fromkeys(rankings))
    for name in wanted:
        if name not in RANKINGS:
            raise ConfigError(f"ranking {name!r} is unknown; choose from {', '.join(RANKINGS)}")
    plan = _finished(folder)
    frames: list[pd.DataFrame] = []
    teachers_done: set[tuple[int, int]] = set()
    for number, checkpoint in shards_of(folder, plan):
        students = plan.shards[number]
        frames += _student_frames(plan, students, checkpoint, wanted, seed)
        if "teacher" not in wanted:
            continue
        for k, student in enumerate(students):
            teacher = student.teacher_width, student.teacher_seed
            if teacher not in teachers_done:
                teachers_done.add(teacher)
                frames.append(_teacher_frame(plan, student, _teacher(checkpoint, k)))
    if frames:
        return pd.concat(frames, ignore_index=True)
    labels = [*StudentId.__dataclass_fields__, "n_kept", "mse", "delta_mse", "ranking"]
    return pd.DataFrame(columns=["student_id", *labels])


def magnitude(network: Network, number: int) -> Tensor:
    """Return the norm of incoming times the norm of outgoing weights, shape (*stack, h).

    Parameters
    ----------
    network : Network
        A student or a stack of them.
    number : int
        A hidden layer. The outgoing weights of the last layer under a summed readout are ones.
    """
    incoming = importance(network.chain[number])
    if number + 1 == len(network.chain):
        return incoming
    weight = network.chain[number + 1].effective_weight().detach()
    outgoing: Tensor = torch.linalg.vector_norm(weight, dim=-2)
    return incoming * outgoing


def removal_cost(network: Network, number: int, data: Dataset) -> Tensor:
    """Return the mean squared change of the output when one unit is silenced, shape (h,).

    Parameters
    ----------
    network : Network
        A single network.
    number : int
        A hidden layer.
    data : Dataset
        Patterns; their labels play no part.
    """
    width = network.widths[number + 1]
    total = torch.zeros(width, dtype=torch.float64)
    step = _portion(network)
    with torch.no_grad():
        for start in range(0, data.x.shape[-2], step):
            x = data.x[start : start + step]
            whole = network(x)
            for unit in range(width):
                keep = torch.ones(width, dtype=torch.bool)
                keep[unit] = False
                change = masked_forward(network, {number: keep}, x) - whole
                total[unit] += change.double().square().sum()
    cost: Tensor = total / data.x.shape[-2]
    return cost


def _finished(folder: Path) -> Plan:
    plan = read_plan(folder)
    missing = [n for n in range(len(plan.shards)) if not shard_path(folder, n).exists()]
    if missing:
        raise FileFormatError(
            f"{folder} has {len(plan.shards) - len(missing)} of {len(plan.shards)} shards; "
            f"finish it with: sta sweep run CONFIG {folder}"
        )
    return plan


def _student_frames(
    plan: Plan,
    students: Sequence[StudentId],
    checkpoint: Checkpoint,
    rankings: Sequence[Ranking],
    seed: int,
) -> Iterator[pd.DataFrame]:
    rows = checkpoint.metrics["students"]
    chosen = [name for name in rankings if name != "teacher"]
    if not chosen or all(row["status"] != "ok" for row in rows):
        return
    # Linear algebra libraries round a batch of one otherwise; training measured it with a twin.
    copies = [0, 0] if len(students) == 1 else list(range(len(students)))
    test_set = stack_datasets(
        [dataset_of(plan.config, students[k], _teacher(checkpoint, k), "test") for k in copies]
    )
    network = checkpoint.student
    if len(students) == 1:
        network = stack_networks([member(network, 0)] * 2)
    number = spectral_layers(network)[0]
    for name in chosen:
        order = _order(name, network, number, [students[k] for k in copies], plan, seed)
        mse = _ramp(network, number, order, test_set)
        for k, student in enumerate(students):
            if rows[k]["status"] == "ok":
                yield _frame(student, student.name, mse[k], name)


def _order(
    name: Ranking,
    network: Network,
    number: int,
    students: Sequence[StudentId],
    plan: Plan,
    seed: int,
) -> Tensor:
    """Return the units in the order in which they are kept, shape (K, h)."""
    if name == "random":
        orders = [_generator(plan, s, seed).permutation(s.student_width) for s in students]
        return torch.from_numpy(np.stack(orders))
    score = (
        importance(network.chain[number]) if name == "importance" else magnitude(network, number)
    )
    return score.argsort(dim=-1, descending=True, stable=True)


def _generator(plan: Plan, student: StudentId, seed: int) -> np.random.Generator:
    identity = (student.teacher_width, student.teacher_seed, student.student_width, student.trial)
    return np.random.default_rng([seed, plan.config.seed, *identity])


def _teacher(checkpoint: Checkpoint, k: int) -> Network:
    if checkpoint.teacher is None:
        raise FileFormatError("a shard has no teacher; run the sweep again")
    return member(checkpoint.teacher, k)


def _teacher_frame(plan: Plan, student: StudentId, teacher: Network) -> pd.DataFrame:
    if not len(teacher.hidden):
        raise ConfigError(
            f"the {plan.config.teacher.kind} teacher has no hidden units; leave out 'teacher'"
        )
    train_set, test_set = (
        dataset_of(plan.config, student, teacher, purpose) for purpose in ("train", "test")
    )
    number = teacher.hidden[0]
    cost = removal_cost(teacher, number, train_set)
    order = cost.argsort(descending=True, stable=True)
    mse = _ramp(teacher, number, order, test_set)
    width = teacher.widths[number + 1]
    label = replace(student, kind="teacher", student_width=width)
    name = f"teacher-t{student.teacher_width}.{student.teacher_seed}"
    return _frame(label, name, mse, "teacher")


def _portion(network: Network) -> int:
    return max(1, min(MOST_PATTERNS, CHUNK // max(network.widths)))


def _ramp(network: Network, number: int, order: Tensor, data: Dataset) -> NDArray[np.float64]:
    """Return the exact ramp of `sta.spectral.ramp` for units kept in a given order."""
    double = copy.deepcopy(network).double()
    total = torch.zeros(*network.stack, order.shape[-1] + 1, dtype=torch.float64)
    step = _portion(network)
    with torch.no_grad():
        for start in range(0, data.y.shape[-1], step):
            x, y = data.x[..., start : start + step, :], data.y[..., start : start + step]
            _summed_errors(double, [number], order, x, y, total)
    mse: NDArray[np.float64] = (total / data.y.shape[-1]).numpy()
    return mse


def _frame(
    student: StudentId, name: str, mse: NDArray[np.float64], ranking: Ranking
) -> pd.DataFrame:
    labels = {"student_id": name, **asdict(student)}
    columns = {"n_kept": np.arange(len(mse)), "mse": mse, "delta_mse": mse - mse[-1]}
    return pd.DataFrame({**labels, **columns, "ranking": ranking})
