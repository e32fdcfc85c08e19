"""The settings of a sweep as tables of text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sta.analysis.report.numbers import MISSING
from sta.analysis.report.tables import Table
from sta.sweep import SweepConfig

MEANINGS = {
    "train": "factors trained",
    "l2_phi": "L2 penalty on φ",
    "l2_eigenvalues": "L2 penalty on λ",
}


def settings(config: SweepConfig) -> list[Table]:
    """Return the settings: one table of the sweep, and one with a row a kind.

    Parameters
    ----------
    config : SweepConfig
        All settings, resolved.

    Returns
    -------
    list of Table
    """
    plain = config.to_dict()
    general = [
        [section, name.replace("_", " "), _text(value)]
        for section in ("teacher", "student", "data", "training")
        for name, value in plain[section].items()
        if name != "kinds"
    ]
    names = [name for name in asdict(next(iter(config.kinds.values()))) if name != "widths"]
    columns = [*names, "widths"]
    recipes = [
        [kind, *(_text(recipe[name]) or "all" for name in columns)]
        for kind, recipe in plain["kinds"].items()
    ]
    return [
        Table("Kinds", "", ("kind", *(_heading(name) for name in columns)), recipes, labels=1),
        Table("Sweep", "", ("part", "setting", "value"), general, labels=2),
    ]


def _heading(name: str) -> str:
    return MEANINGS.get(name, name.replace("_", " "))


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return MISSING if value is None else str(value)
