"""Write the tables of docs/losses.md from the program itself: python docs/make_losses_page.py [--check]."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from marginscope.losses import TEMPLATES, Template
from marginscope.losses.adjust import MAKERS, Adjustment, class_margins

PAGE = Path(__file__).with_name("losses.md")
COUNTS = (60, 20, 6)
DERIVATIVES = {0: "kinks", 1: "C1", 2: "C2"}
TAILS = {
    "exponential": "exponential, c = {c:g}",
    "near_exponential": "nearly exponential",
    "light": "light",
    "zero": "zero",
    "heavy": "heavy",
    "negative": "negative",
}
LIMITS = {"hard_margin": "hard margin", "other": "another direction", "none": "stays bounded"}


def page() -> str:
    """Return the page with its tables renewed; what stands between them is written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in {"losses": losses(), "reasons": reasons(), "adjustments": adjustments()}.items():
        before, rest = text.split(f"<!-- {name}: written by docs/make_losses_page.py -->\n")
        after = rest.split(f"<!-- end of {name} -->")[1]
        text = f"{before}<!-- {name}: written by docs/make_losses_page.py -->\n{rows}<!-- end of {name} -->{after}"
    return text


def losses() -> str:
    """Return the table of templates."""
    head = ("name", "template", "convex", "smooth", "beta of psi", "beta of v", "falls everywhere", "tail")
    head += ("calibrated", "strictly proper", "descent goes to")
    rows = []
    for one in TEMPLATES:
        facts = one.facts
        tail = TAILS[facts.tail].format(c=facts.tail_constant) if facts.tail else "?"
        row = (signature(one), f"`{formula(one)}`", yes(facts.convex), DERIVATIVES[facts.smoothness or 0])
        row += (smoothness(facts.beta_psi), smoothness(facts.beta_v), yes(facts.strictly_decreasing), tail)
        row += (yes(facts.calibrated), yes(facts.strictly_proper), LIMITS[facts.limit] if facts.limit else "?")
        rows.append(row)
    return table(head, rows)


def reasons() -> str:
    """Return the table of why a loss is calibrated, and why it goes where it goes."""
    rows = [(f"`{one.name}`", one.facts.calibration, one.facts.limit_reason) for one in TEMPLATES]
    return table(("name", "calibration", "limit of descent"), rows)


def adjustments() -> str:
    """Return the table of named adjustments."""
    rows = []
    for maker in MAKERS:
        made: Adjustment = maker([1.0, 1.5, 2.5]) if maker is class_margins else maker(COUNTS)
        effects = made.effects
        text = inspect.cleandoc(maker.__doc__ or "").replace("\n\n", " ").replace("\n", " ")
        row = (f"`{maker.__name__}`", text, yes(effects.path), yes(effects.ridge_optimum))
        rows.append((*row, yes(effects.max_margin_limit)))
    return table(("name", "what it is", "path", "optimum at fixed ridge", "max-margin limit"), rows)


def signature(one: Template) -> str:
    """Return the name with the numbers it takes and their defaults."""
    own: Any = one
    fields = [(field.name, getattr(one, field.name)) for field in dataclasses.fields(own)]
    numbers = ", ".join(f"{name}={value:g}" for name, value in fields if isinstance(value, float))
    return f"`{one.name}`" + (f" ({numbers})" if numbers else "")


def formula(one: Template) -> str:
    """Return psi from the displayed formula of the docstring."""
    lines = inspect.getdoc(type(one)) or ""
    found = re.search(r"^psi\(u\) = (.*?)(?:,    .*)?$", lines, re.MULTILINE)
    assert found is not None, one.name
    return found.group(1)


def smoothness(beta: Any) -> str:
    """Return a Lipschitz constant as text."""
    return "?" if beta is None else str(beta).replace("inf", "none")


def yes(value: bool | None) -> str:
    """Return a truth value as a word."""
    return "?" if value is None else "yes" if value else "no"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    cells = [list(head), *(list(row) for row in rows)]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    lines.insert(1, "|" + "---|" * len(cells[0]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        current = PAGE.read_text(encoding="utf-8") == page()
        sys.exit(0 if current else "docs/losses.md is out of date; run docs/make_losses_page.py")
    PAGE.write_text(page(), encoding="utf-8")
