"""Networks drawn in layers: lines, dots, colours and heights read back from the artists."""

import itertools

import numpy as np
import pytest
import scipy.sparse
from matplotlib.colors import to_rgb

from sta.analysis.figures import draw_dag, figure_bytes, plot_dag
from sta.analysis.figures.dag_drawing import NEGATIVE, POSITIVE
from sta.analysis.figures.dag_layout import largest, shares
from sta.analysis.graph import LayeredGraph, balance, match_units
from sta.errors import ConfigError, ShapeError


def network(widths, seed=0, density=1.0, sparse=False, biases=False):
    rng = np.random.default_rng(seed)
    shapes = list(itertools.pairwise(widths))
    layers = [np.where(rng.random(s) < density, rng.normal(size=s), 0.0) for s in shapes]
    return LayeredGraph.from_arrays(
        [scipy.sparse.csr_array(layer) for layer in layers] if sparse else layers,
        biases=[rng.normal(size=width) for width in widths[1:]] if biases else None,
    )


def widened(teacher, extra, seed=0):
    """A student that holds the teacher, shuffled, and weak further units."""
    rng = np.random.default_rng(seed)
    layers = [np.array(layer) for layer in teacher.layers]
    for at in range(1, teacher.n_layers):
        layers[at - 1] = np.hstack([layers[at - 1], rng.normal(size=(len(layers[at - 1]), extra))])
        weak = 1e-3 * rng.normal(size=(extra, layers[at].shape[1]))
        layers[at] = np.vstack([layers[at], weak])
    student = LayeredGraph.from_arrays(layers)
    for at in range(1, teacher.n_layers):
        student = student.keep(at, rng.permutation(student.widths[at]))
    return student


def edges_of(ax):
    """Lines, one collection a layer, as (segments, colours, widths)."""
    found = [one for one in ax.collections if type(one).__name__ == "LineCollection"]
    return [
        (np.array(one.get_segments()).reshape(-1, 2, 2), one.get_colors(), one.get_linewidths())
        for one in found
    ]


def dots_of(ax):
    """Dots by node layer as arrays of (height, area, red, green, blue), bias squares apart."""
    dots, squares = {}, {}
    for one in ax.collections:
        if type(one).__name__ != "PathCollection":
            continue
        x, y = np.asarray(one.get_offsets()).T
        is_square = len(one.get_paths()[0].vertices) < 10
        where = squares if is_square else dots
        where[int(x[0])] = np.column_stack([y, one.get_sizes(), one.get_facecolors()[:, :3]])
    return dots, squares


def test_every_edge_is_a_segment_of_one_collection_a_layer_coloured_by_its_sign():
    for seed, widths in enumerate([(3, 4, 2), (5, 1, 3), (2, 6), (4, 3, 3, 2)]):
        for options in ({}, {"density": 0.4}, {"density": 0.4, "sparse": True}):
            graph = network(widths, seed, **options)
            collections = edges_of(plot_dag(graph, balanced=False))
            assert len(collections) == graph.n_layers
            for at, (segments, colours, thickness) in enumerate(collections):
                weights = graph.dense()[at]
                strengths = np.sort(np.abs(weights[weights != 0]))
                assert len(segments) == len(strengths)
                assert np.all(segments[:, 0, 0] == at)
                assert np.all(segments[:, 1, 0] == at + 1)
                positive = np.all(colours[:, :3] == to_rgb(POSITIVE), axis=1)
                negative = np.all(colours[:, :3] == to_rgb(NEGATIVE), axis=1)
                assert positive.sum() == (weights > 0).sum()
                assert negative.sum() == (weights < 0).sum()
                # the strongest are drawn last, thicker and more opaque in proportion
                assert np.all(np.diff(thickness) >= 0)
                assert np.all(np.diff(colours[:, 3]) >= 0)
                if len(strengths) > 1:
                    slope = np.diff(thickness) - np.diff(strengths) * np.ptp(thickness) / np.ptp(
                        strengths
                    )
                    assert np.abs(slope).max() < 1e-12


def test_a_segment_joins_the_dots_of_its_units():
    weights = np.zeros((3, 4))
    weights[2, 1], weights[0, 3] = -2.0, 1.0
    ax = plot_dag(LayeredGraph.from_arrays([weights]), balanced=False)
    dots, _ = dots_of(ax)
    ((segments, colours, thickness),) = edges_of(ax)
    heights = [dots[layer][:, 0] for layer in (0, 1)]
    assert np.all(np.diff(heights[0]) < 0)
    assert segments[:, 0, 1] == pytest.approx(heights[0][[0, 2]])
    assert segments[:, 1, 1] == pytest.approx(heights[1][[3, 1]])
    assert to_rgb(colours[1]) == to_rgb(NEGATIVE)
    assert thickness[0] < thickness[1]


