"""Groups and pairs of students: how many are closer to their teacher than chance, and who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sta.analysis.report.chance import DISTANCES, UNITS_NULL
from sta.analysis.report.data import StudentGraph, SweepData
from sta.analysis.statistics.paired_difference import PairedDifference, paired_difference
from sta.errors import StaError

LEVEL = 0.05
PAIRED = ("paths", "path mass", "in-strength, balanced")
IN_FIGURE = {
    "paths": ("paths", "path mass"),
    "strength": ("in-strength",),
    "strength_balanced": ("in-strength, balanced",),
    "networks": ("units",),
}
CLOSER_THAN = {
    "random": "random networks of its shape and weights",
    "shuffled": "with their own weights shuffled",
    "before training": "untrained students of as many units",
}


@dataclass(frozen=True)
class GroupChance:
    """Students of a group against one null.

    Attributes
    ----------
    students, closer : int
        How many were tested, and how many of them are closer than chance at 5 %.
    p_median : float
        Median p-value.
    null_median : float
        Median over students of the median distance of the null's networks.
    """

    students: int
    closer: int
    p_median: float
    null_median: float


@dataclass(frozen=True)
class KindPair:
    """Two kinds of student compared over pairs of one teacher, width and trial."""

    first: str
    second: str
    teacher_width: int
    student_width: int
    tests: dict[str, PairedDifference]


def group_chance(group: Sequence[StudentGraph], name: str, null: str) -> GroupChance | None:
    """Summarize the tests of one distance against one null; None without any."""
    tests = [one.tests[name, null] for one in group if (name, null) in one.tests]
    if not tests:
        return None
    p_values = [test.p_value for test in tests]
    return GroupChance(
        len(tests),
        sum(p <= LEVEL for p in p_values),
        float(np.median(p_values)),
        float(np.median([test.null_median for test in tests])),
    )


def by_kind(data: SweepData) -> dict[str, list[StudentGraph]]:
    """Return the measured students of every kind, all widths together."""
    groups = {kind: [one for one in data.graphs if one.kind == kind] for kind in data.styles}
    return {kind: group for kind, group in groups.items() if group}


def kind_pairs(data: SweepData) -> list[KindPair]:
    """Compare the first kind with every other, pair by pair, at each width.

    A pair is two students of one teacher, width and trial: those start from the
    same random numbers and learn from the same patterns.
    """
    kinds = list(by_kind(data))
    cells = sorted({(one.teacher_width, one.student_width) for one in data.graphs})
    found = []
    for second in kinds[1:]:
        for teacher, width in cells:
            sides = [
                {
                    (one.teacher_seed, one.trial): one
                    for one in data.graphs
                    if (one.kind, one.teacher_width, one.student_width) == (kind, teacher, width)
                }
                for kind in (kinds[0], second)
            ]
            tests = _paired_tests(*sides, seed=data.seed)
            if tests:
                found.append(KindPair(kinds[0], second, teacher, width, tests))
    return found


def _paired_tests(
    first: dict[tuple[int, int], StudentGraph],
    second: dict[tuple[int, int], StudentGraph],
    *,
    seed: int,
) -> dict[str, PairedDifference]:
    tests = {}
    for name in PAIRED:
        pairs = [
            (address, one, other)
            for address in sorted(first.keys() & second.keys())
            if (one := first[address].distances[name]) is not None
            and (other := second[address].distances[name]) is not None
        ]
        if pairs:
            labels, mine, others = zip(*pairs, strict=True)
            teachers = {label: label[0] for label in labels}
            tests[name] = paired_difference(
                mine, labels, others, labels, groups=teachers, seed=seed
            )
    return tests


def counts_in_words(data: SweepData, name: str, null: str) -> str:
    """Say how many students of every kind are closer than one null by one distance."""
    parts = [
        f"{found.closer} of {found.students} {kind}"
        for kind, group in by_kind(data).items()
        if (found := group_chance(group, name, null))
    ]
    if not parts:
        return ""
    what = DISTANCES[name][0].upper() + DISTANCES[name][1:]
    if name == "units":
        what, is_closer = "Units", "hold more of the teacher's hidden units than"
    else:
        is_closer = "are closer to the teacher than"
    return f"{what}: at 5 %, {_listed(parts)} students {is_closer} {CLOSER_THAN[null]}."


def conclusion_in_words(data: SweepData, name: str) -> str:
    """Say for which kinds a likeness to the teacher is less than random networks reach."""
    near: list[str] = []
    far: list[str] = []
    for kind, group in by_kind(data).items():
        found = group_chance(group, name, "random")
        if found:
            (near if 2 * found.closer > found.students else far).append(kind)
    words = []
    if far:
        which = "students of any kind" if not near and len(far) > 1 else f"{_listed(far)} students"
        words.append(
            f"For {which} the likeness of {DISTANCES[name]} is by itself no evidence of learned"
            " structure: at 5 %, half of them or more are no closer than random networks."
        )
    if near:
        words.append(f"By {DISTANCES[name]}, most {_listed(near)} students are closer than those.")
    return " ".join(words)


def findings(data: SweepData) -> dict[str, list[str]]:
    """Return what chance gives, in sentences, by the name of the figure they belong to.

    Nothing for figures whose graphs cannot be measured; those say why themselves.
    """
    try:
        return {
            figure: [sentence for name in names for sentence in _sentences(data, name) if sentence]
            for figure, names in IN_FIGURE.items()
        }
    except StaError:
        return {}


def _sentences(data: SweepData, name: str) -> list[str]:
    if name == "units":
        return [counts_in_words(data, name, UNITS_NULL)]
    against_random = (counts_in_words(data, name, "random"), conclusion_in_words(data, name))
    return [" ".join(against_random).strip(), counts_in_words(data, name, "shuffled")]


def chance_limits(data: SweepData) -> list[str]:
    """Say what the tests against chance and between kinds cannot show."""
    try:
        graphs = data.graphs
    except StaError:
        return []
    tests = [test for one in graphs for test in one.tests.values()]
    if not tests:
        reasons = dict.fromkeys(one.notes["chance"] for one in graphs if "chance" in one.notes)
        return [
            "Distances to the teacher stand beside no null distribution: a small distance does not"
            f" exclude that an unrelated network is as near ({'; '.join(reasons)})."
        ]
    said = [conclusion_in_words(data, name) for name in PAIRED]
    samples = max(test.null_distances.size for test in tests)
    said += [
        counts_in_words(data, "units", UNITS_NULL),
        f"Distances are placed among those of {samples} networks of each kind, so that no p-value"
        f" is below {1 / (1 + samples):.3g}. The page holds {len(tests)} such tests, of which"
        " about one in 20 would be at or below 0.05 by chance alone, and corrects none; students"
        " of one teacher share that teacher, and their p-values are not independent.",
        "Random networks have the teacher's own widths, and weights drawn from its own, which a"
        " student has to learn; where they are as near as students, a distance sees the law of the"
        " weights and not what these connect. A student that keeps more units than its teacher has"
        " many weak paths, which alone makes it differ. Being no closer than random networks thus"
        " does not mean that nothing was learned, only that this distance does not show it.",
        _about_pairs(data),
    ]
    return [sentence for sentence in said if sentence]


def _about_pairs(data: SweepData) -> str:
    smallest = [
        (test.n_pairs, test.smallest_p)
        for pair in kind_pairs(data)
        for test in pair.tests.values()
        if test.smallest_p is not None
    ]
    if not smallest:
        return ""
    n, p = min(smallest, key=lambda one: one[0])
    few = " At 5 % a two-sided test needs 6 pairs at least." if p > LEVEL else ""
    return (
        f"Kinds are compared over pairs of trials; {n} pairs can give no p-value below {p:.3g}."
        f"{few} The pairs say nothing about other teachers."
    )


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
