"""The command ``explain``: what a cause means, and what to do about it."""

from __future__ import annotations

import difflib
import sys
from importlib import resources
from typing import TYPE_CHECKING, Annotated

import typer

from marginscope.cli.run_options import JsonOption
from marginscope.exceptions import UsageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["explain", "page", "slugs", "summary"]


def _folder() -> Traversable:
    return resources.files("marginscope") / "explain"


def slugs() -> list[str]:
    """Return the causes that have a page, sorted."""
    return sorted(one.name.removesuffix(".md") for one in _folder().iterdir() if one.name.endswith(".md"))


def page(slug: str) -> str:
    """Return the Markdown page of a cause.

    Raises
    ------
    UsageError
        If there is no such cause, naming the nearest ones.
    """
    known = slugs()
    if slug not in known:
        near = difflib.get_close_matches(slug, known, n=3)
        advice = f"use {' or '.join(near)}" if near else "run 'marginscope explain' to list them"
        raise UsageError(f"the name of a cause is needed, got {slug!r}; {advice}")
    return (_folder() / f"{slug}.md").read_text(encoding="utf-8")


def summary(slug: str) -> str:
    """Return what a cause means in one line: the line under the title of its page."""
    return page(slug).splitlines()[2]


def explain(
    slug: Annotated[
        str | None, typer.Argument(metavar="[SLUG]", help="Cause to explain; without it, all are listed.")
    ] = None,
    json: JsonOption = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Explain a cause, and what to do about it.

    A page says what the cause means, what decides it, what to do, and when the finding
    is wrong or may be ignored.

    For example:

      marginscope explain

      marginscope explain weights-vanish
    """
    del debug  # read by main, where errors are shown
    if json:
        _print_json(slug)
    elif slug is None:
        from rich.text import Text

        from marginscope.cli.output import print_lines

        width = max(map(len, slugs()))
        print_lines(Text(f"{one:<{width}}  {summary(one)}") for one in slugs())
    else:
        _print_page(page(slug))
    return 0


def _print_json(slug: str | None) -> None:
    import json

    from marginscope.cli.output import write_json

    if slug is None:
        causes = [{"slug": one, "summary": summary(one)} for one in slugs()]
        document: dict[str, object] = {"schema": "marginscope.explanations/1", "causes": causes}
    else:
        text = page(slug)
        document = {"schema": "marginscope.explanation/1", "slug": slug, "summary": summary(slug), "text": text}
    write_json(json.dumps(document, indent=2, ensure_ascii=False))


def _print_page(text: str) -> None:
    from rich.text import Text

    from marginscope.cli.output import open_console, print_lines

    if sys.stdout.isatty():
        from rich.markdown import Markdown

        open_console().print(Markdown(text))
    else:
        print_lines(Text(line) for line in text.splitlines())
