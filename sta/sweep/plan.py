"""What a sweep consists of: its students, and the shards in which they are trained."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sta.checkpoint import package_versions
from sta.errors import FileFormatError, StaError
from sta.files import is_internal, readable, write_bytes
from sta.sweep.config import SweepConfig, config_from_table
from sta.sweep.ensemble import ensemble_size

FORMAT = "sta.sweep/1"


@dataclass(frozen=True)
class StudentId:
    """Address of a student in a sweep.

    Attributes
    ----------
    kind : str
        Name of the recipe.
    student_width, teacher_width : int
        Units of the first hidden layers, h and h_T.
    teacher_seed : int
        Which draw of the teacher.
    trial : int
        Which repetition with this teacher: initialisation, data and shuffling.
    """

    kind: str
    student_width: int
    teacher_width: int
    teacher_seed: int
    trial: int

    @property
    def name(self) -> str:
        """Unique name, the column `student_id` of the tables."""
        return (
            f"{self.kind}-h{self.student_width}-t{self.teacher_width}"
            f".{self.teacher_seed}-{self.trial}"
        )


@dataclass(frozen=True)
class Plan:
    """The students of a sweep in table order, cut into shards of one kind and shape.

    Attributes
    ----------
    config : SweepConfig
        All settings.
    shards : tuple of tuple of StudentId
        Each is trained as one batched ensemble and written as one file.
    teacher_sha256 : str
        Digest of the teacher's file, if it comes from one.
    """

    config: SweepConfig
    shards: tuple[tuple[StudentId, ...], ...]
    teacher_sha256: str = ""

    @property
    def students(self) -> tuple[StudentId, ...]:
        """All students, in the order of the tables."""
        return tuple(student for shard in self.shards for student in shard)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``plan.json``."""
        return {
            "format": FORMAT,
            "config": self.config.to_dict(),
            "teacher_sha256": self.teacher_sha256,
            "shards": [[asdict(student) for student in shard] for shard in self.shards],
            "versions": package_versions(),
        }


def make_plan(config: SweepConfig) -> Plan:
    """Lay out the students of a sweep; the order does not depend on the size of the shards."""
    shards: list[tuple[StudentId, ...]] = []
    for kind, recipe in config.kinds.items():
        for teacher_width in config.teacher.widths:
            for width in recipe.widths or config.student.widths:
                group = [
                    StudentId(kind, width, teacher_width, teacher_seed, trial)
                    for teacher_seed in range(config.teacher.draws)
                    for trial in range(config.student.trials)
                ]
                later = list(config.student.later_widths or config.teacher.later_widths)
                size = ensemble_size(config, recipe, width, later)
                shards += [tuple(group[i : i + size]) for i in range(0, len(group), size)]
    digest = ""
    if config.teacher.kind == "file":
        path = Path(config.teacher.path)
        with readable(path):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Plan(config, tuple(shards), digest)


def shard_path(folder: Path, number: int) -> Path:
    """Return the file of a shard."""
    return folder / "shards" / f"{number:04d}.pt"


def refuse_foreign(folder: Path) -> None:
    """Raise StaError, and touch nothing, if a folder is neither new nor empty nor a sweep's."""
    if not folder.exists() or (folder / "plan.json").exists():
        return
    if not folder.is_dir() or any(not is_internal(entry) for entry in folder.iterdir()):
        raise StaError(f"{folder} exists already and is no sweep; choose a new or empty folder")


def open_sweep(folder: Path, plan: Plan) -> Plan:
    """Write the plan into a new or empty folder, or check that the folder holds this very sweep.

    Returns
    -------
    Plan
        What to run: a sweep that was begun keeps its shards, but may go on on another device.

    Raises
    ------
    StaError
        If the folder holds another sweep or other files.
    """
    path = folder / "plan.json"
    if path.exists():
        begun = read_plan(folder)
        if _without_place(begun) != _without_place(plan):
            raise StaError(
                f"{folder} holds a sweep with other settings; choose another folder or remove it"
            )
        return replace(plan, shards=begun.shards)
    refuse_foreign(folder)
    write_bytes(path, json.dumps(plan.to_dict(), indent=1).encode())
    return plan


def _without_place(plan: Plan) -> tuple[Any, ...]:
    """Return what makes a sweep this sweep: not where it runs, nor in which portions."""
    training = replace(plan.config.training, device="cpu", ensemble=1)
    return replace(plan.config, training=training), plan.students, plan.teacher_sha256


def read_plan(folder: Path) -> Plan:
    """Read the plan of a sweep's folder.

    Raises
    ------
    FileFormatError
        If the folder holds no sweep, or its plan is damaged.
    """
    path = folder / "plan.json"
    if not folder.is_dir() or not path.exists():
        raise FileFormatError(f"{folder} is no sweep directory: it has no plan.json")
    with readable(path):
        content = path.read_bytes()
    try:
        table = json.loads(content)
        if table["format"] != FORMAT:
            raise FileFormatError(f"{path} has format {table['format']!r}; this sta reads {FORMAT}")
        shards = tuple(tuple(StudentId(**s) for s in shard) for shard in table["shards"])
        return Plan(config_from_table(table["config"]), shards, table["teacher_sha256"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"{path} is no plan of a sweep: {error!r}") from error
