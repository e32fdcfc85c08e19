"""Path mass, null distances, spectra, and the page of one student, read back from the artists."""

import itertools

import numpy as np
import pytest
import scipy.sparse

from sta.analysis.figures import (
    draw_student,
    figure_bytes,
    kind_styles,
    plot_centrality,
    plot_motif_scores,
    plot_null_distances,
    plot_singular_values,
)
from sta.analysis.graph import LayeredGraph, match_units
from sta.analysis.graph.likeness.significance import distance_test
from sta.analysis.graph.topology.motif_scores import MotifScore, MotifScores
from sta.errors import ShapeError, StaError


def network(*widths, seed=0):
    rng = np.random.default_rng(seed)
    shapes = itertools.pairwise(widths)
    return LayeredGraph.from_arrays([rng.normal(size=shape) for shape in shapes])


def sparse(graph):
    return LayeredGraph.from_arrays([scipy.sparse.csr_array(layer) for layer in graph.layers])


def labelled(artists, label):
    (found,) = [one for one in artists if one.get_label() == label]
    return found


def distances_of(observed=0.5, seed=0):
    """A test against the distances of 99 random networks."""
    teacher, student = network(3, 4, 2, seed=1), network(3, 4, 2, seed=2)

    def distance(graph, _):
        return observed if graph is student else float(np.abs(graph.layers[0]).sum())

    return distance_test(student, teacher, distance, "gaussian_like", samples=99, seed=seed)


def test_centralities_fall_and_are_shares_of_the_path_mass():
    students, teacher = [network(3, 6, 2, seed=k) for k in (1, 2)], network(3, 4, 2, seed=3)
    ax = plot_centrality({"spectral": students}, [teacher])
    masses = [np.abs(g.layers[0]).sum(0) * np.abs(g.layers[1]).sum(1) for g in (*students, teacher)]
    falling = [np.sort(mass / mass.sum())[::-1] for mass in masses]
    line = labelled(ax.lines, "spectral")
    assert line.get_xdata() == pytest.approx(np.arange(1, 7))
    assert line.get_ydata() == pytest.approx(np.mean(falling[:2], 0))
    assert labelled(ax.lines, "teacher").get_ydata() == pytest.approx(falling[2])
    assert labelled(ax.lines, "teacher").get_linestyle() == "--"
    assert ax.get_yscale() == "log"
    outputs = plot_centrality({"spectral": students[:1]}, [], layer=2)
    assert labelled(outputs.lines, "spectral").get_ydata().sum() == pytest.approx(1)


def test_units_without_paths_are_left_out_and_other_layers_refused():
    dead = LayeredGraph.from_arrays([[[1.0, 2.0, 0.0]], [[1.0], [1.0], [1.0]]])
    for graph in (dead, sparse(dead)):
        line = plot_centrality({"a": [graph]}, []).lines[0]
        assert line.get_ydata() == pytest.approx([2 / 3, 1 / 3])
    with pytest.raises(ShapeError, match="no layer 3"):
        plot_centrality({"a": [dead]}, [], layer=3)
    with pytest.raises(ShapeError, match="0 networks"):
        plot_centrality({"a": []}, [])


def test_singular_values_are_those_of_numpy():
    student, teacher = network(5, 7, 4, seed=1), network(5, 3, 4, seed=2)
    for layer in (0, 1):
        for one in (student, sparse(student)):
            ax = plot_singular_values({"a": [one]}, [teacher], layer=layer, balanced=False)
            for label, graph in (("a", student), ("teacher", teacher)):
                exact = np.linalg.svd(graph.layers[layer], compute_uv=False)
                assert labelled(ax.lines, label).get_ydata() == pytest.approx(exact)
    unit = student.layers[0] / np.linalg.norm(student.layers[0], axis=0)
    line = plot_singular_values({"a": [student]}, []).lines[0]
    assert line.get_ydata() == pytest.approx(np.linalg.svd(unit, compute_uv=False))
    low = LayeredGraph.from_arrays([np.outer([1.0, 2.0, 3.0], [1.0, -1.0]), np.ones((2, 1))])
    assert plot_singular_values({"a": [low]}, []).lines[0].get_ydata().size == 1
    with pytest.raises(ShapeError, match="no layer 2"):
        plot_singular_values({"a": [student]}, [], layer=2)


