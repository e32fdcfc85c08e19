"""Running a sweep: shard after shard, in this process or in a pool, and only what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sta.errors import ConfigError, FileFormatError
from sta.files import LOCK_NAME, check_archive, check_seal, locked, remove_temporaries
from sta.spectral.training import resolve_device
from sta.sweep.cluster import run_on_cluster
from sta.sweep.config import SweepConfig
from sta.sweep.ensemble import available_cores
from sta.sweep.lanes import Task, run_tasks
from sta.sweep.material import teacher_of
from sta.sweep.partial import SECONDS_BETWEEN_SAVES
from sta.sweep.plan import Plan, make_plan, open_sweep, read_plan, refuse_foreign, shard_path
from sta.sweep.pool import run_pool
from sta.sweep.tables import SweepTables, write_tables

# Held for a moment, while the plan or the tables are written.
PLAN_LOCK = f"{LOCK_NAME}.plan"


@dataclass(frozen=True)
class SweepProgress:
    """How far a sweep has come.

    Attributes
    ----------
    students, students_done : int
        Students in all and in finished shards.
    work, work_done : float
        Units times epochs over all students, an estimate of the time they take.
    steps_per_second : float
        Student-steps, since the run began.
    damaged : tuple of int
        Numbers of the shards that were set aside because their checksum was wrong.
    """

    students: int
    students_done: int
    work: float
    work_done: float
    steps_per_second: float
    damaged: tuple[int, ...]


@dataclass(frozen=True)
class SweepStatus:
    """What of a sweep is on the disk.

    Attributes
    ----------
    shards, shards_done, students, students_done : int
        Planned and finished.
    missing : tuple of int
        Numbers of the shards to do.
    tables : bool
        Whether the tables are written.
    """

    shards: int
    shards_done: int
    students: int
    students_done: int
    missing: tuple[int, ...]
    tables: bool


def sweep_status(folder: Path) -> SweepStatus:
    """Return what of a sweep is done, from the names of its files alone."""
    plan = read_plan(folder)
    missing = missing_shards(folder, plan)
    left = sum(len(plan.shards[number]) for number in missing)
    return SweepStatus(
        len(plan.shards),
        len(plan.shards) - len(missing),
        len(plan.students),
        len(plan.students) - left,
        tuple(missing),
        all((folder / f"{name}.parquet").exists() for name in ("students", "ramps")),
    )


def run_sweep(
    config: SweepConfig,
    folder: Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[SweepProgress], None] | None = None,
    interval: float = SECONDS_BETWEEN_SAVES,
) -> SweepTables:
    """Train all students of a sweep that are not on the disk yet, and write the tables.

    Parameters
    ----------
    config : SweepConfig
        The settings.
    folder : Path
        A new or empty folder, or one with this very sweep, interrupted or done.
    workers : int, optional
        Processes; one a core unless told, and always one on an accelerator.
    scheduler : str, optional
        Address of a dask scheduler, whose workers train instead; see `sta.sweep.cluster`.
    progress : callable, optional
        Called a few times a second with a `SweepProgress`.
    interval : float
        Seconds between two saves of a shard in training; what a kill can lose.

    Returns
    -------
    SweepTables

    Raises
    ------
    StaError
        If the folder holds something else, is in use, cannot be written, or workers die again
        and again.

    Notes
    -----
    The workers are spawned: a script that calls this must do so under
    ``if __name__ == "__main__":``, or with ``workers=1``. A shard whose checksum is wrong is set
    aside under the suffix ``.damaged`` and trained again.
    """
    plan = _planned(config, folder, here=scheduler is None)
    with locked(folder):
        plan = _opened(folder, plan)
        remove_temporaries(folder / "shards")
        remove_temporaries(folder)
        damaged = set_damaged_aside(folder, plan)
        tasks = _tasks(folder, plan)
        board = _Board(plan, tasks, progress, damaged)
        if scheduler is not None:
            run_on_cluster(plan.config, tasks, scheduler, board.update, interval)
        else:
            _run_here(plan.config, tasks, workers, board, interval)
        return write_tables(folder, plan)


def run_part(
    config: SweepConfig,
    folder: Path,
    part: tuple[int, int],
    *,
    workers: int | None = None,
    progress: Callable[[SweepProgress], None] | None = None,
    interval: float = SECONDS_BETWEEN_SAVES,
) -> SweepStatus:
    """Train one of several parts of a sweep, for the job arrays of a batch system.

    The parts have equal shares of the work and run in any order or at once, on machines that
    share the folder; the last to finish writes the tables.

    Parameters
    ----------
    config, folder, workers, progress, interval
        As in `run_sweep`.
    part : (int, int)
        Which part, counted from 1, and of how many.

    Returns
    -------
    SweepStatus
        Of the whole sweep.

    Raises
    ------
    ConfigError
        If there is no such part.
    StaError
        As `run_sweep`; also if a run of the whole sweep, or of this part, is under way.
    """
    number, count = part
    if not 1 <= number <= count:
        raise ConfigError(f"part {number} of {count} does not exist; take 1 to {count}")
    plan = _planned(config, folder, here=True)
    with locked(folder, shared=True), locked(folder, f"{LOCK_NAME}.{number}-of-{count}"):
        plan = _opened(folder, plan)
        mine = _tasks(folder, plan, everything=True)[number - 1 :: count]
        damaged = set_damaged_aside(folder, plan, [task.number for task in mine])
        tasks = [task for task in mine if not task.path.exists()]
        _run_here(plan.config, tasks, workers, _Board(plan, tasks, progress, damaged), interval)
        with locked(folder, PLAN_LOCK, wait=True):
            if not missing_shards(folder, plan):
                write_tables(folder, plan)
    return sweep_status(folder)


def _planned(config: SweepConfig, folder: Path, *, here: bool) -> Plan:
    """Lay the sweep out and make sure that it can be run."""
    plan = make_plan(config)
    teacher_of(config, plan.students[0])  # a teacher that cannot be read ends it here
    if here:
        resolve_device(config.training.device)
    refuse_foreign(folder)
    return plan


def _opened(folder: Path, plan: Plan) -> Plan:
    # Parts that start together agree on one layout.
    with locked(folder, PLAN_LOCK, wait=True):
        plan = open_sweep(folder, plan)
    (folder / "shards").mkdir(exist_ok=True)
    return plan


def _tasks(folder: Path, plan: Plan, *, everything: bool = False) -> list[Task]:
    """Return the shards to train, those of most work first."""
    numbers = range(len(plan.shards)) if everything else missing_shards(folder, plan)
    order = sorted(numbers, key=lambda n: (-_work(plan, n), n))
    return [Task(n, plan.shards[n], shard_path(folder, n)) for n in order]


def _run_here(
    config: SweepConfig, tasks: list[Task], workers: int | None, board: _Board, interval: float
) -> None:
    count = 1 if config.training.device != "cpu" else workers or available_cores()
    if min(count, len(tasks)) <= 1:
        run_tasks(config, tasks, board.update, interval=interval)
    else:
        run_pool(config, tasks, min(count, len(tasks)), board.update, interval)


def set_damaged_aside(folder: Path, plan: Plan, numbers: Iterable[int] | None = None) -> list[int]:
    """Rename every shard (or every one of some) whose checksum is wrong; return their numbers."""
    damaged = []
    for number in range(len(plan.shards)) if numbers is None else numbers:
        path = shard_path(folder, number)
        if not path.exists():
            continue
        try:
            check_archive(path)
            check_seal(path)
        except FileFormatError:
            path.replace(path.with_suffix(".damaged"))
            damaged.append(number)
    return damaged


def missing_shards(folder: Path, plan: Plan) -> list[int]:
    """Return the numbers of the shards that are not on the disk."""
    return [n for n in range(len(plan.shards)) if not shard_path(folder, n).exists()]


def _work(plan: Plan, number: int) -> float:
    """Return an estimate of a shard's cost: units, plus a fixed share a step."""
    shard = plan.shards[number]
    steps = _batches(plan, shard[0].kind)
    return len(shard) * plan.config.training.epochs * (shard[0].student_width + 0.5 * steps)


