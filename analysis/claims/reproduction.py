"""Measure the claims of the ledger, judge them, and write down what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sta.analysis.claims.ledger import PAPERS, Entry, load_ledger
from sta.analysis.claims.measures import measure_named
from sta.analysis.claims.rules import Judged, Measurement, judge, level_for
from sta.analysis.claims.workplace import VARIANTS, Workplace
from sta.errors import FileFormatError
from sta.files import locked, readable, write_bytes

FORMAT = "sta.claims/1"
SETTINGS, CLAIMS = "reproduction.json", "claims.json"
# Neither depends on the width of inputs or floats, nor on a threshold of the effective size.
UNVARIED = ("spectral.cost",)


@dataclass(frozen=True)
class Reproduction:
    """Claims and verdicts.

    Attributes
    ----------
    place : Workplace
    judged : list of Judged
        In the ledger's order.
    robustness : dict from variant to list of Judged
        The spectral paper's claims, measured again; empty for a quick run.
    """

    place: Workplace
    judged: list[Judged]
    robustness: dict[str, list[Judged]] = field(default_factory=dict)

    @property
    def papers(self) -> list[str]:
        """Papers whose claims were judged."""
        return list(dict.fromkeys(one.entry.paper for one in self.judged))

    def changed(self) -> dict[str, dict[str, str]]:
        """Return the claims whose verdict is another in a variant: claim, variant, verdict."""
        base = {one.entry.name: one.verdict for one in self.judged}
        found: dict[str, dict[str, str]] = {}
        for variant, judged in self.robustness.items():
            for one in judged:
                if one.verdict != base[one.entry.name]:
                    found.setdefault(one.entry.name, {})[variant] = one.verdict
        return found

    def to_dict(self) -> dict[str, Any]:
        """All verdicts as plain JSON values, the same for the same seed."""
        return {
            "format": FORMAT,
            "scope": "full" if self.place.full else "quick",
            "seed": self.place.seed,
            "papers": {paper: PAPERS[paper] for paper in self.papers},
            "claims": [one.to_dict() for one in self.judged],
            "robustness": {
                variant: {
                    one.entry.name: {
                        "value": one.value, "interval": one.to_dict()["interval"],
                        "verdict": one.verdict,
                    }
                    for one in judged
                }
                for variant, judged in self.robustness.items()
            },
            "changed": self.changed(),
        }  # fmt: skip


def reproduce(
    folder: Path,
    papers: Iterable[str] = tuple(PAPERS),
    *,
    full: bool = False,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Reproduction:
    """Measure what is missing of some papers' claims and judge them all.

    Parameters
    ----------
    folder : Path
        Keeps every run and measurement; a reproduction that was stopped goes on from there.
    papers : iterable of str
        Keys of `PAPERS`. Papers that the folder holds already are judged with them.
    full : bool
        Whether the full numbers of seeds and sizes are run, and the spectral paper's claims again
        for other inputs, thresholds and float widths. The rules are the same.
    seed : int
        Of everything.
    say : callable
        Told in a few words what is being done.

    Returns
    -------
    Reproduction
        Also written to ``folder/claims.json``.

    Raises
    ------
    ConfigError
        If a paper is unknown.
    FileFormatError
        If the folder holds a reproduction with another scope or seed, or is damaged.
    """
    wanted = {entry.paper for entry in load_ledger(papers)}
    place = Workplace(folder, full, seed, say)
    with locked(folder):
        _check_settings(place)
        judged: list[Judged] = []
        robustness: dict[str, list[Judged]] = {}
        for paper in PAPERS:
            own = load_ledger([paper])
            varied = _varied(place, own)
            if paper in wanted or (_held(place, own) and all(_held(*one) for one in varied)):
                judged += _judged(place, own)
                robustness |= {one.variant.name: _judged(one, some) for one, some in varied}
        found = Reproduction(place, judged, robustness)
        content = json.dumps(found.to_dict(), indent=1, allow_nan=False).encode()
        write_bytes(folder / CLAIMS, content + b"\n", overwrite=True)
    return found


def _varied(place: Workplace, entries: list[Entry]) -> list[tuple[Workplace, list[Entry]]]:
    """Return where and which claims of a paper are measured again."""
    some = [one for one in entries if one.paper == "spectral" and one.name not in UNVARIED]
    return [(place.varied(one), some) for one in VARIANTS[1:] if some and place.full]


def _held(place: Workplace, entries: list[Entry]) -> bool:
    return all(_stored(place, one).exists() for one in entries if one.rule != "untestable")


def _judged(place: Workplace, entries: list[Entry]) -> list[Judged]:
    level = level_for(entries)
    return [
        judge(entry, None if entry.rule == "untestable" else _measured(place, entry), level)
        for entry in entries
    ]


def _stored(place: Workplace, entry: Entry) -> Path:
    name = f"{entry.name}.json"
    if place.variant != VARIANTS[0]:
        name = f"{entry.name}, {place.variant.name}.json"
    return place.folder / "measurements" / name


def _measured(place: Workplace, entry: Entry) -> Measurement:
    # Always read from its file: a first run and one that goes on see the same values.
    path = _stored(place, entry)
    if not path.exists():
        variant = "" if place.variant == VARIANTS[0] else f", {place.variant.name}"
        place.say(f"{entry.name}{variant}")
        plain = asdict(measure_named(entry.measure)(place))
        write_bytes(path, json.dumps(plain, indent=1).encode())
    with readable(path):
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            return Measurement(**held | {"values": tuple(map(float, held["values"]))})
        except (ValueError, TypeError, KeyError) as error:
            raise FileFormatError(f"{path} is no measurement of sta; remove it") from error


def _check_settings(place: Workplace) -> None:
    path = place.folder / SETTINGS
    wanted = {"format": FORMAT, "scope": "full" if place.full else "quick", "seed": place.seed}
    if not path.exists():
        if any(not one.name.startswith(".") for one in place.folder.iterdir()):
            raise FileFormatError(f"{place.folder} holds something else; choose another folder")
        write_bytes(path, json.dumps(wanted, indent=1).encode())
        return
    with readable(path):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FileFormatError(f"{path} is damaged; choose another folder") from error
    if found != wanted:
        raise FileFormatError(
            f"{place.folder} holds another reproduction ({found}); choose another folder"
        )
