"""One shard: make its data, train its students as an ensemble, and measure them."""

from __future__ import annotations

import gc
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import numpy as np
import torch

from sta.checkpoint import Checkpoint
from sta.errors import StaError
from sta.spectral import (
    Dataset,
    History,
    Network,
    Ramp,
    importance,
    make_student,
    member,
    ramp,
    spectral_layers,
    stack_datasets,
    stack_networks,
)
from sta.spectral.seeds import Purpose
from sta.spectral.training import Log, Progress, resolve_device, training
from sta.sweep.config import SweepConfig
from sta.sweep.ensemble import available_cores
from sta.sweep.material import architecture_of, dataset_of, student_stream, teacher_of
from sta.sweep.partial import PartialShard
from sta.sweep.plan import StudentId

# Axis of the students in the arrays of a history.
MEMBER_AXIS = {"train_loss": 1, "test_loss": 1, "effective_size": 1, "diverged_at": 0}


@dataclass(frozen=True)
class ShardProgress:
    """How far a shard has come: student-epochs done and in all, and the records of training."""

    done: int
    total: int
    log: Log


Job = Generator[ShardProgress, None, Checkpoint]


def train_students(
    config: SweepConfig, students: Sequence[StudentId], progress: Progress | None = None
) -> Checkpoint:
    """Train students of one kind and shape as an ensemble and measure them.

    Parameters
    ----------
    config : SweepConfig
        The sweep they belong to.
    students : sequence of StudentId
        Their addresses; equal but for the teacher's draw and the trial.
    progress : callable, optional
        Called with (student-epochs done, student-epochs in all).

    Returns
    -------
    Checkpoint
        A stack. `metrics` has ``students`` (one row of numbers each), ``history`` and ``ramp``.
    """
    job = training_students(config, students)
    while True:
        try:
            state = next(job)
        except StopIteration as stop:
            return cast("Checkpoint", stop.value)
        if progress is not None:
            progress(state.done, state.total)


def training_students(
    config: SweepConfig,
    students: Sequence[StudentId],
    *,
    largest: int | None = None,
    store: PartialShard | None = None,
) -> Job:
    """Train students as `train_students` does, yielding while each epoch is under way.

    Students that do not fit into the memory together are trained in halves: the numbers do not
    depend on it.

    Raises
    ------
    StaError
        If a single student does not fit.
    """
    whole = len(students)
    size = min(largest or whole, whole)
    parts: list[Checkpoint] = []
    while (done := sum(len(part.seeds) for part in parts)) < whole:
        portion = students[done : done + size]
        job = _training_portion(config, portion, store)
        try:
            while True:
                log = next(job)
                epochs = done * log.epochs + len(portion) * log.epoch
                yield ShardProgress(epochs, whole * log.epochs, log)
        except StopIteration as stop:
            parts.append(stop.value)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                raise StaError(
                    f"one student of width {students[0].student_width} does not fit into the "
                    "memory; take fewer patterns or another device"
                ) from error
            size = -(-size // 2)
            job.close()
            del job, error
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    return parts[0] if len(parts) == 1 else join_stacks(parts)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of torch says that the memory of a device is used up."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _training_portion(
    config: SweepConfig, students: Sequence[StudentId], store: PartialShard | None
) -> Generator[Log, None, Checkpoint]:
    if len(students) == 1:
        # Linear algebra libraries treat a batch of one apart and round it otherwise; with a twin
        # beside it a student comes out the same, bit for bit, however the sweep is cut.
        pair = yield from _training_portion(config, [students[0]] * 2, store)
        return select(pair, [0])
    teachers = [teacher_of(config, s) for s in students]
    recipe = config.kinds[students[0].kind]
    pairs = list(zip(students, teachers, strict=True))
    network = stack_networks(
        [
            make_student(
                architecture_of(config, s, t), recipe.train, student_stream(config, "initial", s)
            )
            for s, t in pairs
        ]
    )
    train_set, test_set = (_datasets(config, pairs, purpose) for purpose in ("train", "test"))
    shuffles = [student_stream(config, "shuffle", s) for s in students]
    mine = None if store is None else store.of(students)
    history = yield from training(
        network, train_set, test_set, recipe, config.training, shuffles, mine
    )
    test_set = test_set.to(network.chain[0].effective_weight().device, torch.float64)
    curve = ramp(network, test_set)
    return Checkpoint(
        student=network.cpu(),
        teacher=stack_networks(teachers),
        kind=students[0].kind,
        config=config.to_dict(),
        seeds=[{"seed": config.seed, **asdict(s)} for s in students],
        metrics={
            "students": _rows(students, network, history, curve, test_set),
            "history": {k: torch.from_numpy(v) for k, v in asdict(history).items()},
            "ramp": {"mse": torch.from_numpy(curve.mse)},
        },
    )


