"""One shard: make its data, train its students as an ensemble, measure them, write one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sta.checkpoint import Checkpoint, save_checkpoint
from sta.spectral import (
    Architecture,
    Dataset,
    History,
    Network,
    Ramp,
    TeacherConfig,
    draw_dataset,
    importance,
    make_student,
    make_teacher,
    member,
    ramp,
    spectral_layers,
    stack_datasets,
    stack_networks,
    stream,
    train,
)
from sta.spectral.seeds import Purpose
from sta.spectral.training import Progress
from sta.sweep.config import SweepConfig
from sta.sweep.plan import StudentId


def run_shard(
    config: SweepConfig, students: Sequence[StudentId], path: Path, progress: Progress | None = None
) -> None:
    """Train the students of a shard and write them with their measurements, atomically."""
    save_checkpoint(train_students(config, students, progress), path, overwrite=True)


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
        Called with (epochs done, epochs in all).

    Returns
    -------
    Checkpoint
        A stack. `metrics` has ``students`` (one row of numbers each), ``history`` and ``ramp``.
    """
    if len(students) == 1:
        # Linear algebra libraries treat a batch of one apart and round it otherwise; with a twin
        # beside it a student comes out the same, bit for bit, however the sweep is cut.
        return _without_twin(train_students(config, [students[0]] * 2, progress))
    teachers = [teacher_of(config, s) for s in students]
    recipe = config.kinds[students[0].kind]
    network = stack_networks(
        [
            make_student(
                architecture_of(config, s, teacher), recipe.train, _stream(config, "initial", s)
            )
            for s, teacher in zip(students, teachers, strict=True)
        ]
    )
    train_set, test_set = (
        stack_datasets(
            [
                dataset_of(config, s, teacher, purpose)
                for s, teacher in zip(students, teachers, strict=True)
            ]
        )
        for purpose in ("train", "test")
    )
    shuffles = [_stream(config, "shuffle", s) for s in students]
    history = train(network, train_set, test_set, recipe, config.training, shuffles, progress)
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


def _without_twin(pair: Checkpoint) -> Checkpoint:
    """Return the first member of a stack of two as a stack of one."""
    metrics = pair.metrics
    axes = {"train_loss": 1, "test_loss": 1, "effective_size": 1, "diverged_at": 0}
    return replace(
        pair,
        student=stack_networks([member(pair.student, 0)]),
        teacher=None if pair.teacher is None else stack_networks([member(pair.teacher, 0)]),
        seeds=pair.seeds[:1],
        metrics={
            "students": metrics["students"][:1],
            "history": {
                name: value.narrow(axes[name], 0, 1) if name in axes else value
                for name, value in metrics["history"].items()
            },
            "ramp": {"mse": metrics["ramp"]["mse"][:1]},
        },
    )


def _stream(config: SweepConfig, purpose: Purpose, student: StudentId) -> np.random.Generator:
    return stream(
        config.seed,
        purpose,
        student.teacher_width,
        student.teacher_seed,
        student.student_width,
        student.trial,
    )


def teacher_of(config: SweepConfig, student: StudentId) -> Network:
    """Return the frozen teacher of a student."""
    grid = config.teacher
    settings = TeacherConfig(
        grid.kind,  # type: ignore[arg-type]
        grid.input_width,
        student.teacher_width,
        grid.later_widths,
        grid.path,
    )
    generator = stream(config.seed, "teacher", student.teacher_width, student.teacher_seed)
    return make_teacher(settings, generator)


def architecture_of(config: SweepConfig, student: StudentId, teacher: Network) -> Architecture:
    """Return the shape of a student: the teacher's, but for the width of its first layer."""
    hidden = [teacher.widths[layer + 1] for layer in teacher.hidden]
    later = config.student.later_widths or tuple(hidden[1:])
    return Architecture(
        teacher.widths[0],
        (student.student_width, *later),
        config.student.spectral_layers,
        config.student.readout or teacher.readout,  # type: ignore[arg-type]
    )


def dataset_of(
    config: SweepConfig, student: StudentId, teacher: Network, purpose: Purpose
) -> Dataset:
    """Return the training or the test set of a student (purpose ``train`` or ``test``)."""
    patterns = config.data.train_patterns if purpose == "train" else config.data.test_patterns
    return draw_dataset(teacher, patterns, _stream(config, purpose, student))


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