def test_null_distances_are_standardised_histograms_with_the_observed_marked():
    tests = {"wasserstein": distances_of(), "k$s": distances_of(300.0, 1)}
    ax = plot_null_distances(tests, kind="direct")
    for row, (one, patch) in enumerate(zip(tests.values(), ax.patches, strict=True)):
        data = patch.get_data()
        mean, sd = np.mean(one.null_distances), np.std(one.null_distances, ddof=1)
        heights = np.histogram((one.null_distances - mean) / sd, data.edges)[0]
        assert heights.sum() == 99
        assert (data.values + row) / (data.values + row).max() == pytest.approx(
            heights / heights.max()
        )
        (marker,) = [
            line for line in ax.lines
            if line.get_marker() == "D" and abs(line.get_ydata()[0] + row) < 0.5
        ]  # fmt: skip
        assert marker.get_xdata() == pytest.approx([(one.distance - mean) / sd])
        assert marker.get_color() == kind_styles(["direct"])["direct"].color
    assert [text.get_text() for text in ax.texts] == ["wasserstein, p = 0.01", r"k\$s, p = 1"]


def test_null_distances_without_spread_are_refused():
    with pytest.raises(ShapeError, match="no distance was placed"):
        plot_null_distances({})
    graph = network(3, 4, 2)
    zeros = distance_test(graph, graph, lambda *_: 0.0, "shuffled_weights", samples=9)
    with pytest.raises(StaError, match="no scale to draw the distances on: 9 null distances"):
        plot_null_distances({"ks": zeros})
    beside = plot_null_distances({"ks": zeros, "paths": distances_of()})
    assert [text.get_text().split(",")[0] for text in beside.texts] == ["paths"]


def test_motifs_are_rows_and_those_without_a_score_are_left_out():
    def scores(**z):
        made = {name: MotifScore(5, 4.0, 1.0, value, 0.1, "fixed") for name, value in z.items()}
        return MotifScores("erdos_renyi", 10, made)

    student, teacher = (
        scores(chain=None, bifan=2.5, diverge=None),
        scores(chain=None, bifan=None, diverge=-1.0),
    )
    ax = plot_motif_scores({"spectral": student}, teacher)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["bifan", "diverge"]
    for label, row, z in (("spectral", 0, 2.5), ("teacher", 1, -1.0)):
        dots = labelled(ax.lines, label)
        assert list(dots.get_xdata()) == [z]
        assert abs(dots.get_ydata()[0] - row) < 0.5
    with pytest.raises(ShapeError, match="fixed"):
        plot_motif_scores({"spectral": scores(chain=None)})
    with pytest.raises(ShapeError, match="0 networks"):
        plot_motif_scores({})


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


def test_a_page_holds_the_networks_and_nine_panels():
    teacher, student = network(4, 5, 3, seed=1), network(4, 8, 3, seed=2)
    matching = match_units(student, teacher, outputs="aligned")
    figure = draw_student(
        np.linspace(1, 0, 8),
        student,
        teacher,
        matching=matching,
        tests={"wasserstein": distances_of()},
        kind="spectral",
    )
    assert [title[0] for title in titles(figure)] == list("aSbcdefghij")
    assert all(ax.get_legend() is None for ax in figure.axes)
    assert not [ax for ax in figure.axes if not ax.axison]
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert {"spectral", "teacher", "null networks", "positive balanced weight"} <= set(names)
    assert len(set(names)) == len(names)
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")


def test_a_panel_that_fails_holds_the_reason_and_the_page_is_kept():
    student = network(4, 8, 3, seed=2)
    figure = draw_student([1.0, np.nan], student, network(4, 5, 5, 3, seed=1))
    reasons = {
        ax.get_title(loc="left")[0]: " ".join(ax.texts[0].get_text().split())
        for ax in figure.axes
        if not ax.axison
    }
    assert sorted(reasons) == ["b", "h"]
    assert "importance must be" in reasons["b"]
    assert "no distance was placed" in reasons["h"]
    assert titles(figure)[0] == "a  Teacher, units in their own order"
    dead = LayeredGraph.from_arrays([np.zeros((4, 2)), np.ones((2, 3))])
    figure = draw_student([1.0, 0.5], dead, network(4, 5, 3))
    reasons = [ax.get_title(loc="left")[0] for ax in figure.axes if not ax.axison]
    assert reasons == ["c", "g", "h"]
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")


def test_a_student_without_a_teacher_has_a_page():
    figure = draw_student([1.0, 0.9, 0.5, 0.2], network(3, 4, 2))
    assert titles(figure)[0] == "a  Student"
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "teacher" not in names
