"""Students of several objectives on one material: rows and checkpoints that a run goes on from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sta.errors import ConfigError, FileFormatError
from sta.files import readable, write_bytes
from sta.transfer.checkpoints import load_teacher, save_students
from sta.transfer.material import Material, load_material, split
from sta.transfer.networks import Classifier, make_conv_network, make_dense_network
from sta.transfer.objectives import Objective
from sta.transfer.ranking import accuracy_ramp, effective_size, units_needed
from sta.transfer.students import (
    Factors,
    Signals,
    Training,
    accuracy,
    make_factors,
    teacher_signals,
    train_students,
    train_teachers,
)

FORMAT = "sta.transfer/1"
DENSE, CONV = ("dense", "spectral"), ("conv", "spectral-conv")
PURPOSES = ("teacher", "teacher batches", "student", "student batches", "factor")


@dataclass(frozen=True)
class Study:
    """What is taught to whom.

    Attributes
    ----------
    data : str
        "digits", "synthetic", or a file; see `load_material`.
    teacher : str
        "dense:128,20" or "conv:16,32", trained on all training labels; or a file.
    student : str
        "spectral:128", "dense:128", "conv:4,8" or "spectral-conv:4,8".
    labels : int or None
        Labels that students see; all if None.
    heard : {"same", "all"}
        Training patterns on which they hear the teacher: those with labels, or all.
    seeds : int
        Splits, teachers and students, each with its own chance.
    seed : int
        Of all of them.
    rate : float
        Channels of the factor over those of the teacher's maps.
    reconstruction : {"l1", "mse"}
        Loss of the paraphraser.
    training : Training
        Of the students.
    teacher_steps, paraphraser_steps : int
        Of Adam.
    threshold : float
        Relative importance above which a unit counts for the effective size.
    """

    data: str = "digits"
    teacher: str = "dense:128,20"
    student: str = "spectral:128"
    labels: int | None = 50
    heard: str = "same"
    seeds: int = 8
    seed: int = 0
    rate: float = 0.5
    reconstruction: str = "l1"
    training: Training = field(default_factory=Training)
    teacher_steps: int = 500
    paraphraser_steps: int = 1000
    threshold: float = 0.05

    def __post_init__(self) -> None:
        """Raise ConfigError for values out of range."""
        if self.heard not in ("same", "all"):
            raise ConfigError(f"the teacher is heard on {self.heard!r}; choose same or all")
        for name, value in (
            ("seeds", self.seeds),
            ("steps", min(self.training.steps, self.teacher_steps)),
        ):
            if value < 1:
                raise ConfigError(f"{name} = {value}; give 1 or more")


def parsed(text: str) -> tuple[str, tuple[int, ...]]:
    """Return kind and widths of a description such as "spectral:128".

    Raises
    ------
    ConfigError
        If it is none.
    """
    kind, _, widths = text.partition(":")
    try:
        found = tuple(int(part) for part in widths.split(","))
    except ValueError:
        found = ()
    if kind not in (*DENSE, *CONV) or not found or min(found) < 1:
        raise ConfigError(
            f"{text!r} describes no network; give dense:128,20, spectral:128, conv:16,32 or"
            " spectral-conv:4,8"
        )
    return kind, found


class Classroom:
    """Patterns, teachers and what they say, for all objectives of a study.

    Parameters
    ----------
    study : Study
    members : sequence of int, optional
        Seeds to take part; all unless told.

    Raises
    ------
    ConfigError
        If the study does not fit its material, or the teacher's file has other inputs.
    """

    def __init__(self, study: Study, members: Sequence[int] | None = None) -> None:
        self.study = study
        self.members = list(range(study.seeds) if members is None else members)
        self.material = load_material(study.data, study.seed)
        self.splits = split(
            self.material, [1000 * study.seed + one for one in self.members], study.labels
        )
        x = torch.from_numpy(_shaped(self.material, study))
        y = torch.from_numpy(self.material.y)
        self.sets: dict[str, tuple[Tensor, Tensor]] = {
            name: (x[own], y[own])
            for name, own in (
                ("training", self.splits.training), ("validation", self.splits.validation),
                ("test", self.splits.test),
            )
        }  # fmt: skip
        self.teacher = self._taught()
        self.signals: Signals = teacher_signals(self.teacher, self.sets["training"][0])
        self.factors: dict[tuple[str, float, str], Factors] = {}

    def generators(self, purpose: str) -> list[np.random.Generator]:
        """Return a generator a member, that no other purpose and member shares."""
        number = PURPOSES.index(purpose)
        return [np.random.default_rng([self.study.seed, one, number]) for one in self.members]

    def network(self, text: str, purpose: str) -> Classifier:
        """Return an untrained stack of the described networks."""
        kind, widths = parsed(text)
        classes, spectral = self.material.classes, kind.startswith("spectral")
        if kind in CONV:
            return make_conv_network(
                widths, self.material.image, classes, self.generators(purpose), spectral=spectral
            )
        inputs = int(np.prod(self.material.x.shape[1:]))
        return make_dense_network(
            (inputs, *widths, classes), self.generators(purpose), spectral=spectral
        )

    def _taught(self) -> Classifier:
        x, y = self.sets["training"]
        if ":" not in self.study.teacher:
            teacher = load_teacher(Path(self.study.teacher), len(self.members))
            _check_teacher(teacher, x, self.material.classes, self.study.teacher)
            return teacher
        teacher = self.network(self.study.teacher, "teacher")
        plain = Training(self.study.teacher_steps, l2_eigenvalues=0.0, l2_phi=0.0)
        train_teachers(teacher, x, y, self.generators("teacher batches"), plain)
        return teacher

    def taught(self, objective: Objective) -> tuple[Classifier, list[dict[str, Any]]]:
        """Train the students of an objective; return them with a row a member."""
        study, (x, y) = self.study, self.sets["training"]
        student = self.network(study.student, "student")
        seen = None
        if study.heard == "all":
            seen = torch.arange(y.shape[1]).expand(len(y), -1)
        factors = self._factors_of(objective)
        beta = train_students(
            student, x, y, self.splits.labelled, objective, self.signals, factors,
            self.generators("student batches"), study.training, seen,
        )  # fmt: skip
        return student, self._rows(objective, student, factors, beta)

    def _factors_of(self, objective: Objective) -> Factors | None:
        if not objective.factor:
            return None
        kind = "random" if objective.paraphrasing == "random" else "trained"
        if objective.paraphrasing == "none":
            kind = "none"
        key = (kind, self.study.rate, self.study.reconstruction)
        if key not in self.factors or objective.paraphrasing == "attention":
            self.factors[key] = make_factors(
                self.signals, objective, self.generators("factor"), rate=self.study.rate,
                loss=self.study.reconstruction, steps=self.study.paraphraser_steps,
            )  # fmt: skip
        return self.factors[key]

    def _rows(
        self, objective: Objective, student: Classifier, factors: Factors | None, beta: float | None
    ) -> list[dict[str, Any]]:
        scores = {
            f"{name}_accuracy": accuracy(student, *own).tolist() for name, own in self.sets.items()
        }
        scores["teacher_accuracy"] = accuracy(self.teacher, *self.sets["test"]).tolist()
        ramp = accuracy_ramp(student, *self.sets["test"])
        sizes, needed = effective_size(student, self.study.threshold), units_needed(ramp)
        rebuilt = None if factors is None else factors.reconstruction
        return [
            {
                "objective": objective.name, "member": one, "student": self.study.student,
                "labels": int(self.splits.labelled.shape[1]), "heard": self.study.heard,
                "l2_eigenvalues": self.study.training.l2_eigenvalues,
                "l2_phi": self.study.training.l2_phi,
                **{name: float(values[k]) for name, values in scores.items()},
                "effective_size": int(sizes[k]), "units_needed": int(needed[k]),
                "units": int(ramp.shape[-1] - 1), "beta": beta,
                "reconstruction_error": None if rebuilt is None else float(rebuilt[k]),
                "accuracy_of_units": [round(float(value), 6) for value in ramp[k]],
            }
            for k, one in enumerate(self.members)
        ]  # fmt: skip


def _shaped(material: Material, study: Study) -> np.ndarray[Any, np.dtype[np.float32]]:
    texts = [study.student] + ([study.teacher] if ":" in study.teacher else [])
    kinds = {parsed(text)[0] in CONV for text in texts}
    if len(kinds) > 1:
        raise ConfigError(
            f"teacher {study.teacher} and student {study.student}: give two dense or two"
            " convolutional networks, which read the same patterns"
        )
    if kinds == {True}:
        _ = material.image
        return material.x
    return material.x.reshape(len(material.x), -1)


def _check_teacher(teacher: Classifier, x: Tensor, classes: int, name: str) -> None:
    expected = x.shape[2]
    if x.ndim != (3 if type(teacher).__name__ == "Network" else 5):
        raise ConfigError(f"the teacher in {name} is of another kind than the student")
    if teacher.widths[0] != expected or teacher.widths[-1] != classes:
        raise ConfigError(
            f"the teacher in {name} reads {teacher.widths[0]} inputs and has"
            f" {teacher.widths[-1]} classes; the data have {expected} and {classes}"
        )


def run_study(
    study: Study,
    objectives: Sequence[Objective],
    folder: Path | None = None,
    *,
    batched: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Train all students of a study.

    Parameters
    ----------
    study : Study
    objectives : sequence of Objective
    folder : Path, optional
        Keeps study.json, runs.jsonl (a row a run) and a checkpoint an objective; objectives that
        are in it already are not trained again.
    batched : bool
        Whether seeds are trained together; one after another otherwise, for comparison.
    on_progress : callable, optional
        Called with the objectives done and their number.

    Returns
    -------
    list of dict
        Rows of the objectives asked for: accuracies on the three sets after the last step (no
        set chose anything), sizes, and accuracy_of_units, that for 0, 1, ... units kept.

    Raises
    ------
    ConfigError, FileFormatError
        If the study does not fit its material, or the folder is that of another study.
    """
    rows = [] if folder is None else _known(study, folder)
    done = {row["objective"] for row in rows}
    rooms: list[Classroom] = []
    for number, objective in enumerate(objectives):
        if on_progress is not None:
            on_progress(number, len(objectives))
        if objective.name in done:
            continue
        if not rooms:
            groups = [None] if batched else [[one] for one in range(study.seeds)]
            rooms = [Classroom(study, group) for group in groups]
        for room in rooms:
            student, new = room.taught(objective)
            rows += new
        if folder is not None:
            if batched:
                save_students(student, rooms[0].teacher, objective.name, asdict(study), folder)
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            write_bytes(folder / "runs.jsonl", lines.encode(), overwrite=True)
    if on_progress is not None:
        on_progress(len(objectives), len(objectives))
    wanted = {one.name: place for place, one in enumerate(objectives)}
    kept = [row for row in rows if row["objective"] in wanted]
    return sorted(kept, key=lambda row: (wanted[row["objective"]], row["member"]))


def _known(study: Study, folder: Path) -> list[dict[str, Any]]:
    """Return the rows that a folder has, or make it."""
    described = json.loads(json.dumps({"format": FORMAT} | asdict(study)))
    settings, runs = folder / "study.json", folder / "runs.jsonl"
    if not settings.exists():
        write_bytes(settings, json.dumps(described, indent=2).encode())
        return []
    try:
        with readable(settings):
            found = json.loads(settings.read_text())
        if found != described:
            names = [name for name in described if found.get(name) != described[name]]
            raise FileFormatError(
                f"{folder} holds another study ({', '.join(names)} differ); choose another folder"
            )
        if not runs.exists():
            return []
        with readable(runs):
            rows = [json.loads(line) for line in runs.read_text().splitlines()]
        return [row for row in rows if {"objective", "member"} <= set(row)]
    except (ValueError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{folder} is no study of sta; choose another folder") from error
