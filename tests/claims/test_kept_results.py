"""The results of a full run that come with the package, and the README's table of them."""

import re
from pathlib import Path

import pytest

from sta.analysis.claims import Measurement, judge, level_for, load_ledger
from sta.data import reproduced_claims

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
FOUND = reproduced_claims()
CLAIMS = {one["name"]: one for one in FOUND["claims"]}


def test_every_claim_of_the_ledger_was_measured():
    assert FOUND["scope"] == "full"
    assert list(CLAIMS) == [one.name for one in load_ledger()]


@pytest.mark.parametrize("paper", FOUND["papers"])
def test_the_rules_of_the_ledger_give_the_verdicts(paper):
    """Nothing was loosened since: today's bounds judge the kept values as they were judged."""
    entries = load_ledger([paper])
    for entry in entries:
        kept = CLAIMS[entry.name]
        values = tuple(kept["values"])
        measurement = Measurement(values, kept["unit"], note=kept["note"]) if values else None
        again = judge(entry, measurement, level_for(entries))
        assert again.verdict == kept["verdict"]
        interval = again.to_dict()["interval"]
        assert interval == (kept["interval"] and pytest.approx(kept["interval"], rel=1e-9))
        assert kept["bounds"] == again.to_dict()["bounds"]


def test_the_table_in_the_readme_is_of_these_results():
    rows = re.findall(
        r"^\| ([^|]+) \| (holds|fails|undecided|not testable here) \| ([^|]*) \|", README, re.M
    )
    shown = {sentence.strip(): (verdict, value.strip()) for sentence, verdict, value in rows}
    assert len(shown) == len(CLAIMS)
    for one in CLAIMS.values():
        verdict, value = shown[one["sentence"]]
        assert verdict == one["verdict"]
        assert value == (
            "" if one["value"] is None or one["rule"] == "calibrated" else f"{one['value']:.3g}"
        )


def test_what_changes_with_the_settings_is_said():
    for name, variants in FOUND["changed"].items():
        for variant, verdict in variants.items():
            assert FOUND["robustness"][variant][name]["verdict"] == verdict
            assert CLAIMS[name]["verdict"] != verdict
            assert f"`{name}`" in README
