"""A claim, what was measured for it, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sta.analysis.statistics.estimate import Estimate
from sta.analysis.statistics.plain import plain_fields

Verdict = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Measured:
    """A quantity, exact for large N and measured in networks.

    Attributes
    ----------
    name : str
        What it is, with its parameters.
    theory : float
        Fixed point, large N.
    runs : Estimate or None
        Of trained networks, with a 95 % interval over draws; None where theory alone is asked.
    """

    name: str
    theory: float
    runs: Estimate | None = None


@dataclass(frozen=True)
class PaperClaim:
    """A claim with its verdict.

    Attributes
    ----------
    name, sentence : str
        Short name, and the claim.
    measured : tuple of Measured
    verdict : {"holds", "fails", "undecided"}
    reason : str
        The rule that gave it, with its numbers.
    """

    name: str
    sentence: str
    measured: tuple[Measured, ...]
    verdict: Verdict
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes as plain JSON values."""
        return plain_fields(self, "measured") | {
            "measured": [
                {"name": one.name, "theory": one.theory}
                | {"runs": None if one.runs is None else one.runs.to_dict()}
                for one in self.measured
            ]
        }


def sign_verdict(estimates: list[Estimate]) -> Verdict:
    """Judge that all quantities are above 0, by their 95 % intervals.

    "holds" if all intervals lie above 0, "fails" if one lies below, else "undecided".

    Examples
    --------
    >>> sign_verdict([Estimate(1.0, ci95=(0.5, 1.5)), Estimate(0.1, ci95=(-0.1, 0.3))])
    'undecided'
    """
    intervals = [one.ci95 for one in estimates]
    if any(one is not None and one[1] < 0.0 for one in intervals):
        return "fails"
    if all(one is not None and one[0] > 0.0 for one in intervals):
        return "holds"
    return "undecided"
