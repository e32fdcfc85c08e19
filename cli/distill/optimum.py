"""`sta distill optimum`: the best ridges, and how much regularisation a student inherits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sta.cli.distill.options import setting_options
from sta.cli.options import json_option, print_json, print_table

if TYPE_CHECKING:
    from sta.distillation import Setting


@click.command()
@setting_options()
@json_option
def optimum(setting: Setting, as_json: bool) -> None:
    """Search the best ridges of the teacher, of a direct student and for a distilled one.

    The distilled student keeps its own --lam; --lam-teacher is searched for.
    """
    from sta.distillation import inheritance

    found = inheritance(setting)
    report: dict[str, Any] = {"format": "sta.distill.optimum/1", **asdict(found)}
    report["notes"] = [
        f"{name}: the best ridge lies beyond {one['ridge']:g}"
        for name, one in report.items()
        if isinstance(one, dict) and not one["inside"]
    ]
    if as_json:
        print_json(report)
        return
    rows: list[list[object]] = [
        ["teacher, best lambda~", found.teacher.ridge, found.teacher.test_error],
        ["student on labels, best lambda", found.direct.ridge, found.direct.test_error],
        ["student on labels, this lambda", float(setting.lam), found.unregularised],
        ["distilled, best lambda~ for it", found.distilled.ridge, found.distilled.test_error],
        ["distilled, the teacher's best lambda~", found.teacher.ridge, found.inherited],
        ["Bayes bound of the student", None, found.bayes],
    ]
    print_table(f"alpha = {float(setting.alpha):g}", ["", "ridge", "test error"], rows)
    for note in report["notes"]:
        click.echo(note)
