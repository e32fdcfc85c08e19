"""Presets of sweeps, as TOML files inside the package."""

import tomllib
from importlib.resources import files
from typing import Any


def preset_names() -> list[str]:
    """Return the names of the presets."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".toml")
    )


def load_preset(name: str) -> dict[str, Any]:
    """Return a preset as a table.

    Raises
    ------
    FileNotFoundError
        If there is no such preset.

    Examples
    --------
    >>> load_preset("paper")["training"]["epochs"]
    2000
    """
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
