"""One self-contained HTML page about a sweep."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from sta.analysis.figures import rendered, save_rendered
from sta.analysis.figures.saving import FORMATS
from sta.analysis.report import html
from sta.analysis.report.captions import captions
from sta.analysis.report.chance import NULL_SAMPLES
from sta.analysis.report.closeness import findings
from sta.analysis.report.data import GRAPHS_PER_GROUP, SweepData, read_sweep
from sta.analysis.report.drawing import FIGURES
from sta.analysis.report.fit_tables import TABLES
from sta.analysis.report.limits import limits
from sta.analysis.report.settings import settings
from sta.analysis.report.tables import Table
from sta.checkpoint import package_versions
from sta.errors import StaError
from sta.files import refuse_existing, write_bytes

SYMBOLS = re.compile(r"(?<![\w-])(h|x|L|λ)_(T|c|m|max|out)(?![\w-])")
DRAWING_PACKAGES = ("matplotlib", "seaborn", "jinja2")


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes
    ----------
    path : Path
        The page.
    size : int
        Its bytes.
    figures : tuple of Path
        The files of the figures, if they were asked for.
    failures : dict from str to str
        Part of the page (``figure size``, ``table fits``, ``verdict``) to the reason why it could
        not be made.
    """

    path: Path
    size: int
    figures: tuple[Path, ...] = ()
    failures: dict[str, str] = field(default_factory=dict)


def write_report(
    folder: Path,
    output: Path,
    *,
    seed: int = 0,
    overwrite: bool = False,
    figures: Path | None = None,
    graphs_per_group: int = GRAPHS_PER_GROUP,
    null_samples: int = NULL_SAMPLES,
) -> Report:
    """Write the report of a finished sweep as one HTML page that refers to nothing outside.

    A figure or a table that cannot be made is replaced by the reason; the rest is kept.

    Parameters
    ----------
    folder : Path
        The sweep's directory.
    output : Path
        The page; written atomically.
    seed : int
        Seed of all resampling.
    overwrite : bool
        Whether existing files may be replaced.
    figures : Path, optional
        A folder to which the figures are written too, as svg, pdf and png.
    graphs_per_group : int
        Most students of each kind and of given widths whose paths are measured.
    null_samples : int
        Networks of each other kind among which their distances to the teacher are placed.

    Returns
    -------
    Report

    Raises
    ------
    FileFormatError
        If the folder is no finished sweep.
    StaError
        If a file exists already or cannot be written.
    """
    if not overwrite:
        for path in (output, *_figure_files(figures)):
            refuse_existing(path)
    data = read_sweep(
        folder, seed=seed, graphs_per_group=graphs_per_group, null_samples=null_samples
    )
    data.compute()
    failures: dict[str, str] = {}
    written: list[Path] = []
    parts = {
        "verdict": _verdict(data, failures),
        "figures": list(_figures(data, figures, overwrite, failures, written)),
        "tables": [
            {"name": spec.name, "title": spec.title, **_table(spec.make, spec.name, data, failures)}
            for spec in TABLES
        ],
        "limits": [*limits(data), *_notes(data)],
    }
    page = html.rendered_page(
        "sta.analysis.report", "report.html.j2", {**_facts(data), **parts},
        filters={"symbols": symbols},
    ).encode()  # fmt: skip
    write_bytes(output, page, overwrite=overwrite)
    return Report(output, len(page), tuple(written), failures)


def _figure_files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    return [folder / f"{spec.name}.{kind}" for spec in FIGURES for kind in FORMATS]


def _attempt(make: Callable[[], Any], name: str, failures: dict[str, str]) -> Any:
    """Return what `make` returns, or None and the reason under its name in `failures`."""
    try:
        return make()
    except StaError as error:
        failures[name] = str(error)
    except Exception as error:
        failures[name] = f"{type(error).__name__}: {error}"
    return None


def _verdict(data: SweepData, failures: dict[str, str]) -> dict[str, Any]:
    text = _attempt(lambda: str(data.collapse["verdict"]), "verdict", failures)
    sentences = re.split(r"(?<=\.)\s+", text) if text else []
    return {"sentences": sentences, "reason": failures.get("verdict")}


def _notes(data: SweepData) -> list[str]:
    notes = _attempt(lambda: list(data.collapse["notes"]), "notes", {}) or []
    # The collapse's notes begin with the key of its JSON that is null.
    return [f"From the fits: {note}." for note in notes if not note.startswith("quality.")]


def _figures(
    data: SweepData,
    folder: Path | None,
    overwrite: bool,
    failures: dict[str, str],
    written: list[Path],
) -> Iterator[dict[str, Any]]:
    words, found = captions(data), findings(data)
    for spec in FIGURES:
        name = f"figure {spec.name}"
        figure = _attempt(lambda spec=spec: spec.draw(data), name, failures)  # type: ignore[misc]
        kinds = ("svg",) if folder is None else FORMATS
        contents = None if figure is None else _attempt(
            lambda figure=figure, kinds=kinds: rendered(figure, kinds), name, failures  # type: ignore[misc]
        )  # fmt: skip
        image = None
        if figure is not None and contents is not None:
            image = html.image(figure, contents, spec.title)
            if folder is not None:
                written += save_rendered(contents, folder / spec.name, overwrite=overwrite)
        yield {
            "name": spec.name,
            "title": spec.title,
            "caption": words[spec.name],
            "findings": found.get(spec.name, []),
            "image": image,
            "reason": failures.get(name),
        }


def _table(
    make: Callable[[SweepData], Table], name: str, data: SweepData, failures: dict[str, str]
) -> dict[str, Any]:
    table = _attempt(lambda: make(data), f"table {name}", failures)
    return {"table": table, "reason": failures.get(f"table {name}")}


def _facts(data: SweepData) -> dict[str, Any]:
    """Return what the page says about the sweep whatever else fails."""
    config, students = data.plan.config, data.students
    return {
        "name": data.folder.resolve().name,
        "kinds": list(config.kinds),
        "count": len(students),
        "planned": len(data.plan.students),
        "lost": int((students["status"] != "ok").sum()),
        "teacher": config.teacher,
        "student_widths": sorted({int(width) for width in students["student_width"]}),
        "trials": config.student.trials,
        "epochs": config.training.epochs,
        "threshold": data.threshold,
        "seeds": {"sweep (training)": config.seed, "resampling (this page)": data.seed},
        "settings": settings(config),
        "versions": _versions(data.recorded_versions),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _versions(recorded: Mapping[str, str]) -> list[tuple[str, str, str]]:
    here = package_versions() | {name: version(name) for name in DRAWING_PACKAGES}
    here["python"] = platform.python_version()
    names = [*recorded, *(name for name in here if name not in recorded)]
    return [(name, recorded.get(name, "–"), here.get(name, "–")) for name in names]


def symbols(text: str) -> Markup:
    """Escape a text and set the indices of its symbols, such as h_T, as subscripts.

    Examples
    --------
    >>> str(symbols("n < h_T"))
    'n &lt; h<sub>T</sub>'
    """
    # The text is escaped before the only tags are put in.
    return Markup(SYMBOLS.sub(r"\1<sub>\2</sub>", str(escape(text))))  # noqa: S704
