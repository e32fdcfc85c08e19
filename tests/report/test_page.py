"""The page of a sweep: whole, self-contained, and honest about what failed."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from sta.analysis.report import page as page_module
from sta.analysis.report import write_report
from sta.analysis.report.drawing import FIGURES, FigureSpec
from sta.analysis.report.fit_tables import TABLES
from sta.errors import FileFormatError, ShapeError, StaError
from sta.sweep import config_from_table, run_sweep
from tiny import TINY

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Balance(HTMLParser):
    """Collect the tags and attributes of a page, and check that its elements close."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.sources = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        named = dict(attrs)
        self.links += [named[key] for key in ("href", "action", "data") if key in named]
        self.sources += [named["src"]] if "src" in named else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(text):
    parser = Balance()
    parser.feed(text)
    assert not parser.open
    return parser


@pytest.fixture(scope="module")
def written(tiny_sweep, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    report = write_report(
        tiny_sweep[0], folder / "a.html", figures=folder / "figures", null_samples=3
    )
    return report, report.path.read_text("utf-8")


def test_everything_is_on_the_page(written):
    report, text = written
    assert report.failures == {}
    assert 'class="failure"' not in text
    for spec in FIGURES:
        assert f'id="figure-{spec.name}"' in text
    for spec in TABLES:
        assert f'id="table-{spec.name}"' in text
    assert len(parse(text).sources) == len(FIGURES)
    assert report.size == len(text.encode()) < 6_000_000


def test_the_page_refers_to_nothing_outside(written):
    parser = parse(written[1])
    assert not {"script", "link", "iframe", "object", "base"} & set(parser.tags)
    assert all(link.startswith("#") for link in parser.links)
    assert all(source.startswith("data:image/") for source in parser.sources)
    assert not re.search(r"https?://|@import|url\(", written[1])
    for source in parser.sources:
        content = base64.b64decode(source.partition(",")[2])
        outside = re.findall(rb"(?:href|src)=\"(?!#|data:)[^\"]*\"|url\((?!#)[^)]*\)", content)
        assert outside == [] or content.startswith(b"\x89PNG")


def test_the_verdict_and_the_numbers_are_those_of_the_statistics(written, tiny_sweep):
    from sta.analysis.statistics import collapse_sweep

    tables = tiny_sweep[1]
    result = collapse_sweep(tables.students, tables.ramps, seed=0).to_dict()
    text = re.sub(r"</?sub>", "", written[1])
    first = result["verdict"].split(". ")[0].replace("'", "&#39;")
    assert first in text or first in text.replace("_", "")
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", text)
    for row in result["effective_size"]["by_width"]:
        assert f"{row['min']} to {row['max']}" in cells


def test_settings_seeds_and_versions_are_named(written):
    text = written[1]
    for word in ("learning rate", "l2" if "l2" in text else "L2 penalty", "resampling", "numpy"):
        assert word in text
    assert re.search(r"sweep \(training\)</td><td>3<", text)


def test_the_figures_are_written_too(written):
    report, _ = written
    names = sorted(path.name for path in report.figures)
    assert names == sorted(f"{s.name}.{kind}" for s in FIGURES for kind in ("svg", "pdf", "png"))
    assert all(path.stat().st_size > 1000 for path in report.figures)


def test_an_existing_page_is_kept_unless_told(tiny_sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "FIGURES", ())
    output = tmp_path / "a.html"
    output.write_text("mine")
    with pytest.raises(StaError, match="exists already"):
        write_report(tiny_sweep[0], output)
    assert output.read_text() == "mine"
    write_report(tiny_sweep[0], output, overwrite=True, null_samples=2)
    assert output.read_text().startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_existing_figures_are_refused_before_anything_is_written(tiny_sweep, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "ramp.pdf").write_text("mine")
    with pytest.raises(StaError, match=r"ramp\.pdf"):
        write_report(tiny_sweep[0], tmp_path / "a.html", figures=tmp_path / "figures")
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["ramp.pdf"]
    assert not (tmp_path / "a.html").exists()


def test_what_fails_is_replaced_by_its_reason(tiny_sweep, tmp_path, monkeypatch):
    def refuse(_):
        raise ShapeError("the 7 <dwarfs> are too short")

    def stumble(_):
        return np.zeros(3)[5]

    monkeypatch.setattr(
        page_module,
        "FIGURES",
        (FigureSpec("ramp", "A", refuse), FigureSpec("paths", "B", stumble), FIGURES[0]),
    )
    report = write_report(tiny_sweep[0], tmp_path / "a.html", null_samples=2)
    text = report.path.read_text("utf-8")
    parse(text)
    assert report.failures["figure ramp"] == "the 7 <dwarfs> are too short"
    assert report.failures["figure paths"].startswith("IndexError")
    assert "Not drawn: the 7 &lt;dwarfs&gt; are too short" in text
    assert text.count("<img ") == 1
    assert 'id="table-size"' in text


def test_a_failing_collapse_keeps_what_does_not_need_it(tiny_sweep, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ShapeError("no fit today")

    monkeypatch.setattr("sta.analysis.report.data.collapse_sweep", fail)
    monkeypatch.setattr(page_module, "FIGURES", FIGURES[:1])
    report = write_report(tiny_sweep[0], tmp_path / "a.html", null_samples=2)
    text = report.path.read_text("utf-8")
    assert "No verdict: no fit today" in text
    assert report.failures["table fits"] == "no fit today"
    assert "table losses" not in report.failures
    assert text.count("<img ") == 1


def test_a_folder_that_is_no_sweep_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="no sweep"):
        write_report(tmp_path, tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def sweep(folder, **changes):
    table = {**TINY, **changes}
    run_sweep(config_from_table(table), folder, workers=1)
    return folder


def test_a_kind_with_markup_in_its_name_is_escaped(tmp_path):
    kinds = {"<b>$x_T$": {"like": "direct"}, "spectral": {"batch_size": 50}}
    student = {"widths": [4, 6], "trials": 2, "kinds": ["spectral", "<b>$x_T$"]}
    folder = sweep(tmp_path / "out", student=student, kinds=kinds)
    report = write_report(folder, tmp_path / "a.html", null_samples=2)
    text = report.path.read_text("utf-8")
    parse(text)
    assert report.failures == {}
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_a_linear_teacher_of_another_depth_is_reported(tmp_path):
    teacher = {"kind": "linear", "input_width": 4, "widths": [3], "draws": 1}
    folder = sweep(tmp_path / "out", teacher={**teacher, "later_widths": []})
    report = write_report(folder, tmp_path / "a.html", null_samples=2)
    text = report.path.read_text("utf-8")
    assert report.failures == {}
    assert "layers" in text[text.index('id="table-matching"') :]


def test_several_teachers_diverged_students_and_one_trial(tmp_path):
    teacher = {"input_width": 4, "widths": [3, 5], "later_widths": [3], "draws": 1}
    student = {"widths": [4], "trials": 1, "kinds": ["spectral", "direct", "wild"]}
    wild = {"like": "direct", "learning_rate": 1e300}
    kinds = {**TINY["kinds"], "wild": wild}
    folder = sweep(tmp_path / "out", teacher=teacher, student=student, kinds=kinds)
    report = write_report(folder, tmp_path / "a.html", null_samples=2)
    text = report.path.read_text("utf-8")
    parse(text)
    assert set(report.failures) == {"figure ramp_widths", "figure collapse"}
    assert "no scaling collapse: " in report.failures["figure collapse"]
    assert "2 diverged" in text
    assert "below three there are no intervals" in text
    assert "teacher width, so universality" not in text


def test_a_sweep_of_diverged_students_still_makes_a_page(tmp_path):
    student = {"widths": [4], "trials": 1, "kinds": ["wild"]}
    wild = {"wild": {"like": "direct", "learning_rate": 1e300}}
    folder = sweep(tmp_path / "out", student=student, kinds={**TINY["kinds"], **wild})
    report = write_report(folder, tmp_path / "a.html", null_samples=2)
    text = report.path.read_text("utf-8")
    parse(text)
    assert "verdict" in report.failures
    assert "table losses" not in report.failures
