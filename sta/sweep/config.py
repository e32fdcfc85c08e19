"""The settings of a sweep: a TOML table over the preset ``paper``, checked key by key."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sta.data import load_preset, preset_names
from sta.errors import ConfigError
from sta.files import readable
from sta.spectral.layer import FACTORS
from sta.spectral.student import Recipe
from sta.spectral.training import Schedule, resolve_dtype

T = TypeVar("T")

# Smallest and largest value of a number, or of each number in a list.
LIMITS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**63), "input_width": (1, 10**5), "widths": (1, 10**5), "later_widths": (1, 10**5),
    "draws": (1, 10**6), "trials": (1, 10**6), "spectral_layers": (0, 100), "threshold": (0, 1),
    "train_patterns": (1, 10**7), "test_patterns": (1, 10**7), "epochs": (0, 10**9),
    "history_points": (1, 10**4), "ensemble": (1, 10**4), "learning_rate": (0, 1e300),
    "batch_size": (1, 10**7), "l2_phi": (0, 1e300), "l2_eigenvalues": (0, 1e300),
    "group_lasso": (0, 1e300),
}  # fmt: skip
CHOICES: dict[str, tuple[str, ...]] = {
    "teacher.kind": ("relu", "linear", "file"),
    "student.readout": ("", "sum", "linear"),
}


@dataclass(frozen=True)
class TeacherGrid:
    """Teachers of a sweep: `draws` independent ones of every width; see `TeacherConfig`."""

    kind: str
    input_width: int
    widths: tuple[int, ...]
    later_widths: tuple[int, ...]
    draws: int
    path: str


@dataclass(frozen=True)
class StudentGrid:
    """Students of a sweep: `trials` of every kind and width for every teacher."""

    widths: tuple[int, ...]
    later_widths: tuple[int, ...]
    spectral_layers: tuple[int, ...]
    readout: str
    trials: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class DataSize:
    """Numbers of training and of independent test patterns a student."""

    train_patterns: int
    test_patterns: int


@dataclass(frozen=True)
class SweepSchedule(Schedule):
    """A schedule, and the largest number of students in a shard."""

    ensemble: int = 128


@dataclass(frozen=True)
class KindRecipe(Recipe):
    """The recipe of a kind, and its widths where they are not all of the sweep's."""

    widths: tuple[int, ...] = ()


@dataclass(frozen=True)
class SweepConfig:
    """All settings of a sweep, resolved: nothing is left to a default elsewhere.

    Attributes
    ----------
    seed : int
        Root of the seed tree.
    teacher, student, data, training
        The tables of the same names.
    kinds : dict from name to KindRecipe
        One for each of `student.kinds`.
    """

    seed: int
    teacher: TeacherGrid
    student: StudentGrid
    data: DataSize
    training: SweepSchedule
    kinds: dict[str, KindRecipe]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain nested tables, as `config_from_table` takes them."""
        table: dict[str, Any] = _plain(dataclasses.asdict(self))
        return table


def load_config(source: str | Path, overrides: Mapping[str, Any] | None = None) -> SweepConfig:
    """Read a sweep's settings from a TOML file or a preset.

    Parameters
    ----------
    source : str or Path
        A file; or, where there is none of that name, a preset such as ``paper`` or
        ``paper.toml``. A path in a file is relative to the file's folder.
    overrides : mapping, optional
        Nested tables laid over the file's.

    Raises
    ------
    ConfigError
        If a key is unknown (the nearest right one is named), a value is of the wrong type or
        out of range, or the file is not TOML.
    """
    path = Path(source)
    name = path.name.removesuffix(".toml")
    if not path.is_file() and name in preset_names() and len(path.parts) == 1:
        table = load_preset(name)
    else:
        with readable(path):
            content = path.read_bytes()
        try:
            table = tomllib.loads(content.decode("utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
        _anchor_teacher(table, path.parent)
    return config_from_table(merge(table, overrides or {}))


def _anchor_teacher(table: dict[str, Any], folder: Path) -> None:
    """Make the path of a teacher in a file relative to the settings' own folder absolute."""
    teacher = table.get("teacher")
    if isinstance(teacher, dict) and isinstance(teacher.get("path"), str) and teacher["path"]:
        table["teacher"] = {**teacher, "path": str((folder / teacher["path"]).resolve())}


def config_from_table(table: Mapping[str, Any]) -> SweepConfig:
    """Resolve a table: lay it over its ``preset`` (``paper`` unless told) and check it."""
    table = dict(table)
    base = load_preset("paper")
    preset = table.pop("preset", "paper")
    if preset not in preset_names():
        raise ConfigError(f"preset = {preset!r} is unknown; choose from {preset_names()}")
    given = merge(load_preset(preset), table)
    _check_keys(given, [*base, "preset"], "")
    merged = merge(base, given)
    for key in base:
        if isinstance(base[key], dict) and not isinstance(merged[key], dict):
            raise ConfigError(f"{key} = {merged[key]!r} must be a table, [{key}]")
    names = _kind_names(merged, table.get("kinds", {}))
    kinds = {name: _kind(name, merged["kinds"]) for name in names}
    config = SweepConfig(
        seed=_value(merged["seed"], int, "seed"),
        teacher=_parse(TeacherGrid, merged["teacher"], "teacher"),
        student=_parse(StudentGrid, merged["student"], "student"),
        data=_parse(DataSize, merged["data"], "data"),
        training=_parse(SweepSchedule, merged["training"], "training"),
        kinds=kinds,
    )
    _check_together(config)
    return config


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested tables with those of `over` laid over those of `base`.

    Examples
    --------
    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return result


