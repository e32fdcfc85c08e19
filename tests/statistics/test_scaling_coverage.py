"""Coverage of the intervals of a collapse: the table's shape by default, its bars by name."""

import numpy as np
import pandas as pd
import pytest

from sta.analysis.statistics.scaling.coverage import (
    METHODS,
    PARAMETERS,
    Case,
    _case_rows,
    cases,
    collapse_coverage,
)

QUICK = {"trials": (3,), "methods": ("Houdayer-Hartmann",), "seed": 3}


def test_cases_are_all_combinations():
    assert len(cases((20, 8, 5))) == 12
    assert cases((5,))[-1] == Case(5, correlated=True, correction=True)
    assert [one.noise for one in cases((5,))] == ["independent"] * 2 + ["correlated"] * 2


def test_table_has_a_row_a_case_and_parameter():
    seen = []
    table = collapse_coverage(2, progress=lambda done, total: seen.append((done, total)), **QUICK)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(table) == 12
    assert list(table["parameter"]) == list(PARAMETERS) * 4
    assert set(table["repeats"]) == {2}
    assert table["coverage95"].between(0, 1).all()
    assert (table["coverage68"] <= table["coverage95"]).all()
    np.testing.assert_allclose(table["bias_over_sd"], table["bias"] / table["sd"])
    # a case by itself, in this process
    own = _case_rows(Case(3, True, True), repeats=2, methods=QUICK["methods"], seed=3)
    pd.testing.assert_frame_equal(
        table.tail(3).reset_index(drop=True), pd.DataFrame(own), check_exact=True
    )


def test_both_methods_see_the_same_data():
    case = Case(3, correlated=False, correction=False)
    rows = pd.DataFrame(_case_rows(case, repeats=2, methods=METHODS, seed=3))
    alone = _case_rows(case, repeats=2, methods=("Houdayer-Hartmann",), seed=3)
    peer = rows[rows["method"] == "Houdayer-Hartmann"].reset_index(drop=True)
    pd.testing.assert_frame_equal(peer, pd.DataFrame(alone))
    assert (rows["mean_se"][rows["method"] == "sta"] > 0).all()


@pytest.mark.slow
def test_intervals_cover_with_twenty_trials():
    table = collapse_coverage(200, trials=(20,), methods=("sta",), workers=2)
    assert table["coverage95"].between(0.90, 0.99).all(), table.to_string()
    assert (table["bias_over_sd"].abs() < 0.25).all(), table.to_string()


@pytest.mark.slow
def test_intervals_cover_with_few_trials():
    table = collapse_coverage(200, trials=(5, 8), methods=("sta",), workers=2)
    assert (table["coverage95"] >= 0.88).all(), table.to_string()
