"""A reproduction goes on where it was, judges what it measured, and draws a page of it."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from sta.analysis.claims import Measurement, reproduce, reproduction, write_page
from sta.analysis.claims.workplace import VARIANTS
from sta.errors import ConfigError, FileFormatError

EXACT = {"value": 1.0}


@pytest.fixture
def measured(monkeypatch):
    """Stand-ins for the measures: quick, and counted."""
    calls = []

    def named(name):
        def measure(place):
            calls.append((name, place.variant.name))
            if name == "quadratic.saddle" and EXACT["value"] != EXACT["value"]:
                raise KeyboardInterrupt
            exact = name in (
                "spectral.cost", "quadratic.rate", "quadratic.manifold", "quadratic.conserved",
                "quadratic.saddle", "quadratic.marginal",
            )  # fmt: skip
            if name == "spectral.second_order":
                return Measurement((0.0,), "", {"seed": place.seed}, "told")
            shift = 0.3 if place.variant == VARIANTS[1] and name == "spectral.effective_size" else 0
            values = (1.0,) if exact else (1.0, 1.1 + shift, 1.05, 0.95, 1.0 + 0.01 * place.seed)
            return Measurement(values, "" if exact else "units", {"pair": (1, 2)}, "a <note>")

        return measure

    monkeypatch.setattr(reproduction, "measure_named", named)
    return calls


def test_it_goes_on_and_gives_the_same_bytes(tmp_path, measured, monkeypatch):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    reproduce(whole)
    total = len(measured)
    monkeypatch.setitem(EXACT, "value", float("nan"))
    with pytest.raises(KeyboardInterrupt):
        reproduce(cut)
    monkeypatch.setitem(EXACT, "value", 1.0)
    assert not (cut / "claims.json").exists()
    reproduce(cut)
    assert len(measured) == 2 * total + 1  # only what was interrupted, once more
    assert (cut / "claims.json").read_bytes() == (whole / "claims.json").read_bytes()
    reproduce(whole)
    assert len(measured) == 2 * total + 1
    assert (cut / "claims.json").read_bytes() == (whole / "claims.json").read_bytes()


@pytest.mark.usefixtures("measured")
def test_papers_one_after_another(tmp_path):
    first = reproduce(tmp_path, ["transfer"])
    assert first.papers == ["transfer"]
    both = reproduce(tmp_path, ["quadratic"])
    assert both.papers == ["quadratic", "transfer"]  # in the ledger's order
    report = json.loads((tmp_path / "claims.json").read_text())
    assert set(report["papers"]) == {"quadratic", "transfer"}
    (images,) = [one for one in report["claims"] if one["name"] == "transfer.images"]
    assert images["verdict"] == "not testable here" and images["value"] is None
    # The correction is by paper: what is asked beside changes no verdict.
    alone = {one.entry.name: one.interval for one in first.judged}
    assert all(alone[one.entry.name] == one.interval for one in both.judged[-len(alone) :])


def test_variants_are_judged_by_the_same_rules(tmp_path, measured):
    found = reproduce(tmp_path, ["spectral"], full=True)
    assert list(found.robustness) == [one.name for one in VARIANTS[1:]]
    assert ("spectral.cost", VARIANTS[1].name) not in measured
    base = {one.entry.name: one for one in found.judged}
    for judged in found.robustness.values():
        assert all(one.level == base[one.entry.name].level for one in judged)
    assert found.changed() == {"spectral.size": {"20 inputs": "undecided"}}
    # Another paper in the same folder leaves them there.
    both = reproduce(tmp_path, ["transfer"], full=True)
    assert both.papers == ["spectral", "transfer"] and both.changed() == found.changed()
    assert not reproduce(tmp_path / "quick", ["spectral"]).robustness


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("given", [{"seed": 1}, {"full": True}])
def test_another_reproduction_is_not_mixed_in(tmp_path, given):
    reproduce(tmp_path, ["transfer"])
    with pytest.raises(FileFormatError, match="holds another reproduction"):
        reproduce(tmp_path, ["transfer"], **given)


@pytest.mark.usefixtures("measured")
def test_folders_of_others(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(FileFormatError, match="holds something else"):
        reproduce(tmp_path)
    with pytest.raises(ConfigError, match="unknown"):
        reproduce(tmp_path / "new", ["gravity"])
    assert [one.name for one in tmp_path.iterdir() if not one.name.startswith(".")] == [
        "thesis.tex"
    ]


@pytest.mark.usefixtures("measured")
def test_damaged_measurements(tmp_path):
    reproduce(tmp_path, ["transfer"])
    path = tmp_path / "measurements" / "transfer.labels.json"
    for content in ("", "[]", '{"values": [1.0], "colour": 1}'):
        path.write_text(content)
        with pytest.raises(FileFormatError, match="is no measurement"):
            reproduce(tmp_path, ["transfer"])


@pytest.mark.usefixtures("measured")
def test_the_page(tmp_path, monkeypatch):
    """Self-contained, escaped, with an alternative text for every picture and no dead link."""
    from matplotlib.figure import Figure

    from sta.analysis.claims import page

    def plain(_):
        figure = Figure()
        figure.add_subplot().plot([1, 2])
        return figure

    pictures = {
        name: page.PICTURES[name].__class__(plain, one.caption, one.alternative)
        for name, one in page.PICTURES.items()
    }
    monkeypatch.setattr(page, "PICTURES", pictures)
    found = reproduce(tmp_path, full=True)
    text = write_page(found).read_text()
    images = re.findall(r"<img [^>]*>", text)
    inside = [one for one in found.judged if one.entry.rule == "inside"]
    assert len(images) == len(inside) + 4
    for image in images:
        assert re.search(r'alt="[^"]{20,}"', image)
        assert 'src="data:image/svg+xml;base64,' in image
    for target in re.findall(r'href="#([^"]*)"', text):
        assert f'id="{target}"' in text
    outside = re.sub(r"base64,[A-Za-z0-9+/=]*", "", text)
    assert not re.search(r'(?:src|href)="(?!data:|#)|url\(|@import|<script', outside)
    assert "a &lt;note&gt;" in text and "<note>" not in text
    for one in found.judged:
        assert one.verdict in text
    assert "Verdicts that change" in text and "20 inputs: undecided" in text
    files = {one.name for one in (tmp_path / "figures").iterdir()}
    assert {"spectral.svg", "transfer.pdf", "spectral.size.png"} <= files
    assert write_page(reproduce(tmp_path, full=True)).read_text() == text


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(tmp_path):
    """SIGKILL after a few seconds, again and again; the claims are those of a run left alone."""
    program = [sys.executable, "-c", "from sta.cli import main; main()"]
    words = ["reproduce", "quadratic", "-o"]
    killed, left_alone = tmp_path / "killed", tmp_path / "left alone"
    done, kills, patience = False, 0, 5.0
    while not done:
        running = subprocess.Popen([*program, *words, killed], start_new_session=True)
        try:
            done = running.wait(patience) == 0
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            kills, patience = kills + 1, 1.6 * patience
    assert kills >= 2
    subprocess.run([*program, *words, left_alone], check=True)
    first, second = ((one / "claims.json").read_bytes() for one in (killed, left_alone))
    assert first == second
    assert (killed / "reproduction.html").read_bytes() == (
        left_alone / "reproduction.html"
    ).read_bytes()
