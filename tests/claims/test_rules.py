"""Verdicts: planted true and false claims of every rule, and the ledger that holds the rules."""

import math

import numpy as np
import pytest

from planted import exponential_ramp, linear_ramp, power_ramp, sweep
from sta.analysis.claims import PAPERS, Entry, Measurement, judge, level_for, load_ledger
from sta.analysis.claims.ledger import parse_entry
from sta.analysis.claims.measures import measure_named
from sta.analysis.claims.measures.spectral import order_of
from sta.analysis.claims.rules import t_interval
from sta.analysis.statistics import collapse_sweep
from sta.errors import ConfigError

WORDS = dict.fromkeys(("where", "sentence", "quantity", "confirm", "refute"), "")


def entry(rule, low=-math.inf, high=math.inf, **given):
    return Entry("spectral.planted", **WORDS, rule=rule, low=low, high=high, **given)


def verdict(rule, values, low=-math.inf, high=math.inf, level=0.99):
    return judge(entry(rule, low, high), Measurement(tuple(values), "teachers"), level).verdict


def test_a_planted_interval_is_judged_rightly():
    """True, false, and at the edge, for bounds on either side and on both."""
    rng = np.random.default_rng(0)
    for low, high in ((0.75, 1.33), (0.75, math.inf), (-math.inf, 1.33)):
        assert verdict("inside", rng.normal(1.0, 0.03, 8), low, high) == "holds"
        assert verdict("inside", rng.normal(1.0, 3.0, 8), low, high) == "undecided"
    assert verdict("inside", rng.normal(0.5, 0.03, 8), 0.75, 1.33) == "fails"
    assert verdict("inside", rng.normal(1.6, 0.03, 8), 0.75, 1.33) == "fails"
    assert verdict("inside", [1.0, 1.0], 0.75, 1.33) == "undecided"  # two units say nothing
    assert verdict("inside", [1.0, math.nan, 1.0, 1.0], 0.75, 1.33) == "undecided"


def test_twelve_claims_at_the_edge_mislead_in_five_percent_of_papers():
    """The worst false claim is just outside; the family says "holds" of any in 5 % at most."""
    rng = np.random.default_rng(1)
    papers, claims, units = 2000, 12, 6
    level = level_for([entry("inside", 0.0)] * claims)
    assert level == pytest.approx(1 - 0.05 / 12)
    values = rng.normal(0.0, 1.0, (papers, claims, units))
    misled = sum(
        any((t_interval(one, level) or (-1.0,))[0] >= 0.0 for one in paper) for paper in values
    )
    # One side of a two-sided interval: 2.5 %.
    assert 0.015 < misled / papers < 0.036
    alone = np.mean([(t_interval(one, 0.95) or (-1.0,))[0] >= 0.0 for one in values[:, 0]])
    assert 0.015 < alone < 0.036  # and without the correction, of one claim


def test_an_exact_number_is_inside_or_not():
    assert verdict("exact", [1.001], 0.98, 1.02) == "holds"
    assert verdict("exact", [1.2], 0.98, 1.02) == "fails"
    assert verdict("exact", [math.nan], 0.98, 1.02) == "fails"
    with pytest.raises(ConfigError, match="single number"):
        verdict("exact", [1.0, 1.0], 0.98, 1.02)


def test_a_planted_transition_and_a_planted_smooth_ramp():
    """The calibrated rule, on sweeps with a threshold and without one."""
    true = {"spectral": power_ramp(1.05, 4.0, 0.02), "direct": linear_ramp()}
    false = {"spectral": exponential_ramp(6.0, 0.02), "direct": linear_ramp()}
    for ramps, expected in ((true, ("holds", "undecided")), (false, ("fails",))):
        found = collapse_sweep(*sweep(ramps, seed=1), seed=0, resamples=200).to_dict()
        assert found["transition"] is (ramps is true)
        assert verdict("calibrated", [order_of(found)]) in expected
    with pytest.raises(ConfigError, match="says 1, 0 or -1"):
        verdict("calibrated", [0.5])


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("continuous", "holds"), ("undecided", "undecided"), ("first order", "fails")],
)
def test_the_order_decides(outcome, expected):
    found = {"transition": True, "order": {"outcome": outcome}, "threshold": {"model": "threshold"}}
    assert verdict("calibrated", [order_of(found)]) == expected


def test_what_cannot_be_tested_is_said_with_its_reason():
    found = judge(entry("untestable", reason="no data"), None, 0.95)
    assert (found.verdict, found.reason) == ("not testable here", "no data")
    with pytest.raises(ConfigError, match="no measurement"):
        judge(entry("inside", 0.0), None, 0.95)


def test_the_ledger_names_a_measure_for_every_claim():
    entries = load_ledger()
    assert {one.paper for one in entries} == set(PAPERS)
    assert len({one.name for one in entries}) == len(entries) >= 25
    for one in entries:
        assert one.where and one.sentence and one.quantity and one.confirm and one.refute
        if one.rule != "untestable":
            assert callable(measure_named(one.measure))
    assert len(load_ledger(["quadratic"])) < len(entries)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "guess"}, "unknown"),
        ({"low": 2.0, "high": 1.0}, "low below high"),
        ({"low": -math.inf}, "needs low or high"),
        ({"reason": "none"}, "a reason is for"),
        ({"measure": ""}, "name the function"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_entry_is_refused(change, message):
    table = {**WORDS, "rule": "inside", "low": 0.0, "measure": "spectral.free"}
    assert parse_entry("spectral.right", table).low == 0.0
    with pytest.raises(ConfigError, match=message):
        parse_entry("spectral.wrong", table | change)


@pytest.mark.parametrize("name", ["spectral.nothing", "os.system", "spectral.__class__x", "free"])
def test_only_measures_are_called(name):
    with pytest.raises(ConfigError, match="is unknown"):
        measure_named(name)


def test_an_unknown_paper():
    with pytest.raises(ConfigError, match="choose from spectral"):
        load_ledger(["gravity"])