def test_only_the_strongest_edges_are_drawn_and_the_figure_says_so():
    graph = network((8, 9, 2))
    ax = plot_dag(graph, balanced=False, max_edges=50)
    (first, *_), (second, *_) = edges_of(ax)
    assert (len(first), len(second)) == (32, 18)
    assert ax.get_xlabel() == "50 of 90 edges, the strongest"
    heights = [dots_of(ax)[0][layer][:, 0] for layer in range(2)]
    drawn = {
        (int(np.argmin(abs(heights[0] - a))), int(np.argmin(abs(heights[1] - b))))
        for a, b in first[:, :, 1]
    }
    strongest = np.argsort(-np.abs(graph.layers[0]), axis=None)[:32]
    assert drawn == {divmod(int(place), 9) for place in strongest}
    assert plot_dag(graph).get_xlabel() == "90 edges"


def test_wide_layers_show_the_units_of_most_path_mass():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(4, 100)), rng.normal(size=(100, 1))
    ax = plot_dag(LayeredGraph.from_arrays([first, second]), max_units=10, balanced=False)
    dots, _ = dots_of(ax)
    mass = np.abs(first).sum(0) * np.abs(second[:, 0])
    assert len(dots[1]) == 10
    kept = np.sort(np.argsort(-mass)[:10])
    assert dots[1][:, 1] / dots[1][:, 1].max() == pytest.approx(
        (0.12 + 0.88 * mass[kept] / mass.max()) / (0.12 + 0.88)
    )
    assert [text.get_text() for text in ax.get_xticklabels()] == [
        "4 inputs", "100 units\n(10 shown)", "1 output",
    ]  # fmt: skip


def test_balanced_drawings_do_not_change_under_a_rescaling_of_units():
    graph = network((4, 5, 3))
    layers = [np.array(layer) for layer in graph.layers]
    factors = np.array([1e-3, 2.0, 50.0, 1.0, 0.3])
    rescaled = LayeredGraph.from_arrays([layers[0] * factors, layers[1] / factors[:, None]])
    for one, other in zip(edges_of(plot_dag(graph)), edges_of(plot_dag(rescaled)), strict=True):
        assert one[0] == pytest.approx(other[0])
        assert one[2] == pytest.approx(other[2])
    raw = [np.array(edges_of(plot_dag(g, balanced=False))[0][2]) for g in (graph, rescaled)]
    assert np.abs(raw[0] - raw[1]).max() > 0.1


@pytest.mark.parametrize("outputs", ["matched", "aligned"])
def test_matched_units_stand_level_and_the_others_hollow_below(outputs):
    for seed, widths in enumerate([(10, 5, 5), (6, 8, 4, 3)]):
        teacher = network(widths, seed)
        student = widened(teacher, 3, seed)
        matching = match_units(student, teacher, outputs=outputs)
        figure = draw_dag(student, teacher, matching)
        left, right = figure.axes[:2]
        assert left.get_ylim() == right.get_ylim()
        assert [ax.get_title() for ax in (left, right)] == ["Teacher", "Student"]
        (ours, _), (theirs, _) = dots_of(right), dots_of(left)
        for entry in matching.layers:
            level, other = theirs[entry.layer], ours[entry.layer]
            count = teacher.widths[entry.layer]
            # students' dots: first the partners in the teacher's order, then the others
            assert other[:count, 0] == pytest.approx(level[:, 0])
            assert other[:count, 2:] == pytest.approx(level[:, 2:])
            below = other[count:]
            assert len(below) == student.widths[entry.layer] - count
            assert np.all(below[:, 0] < 0)
            assert np.all(below[:, 2:] == 1.0)
        assert theirs[0][:, 0] == pytest.approx(ours[0][:, 0])


def test_partners_are_joined_by_the_same_lines_at_the_same_height():
    teacher = network((5, 4, 3), 3)
    student = widened(teacher, 2, 3)
    figure = draw_dag(student, teacher, match_units(student, teacher, outputs="aligned"))
    for at, (one, other) in enumerate(
        zip(edges_of(figure.axes[0]), edges_of(figure.axes[1]), strict=True)
    ):
        drawn = {
            tuple(np.round(ends.ravel(), 9)): w for ends, w in zip(other[0], other[2], strict=True)
        }
        for ends, thickness in zip(one[0], one[2], strict=True):
            assert drawn[tuple(np.round(ends.ravel(), 9))] == pytest.approx(thickness), at


def test_a_unit_is_the_darker_the_larger_its_cosine():
    teacher = network((30, 6, 2), 5)
    rng = np.random.default_rng(0)
    noisy = teacher.layers[0] + rng.normal(size=(30, 6)) * np.linspace(0, 3, 6)
    student = LayeredGraph.from_arrays([noisy, teacher.layers[1]])
    matching = match_units(student, teacher, outputs="aligned")
    dots, _ = dots_of(plot_dag(student, matching=matching))
    order = np.argsort(matching.layers[0].cosine_incoming)
    grey = dots[1][order, 2]
    assert np.all(np.diff(grey) <= 0)
    assert grey[0] > grey[-1] + 0.3


