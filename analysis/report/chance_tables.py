"""The tables of the tests: students against chance, and kinds against each other."""

from __future__ import annotations

import numpy as np

from sta.analysis.report.chance import COSINE, DISTANCES, NULLS
from sta.analysis.report.closeness import PAIRED, group_chance, kind_pairs
from sta.analysis.report.data import SweepData
from sta.analysis.report.numbers import MISSING, estimate, number
from sta.analysis.report.tables import HEAD, Table, groups_of
from sta.analysis.statistics.paired_difference import PairedDifference
from sta.errors import StaError

PAIR_HEADINGS = {
    "paths": "paths W₁/σ",
    "path mass": "path mass W₁/σ",
    "in-strength, balanced": "balanced in-strength W₁/σ",
}


def chance_table(data: SweepData) -> Table:
    """Distances to the teacher beside those of random networks."""
    rows, samples = [], 0
    for names, group in groups_of(data):
        for name, label in DISTANCES.items():
            values = [value for one in group if (value := one.distances[name]) is not None]
            cells = [number(float(np.median(values)), 2) if values else MISSING]
            for null in NULLS:
                found = group_chance(group, name, null)
                cells += (
                    [MISSING, MISSING, MISSING]
                    if found is None
                    else [
                        number(found.null_median, 2),
                        number(found.p_median, 2),
                        f"{found.closer} of {found.students}",
                    ]
                )
            rows.append([*names, label, *cells])
        sizes = [test.null_distances.size for one in group for test in one.tests.values()]
        samples = max([samples, *sizes])
    if not samples:
        reasons = dict.fromkeys(one.notes.get("chance", "") for one in data.graphs)
        raise StaError(f"no student was tested: {'; '.join(reasons)}")
    columns = (
        *HEAD, "distance of", "median",
        "random", "p", "closer", "shuffled", "p", "closer", "before training", "p", "closer",
    )  # fmt: skip
    caption = (
        f"Median distance of the pruned students to their teacher beside that of {samples} other"
        " networks each: random ones with the teacher's shape and weights drawn from its own, the"
        " student with its weights shuffled in every layer, and students of the same settings"
        " before training, pruned to as many units. p: median over students of the chance of such"
        " a network to be as close as the student (smallest possible"
        f" {1 / (1 + samples):.3g}); closer: how many students are closer at 5 %. Path"
        " weights and in-strengths of the first hidden layer: W₁/σ, as below; path mass: each path"
        " counts by its share of the sum of |weights|, so that weak paths hardly matter; units:"
        f" share of the teacher's hidden units without a partner of cosine {COSINE:g}, which is"
        " compared with untrained students alone, since they have as many units to offer."
    )
    return Table("Is it closer than chance?", caption, columns, rows, labels=4)


def paired_table(data: SweepData) -> Table:
    """Differences between kinds over pairs of trials."""
    rows = []
    for pair in kind_pairs(data):
        tests = [pair.tests.get(name) for name in PAIRED]
        known = [test for test in tests if test is not None]
        rows.append(
            [
                f"{pair.first} − {pair.second}",
                str(pair.teacher_width),
                str(pair.student_width),
                number(max(test.n_pairs for test in known)),
                *(cell for test in tests for cell in _difference(test)),
                number(known[0].smallest_p, 2),
            ]
        )
    if not rows:
        raise StaError("no two students of different kinds share teacher, width and trial")
    columns = ["kinds", *HEAD[1:], "pairs"]
    for name in PAIRED:
        columns += [f"{PAIR_HEADINGS[name]} [95 %]", "p"]
    caption = (
        "Mean difference of the distances to the teacher, first kind minus second, over pairs of"
        " students of one teacher, width and trial, which start from the same random numbers and"
        " learn from the same patterns, each by its kind's recipe; below 0 the first is closer."
        " 95 % bootstrap interval over pairs, or over whole teachers where there are three or more,"
        " whose signs are then flipped together. p: share of all patterns of signs whose mean is as"
        " far from 0 (sign-flip test, two-sided); so few pairs can give no p below the last"
        " column, however large the difference."
    )
    return Table("Which kind is closer?", caption, (*columns, "smallest p"), rows)


def _difference(test: PairedDifference | None) -> list[str]:
    if test is None:
        return [MISSING, MISSING]
    return [estimate(test.difference.to_dict()), number(test.p_value, 2)]
