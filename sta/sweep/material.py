"""What a student is made of: its teacher, its shape, its data and its random numbers."""

from __future__ import annotations

import numpy as np

from sta.spectral import (
    Architecture,
    Dataset,
    Network,
    TeacherConfig,
    draw_dataset,
    make_teacher,
    stream,
)
from sta.spectral.seeds import Purpose
from sta.sweep.config import SweepConfig
from sta.sweep.plan import StudentId


def student_stream(
    config: SweepConfig, purpose: Purpose, student: StudentId
) -> np.random.Generator:
    """Return a student's own generator for one purpose; kinds share it, so that they pair."""
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
    return draw_dataset(teacher, patterns, student_stream(config, purpose, student))