def _kind_names(merged: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return the kinds to train, after a look at the tables of all kinds."""
    names = _value(merged["student"].get("kinds"), tuple[str, ...], "student.kinds")
    if not names:
        raise ConfigError("student.kinds is empty; name at least one, such as 'spectral'")
    for name in names:
        if name not in merged["kinds"]:
            known = sorted(merged["kinds"])
            raise ConfigError(f"kind {name!r} has no table [kinds.{name}]{_nearest(name, known)}")
    for name in given:
        _kind(name, merged["kinds"])
        if name not in names and name not in load_preset("paper")["kinds"]:
            near = _nearest(name, [*merged["kinds"]], but=name)
            raise ConfigError(f"[kinds.{name}] is not among student.kinds{near}")
    return list(names)


def _kind(name: str, kinds: Mapping[str, Any]) -> KindRecipe:
    if not isinstance(kinds[name], Mapping):
        raise ConfigError(f"kinds.{name} = {kinds[name]!r} must be a table, [kinds.{name}]")
    table = dict(kinds[name])
    like = table.pop("like", None)
    if like is not None:
        if not isinstance(like, str) or like not in kinds or "like" in kinds[like]:
            raise ConfigError(f"kinds.{name}.like = {like!r} must name a kind with its own recipe")
        table = merge({k: v for k, v in kinds[like].items() if k != "widths"}, table)
    return _parse(KindRecipe, table, f"kinds.{name}")


def _parse(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Return a dataclass from a table whose keys, types and ranges are checked."""
    hints = typing.get_type_hints(cls)
    _check_keys(table, [*hints, "like"] if where.startswith("kinds") else list(hints), where)
    values = {key: _value(value, hints[key], f"{where}.{key}") for key, value in table.items()}
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    for field in fields:
        if field.name not in values and field.default is dataclasses.MISSING:
            raise ConfigError(f"{where}.{field.name} is missing; give it a value")
    return cls(**values)


def _value(value: Any, hint: Any, where: str) -> Any:
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where} = {value!r} must be a list")
        return tuple(_value(item, typing.get_args(hint)[0], where) for item in value)
    wanted = (int, float) if hint is float else hint
    right = isinstance(value, wanted) and not (isinstance(value, bool) and hint is not bool)
    if not right:
        raise ConfigError(f"{where} = {value!r} must be of type {hint.__name__}")
    low, high = LIMITS.get(where.rpartition(".")[2], (None, None))
    if low is not None and not low <= value <= high:
        raise ConfigError(f"{where} = {value} is out of range; it must be {low:g} to {high:g}")
    if where in CHOICES and value not in CHOICES[where]:
        raise ConfigError(f"{where} = {value!r} must be one of {CHOICES[where]}")
    return hint(value)


def _check_keys(table: Mapping[str, Any], known: list[str], where: str) -> None:
    for key in table:
        if key not in known:
            name = f"{where}.{key}" if where else key
            raise ConfigError(f"unknown key {name!r}{_nearest(key, known)}")


def _nearest(key: str, known: list[str], but: str = "") -> str:
    others = [name for name in known if name != but]
    close = difflib.get_close_matches(key, others, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}?" if close else ""


def _check_together(config: SweepConfig) -> None:
    resolve_dtype(config.training.dtype)
    for name, recipe in config.kinds.items():
        for factor in recipe.train:
            if factor not in FACTORS:
                raise ConfigError(f"kinds.{name}.train: {factor!r} is none of {FACTORS}")
        _check_distinct(f"kinds.{name}.widths", recipe.widths)
    teacher, student = config.teacher, config.student
    for name, values in (
        ("teacher.widths", teacher.widths),
        ("student.widths", student.widths),
        ("student.kinds", student.kinds),
        ("student.spectral_layers", student.spectral_layers),
    ):
        _check_distinct(name, values)
        if not values:
            raise ConfigError(f"{name} is empty; give at least one")
    if teacher.kind == "file" and not teacher.path:
        raise ConfigError("teacher.kind = 'file' needs teacher.path")
    # A file holds one teacher, and a linear teacher has no width: more of them would be copies.
    if teacher.kind == "file" and teacher.draws > 1:
        raise ConfigError(f"teacher.draws = {teacher.draws}, but a file holds one teacher; set 1")
    if teacher.kind != "relu" and len(teacher.widths) > 1:
        raise ConfigError(
            f"teacher.widths = {list(teacher.widths)}: a {teacher.kind} teacher has one"
        )
    hidden = 1 + len(student.later_widths or teacher.later_widths)
    for layer in student.spectral_layers:
        if teacher.kind != "file" and layer >= hidden:
            raise ConfigError(
                f"student.spectral_layers names layer {layer}, but there are {hidden} hidden layers"
            )


def _check_distinct(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ConfigError(f"{name} has {value!r} twice; the students would be copies")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
