"""Where claims are measured: folders that runs go on in, and how much is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
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
    """

    folder: Path
    full: bool
    seed: int = 0
    say: Callable[[str], None] = lambda _: None
    kept: dict[str, Any] = field(default_factory=dict)

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
