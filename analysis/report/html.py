"""Pages that refer to nothing outside: one template, one style sheet, pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from sta.analysis.figures import figure_bytes

# An SVG grows with the number of points; beyond this the smaller of the two is taken.
LARGEST_SVG = 250_000
PIXELS_PER_INCH = 110


def image(figure: Figure, contents: Mapping[str, bytes], alternative: str) -> dict[str, Any]:
    """Return a figure as the attributes of an img element.

    Parameters
    ----------
    figure : Figure
    contents : mapping from format to bytes
        As `sta.analysis.figures.rendered` gives them, svg among them.
    alternative : str
        For those who do not see it.
    """
    content, kind = contents["svg"], "svg+xml"
    if len(content) > LARGEST_SVG:
        pixels = contents.get("png") or figure_bytes(figure, "png")
        content, kind = min((content, kind), (pixels, "png"), key=lambda pair: len(pair[0]))
    return {
        "source": data_uri(content, kind),
        "width": round(figure.get_figwidth() * PIXELS_PER_INCH),
        "height": round(figure.get_figheight() * PIXELS_PER_INCH),
        "alternative": alternative,
    }


def data_uri(content: bytes, kind: str) -> str:
    """Return a picture as the source of an img element; inline SVGs would share their ids.

    Examples
    --------
    >>> data_uri(b"<svg/>", "svg+xml")
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def rendered_page(
    package: str,
    template: str,
    context: Mapping[str, Any],
    *,
    styles: str = "",
    filters: Mapping[str, Callable[..., Any]] | None = None,
) -> str:
    """Return a page from a package's template, with the reports' style sheet and one of its own.

    Parameters
    ----------
    package, template : str
        Where the template is, and its file.
    context : mapping
        What it shows; texts are escaped.
    styles : str
        Another style sheet of the package, after the reports'.
    filters : mapping of callables, optional
        Of the template.
    """
    own = files(package)
    sheets = [files("sta.analysis.report") / "report.css", *([own / styles] if styles else [])]
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= filters or {}
    # The style sheets are this project's own text.
    style = Markup("".join(sheet.read_text("utf-8") for sheet in sheets))  # noqa: S704
    page = environment.from_string((own / template).read_text("utf-8"))
    return page.render({**context, "style": style})
