"""The one template environment; every name and sentence from outside is escaped by it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from marginscope.reports import numbers, text
from marginscope.reports.json_island import as_island
from marginscope.reports.palette import INKS, STATUS_WORDS, VERDICT_LOOKS

__all__ = ["environment", "render_film", "render_fragment", "render_page"]

FILTERS = {
    "measure": numbers.as_measure,
    "label": text.as_label,
    "prose": text.as_prose,
    "rate": numbers.as_rate,
    "interval": numbers.as_interval,
    "change": numbers.as_change,
    "change_interval": numbers.as_change_interval,
    "share": numbers.as_share,
    "count": numbers.as_count,
    "seconds": numbers.as_seconds,
    "number": numbers.as_number,
    "power": numbers.as_power,
}


@cache
def environment() -> Environment:
    """Return the environment: escaping always on, an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("marginscope.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals.update(looks=VERDICT_LOOKS, status_words=STATUS_WORDS, inks=INKS)
    return made


def render_page(template: str, document: dict[str, Any], **values: Any) -> str:
    """Return a page that holds everything, its JSON document too, and fetches nothing."""
    style, script = _static_text("components.css", "page.css"), _static_text("page.js")
    policy, island = _content_policy(style, script), as_island(document)
    return _render(template, style=style, script=script, policy=policy, island=island, **values)


def render_film(template: str, **values: Any) -> str:
    """Return a page of pictures with its player, which fetches nothing; pictures are data of the page."""
    style, script = _static_text("components.css", "page.css", "film.css"), _static_text("film.js")
    policy = _content_policy(style, script) + "; img-src data:"
    return _render(template, style=style, script=script, policy=policy, island=None, **values)


def render_fragment(template: str, **values: Any) -> str:
    """Return the cell of a notebook, with its style."""
    return _render(template, style=_static_text("components.css", "fragment.css"), **values)


def _render(template: str, **values: Any) -> str:
    """Return a template filled in; characters without a UTF-8 form become question marks."""
    made = environment().get_template(template).render(**values)
    return made.encode("utf-8", "replace").decode("utf-8")


@cache
def _static_text(*names: str) -> Markup:
    """Return our own style sheets or script, which go into a page as they are."""
    folder = resources.files("marginscope.reports").joinpath("templates")
    return Markup("\n".join(folder.joinpath(name).read_text("utf-8").strip() for name in names))


def _content_policy(style: str, script: str) -> str:
    """Return a policy under which only this style and this script act, and nothing is fetched."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
