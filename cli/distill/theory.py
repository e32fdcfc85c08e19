"""`sta distill theory`: the fixed point of one setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sta.cli.distill.options import setting_options
from sta.cli.options import json_option, print_json, print_table

if TYPE_CHECKING:
    from sta.distillation import Setting

TEACHER = ("test_error", "training_error", "m", "q", "b")
STUDENT = (
    "test_error", "training_error", "m", "q", "s", "b", "cross_entropy", "distance_outputs",
    "distance_probabilities",
)  # fmt: skip


@click.command()
@setting_options()
@json_option
def theory(setting: Setting, as_json: bool) -> None:
    """Solve the order parameters of teacher and student for large N."""
    from sta.distillation import separability_threshold
    from sta.distillation import theory as solve

    found = solve(setting)
    report: dict[str, Any] = {
        "format": "sta.distill.theory/1",
        "teacher": {name: float(getattr(found.teacher, name)) for name in TEACHER},
        "student": {name: float(getattr(found.student, name)) for name in STUDENT},
        "bayes": {
            "teacher": float(found.bayes_teacher), "student": float(found.bayes_student),
        },
        "separability_threshold": separability_threshold(
            rho=float(setting.rho), delta=float(setting.delta), eta=float(setting.eta)
        ),
        "certificate": {
            level: {"residual": float(one.residual), "iterations": int(one.iterations)}
            for level, one in (("teacher", found.teacher), ("student", found.student))
        },
        "notes": [],
    }  # fmt: skip
    if setting.teacher != "erm":
        report["notes"].append("teacher.training_error: an optimal teacher is not trained")
    if as_json:
        print_json(report)
        return
    rows = [[name, report["teacher"].get(name), report["student"][name]] for name in STUDENT]
    bounds = report["bayes"]
    rows.append(["least possible test error", bounds["teacher"], bounds["student"]])
    print_table(f"alpha = {float(setting.alpha):g}", ["", "teacher", "student"], rows)
    kept = report["certificate"]["student"]
    click.echo(
        f"converged to {kept['residual']:.1g} in {kept['iterations']} iterations; patterns are"
        f" separable for the student below alpha = {report['separability_threshold']:.4g}"
    )
