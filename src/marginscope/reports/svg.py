"""A figure as inline SVG: no style attribute, no script, no clock, no font file.

matplotlib writes ``style="fill: #2a5bd7"``, random identifiers, a date and a
style rule for the whole document. Here that becomes attributes, identifiers from
the content, and CSS variables, so that the page may forbid inline styles, two
notebook cells never share an identifier, and the picture follows dark mode.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from marginscope.reports.figures import quiet_glyphs
from marginscope.reports.palette import INKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["as_inline_svg"]

_VARIABLES = {value: f"var(--ms-{name})" for name, value in INKS.items()}
_DRAWING = threading.Lock()
_NUMBER = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([A-Za-z0-9_.:-]+)")
_FONT_SIZE = re.compile(r"([\d.]+)px")
_KEPT = (
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-opacity",
    "opacity",
    "text-anchor",
)
_DROPPED = ("metadata", "style")


def as_inline_svg(figure: Figure, description: str) -> Markup:
    """Return the figure as one ``svg`` element; ``description`` is read to those who cannot see it."""
    root = ElementTree.fromstring(_raw_svg(figure))
    referenced = _referenced(root)
    salt = hashlib.sha256(_NUMBER.sub("", description).encode("utf-8", "replace"))
    body = "".join(_write(child, referenced) for child in root)
    salt.update(body.encode("utf-8", "replace"))
    prefix = f"m{salt.hexdigest()[:8]}-"
    for number, name in enumerate(referenced):
        body = body.replace(f'"#{name}"', f'"#{prefix}{number}"').replace(f"url(#{name})", f"url(#{prefix}{number})")
        body = body.replace(f' id="{name}"', f' id="{prefix}{number}"')
    box = _shorter(root.get("viewBox", "0 0 1 1"))
    return Markup(
        f'<svg class="ms-plot" viewBox="{box}" role="img" aria-label="{escape(description)}" '
        f'preserveAspectRatio="xMinYMin meet">{body}</svg>'
    )


def _raw_svg(figure: Figure) -> bytes:
    from matplotlib import rc_context

    stream = io.BytesIO()
    # The SVG writer reads these three settings and nothing else; they are put back at once.
    with _DRAWING, quiet_glyphs(), rc_context({"svg.fonttype": "none", "svg.hashsalt": "marginscope", "svg.id": None}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _referenced(root: ElementTree.Element) -> list[str]:
    """Return the identifiers that something points to, in order of appearance."""
    found: dict[str, None] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name.endswith("href") or value.startswith("url(#"):
                found.update(dict.fromkeys(_REFERENCE.findall(value)))
    return list(found)


def _write(element: ElementTree.Element, referenced: list[str]) -> str:
    tag = element.tag.rpartition("}")[2]
    if tag in _DROPPED:
        return ""
    attributes = dict(_attributes(element, referenced))
    inside = escape(element.text, quote=False) if tag == "text" and element.text else ""
    inside += "".join(_write(child, referenced) for child in element)
    if tag in ("g", "defs") and not inside:
        return ""
    if tag == "g" and not attributes:
        return inside
    if tag == "path" and attributes.get("fill") == "none" and "stroke" not in attributes:
        return ""  # the invisible background
    text = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{text}>{inside}</{tag}>" if inside else f"<{tag}{text}/>"


def _attributes(element: ElementTree.Element, referenced: list[str]) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        plain = name.rpartition("}")[2]
        if plain == "style":
            yield from _from_style(value)
        elif plain == "id":
            if value in referenced:
                yield "id", value
        elif plain == "transform":
            # With no turn the text is placed by x and y alone.
            if not value.startswith("rotate(-0 "):
                yield "transform", _shorter(value)
        elif plain == "href" or value.startswith("url(#"):
            yield plain, value
        else:
            yield plain, _shorter(value)


def _from_style(style: str) -> Iterator[tuple[str, str]]:
    for part in style.split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name in ("font", "font-size") and (size := _FONT_SIZE.search(value)):
            yield "font-size", _shorter(size[1])
        elif name in _KEPT:
            yield name, _VARIABLES.get(value, _shorter(value))


def _shorter(value: str) -> str:
    """Round the decimals of coordinates to hundredths."""
    return _NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
