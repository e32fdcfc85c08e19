"""The tables of the fits to the ramps, and the list of all tables of a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sta.analysis.report.chance_tables import chance_table, paired_table
from sta.analysis.report.data import SweepData
from sta.analysis.report.numbers import MISSING, estimate, number
from sta.analysis.report.tables import (
    HEAD,
    Table,
    cost_table,
    distance_table,
    head,
    loss_table,
    matching_table,
    ordered,
    size_table,
)

SHAPES = {
    "threshold": ("x_c", "beta"),
    "exponential": ("b",),
    "stretched": ("b", "p"),
    "crossover": ("x_m", "w"),
}
GREEK = {"beta": "β"}


@dataclass(frozen=True)
class TableSpec:
    """A table of the report: its name, its heading, and how it is made."""

    name: str
    title: str
    make: Callable[[SweepData], Table]


def fit_table(data: SweepData) -> Table:
    """Models fitted to the ramps, with one shape for all widths of a kind."""
    rows = []
    for pooled in ordered(data, data.collapse["pooled"]):
        comparison = pooled["comparison"]
        for model, names in SHAPES.items():
            fit = pooled.get(model)
            if fit is None:
                continue
            gain = comparison["differences"].get(model)
            rows.append(
                [
                    pooled["kind"],
                    str(pooled["teacher_width"]),
                    ", ".join(str(width) for width in pooled["student_widths"]),
                    model + (" (preferred)" if comparison["preferred"] == model else ""),
                    "; ".join(
                        f"{GREEK.get(name, name)} = {estimate(fit['parameters'].get(name))}"
                        for name in names
                    )
                    if fit["parameters"]
                    else MISSING,
                    f"{fit['r_squared']:.4f}" if fit["r_squared"] is not None else MISSING,
                    estimate(gain),
                    fit["message"] or "",
                ]
            )
    columns = (
        "kind", "h_T", "h", "model", "parameters [95 %]", "R²", "excess error [95 %]", "remark",
    )  # fmt: skip
    caption = (
        "Fits to the mean ramps over x = n / h_T, one shape for all student widths named. Intervals"
        " from a bootstrap over whole trials. Excess error: weighted squared residual per point on"
        " trials left out of the fit, this model's minus the threshold's; a model is preferred only"
        " if that difference is clear of zero. R² is given because it is customary: it hardly tells"
        " the models apart. A parameter at the end of its search interval is no measurement."
    )
    return Table("Fits to the ramp", caption, columns, rows, labels=4)


def published_fit_table(data: SweepData) -> Table:
    """Fits of the published exponential, a row a width."""
    rows = []
    for fit in ordered(data, data.collapse["fits"]):
        one = fit["published_exponential"]
        values = [estimate(one["parameters"].get(name)) for name in ("b", "a", "c")]
        quality = MISSING if one["r_squared"] is None else f"{one['r_squared']:.4f}"
        rows.append([*head(fit), number(fit["n_trials"]), *values, quality, one["message"] or ""])
    columns = (*HEAD, "trials", "b [95 %]", "a [95 %]", "c [95 %]", "R²", "remark")
    caption = (
        "The published form a exp(−b x′) + c on x′ = n / h_T − 1 in [−1, 0], fitted without"
        " weights to the mean ramp divided by its largest value."
    )
    return Table("The published exponential", caption, columns, rows)


TABLES = (
    TableSpec("size", "Effective size", size_table),
    TableSpec("losses", "Errors", loss_table),
    TableSpec("cost", "Cost of pruning to the teacher's width", cost_table),
    TableSpec("chance", "Is it closer than chance?", chance_table),
    TableSpec("paired", "Which kind is closer?", paired_table),
    TableSpec("distance", "Distance to the teacher", distance_table),
    TableSpec("matching", "Matching of units", matching_table),
    TableSpec("fits", "Fits to the ramp", fit_table),
    TableSpec("published", "The published exponential", published_fit_table),
)
