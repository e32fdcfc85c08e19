"""Figures as files, written whole or not at all."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from sta.analysis.figures.style import theme
from sta.errors import ConfigError
from sta.files import refuse_existing, write_bytes

FORMATS = ("svg", "pdf", "png")
RESOLUTION = 200.0


def figure_bytes(figure: Figure, kind: str, *, resolution: float = RESOLUTION) -> bytes:
    """Return a figure as the content of a file; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
        What to render.
    kind : {"svg", "pdf", "png"}
        Format of the file. The SVG has its text as outlines and refers to nothing outside.
    resolution : float
        Dots an inch of a PNG.

    Raises
    ------
    ConfigError
        If the format is another.
    """
    if kind not in FORMATS:
        raise ConfigError(f"figure format {kind!r} is unknown; choose from {FORMATS}")
    undated = {
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    buffer = io.BytesIO()
    with theme():
        figure.savefig(buffer, format=kind, dpi=resolution, metadata=undated[kind])
    content = buffer.getvalue()
    return re.sub(rb"<!DOCTYPE[^>]*>\s*", b"", content, count=1) if kind == "svg" else content


def rendered(figure: Figure, kinds: Iterable[str]) -> dict[str, bytes]:
    """Return a figure as the contents of files of several formats, laid out once for all.

    Parameters
    ----------
    figure : Figure
    kinds : iterable of {"svg", "pdf", "png"}

    Returns
    -------
    dict from format to bytes

    Raises
    ------
    ConfigError
        If a format is unknown.
    """
    layout = figure.get_layout_engine()
    contents = {}
    try:
        for kind in kinds:
            contents[kind] = figure_bytes(figure, kind)
            figure.set_layout_engine("none")  # what takes longest; it stays as it is
    finally:
        figure.set_layout_engine(layout)
    return contents


def save_figure(
    figure: Figure,
    stem: Path | str,
    formats: Iterable[str] = FORMATS,
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write a figure in several formats, each file atomically.

    Parameters
    ----------
    figure : Figure
        What to write.
    stem : Path or str
        Name without ending: ``out/size`` makes ``out/size.svg`` and so on.
    formats : iterable of {"svg", "pdf", "png"}
        Formats wanted.
    overwrite : bool
        Whether existing files may be replaced; otherwise nothing is written if one exists.

    Returns
    -------
    list of Path
        The files, in the order of `formats`.

    Raises
    ------
    ConfigError
        If a format is unknown.
    StaError
        If a file exists already or cannot be written.
    """
    return save_rendered(rendered(figure, formats), stem, overwrite=overwrite)


def save_rendered(
    contents: Mapping[str, bytes], stem: Path | str, *, overwrite: bool = False
) -> list[Path]:
    """Write what `rendered` gave, each file atomically.

    Parameters
    ----------
    contents : mapping from format to bytes
    stem, overwrite : Path or str, bool
        As in `save_figure`.

    Returns
    -------
    list of Path

    Raises
    ------
    StaError
        If a file exists already or cannot be written.
    """
    stem = Path(stem)
    files = {stem.with_name(f"{stem.name}.{kind}"): part for kind, part in contents.items()}
    if not overwrite:
        for path in files:
            refuse_existing(path)
    for path, content in files.items():
        write_bytes(path, content, overwrite=overwrite)
    return list(files)
