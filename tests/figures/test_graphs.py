"""Path quantiles, in-strengths, and the figure of one student."""

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.figures import (
    draw_student,
    figure_bytes,
    plot_in_strength,
    plot_path_quantiles,
    plot_path_tails,
    plot_sorted_importance,
)
from sta.analysis.graph import LayeredGraph, path_distribution
from sta.errors import ConfigError, ShapeError, StaError


def graph(seed: int, width: int = 5) -> LayeredGraph:
    rng = np.random.default_rng(seed)
    return LayeredGraph.from_arrays([rng.normal(size=(3, width)), rng.normal(size=(width, 2))])


def labelled(artists, label):
    (found,) = [one for one in artists if one.get_label() == label]
    return found


def test_path_curve_is_the_papers_interpolated_mean():
    students = [graph(1, 4), graph(2, 7)]
    sorted_paths = [np.sort(np.einsum("ij,jk->ijk", *one.layers).ravel()) for one in students]
    rank = np.linspace(0, 1, 51)
    by_hand = np.array([np.interp(rank, np.linspace(0, 1, row.size), row) for row in sorted_paths])
    teacher = graph(3)
    ax = plot_path_quantiles(
        {"spectral": [path_distribution(one) for one in students]},
        [path_distribution(teacher)],
        levels=51,
    )
    assert labelled(ax.lines, "spectral").get_ydata() == pytest.approx(by_hand.mean(0))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx((by_hand.mean(0) + by_hand.std(0, ddof=1)).max())
    drawn = labelled(ax.lines, "teacher")
    assert drawn.get_ydata()[0] == pytest.approx(path_distribution(teacher).weights[0])
    assert drawn.get_linestyle() == "--"


def test_paths_of_several_teachers_have_one_entry_in_the_legend():
    ax = plot_path_quantiles({}, [path_distribution(graph(k)) for k in range(3)])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["teacher"]
    assert len(ax.lines) == 3


def test_the_limit_is_in_units_of_the_teachers_range():
    teacher = path_distribution(graph(3))
    ax = plot_path_quantiles({"a": [path_distribution(graph(1))]}, [teacher], limit=1.5)
    low, high = ax.get_ylim()
    assert high - low == pytest.approx(1.5 * np.ptp(teacher.weights))


def test_unlisted_paths_and_nothing_at_all_are_refused():
    with pytest.raises(StaError, match="weights"):
        plot_path_quantiles({"a": [path_distribution(graph(1), "moments")]}, [])
    with pytest.raises(ShapeError, match="0 networks"):
        plot_path_quantiles({"a": []}, [])


def test_in_strengths_are_scaled_by_their_pooled_range():
    students = [graph(1), graph(2)]
    sums = np.concatenate([one.layers[0].sum(0) for one in students])
    scaled = sums / np.ptp(sums)
    ax = plot_in_strength({"direct": students}, [graph(3)])
    data = labelled(ax.patches, "direct").get_data()
    assert data.values == pytest.approx(100 * np.histogram(scaled, data.edges)[0] / scaled.size)
    assert data.values.sum() == pytest.approx(100)
    assert np.diff(data.edges) == pytest.approx(0.1)
    assert data.edges / 0.1 == pytest.approx(np.round(data.edges / 0.1))
    assert labelled(ax.patches, "teacher").get_data().values.sum() == pytest.approx(100)
    with pytest.raises(ConfigError, match="binwidth"):
        plot_in_strength({"direct": students}, [], binwidth=0)


def test_sorted_importance_splits_at_the_threshold():
    ax = plot_sorted_importance([0.1, 4.0, 2.0, 0.0], threshold=0.05, teacher_width=2)
    kept, pruned = labelled(ax.lines, "2 units kept"), labelled(ax.lines, "2 units pruned")
    assert list(kept.get_ydata()) == [1.0, 0.5]
    assert pruned.get_ydata() == pytest.approx([0.025, 0])
    assert list(labelled(ax.lines, "teacher's width").get_xdata()) == [2, 2]
    for wrong in ([], [1.0, np.nan], [1.0, -1.0]):
        with pytest.raises(ShapeError, match="importance"):
            plot_sorted_importance(wrong)


def panel(figure, title):
    return next(ax for ax in figure.axes if title in ax.get_title(loc="left"))


def test_one_student_fills_a_page_with_and_without_a_teacher():
    figure = draw_student([3.0, 2.0, 0.01], graph(1), graph(2), kind="spectral")
    line = labelled(panel(figure, "Importance").lines, "teacher's width")
    assert list(line.get_xdata()) == [5, 5]
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")
    alone = draw_student([3.0, 2.0, 0.01], graph(1))
    assert not [line for ax in alone.axes for line in ax.lines if line.get_label() == "teacher"]


def test_a_teacher_of_another_depth_is_drawn():
    linear = LayeredGraph.from_arrays([[[1.0], [2.0], [3.0]]])
    figure = draw_student([3.0, 2.0], graph(1), linear)
    teacher = labelled(panel(figure, "Path weights").lines, "teacher")
    assert teacher.get_ydata()[[0, -1]] == pytest.approx([1, 3])
    strengths = panel(figure, "In-strength, layer 1")
    assert not [patch for patch in strengths.patches if patch.get_label() == "teacher"]


