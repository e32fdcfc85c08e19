"""The ledger: each claim, where it is made, and what would confirm or refute it."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sta.errors import ConfigError

PAPERS = {
    "spectral": "How a student becomes a teacher: learning and forgetting through spectral methods"
    " (Giambagli, Buffoni, Chicchi, Fanelli; NeurIPS 2023, arXiv 2310.12612)",
    "quadratic": "Escape dynamics and implicit bias of one-pass SGD in overparameterized quadratic"
    " networks (Bocchi, Regimbeau, Lucibello, Saglietti, Cammarota; arXiv 2604.03068)",
    "distillation": "Solvable model for inheriting the regularization through knowledge"
    " distillation (Saglietti, Zdeborová; PMLR 145, arXiv 2012.00194)",
    "transfer": "Paraphrasing complex network: network compression via factor transfer (Kim, Park,"
    " Kwak; NeurIPS 2018)",
}
RULES = ("inside", "exact", "calibrated", "untestable")


@dataclass(frozen=True)
class Entry:
    """A claim as the ledger states it, before anything is measured.

    Attributes
    ----------
    name : str
        Paper and claim, ``paper.claim``.
    where, sentence, quantity : str
        Place in the paper, the claim, and what is measured for it.
    confirm, refute : str
        In words, what would do either.
    rule : {"inside", "exact", "calibrated", "untestable"}
        inside: the quantity's interval lies in [low, high] (holds), apart from it (fails), or
        neither (undecided). exact: a computed number is in [low, high] or not. calibrated: a test
        with measured error rates says 1, 0 or -1. untestable: never measured here.
    measure : str
        The function that measures it, ``module.function`` of `sta.analysis.claims.measures`.
    low, high : float
        Bounds of the rule.
    reason : str
        Why it is untestable.
    """

    name: str
    where: str
    sentence: str
    quantity: str
    confirm: str
    refute: str
    rule: str
    measure: str = ""
    low: float = -math.inf
    high: float = math.inf
    reason: str = ""

    @property
    def paper(self) -> str:
        """Key in `PAPERS`."""
        return self.name.partition(".")[0]


def load_ledger(papers: Iterable[str] = tuple(PAPERS)) -> list[Entry]:
    """Return the claims of some papers, in the ledger's order.

    Raises
    ------
    ConfigError
        If a paper is unknown.
    """
    wanted = list(papers)
    for paper in wanted:
        if paper not in PAPERS:
            raise ConfigError(f"paper {paper!r} is unknown; choose from {', '.join(PAPERS)}")
    text = (files("sta.data") / "claims.toml").read_text(encoding="utf-8")
    return [
        parse_entry(f"{paper}.{name}", table)
        for paper, claims in tomllib.loads(text).items()
        if paper in wanted
        for name, table in claims.items()
    ]


def parse_entry(name: str, table: dict[str, Any]) -> Entry:
    """Return an entry of its table.

    Raises
    ------
    ConfigError
        If the rule is unknown, a bound is missing or a word is unknown.
    """
    try:
        entry = Entry(name, **table)
    except TypeError as error:
        raise ConfigError(f"claim {name}: {error}") from error
    if entry.rule not in RULES or entry.paper not in PAPERS:
        raise ConfigError(f"claim {name}: rule {entry.rule!r} or its paper is unknown")
    bounded = math.isfinite(entry.low) or math.isfinite(entry.high)
    if entry.rule in ("inside", "exact") and not (bounded and entry.low <= entry.high):
        raise ConfigError(f"claim {name}: rule {entry.rule!r} needs low or high, low below high")
    if (entry.rule == "untestable") != bool(entry.reason):
        raise ConfigError(f"claim {name}: a reason is for what is untestable, and needed there")
    if (entry.rule == "untestable") == bool(entry.measure):
        raise ConfigError(f"claim {name}: name the function that measures it, if it is testable")
    return entry