def test_a_student_unit_without_input_leaves_its_place_empty():
    teacher = network((4, 3, 2), 1)
    student = teacher.keep(1, [0, 2])
    matching = match_units(student, teacher, outputs="aligned")
    left, right = draw_dag(student, teacher, matching).axes[:2]
    missing = int(np.flatnonzero(matching.layers[0].student < 0)[0])
    level = dots_of(left)[0][1]
    assert level[missing, 2:] == pytest.approx(1.0)
    assert dots_of(right)[0][1][:, 0] == pytest.approx(np.delete(level[:, 0], missing))


def test_subsampled_pairs_show_partners_in_both_panels():
    teacher = network((40, 30, 20, 4), 2, density=0.3)
    student = widened(teacher, 25, 2)
    matching = match_units(student, teacher, outputs="aligned")
    left, right = draw_dag(student, teacher, matching, max_units=12, max_edges=100).axes[:2]
    for layer in (1, 2):
        level, other = dots_of(left)[0][layer], dots_of(right)[0][layer]
        assert len(level) == 12
        partners = other[other[:, 0] > 0]
        assert set(np.round(partners[:, 0], 9)) <= set(np.round(level[:, 0], 9))
        assert (other[:, 0] < 0).sum() == 6
    for ax in (left, right):
        assert sum(len(segments) for segments, *_ in edges_of(ax)) == 100


def test_bias_units_are_squares_above_the_others():
    teacher, student = network((3, 4, 2), 1, biases=True), network((3, 6, 2), 2, biases=True)
    matching = match_units(student, teacher, outputs="aligned")
    for ax, graph in zip(
        draw_dag(student, teacher, matching).axes[:2], (teacher, student), strict=True
    ):
        dots, squares = dots_of(ax)
        assert sorted(squares) == [0, 1]
        assert all(len(one) == 1 and one[0, 0] > 1 for one in squares.values())
        assert [len(dots[layer]) for layer in range(3)] == [3, graph.widths[1] - 1, 2]
        assert sum(len(segments) for segments, *_ in edges_of(ax)) == graph.n_edges


def test_networks_of_different_depth_and_without_paths_are_drawn():
    dead = LayeredGraph.from_arrays([np.zeros((3, 2)), np.ones((2, 2))])
    figure = draw_dag(dead, network((3, 4, 4, 2)))
    assert figure.axes[0].get_title() == "Teacher, units in their own order"
    assert [len(segments) for segments, *_ in edges_of(figure.axes[1])] == [0, 4]
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")


def test_the_legend_names_the_signs_and_the_drawing_goes_where_told():
    graph = network((3, 4, 2))
    ax = plot_dag(graph)
    (legend,) = ax.figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["positive balanced weight", "negative balanced weight"]
    ax.clear()
    assert plot_dag(graph, ax, balanced=False) is ax
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["positive weight", "negative weight"]


def test_wrong_numbers_and_foreign_matchings_are_refused():
    teacher, student = network((3, 4, 2)), network((3, 6, 2), 1)
    for wrong in ({"max_edges": 0}, {"max_units": 0}):
        with pytest.raises(ConfigError, match="at least 1"):
            plot_dag(teacher, **wrong)
    matching = match_units(student, teacher)
    other = network((3, 2, 2))
    with pytest.raises(ShapeError, match="another network"):
        plot_dag(other, matching=matching)
    with pytest.raises(ShapeError, match="another network"):
        draw_dag(student, other, matching)
    with pytest.raises(ShapeError, match="another network"):
        plot_dag(LayeredGraph.from_arrays([np.ones((3, 6))]), matching=matching)


def test_a_network_drawn_beside_itself_is_twice_the_same():
    graph = network((4, 5, 3), 4)
    left, right = draw_dag(graph, graph, match_units(graph, graph)).axes[:2]
    for one, other in zip(edges_of(left), edges_of(right), strict=True):
        assert one[0] == pytest.approx(other[0])
        assert one[2] == pytest.approx(other[2])


def test_lines_of_both_panels_share_one_scale():
    teacher = network((4, 5, 3), 6)
    student = LayeredGraph.from_arrays([teacher.layers[0], 0.5 * teacher.layers[1]])
    figure = draw_dag(student, teacher, match_units(student, teacher, outputs="aligned"))
    thick, thin = (edges_of(ax)[1][2] for ax in figure.axes[:2])
    largest_weight = np.abs(balance(teacher).layers[1]).max()
    smallest_weight = np.abs(balance(teacher).layers[1]).min()
    per_weight = (thick[-1] - thick[0]) / (largest_weight - smallest_weight)
    assert thick[-1] - thin[-1] == pytest.approx(0.5 * per_weight * largest_weight)


def test_shares_are_even_and_spend_what_can_be_spent():
    rng = np.random.default_rng(0)
    for _ in range(50):
        counts = rng.integers(0, 30, size=rng.integers(1, 6)).tolist()
        total = int(rng.integers(0, 80))
        given = shares(counts, total)
        assert sum(given) == min(total, sum(counts))
        assert all(g <= c for g, c in zip(given, counts, strict=True))
        short = [g for g, c in zip(given, counts, strict=True) if g < c]
        assert not short or max(given) <= min(short) + 1
    assert largest(np.array([1.0, 5.0, 5.0, 0.0]), 9).tolist() == [0, 1, 2, 3]
