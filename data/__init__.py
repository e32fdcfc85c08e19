"""Presets of sweeps and the ledger of claims, TOML files, and finished sweeps, folders inside."""

import errno
import json
import shutil
import tomllib
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

LEDGER = "claims.toml"
RESULTS = "claims.json"


def preset_names() -> list[str]:
    """Return the names of the presets."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".toml") and entry.name != LEDGER
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


def sweep_names() -> list[str]:
    """Return the names of the finished sweeps."""
    return sorted(entry.name for entry in files(__name__).joinpath("sweeps").iterdir())


def copy_sweep(name: str, folder: Path) -> None:
    """Copy a finished sweep, reduced to its tables and a few students, into a new folder.

    The folder appears whole or not at all.

    Raises
    ------
    FileExistsError
        If the folder exists already.
    FileNotFoundError
        If there is no such sweep.
    """
    if folder.exists():
        raise FileExistsError(errno.EEXIST, "exists already", str(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        as_file(files(__name__).joinpath("sweeps", name)) as source,
        TemporaryDirectory(dir=folder.parent, prefix=".copy-") as temporary,
    ):
        shutil.copytree(source, Path(temporary) / name)
        (Path(temporary) / name).rename(folder)


def reproduced_claims() -> dict[str, Any]:
    """Return the claims.json of a full `sta reproduce`.

    Examples
    --------
    >>> reproduced_claims()["scope"]
    'full'
    """
    found: dict[str, Any] = json.loads(files(__name__).joinpath(RESULTS).read_text("utf-8"))
    return found
