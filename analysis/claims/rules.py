"""From what was measured to a verdict, by rules that are fixed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from sta.analysis.claims.ledger import Entry
from sta.errors import ConfigError

VERDICTS = ("holds", "fails", "undecided", "not testable here")
FEWEST = 3


@dataclass(frozen=True)
class Measurement:
    """What was measured for a claim.

    Attributes
    ----------
    values : tuple of float
        One number an independent unit (a teacher, a split, a run), or the one number of an exact
        computation or of a calibrated test.
    unit : str
        What a unit is; empty for a number that has no chance in it.
    settings : dict
        What it was measured with, seeds included.
    note : str
        What else the reader should know.
    """

    values: tuple[float, ...]
    unit: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict.

    Attributes
    ----------
    entry : Entry
    measurement : Measurement or None
    value : float or None
        Mean over units.
    interval : (float, float) or None
        At `level`.
    level : float
        1 - 0.05 / (number of the paper's claims with an interval), Bonferroni's.
    verdict : str
    reason : str
    """

    entry: Entry
    measurement: Measurement | None
    value: float | None
    interval: tuple[float, float] | None
    level: float
    verdict: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return {
            **{
                key: value
                for key, value in asdict(self.entry).items()
                if key not in ("low", "high")
            },
            "bounds": [_finite(self.entry.low), _finite(self.entry.high)],
            "value": self.value,
            "interval": None if self.interval is None else [_finite(one) for one in self.interval],
            "level": self.level,
            "values": []
            if self.measurement is None
            else [_finite(one) for one in self.measurement.values],
            "unit": "" if self.measurement is None else self.measurement.unit,
            "settings": {} if self.measurement is None else self.measurement.settings,
            "note": "" if self.measurement is None else self.measurement.note,
            "verdict": self.verdict,
            "verdict_reason": self.reason,
        }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def level_for(entries: Sequence[Entry]) -> float:
    """Return the level of each interval of a paper's claims, so that all hold at once with 95 %.

    Examples
    --------
    >>> level_for([])
    0.95
    """
    return 1.0 - 0.05 / max(1, sum(entry.rule == "inside" for entry in entries))


def t_interval(values: Sequence[float], level: float) -> tuple[float, float] | None:
    """Return the interval of a mean over independent units; None below three.

    Student's t: right for normal values, and wide for few units.
    """
    sample = np.asarray(values, dtype=float)
    if sample.size < FEWEST or not np.all(np.isfinite(sample)):
        return None
    half = float(student_t.ppf(0.5 + 0.5 * level, sample.size - 1))
    half *= float(sample.std(ddof=1)) / sample.size**0.5
    return float(sample.mean()) - half, float(sample.mean()) + half


def judge(entry: Entry, measurement: Measurement | None, level: float) -> Judged:
    """Apply an entry's rule.

    Raises
    ------
    ConfigError
        If a claim that can be tested has no measurement, or an exact one several numbers.
    """
    if entry.rule == "untestable":
        return Judged(entry, None, None, None, level, "not testable here", entry.reason)
    if measurement is None or not measurement.values:
        raise ConfigError(f"claim {entry.name} has no measurement")
    value = float(np.mean(measurement.values))
    if entry.rule != "inside":
        if len(measurement.values) != 1:
            raise ConfigError(f"claim {entry.name}: rule {entry.rule!r} is of a single number")
        verdict, reason = _single(entry, value, measurement.note)
        return Judged(entry, measurement, value, None, level, verdict, reason)
    interval = t_interval(measurement.values, level)
    if interval is None:
        count = len(measurement.values)
        reason = f"{count} {measurement.unit or 'values'} give no interval; {FEWEST} are needed"
        return Judged(entry, measurement, value, None, level, "undecided", reason)
    low, high = interval
    told = f"interval [{low:.4g}, {high:.4g}] of {len(measurement.values)} {measurement.unit}"
    if entry.low <= low and high <= entry.high:
        verdict, where = "holds", "inside"
    elif high < entry.low or low > entry.high:
        verdict, where = "fails", "apart from"
    else:
        verdict, where = "undecided", "across the edge of"
    reason = f"{told}, {where} {band(entry)}"
    return Judged(entry, measurement, value, interval, level, verdict, reason)


def _single(entry: Entry, value: float, note: str) -> tuple[str, str]:
    if entry.rule == "calibrated":
        if value not in (-1.0, 0.0, 1.0):
            raise ConfigError(f"claim {entry.name}: a calibrated test says 1, 0 or -1, not {value}")
        return {1.0: "holds", 0.0: "undecided", -1.0: "fails"}[value], note
    inside = entry.low <= value <= entry.high
    verdict, where = ("holds", "inside") if inside else ("fails", "outside")
    return verdict, f"{value:.6g}, {where} {band(entry)}"


def band(entry: Entry) -> str:
    """Return the bounds of a rule in mathematicians' notation.

    Examples
    --------
    >>> band(Entry("spectral.free", *5 * [""], rule="inside", low=0.0))
    '[0, ∞)'
    """
    low = f"[{entry.low:g}" if np.isfinite(entry.low) else "(−∞"
    high = f"{entry.high:g}]" if np.isfinite(entry.high) else "∞)"
    return f"{low}, {high}"
