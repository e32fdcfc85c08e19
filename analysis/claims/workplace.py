"""Where claims are measured: folders that runs go on in, and how much is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sta.errors import FileFormatError
from sta.files import readable, write_bytes

Array = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True)
class Variant:
    """One way of doing the spectral paper's study again.

    Attributes
    ----------
    name : str
    input_width : int
    threshold : float
        Of the effective size.
    dtype : str
    """

    name: str = "as published"
    input_width: int = 10
    threshold: float = 0.05
    dtype: str = "float32"


VARIANTS = (
    Variant(),
    Variant("20 inputs", input_width=20),
    Variant("threshold 0.1", threshold=0.1),
    Variant("float64", dtype="float64"),
)


@dataclass(frozen=True)
class Workplace:
    """A folder of runs, shared by all measures of a reproduction.

    Attributes
    ----------
    folder : Path
        Each paper keeps its runs in a folder of its own there.
    full : bool
        Whether the full numbers of seeds and sizes are run.
    seed : int
        Of everything.
    say : callable
        Told in a few words what is being done.
    variant : Variant
        Of the spectral paper's study.
    """

    folder: Path
    full: bool
    seed: int = 0
    say: Callable[[str], None] = lambda _: None
    variant: Variant = VARIANTS[0]
    kept: dict[str, Any] = field(default_factory=dict)

    def varied(self, variant: Variant) -> Workplace:
        """Return the same place for another variant."""
        return replace(self, variant=variant)

    def choose(self, quick: T, full: T) -> T:
        """Return one of two settings."""
        return full if self.full else quick

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` gives, made once a reproduction."""
        if name not in self.kept:
            self.say(name)
            self.kept[name] = make()
        found: T = self.kept[name]
        return found

    def stored(self, name: str, make: Callable[[], Array]) -> Array:
        """Return numbers that `make` gives, made once and kept in a file of the folder.

        Raises
        ------
        FileFormatError
            If the file is damaged.
        """
        path = self.folder / "runs" / f"{name.replace(' ', '_')}.json"
        if not path.exists():
            self.say(name)
            write_bytes(path, json.dumps(make().tolist()).encode(), overwrite=True)
        with readable(path):
            try:
                return np.array(json.loads(path.read_text(encoding="utf-8")), dtype=float)
            except (ValueError, TypeError) as error:
                raise FileFormatError(f"{path} holds no numbers; remove it") from error
