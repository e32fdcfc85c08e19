"""Numbers as text, tables, and what is read from a sweep."""

import re

import numpy as np
import pytest

from sta.analysis.report import history_table, measure_graphs, read_sweep
from sta.analysis.report.captions import captions
from sta.analysis.report.drawing import FIGURES
from sta.analysis.report.fit_tables import TABLES
from sta.analysis.report.limits import limits
from sta.analysis.report.numbers import estimate, interval, number, sample, spread
from sta.analysis.report.page import symbols


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (1.0, "1.00"), (0.99999, "1.00"), (999.96, "1000"), (-0.05, "−0.0500"),
        (12345.6, "12346"), (1.5e9, "1.50×10⁹"), (np.float32(0.5), "0.500"), (np.int64(7), "7"),
        (None, "–"), (float("inf"), "–"), (float("nan"), "–"), ("word", "word"),
    ],
)  # fmt: skip
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (20.04, 1.27, "20.0 ± 1.3"), (0.0123, 0.0047, "0.012 ± 0.005"),
        (2.5e-7, 1.2e-8, "(2.50 ± 0.12)×10⁻⁷"), (-0.15, 0.27, "−0.15 ± 0.27"),
        (0.0, 0.0, "0 ± 0"), (0.5, 0.0, "0.500 ± 0.000"), (1.0, float("nan"), "1.00"),
        (None, 1.0, "–"), (100.0, 250.0, "100 ± 250"),
    ],
)  # fmt: skip
def test_spreads(mean, sd, text):
    assert spread(mean, sd) == text


def test_rounding_never_moves_a_number_by_more_than_a_fifth_of_its_spread():
    rng = np.random.default_rng(0)
    for _ in range(500):
        mean = rng.normal() * 10 ** rng.uniform(-6, 6)
        sd = abs(mean) * 10 ** rng.uniform(-5, 2)
        text = spread(mean, sd).replace("−", "-")
        power = 1.0
        if "×" in text:
            sign = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
            power = 10.0 ** int(text.partition("×10")[2].translate(sign))
        first, second = (float(x) * power for x in re.findall(r"-?\d+\.?\d*", text)[:2])
        assert abs(first - mean) <= 0.2 * sd
        assert abs(second - sd) <= 0.2 * sd


def test_intervals_and_estimates():
    assert interval(1.6745, 0.6956, 2.0) == "1.7 [0.7, 2.0]"
    assert interval(float("nan"), 0, 1) == "–"
    assert estimate({"value": 7.0, "ci95": [6.88, 7.07]}) == "7.00 [6.88, 7.07]"
    assert estimate({"value": 7.0, "ci95": None}) == "7.00 (no interval)"
    assert estimate(None) == estimate({"value": None, "ci95": None}) == "–"
    assert sample([]) == sample([None]) == "–"
    assert sample([2.0]) == "2.00"


def test_symbols_are_set_and_everything_else_is_escaped():
    assert symbols("h_T & x_c") == "h<sub>T</sub> &amp; x<sub>c</sub>"
    assert symbols("<i>a_T h_Tx my-h_T") == "&lt;i&gt;a_T h_Tx my-h_T"


def test_history_starts_at_zero_and_ends_at_the_tables_losses(tiny_sweep):
    folder, tables = tiny_sweep
    history = history_table(folder)
    last = history[history["epoch"] == history["epoch"].max()].set_index("student_id")
    students = tables.students.set_index("student_id")
    assert history["epoch"].min() == 0
    assert set(last.index) == set(students.index)
    last = last.loc[students.index]
    assert last["train_loss"].to_numpy() == pytest.approx(students["train_loss"].to_numpy())
    assert list(last["effective_size"]) == list(students["effective_size"])


def test_graphs_are_the_pruned_students(tiny_sweep):
    folder, tables = tiny_sweep
    graphs = measure_graphs(folder, threshold=0.05)
    sizes = {
        (row.kind, row.student_width, row.teacher_seed, row.trial): row.effective_size
        for row in tables.students.itertuples()
    }
    assert len(graphs) == len(sizes)
    for one in graphs:
        size = sizes[one.kind, one.student_width, one.teacher_seed, one.trial]
        assert one.student.widths == (4, size, 4)
        assert one.teacher.widths == (4, 3, 4)
        assert one.paths.count == 4 * size * 4


def test_no_group_has_more_graphs_than_asked_for(tiny_sweep):
    graphs = measure_graphs(tiny_sweep[0], per_group=1)
    assert [(one.kind, one.student_width) for one in graphs] == [
        ("spectral", 4), ("spectral", 6), ("direct", 4), ("direct", 6),
    ]  # fmt: skip
    said = limits(read_sweep(tiny_sweep[0], graphs_per_group=1, null_samples=2))
    assert any("4 of 16 students" in sentence for sentence in said)


def test_tables_are_rectangular_and_in_the_order_of_the_plan(tiny_sweep):
    data = read_sweep(tiny_sweep[0], null_samples=2)
    for spec in TABLES:
        table = spec.make(data)
        assert table.title == spec.title
        assert table.rows, spec.name
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert all(isinstance(cell, str) for row in table.rows for cell in row)
        kinds = ["spectral − direct"] if spec.name == "paired" else ["spectral", "direct"]
        assert list(dict.fromkeys(row[0] for row in table.rows)) == kinds


def test_loss_table_holds_the_mean_of_the_students(tiny_sweep):
    folder, tables = tiny_sweep
    (table,) = [spec.make(read_sweep(folder)) for spec in TABLES if spec.name == "losses"]
    kept = tables.students[
        (tables.students["kind"] == "direct") & (tables.students["student_width"] == 6)
    ]["test_loss"]
    (row,) = [row for row in table.rows if row[0] == "direct" and row[2] == "6"]
    assert row[6] == spread(kept.mean(), kept.std(ddof=1))


def test_every_figure_has_a_caption_that_names_what_was_done(tiny_sweep):
    words = captions(read_sweep(tiny_sweep[0], null_samples=2))
    assert set(words) == {spec.name for spec in FIGURES}
    assert all("{" not in text for text in words.values())
    for name in ("size", "threshold", "ranks", "ramp", "histogram", "losses", "learning"):
        assert "4 healthy students" in words[name]
