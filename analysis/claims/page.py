"""One self-contained HTML page about a reproduction, and its figures as files."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sta.analysis.claims.ledger import PAPERS
from sta.analysis.claims.pictures import PICTURES
from sta.analysis.claims.reproduction import Reproduction
from sta.analysis.claims.rules import VERDICTS, Judged
from sta.analysis.claims.workplace import VARIANTS
from sta.analysis.figures import rendered, save_rendered
from sta.analysis.figures.claims import draw_gauge
from sta.analysis.figures.saving import FORMATS
from sta.analysis.report import html
from sta.checkpoint import package_versions
from sta.files import write_bytes

METHODS = {
    "spectral": "Draws of a teacher with 10 units; each teaches spectral and conventional students"
    " of every width, by the published protocol (300 patterns a batch, L2 penalty). Units are"
    " ranked by the eigenvalue criterion, and the independent unit is a teacher: students of one"
    " teacher are averaged first. Second order is asked of calibrated tests of a threshold against"
    " smooth curves; the full run reads a finished sweep of 640 students for it.",
    "quadratic": "Overlaps of student and teacher, for large N by integrating their motion, for"
    " N = 1000 by the exact Markov chain of one-pass SGD; learning rates at one g = a b eta ="
    " 0.03. Independent units are batches of runs, or starts.",
    "distillation": "Two Gaussian clusters of unequal weight (rho = 0.2, Delta = 1, eta = 0.5, no"
    " ridge on the student); ridge by ridge the same draws of patterns, so that differences are"
    " paired. Best ridges come from the fixed point equations for large N.",
    "transfer": "scikit-learn's digits; teachers are trained on all labels, students of one seed"
    " share split, teacher and start, so that differences are paired. Factors come from a"
    " paraphraser of the teacher's last maps.",
}


def write_page(found: Reproduction) -> Path:
    """Draw a reproduction's figures, from the runs it keeps, and write ``reproduction.html``.

    Figures go to ``figures`` as svg, pdf and png.

    Returns
    -------
    Path
        The page. It refers to nothing outside.
    """
    folder = found.place.folder
    papers = [_paper(found, paper) for paper in found.papers]
    counted = Counter(one.verdict for one in found.judged)
    scope = "Full" if found.place.full else "Quick"
    context = {
        "scope": scope, "seed": found.place.seed, "count": len(found.judged), "papers": papers,
        "tally": [(one, counted[one]) for one in VERDICTS if counted[one]],
        "command": " ".join(
            ["sta reproduce", *(found.papers if len(papers) < len(PAPERS) else []),
             f"--{scope.lower()} --seed {found.place.seed}"]
        ),
        "versions": ", ".join(f"{name} {one}" for name, one in package_versions().items()),
    }  # fmt: skip
    path = folder / "reproduction.html"
    page = html.rendered_page("sta.analysis.claims", "claims.html.j2", context, styles="claims.css")
    write_bytes(path, page.encode(), overwrite=True)
    return path


def _paper(found: Reproduction, paper: str) -> dict[str, Any]:
    picture = PICTURES[paper]
    title, _, source = PAPERS[paper].rpartition(" (")
    stem = found.place.folder / "figures" / paper
    found.place.say(f"picture of {paper}")
    image = _image(stem, picture.draw(found.place), picture.alternative)
    own = [one for one in found.judged if one.entry.paper == paper]
    robust = _robustness(found) if paper == "spectral" else {}
    return {
        "key": paper, "title": title, "source": source.removesuffix(")"), "image": image,
        "caption": picture.caption, "method": METHODS[paper],
        "claims": [_claim(found, one) for one in own],
        "robustness": robust.get("rows", []), "variants": robust.get("variants", []),
        "changed": robust.get("changed", ""),
    }  # fmt: skip


def _claim(found: Reproduction, one: Judged) -> dict[str, Any]:
    entry, measurement = one.entry, one.measurement
    settings = {} if measurement is None else measurement.settings
    value = None if entry.rule == "calibrated" else one.value
    return {
        "id": entry.name.replace(".", "-"), "sentence": entry.sentence, "verdict": one.verdict,
        "value": _number(value),
        "interval": _interval(one), "reason": _sentence(one.reason),
        "note": measurement.note if measurement is not None and entry.rule != "calibrated" else "",
        "quantity": entry.quantity, "confirm": entry.confirm, "refute": entry.refute,
        "where": entry.where, "settings": json.dumps(settings) if settings else "",
        "image": _gauge(found, one),
    }  # fmt: skip


def _gauge(found: Reproduction, one: Judged) -> dict[str, Any] | None:
    entry, measurement = one.entry, one.measurement
    if entry.rule != "inside" or measurement is None:
        return None
    return _image(
        found.place.folder / "figures" / entry.name,
        draw_gauge(measurement.values, one.interval, (entry.low, entry.high), one.verdict),
        f"{entry.quantity}: {one.reason}; verdict: {one.verdict}",
    )


def _image(stem: Path, figure: Figure, alternative: str) -> dict[str, Any]:
    contents = rendered(figure, FORMATS)
    save_rendered(contents, stem, overwrite=True)
    return html.image(figure, contents, alternative)


def _robustness(found: Reproduction) -> dict[str, Any]:
    if not found.robustness:
        return {}
    base = {one.entry.name: one for one in found.judged}
    columns = {VARIANTS[0].name: base} | {
        name: {one.entry.name: one for one in judged} for name, judged in found.robustness.items()
    }
    names = list(next(iter(found.robustness.values())))
    rows = [
        {
            "sentence": one.entry.sentence,
            "cells": [
                {
                    "verdict": own[one.entry.name].verdict,
                    "value": _number(own[one.entry.name].value)
                    if one.entry.rule != "calibrated" else "",
                }
                for own in columns.values()
            ],
        }
        for one in names
    ]  # fmt: skip
    changed = found.changed()
    told = "No verdict changes." if not changed else "Verdicts that change: " + "; ".join(
        f"“{base[name].entry.sentence}” ({base[name].verdict}) with "
        + ", ".join(f"{variant}: {verdict}" for variant, verdict in one.items())
        for name, one in changed.items()
    ) + "."  # fmt: skip
    return {"rows": rows, "variants": list(columns), "changed": told}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3g}"


def _interval(one: Judged) -> str:
    if one.interval is None:
        return "–"
    return f"[{one.interval[0]:.3g}, {one.interval[1]:.3g}]"