def test_a_set_without_range_is_named_and_the_rest_is_drawn():
    single = LayeredGraph.from_arrays([[[1.0], [2.0], [3.0]], [[1.0, 1.0]]])
    ax = plot_in_strength({"a": [single], "b": [graph(1)]}, [])
    assert labelled(ax.patches, "b").get_data().values.sum() == pytest.approx(100)
    assert labelled(ax.lines, "a (all equal, no range)").get_xdata().size == 0
    with pytest.raises(ShapeError, match="layer 5"):
        plot_in_strength({"b": [graph(1)]}, [], layer=5)


def paths_by_hand(one):
    return np.einsum("ij,jk->ijk", *one.layers).ravel()


def test_quantiles_of_a_histogram_stay_within_its_bins_of_the_exact_curve():
    teacher = graph(3, 40)
    exact, binned = (
        plot_path_quantiles({}, [path_distribution(teacher, method)]).lines[0].get_ydata()
        for method in ("exact", "dp")
    )
    bound = path_distribution(teacher, "dp").log_error_bound
    # between two paths of opposite sign the curve is a straight line, not a path
    apart = np.abs(np.abs(exact) - np.abs(binned)) / np.abs(exact)
    assert np.quantile(apart, 0.95) <= np.expm1(bound)


def test_tails_count_the_paths_beyond_every_threshold():
    students, teacher = [graph(1, 4), graph(2, 7)], graph(3)
    for sign, size in (
        ("absolute", np.abs), ("positive", np.positive), ("negative", np.negative),
    ):  # fmt: skip
        ax = plot_path_tails(
            {"spectral": [path_distribution(one) for one in students]},
            [path_distribution(teacher)],
            sign=sign,
        )
        line = labelled(ax.lines, "spectral")
        t = line.get_xdata()
        above = [(size(paths_by_hand(one))[:, None] > t).sum(0) for one in students]
        assert line.get_ydata() == pytest.approx(
            np.where(sum(above), np.mean(above, 0), np.nan), nan_ok=True
        )
        dashed = labelled(ax.lines, "teacher")
        above = (size(paths_by_hand(teacher))[:, None] > dashed.get_xdata()).sum(0)
        assert dashed.get_ydata() == pytest.approx(np.where(above, above, np.nan), nan_ok=True)
        strongest = max(size(paths_by_hand(one)).max() for one in (*students, teacher))
        assert t[[0, -1]] == pytest.approx([1e-4 * strongest, strongest])
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_tails_of_a_histogram_count_the_same_paths_moved_by_its_error_at_most():
    one = graph(5, 30)
    exact = np.abs(paths_by_hand(one))
    binned = path_distribution(one, "dp")
    line = plot_path_tails({"a": [binned]}, []).lines[0]
    t, number = line.get_xdata(), np.nan_to_num(line.get_ydata())
    shift = np.exp(binned.log_error_bound)
    assert np.all(number <= (exact[:, None] > t / shift / (1 + 1e-9)).sum(0))
    assert np.all(number >= (exact[:, None] > t * shift * (1 + 1e-9)).sum(0))


def test_tails_of_huge_networks_reach_the_last_path():
    # one path of weight 1 among 1e18: a difference of the large numbers would lose it
    layers = [np.full((100, 100), 1e-3) for _ in range(8)]
    for layer in layers:
        layer[0, 0] = 1.0
    paths = path_distribution(LayeredGraph.from_arrays(layers))
    assert (paths.method, paths.count) == ("dp", 100**9)
    number = plot_path_tails({"a": [paths]}, []).lines[0].get_ydata()
    # with one weak edge, the first or the last
    assert number[[0, -1]] == pytest.approx([1 + 99 + 99, 1])


def test_tails_without_paths_of_the_sign_are_refused():
    positive = LayeredGraph.from_arrays([np.ones((2, 2)), np.ones((2, 2))])
    with pytest.raises(ShapeError, match="negative"):
        plot_path_tails({"a": [path_distribution(positive)]}, [], sign="negative")
    assert plot_path_tails({"a": [path_distribution(positive)]}, []).lines[0].get_ydata()[-1] == 8
    with pytest.raises(StaError, match="no path weights"):
        plot_path_tails({"a": [path_distribution(positive, "moments")]}, [])
    with pytest.raises(ConfigError, match="both"):
        plot_path_tails({"a": [path_distribution(positive)]}, [], sign="both")
    with pytest.raises(ConfigError, match="decades"):
        plot_path_tails({"a": [path_distribution(positive)]}, [], decades=0)


def test_in_strengths_of_sparse_networks_are_those_of_dense_ones():
    dense = [graph(1), graph(2)]
    sparse = [
        LayeredGraph.from_arrays([scipy.sparse.csr_array(layer) for layer in one.layers])
        for one in dense
    ]
    one, other = (
        labelled(plot_in_strength({"direct": given}, []).patches, "direct").get_data()
        for given in (dense, sparse)
    )
    assert one.values == pytest.approx(other.values)
    assert one.edges == pytest.approx(other.edges)
