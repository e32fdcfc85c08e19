"""What the figures of the students' table draw, read back from the artists."""

import numpy as np
import pandas as pd
import pytest

from sta.analysis.figures import (
    normalised_importances,
    plot_effective_size,
    plot_importance_histogram,
    plot_importance_ranks,
    plot_learning_curve,
    plot_losses,
    plot_size_over_threshold,
)
from sta.errors import ConfigError, ShapeError


@pytest.fixture
def students() -> pd.DataFrame:
    """Two kinds, widths 4 and 8, two trials; the effective sizes are known by hand."""
    rows = []
    for kind, alive in (("spectral", {4: (2, 3), 8: (3, 5)}), ("direct", {4: (4, 4), 8: (8, 8)})):
        for width, sizes in alive.items():
            for trial, size in enumerate(sizes):
                importance = np.full(width, 0.02)
                importance[:size] = np.linspace(2.0, 1.0, size)
                rows.append(
                    {
                        "student_id": f"{kind}-{width}-{trial}", "kind": kind,
                        "student_width": width, "teacher_width": 3, "teacher_seed": 0,
                        "trial": trial, "status": "ok", "train_loss": 0.1 * (trial + 1),
                        "test_loss": 0.2 * (trial + 1), "importance": importance,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def labelled(artists, label):
    (found,) = [one for one in artists if one.get_label() == label]
    return found


def test_effective_size_line_is_the_mean_and_the_dashed_line_the_teacher(students):
    ax = plot_effective_size(students, log=False)
    line = labelled(ax.lines, "spectral")
    assert line.get_xdata() == pytest.approx([4, 8])
    assert line.get_ydata() == pytest.approx([2.5, 4.0])
    assert labelled(ax.lines, "direct").get_ydata() == pytest.approx([4, 8])
    teacher = labelled(ax.lines, "teacher's width")
    assert list(teacher.get_ydata()) == [3, 3]
    assert teacher.get_linestyle() == "--"


def test_effective_size_band_is_one_standard_deviation(students):
    ax = plot_effective_size(students, log=False)
    y = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert y.max() == pytest.approx(4 + np.std([3, 5], ddof=1))
    assert y.min() == pytest.approx(2.5 - np.std([2, 3], ddof=1))


def test_effective_size_shows_every_student(students):
    ax = plot_effective_size(students)
    points = [line for line in ax.lines if line.get_linestyle() == "None"]
    drawn = sorted(np.concatenate([line.get_ydata() for line in points]))
    assert drawn == [2, 3, 3, 4, 4, 5, 8, 8]
    widths = np.concatenate([line.get_xdata() for line in points])
    assert np.abs(np.log(widths[:, None] / [4, 8])).min(1).max() < 0.05


def test_threshold_moves_the_count(students):
    ax = plot_effective_size(students, threshold=0.0, log=False)
    assert labelled(ax.lines, "spectral").get_ydata() == pytest.approx([4, 8])


def test_diverged_students_are_left_out(students):
    students.loc[students["trial"] == 1, ["status", "test_loss"]] = ["diverged", None]
    ax = plot_effective_size(students, log=False)
    assert labelled(ax.lines, "spectral").get_ydata() == pytest.approx([2, 3])
    losses = plot_losses(students)
    assert labelled(losses.lines, "spectral, test").get_ydata() == pytest.approx([0.2, 0.2])
    students["status"] = "diverged"
    with pytest.raises(ShapeError, match="healthy"):
        plot_losses(students)


def test_size_over_threshold_is_a_mean_of_counts(students):
    ax = plot_size_over_threshold(students, student_width=8, thresholds=[0.001, 0.1, 0.74])
    assert labelled(ax.lines, "spectral").get_ydata() == pytest.approx([8, 4.0, 2.5])
    assert list(labelled(ax.lines, "teacher's width").get_ydata()) == [3, 3]
    assert list(labelled(ax.lines, "threshold 0.05").get_xdata()) == [0.05, 0.05]
    assert ax.get_xscale() == "log"


def test_histogram_is_in_per_cent_with_the_papers_bins(students):
    ax = plot_importance_histogram(students, student_width=4)
    data = labelled(ax.patches, "spectral").get_data()
    assert len(data.values) == 20
    assert np.diff(data.edges) == pytest.approx(0.05)
    assert data.values.sum() == pytest.approx(100)
    # 2 + 1 of 8 units have 0.01 of the largest
    assert data.values[0] == pytest.approx(100 * 3 / 8)


def test_pooled_and_own_maximum_differ_as_published(students):
    one = students[(students["kind"] == "direct") & (students["student_width"] == 4)].copy()
    one["importance"] = [np.array([1.0, 2.0]), np.array([1.0, 4.0])]
    pooled, own = normalised_importances(one), normalised_importances(one, "model")
    assert [list(row) for row in pooled] == [[0.5, 0.25], [1.0, 0.25]]
    assert [list(row) for row in own] == [[1.0, 0.5], [1.0, 0.25]]
    with pytest.raises(ConfigError, match="trial"):
        normalised_importances(one, "trial")


def test_ranks_fall_and_stop_where_told(students):
    ax = plot_importance_ranks(students, student_width=8, max_rank=4)
    line = labelled(ax.lines, "spectral")
    assert list(line.get_xdata()) == [1, 2, 3, 4]
    by_hand = np.mean([[1, 0.75, 0.5, 0.01], [1, 0.875, 0.75, 0.625]], 0)
    assert line.get_ydata() == pytest.approx(by_hand)
    assert list(labelled(ax.lines, "teacher's width").get_xdata()) == [3, 3]
    assert plot_importance_ranks(students, student_width=8, log=True).get_yscale() == "log"


def test_losses_are_means_of_the_table(students):
    ax = plot_losses(students)
    assert labelled(ax.lines, "direct, test").get_ydata() == pytest.approx([0.3, 0.3])
    assert labelled(ax.lines, "direct, training").get_ydata() == pytest.approx([0.15, 0.15])
    assert ax.get_yscale() == "log"


def test_learning_curves_are_means_over_students(students):
    history = pd.concat(
        [students.assign(epoch=e, effective_size=10 - e, train_loss=1.0) for e in (0, 5)]
    )
    history["test_loss"] = history["epoch"] + 1.0 + history["trial"]
    ax = plot_learning_curve(history, student_width=4)
    assert labelled(ax.lines, "direct").get_xdata() == pytest.approx([0, 5])
    assert labelled(ax.lines, "direct").get_ydata() == pytest.approx([1.5, 6.5])
    ax = plot_learning_curve(history, quantity="effective_size", student_width=4)
    assert labelled(ax.lines, "direct").get_ydata() == pytest.approx([10, 5])
    with pytest.raises(ConfigError, match="loss_of_test"):
        plot_learning_curve(history, quantity="loss_of_test", student_width=4)


def test_an_ambiguous_or_missing_width_is_named(students):
    with pytest.raises(ShapeError, match=r"\[4, 8\]"):
        plot_importance_histogram(students)
    with pytest.raises(ShapeError, match="student_width 5"):
        plot_importance_histogram(students, student_width=5)
    with pytest.raises(ShapeError, match="'importance'"):
        plot_importance_histogram(students.drop(columns="importance"), student_width=4)


def test_one_width_and_one_student_are_drawn(students):
    ax = plot_effective_size(students.iloc[:1])
    assert labelled(ax.lines, "spectral").get_ydata() == pytest.approx([2])
    plot_losses(students.iloc[:1])


def test_figures_draw_into_the_axes_they_are_given(students):
    ax = plot_losses(students)
    ax.clear()
    assert plot_effective_size(students, ax) is ax