def _datasets(
    config: SweepConfig, pairs: Sequence[tuple[StudentId, Network]], purpose: Purpose
) -> Dataset:
    def draw(pair: tuple[StudentId, Network]) -> Dataset:
        return dataset_of(config, *pair, purpose)

    # An accelerator waits for them.
    accelerated = resolve_device(config.training.device).type == "cuda"
    with ThreadPoolExecutor(available_cores() if accelerated else 1) as pool:
        return stack_datasets(list(pool.map(draw, pairs)))


def join_stacks(parts: Sequence[Checkpoint]) -> Checkpoint:
    """Return stacks of one kind and shape, trained by one schedule, as a single one."""
    students = [member(part.student, k) for part in parts for k in range(len(part.seeds))]
    teachers = [
        member(part.teacher, k)
        for part in parts
        if part.teacher is not None
        for k in range(len(part.seeds))
    ]
    histories = [part.metrics["history"] for part in parts]
    return replace(
        parts[0],
        student=stack_networks(students),
        teacher=stack_networks(teachers) if teachers else None,
        seeds=[seed for part in parts for seed in part.seeds],
        metrics={
            "students": [row for part in parts for row in part.metrics["students"]],
            "history": {
                name: torch.cat([one[name] for one in histories], MEMBER_AXIS[name])
                if name in MEMBER_AXIS
                else value
                for name, value in histories[0].items()
            },
            "ramp": {"mse": torch.cat([part.metrics["ramp"]["mse"] for part in parts])},
        },
    )


def select(stack: Checkpoint, members: Sequence[int]) -> Checkpoint:
    """Return some members of a stack as a smaller one."""
    index, metrics = torch.tensor(members), stack.metrics
    return replace(
        stack,
        student=stack_networks([member(stack.student, k) for k in members]),
        teacher=stack.teacher and stack_networks([member(stack.teacher, k) for k in members]),
        seeds=[stack.seeds[k] for k in members],
        metrics={
            "students": [metrics["students"][k] for k in members],
            "history": {
                name: value.index_select(MEMBER_AXIS[name], index) if name in MEMBER_AXIS else value
                for name, value in metrics["history"].items()
            },
            "ramp": {"mse": metrics["ramp"]["mse"][index]},
        },
    )


def _rows(
    students: Sequence[StudentId],
    network: Network,
    history: History,
    curve: Ramp,
    test_set: Dataset,
) -> list[dict[str, Any]]:
    scale = torch.cat([importance(network.chain[i]) for i in spectral_layers(network)], -1)
    rows = []
    for k, student in enumerate(students):
        healthy = bool(history.diverged_at[k] < 0 and np.isfinite(curve.mse[k]).all())
        y = test_set.y[k]
        numbers = {
            "train_loss": float(history.train_loss[-1, k]),
            "test_loss": float(curve.mse[k, -1]),
            "effective_size": int(history.effective_size[-1, k]),
        }
        rows.append(
            {
                "student_id": student.name,
                **asdict(student),
                "status": "ok" if healthy else "diverged",
                "diverged_at": int(history.diverged_at[k]),
                **{name: value if healthy else None for name, value in numbers.items()},
                "zero_loss": float(y.square().mean()),
                "target_variance": float(y.var(correction=0)),
                "importance": scale[k].double().tolist() if healthy else [],
            }
        )
    return rows
