"""Figures of a sweep and of a single student, colour-blind safe and sized for print.

    from sta.analysis.figures import plot_effective_size, save_figure

    ax = plot_effective_size(read_tables(folder).students)
    save_figure(ax.figure, "size")

Every ``plot_`` function draws one panel into ``ax``, or into a figure of its own, and returns
the axes; every ``draw_`` function returns a figure of several panels. None touches pyplot's
state or matplotlib's settings.
"""

from sta.analysis.figures.collapse import (
    plot_collapse,
    plot_collapse_residuals,
    plot_size_curves,
)
from sta.analysis.figures.collapse_page import draw_collapse
from sta.analysis.figures.coverage import plot_coverage
from sta.analysis.figures.dag import draw_dag, plot_dag, plot_dag_pair
from sta.analysis.figures.graphs import plot_in_strength, plot_path_quantiles, plot_path_tails
from sta.analysis.figures.importances import (
    normalised_importances,
    plot_importance_histogram,
    plot_importance_ranks,
)
from sta.analysis.figures.losses import plot_learning_curve, plot_losses
from sta.analysis.figures.motifs import plot_motif_scores
from sta.analysis.figures.nulls import NullRow, plot_nulls
from sta.analysis.figures.panels import draw_panels, shared_legend
from sta.analysis.figures.plateaus import plot_plateaus, plot_scaling_profile
from sta.analysis.figures.ramps import (
    model_curve,
    plot_ramp,
    plot_ramp_fits,
    plot_ramp_widths,
)
from sta.analysis.figures.saving import figure_bytes, rendered, save_figure, save_rendered
from sta.analysis.figures.sizes import plot_effective_size, plot_size_over_threshold
from sta.analysis.figures.student import plot_sorted_importance
from sta.analysis.figures.student_page import draw_student
from sta.analysis.figures.style import KindStyle, kind_styles, theme
from sta.analysis.figures.thresholds import plot_threshold_fits
from sta.analysis.figures.topology import (
    plot_centrality,
    plot_null_distances,
    plot_singular_values,
)

__all__ = [
    "KindStyle",
    "NullRow",
    "draw_collapse",
    "draw_dag",
    "draw_panels",
    "draw_student",
    "figure_bytes",
    "kind_styles",
    "model_curve",
    "normalised_importances",
    "plot_centrality",
    "plot_collapse",
    "plot_collapse_residuals",
    "plot_coverage",
    "plot_dag",
    "plot_dag_pair",
    "plot_effective_size",
    "plot_importance_histogram",
    "plot_importance_ranks",
    "plot_in_strength",
    "plot_learning_curve",
    "plot_losses",
    "plot_motif_scores",
    "plot_null_distances",
    "plot_nulls",
    "plot_path_quantiles",
    "plot_path_tails",
    "plot_plateaus",
    "plot_ramp",
    "plot_ramp_fits",
    "plot_ramp_widths",
    "plot_scaling_profile",
    "plot_singular_values",
    "plot_size_curves",
    "plot_size_over_threshold",
    "plot_sorted_importance",
    "plot_threshold_fits",
    "rendered",
    "save_figure",
    "save_rendered",
    "shared_legend",
    "theme",
]
