"""A comparison of two networks as one table, to be printed or put into a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sta.analysis.graph.chance import UNITS
from sta.analysis.graph.comparison import GraphComparison

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["comparison_table"]

_DISTANCES = {
    "paths, Wasserstein": ("wasserstein", "paths.count.wasserstein"),
    "paths, Wasserstein / sd": ("wasserstein_over_std", ""),
    "paths, Kolmogorov-Smirnov": ("ks", "paths.count.ks"),
    "paths, Jensen-Shannon": ("jensen_shannon", ""),
}


def comparison_table(comparison: GraphComparison) -> pd.DataFrame:
    """Sizes, path sums, distances with their p-values, and shares of matched units and edges.

    Parameters
    ----------
    comparison : GraphComparison

    Returns
    -------
    pandas.DataFrame
        One row a quantity; NaN where a column does not apply. ``student`` and ``teacher`` hold
        what each has, ``distance`` how far they are apart, and every column ``p ...`` the share
        of other networks that are as close to the teacher, the student among them: ``p random``
        of networks with the teacher's shape and weights drawn from its own, ``p shuffled`` of the
        student with its weights shuffled in every layer, ``p before training`` of untrained
        students of the same settings. No p-value is corrected for the number of rows.

    Examples
    --------
    >>> from sta.analysis.graph import LayeredGraph, compare_graphs
    >>> graph = LayeredGraph.from_arrays([[[1.0, 2.0]], [[1.0], [3.0]]])
    >>> float(comparison_table(compare_graphs(graph, graph)).loc["paths", "student"])
    2.0
    """
    import pandas as pd  # here, not above: the import takes longer than most comparisons

    sides = (comparison.student, comparison.teacher)
    rows: dict[str, dict[str, Any]] = {
        "units": _both(side["units"] for side in sides),
        "edges": _both(side["edges"] for side in sides),
        "paths": _both(side["paths"]["count"] for side in sides),
        "effective paths": _both(side["paths"]["effective_number"] for side in sides),
        "path norm L1": _both(side["paths"]["l1"] for side in sides),
        "signed sum of paths": _both(side["paths"]["signed_sum"] for side in sides),
    }
    distance = comparison.distance
    for label, (key, name) in _DISTANCES.items():
        rows[label] = _apart(comparison, distance["paths"][key], name)
    rows["path mass, Wasserstein"] = _apart(
        comparison, distance["paths"]["mass"]["wasserstein"], "paths.mass.wasserstein"
    )
    balanced = [entry["wasserstein"] for entry in distance["in_strength_balanced"]]
    known = bool(balanced) and None not in balanced
    rows["in-strength, balanced"] = _apart(  # the mean over layers, as in GRAPH_DISTANCES
        comparison, float(np.mean(balanced)) if known else None, "in_strength_balanced"
    )
    rows["centrality of units"] = {"distance": distance["centrality"]}
    rows["singular values"] = {"distance": distance["singular_values"]}
    rows |= _matched(comparison)
    table = pd.DataFrame.from_dict(rows, orient="index")
    first = ["student", "teacher", "distance"]
    return table.astype(float)[first + [name for name in table.columns if name not in first]]


def _both(values: Any) -> dict[str, Any]:
    return dict(zip(("student", "teacher"), values, strict=True))


def _apart(comparison: GraphComparison, value: float | None, name: str) -> dict[str, Any]:
    tests = {f"p {test.null}": test.p_value for key, test in comparison.nulls if key == name}
    return {"distance": value, **tests}


def _matched(comparison: GraphComparison) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    if comparison.matching is not None:
        hidden = comparison.matching.to_dict(comparison.cosine)
        rows["hidden units matched"] = _both((hidden["matched"], hidden["teacher_units"]))
        rows["hidden units not matched"] = _apart(
            comparison, 1 - hidden["matched"] / hidden["teacher_units"], UNITS
        )
    if comparison.duplicates is not None and comparison.duplicates["paths"] is not None:
        merged = comparison.duplicates["paths"]["wasserstein_over_std"]
        rows["paths, merged units / sd"] = {"distance": merged}
    if comparison.subgraph is not None:
        for name in ("precision", "recall"):
            rows[f"{name} of edges"] = {"student": comparison.subgraph[name]}
        rows["relative error of weights"] = {"distance": comparison.subgraph["error"]}
    return rows