def _batches(plan: Plan, kind: str) -> int:
    return -(-plan.config.data.train_patterns // plan.config.kinds[kind].batch_size)


class _Board:
    """Keeps the sum of all shards' progress and tells the caller."""

    def __init__(
        self,
        plan: Plan,
        tasks: Sequence[Task],
        tell: Callable[[SweepProgress], None] | None,
        damaged: Sequence[int] = (),
    ) -> None:
        left = {task.number for task in tasks}
        epochs = plan.config.training.epochs
        self._work = {n: _work(plan, n) for n in range(len(plan.shards))}
        self._sizes = [len(shard) for shard in plan.shards]
        self._steps = {
            n: len(shard) * epochs * _batches(plan, shard[0].kind)
            for n, shard in enumerate(plan.shards)
        }
        self._done = {n: float(n not in left) for n in self._work}
        self._tell, self._damaged = tell, tuple(damaged)
        self._began, self._last = time.monotonic(), 0.0
        self._before = self._steps_done()

    def update(self, number: int, fraction: float) -> None:
        if fraction == 1:
            self._last = 0.0  # what is finished is told at once
        self._done[number] = max(fraction, self._done[number])
        now = time.monotonic()
        if self._tell is None or now - self._last < 0.2:
            return
        self._last = now
        steps = self._steps_done() - self._before
        self._tell(
            SweepProgress(
                sum(self._sizes),
                sum(self._sizes[n] for n, done in self._done.items() if done >= 1),
                sum(self._work.values()),
                sum(self._work[n] * done for n, done in self._done.items()),
                steps / max(now - self._began, 1e-9),
                self._damaged,
            )
        )

    def _steps_done(self) -> float:
        return sum(self._steps[n] * done for n, done in self._done.items())
