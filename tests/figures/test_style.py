"""Colours and markers of kinds, files of figures, and panels."""

import matplotlib as mpl
import pytest
from matplotlib.colors import to_rgb

from sta.analysis.figures import (
    draw_panels,
    figure_bytes,
    kind_styles,
    plot_effective_size,
    plot_importance_histogram,
    plot_losses,
    save_figure,
)
from sta.errors import ConfigError, ShapeError, StaError

MANY = ["spectral", "direct", "group-lasso", *(f"other-{k}" for k in range(14))]


def test_every_kind_differs_in_colour_or_marker_and_the_first_ten_in_both():
    styles = list(kind_styles(MANY).values())
    assert len({(s.color, s.marker) for s in styles}) == len(MANY)
    assert len({s.color for s in styles[:10]}) == 10
    assert len({s.marker for s in styles[:10]}) == 10
    assert len({str(s.dash) for s in styles[:6]}) == 6


def test_a_known_kind_looks_the_same_whatever_stands_beside_it():
    alone = kind_styles(["direct"])["direct"]
    assert kind_styles(["a", "b", "direct", "spectral"])["direct"] == alone
    assert kind_styles(["direct", "a"])["a"] != alone


def test_kinds_keep_their_colours_across_figures(tiny_sweep):
    students = tiny_sweep[1].students
    wanted = {kind: to_rgb(style.color) for kind, style in kind_styles(students["kind"]).items()}
    sizes = plot_effective_size(students)
    losses = plot_losses(students[students["kind"] == "direct"])
    bars = plot_importance_histogram(students, student_width=4)
    for kind in ("spectral", "direct"):
        (line,) = [one for one in sizes.lines if one.get_label() == kind]
        (patch,) = [one for one in bars.patches if one.get_label() == kind]
        assert to_rgb(line.get_color()) == wanted[kind]
        assert to_rgb(patch.get_edgecolor()) == wanted[kind]
    (line,) = [one for one in losses.lines if one.get_label() == "direct, test"]
    assert to_rgb(line.get_color()) == wanted["direct"]
    assert line.get_marker() == kind_styles(["direct"])["direct"].marker


def test_figures_leave_matplotlib_as_it_was(tiny_sweep):
    before, numbers = dict(mpl.rcParams), mpl.pyplot.get_fignums() if "pyplot" in dir(mpl) else []
    plot_effective_size(tiny_sweep[1].students)
    assert dict(mpl.rcParams) == before
    assert (mpl.pyplot.get_fignums() if "pyplot" in dir(mpl) else []) == numbers


def test_a_figure_is_saved_in_three_formats(tiny_sweep, tmp_path):
    figure = plot_effective_size(tiny_sweep[1].students).figure
    paths = save_figure(figure, tmp_path / "deep" / "a.size")
    assert [path.name for path in paths] == ["a.size.svg", "a.size.pdf", "a.size.png"]
    svg, pdf, png = (path.read_bytes() for path in paths)
    assert svg.startswith(b"<?xml")
    assert b"<svg" in svg
    assert b"DOCTYPE" not in svg
    assert pdf.startswith(b"%PDF-")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert not [path for path in (tmp_path / "deep").iterdir() if path not in paths]


def test_the_same_figure_gives_the_same_bytes(tiny_sweep):
    students = tiny_sweep[1].students
    first, second = (plot_effective_size(students).figure for _ in range(2))
    for kind in ("svg", "pdf", "png"):
        assert figure_bytes(first, kind) == figure_bytes(second, kind)


def test_an_existing_file_is_kept_and_nothing_else_is_written(tiny_sweep, tmp_path):
    figure = plot_effective_size(tiny_sweep[1].students).figure
    (tmp_path / "a.pdf").write_text("mine")
    with pytest.raises(StaError, match="exists already"):
        save_figure(figure, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
    assert (tmp_path / "a.pdf").read_text() == "mine"
    save_figure(figure, tmp_path / "a", overwrite=True)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_an_unknown_format_is_refused(tiny_sweep, tmp_path):
    with pytest.raises(ConfigError, match="jpeg"):
        save_figure(plot_losses(tiny_sweep[1].students).figure, tmp_path / "a", ["svg", "jpeg"])
    assert not list(tmp_path.iterdir())


def test_panels_share_one_legend_without_repetition():
    def draw(ax):
        ax.plot([0, 1], label="one")
        ax.plot([1, 0], label="two")
        ax.legend()

    figure = draw_panels([("a", draw), ("a", draw), ("b", draw), ("c", draw)], columns=3)
    assert [ax.get_title() for ax in figure.axes] == ["a", "a", "b", "c"]
    assert all(ax.get_legend() is None for ax in figure.axes)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two"]
    with pytest.raises(ShapeError, match="0 panels"):
        draw_panels({})


def test_a_kind_with_a_dollar_and_an_underscore_is_drawn_literally(tiny_sweep):
    students = tiny_sweep[1].students.replace({"kind": {"direct": "_a$_$b$"}})
    ax = plot_effective_size(students)
    figure_bytes(ax.figure, "svg")
    assert any("a\\$" in text.get_text() for text in ax.get_legend().get_texts())


def test_a_long_legend_stands_beside_the_data_and_widens_only_the_functions_own_figure(tiny_sweep):
    students = tiny_sweep[1].students
    wide = students.assign(kind=[f"kind-{k}" for k in students["trial"] + students["teacher_seed"]])
    ax = plot_losses(wide)
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x1 - 1
    assert ax.get_legend().get_window_extent().x1 <= ax.figure.bbox.x1
    own = plot_importance_histogram(students, student_width=4).figure
    width = own.get_figwidth()
    plot_losses(wide, own.add_subplot())
    assert own.get_figwidth() == width
