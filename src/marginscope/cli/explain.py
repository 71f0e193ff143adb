"""The command ``explain``: what a cause, a verdict or a remedy means."""

from __future__ import annotations

import difflib
import sys
from importlib import resources
from typing import TYPE_CHECKING, Annotated

import typer

from marginscope.cli.run_options import JsonOption
from marginscope.exceptions import UsageError
from marginscope.findings import Verdict

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from marginscope.remedies.recipe import Remedy

__all__ = ["explain", "page", "slugs", "summary"]

_VERDICTS = tuple(str(one) for one in Verdict)


def _folder() -> Traversable:
    return resources.files("marginscope") / "explain"


def slugs() -> list[str]:
    """Return the causes that have a page, sorted."""
    return sorted(one.name.removesuffix(".md") for one in _folder().iterdir() if one.name.endswith(".md"))


def page(slug: str) -> str:
    """Return the Markdown page of a cause, a verdict or a remedy.

    Raises
    ------
    UsageError
        If there is none, naming the nearest ones.
    """
    if slug in slugs():
        return (_folder() / f"{slug}.md").read_text(encoding="utf-8")
    if slug in _VERDICTS:
        return (_folder() / "verdicts" / f"{slug}.md").read_text(encoding="utf-8")
    from marginscope.remedies import REMEDIES

    remedies = {one.slug: one for one in REMEDIES}
    if slug in remedies:
        return _remedy_page(remedies[slug])
    near = difflib.get_close_matches(slug, [*slugs(), *_VERDICTS, *remedies], n=3)
    advice = f"use {' or '.join(near)}" if near else "run 'marginscope explain' to list them"
    raise UsageError(f"the name of a cause, a verdict or a remedy is needed, got {slug!r}; {advice}")


def _remedy_page(remedy: Remedy) -> str:
    """Return what a remedy says of itself."""
    from marginscope.remedies.changes import as_words

    title = f"{remedy.title[0].upper()}{remedy.title[1:]}"
    lines = [
        f"# {remedy.slug}",
        "",
        f"{title}.",
        "",
        f"A remedy. It can act on {', '.join(sorted(remedy.acts_on))}.",
        f"What else it changes: {remedy.side_effects}.",
        "",
        f"It can move: {as_words(remedy.changes)}.",
        "The path is what is predicted after finitely many steps; the penalised optimum is where",
        "training with a penalty that is kept ends; the limit is where training without a penalty",
        "would end on separable rows.",
        "",
        "`marginscope fix` tries it on the folds of the diagnosis, shows what it does to every",
        "class with its interval, and prints the code that applies it.",
    ]
    return "\n".join(lines) + "\n"


def summary(slug: str) -> str:
    """Return what a cause means in one line: the line under the title of its page."""
    return page(slug).splitlines()[2]


def explain(
    slug: Annotated[
        str | None,
        typer.Argument(metavar="[SLUG]", help="Cause, verdict or remedy; without it, causes are listed."),
    ] = None,
    json: JsonOption = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Explain a cause, a verdict or a remedy.

    A page says what the cause means, what decides it, what to do, and when the finding
    is wrong or may be ignored.

    For example:

      marginscope explain

      marginscope explain weights-vanish

      marginscope explain weak
    """
    del debug  # read by main, where errors are shown
    if json:
        _print_json(slug)
    elif slug is None:
        from rich.text import Text

        from marginscope.cli.output import print_lines

        width = max(map(len, slugs()))
        print_lines(Text(f"{one:<{width}}  {summary(one)}") for one in slugs())
        print_lines([Text(), Text(f"and verdicts: {', '.join(_VERDICTS)}; and remedies")])
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
