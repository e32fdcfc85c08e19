"""`sta reproduce`: the ledger, a quick paper, and mistakes."""

import json

import pytest
from click.testing import CliRunner

from sta.analysis.claims import PAPERS, Measurement, load_ledger, reproduction
from sta.analysis.claims.pictures import Picture
from sta.cli import main
from sta.cli.reproduce import NAMES


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output
    return result


def test_the_ledger_is_printed_without_a_run():
    assert tuple(PAPERS) == NAMES
    text = run("reproduce", "--ledger").stdout
    for words in ("Paraphrasing", "calibrated", "untestable"):
        assert words in text
    report = json.loads(run("reproduce", "quadratic", "--ledger", "--json").stdout)
    assert [one["name"] for one in report["claims"]] == [
        one.name for one in load_ledger(["quadratic"])
    ]


def test_claims_and_page(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    from sta.analysis.claims import page

    monkeypatch.setattr(
        reproduction, "measure_named", lambda _: lambda __: Measurement((0.1, 0.11, 0.12), "seeds")
    )
    picture = Picture(lambda _: Figure(), "caption", "a picture of nothing at all")
    monkeypatch.setattr(page, "PICTURES", {"transfer": picture})
    result = run("reproduce", "transfer", "-o", tmp_path / "out", "--json")
    report = json.loads(result.stdout)
    assert report["scope"] == "quick" and "transfer.labels" in result.stderr
    verdicts = {one["name"]: one["verdict"] for one in report["claims"]}
    assert verdicts["transfer.labels"] == "holds"
    assert verdicts["transfer.images"] == "not testable here"
    text = run("reproduce", "transfer", "-o", tmp_path / "out").stdout
    assert "Students of factors" in text and "reproduction.html" in text


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("reproduce",), 2, "name a folder"),
        (("reproduce", "gravity", "-o", "out"), 2, "'gravity' is not one of"),
        (("reproduce", "--seed", "-1", "-o", "out"), 2, "--seed"),
    ],
)
def test_wrong_usage(words, code, message):
    assert message in run(*words, code=code).output


def test_a_folder_of_others(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    output = run("reproduce", "-o", tmp_path, code=1).output
    assert output.startswith("Error: ") and "choose another folder" in output
    assert output.count("\n") == 1
