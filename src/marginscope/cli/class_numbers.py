"""Numbers for some classes from the command line: LABEL=NUMBER."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from marginscope.exceptions import UsageError

__all__ = ["ClassMargins", "ClassScales", "by_label"]

ClassMargins: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--class-margin", metavar="LABEL=M", help="Margin that a class must have, 1 for others; may be repeated."
    ),
]
ClassScales: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--class-scale", metavar="LABEL=S", help="Factor of the scores of a class, 1 for others; may be repeated."
    ),
]


def by_label(option: str, given: Sequence[str] | None) -> dict[str, float] | None:
    """Return LABEL=NUMBER words as a mapping; the label may hold an equals sign."""
    if not given:
        return None
    found: dict[str, float] = {}
    for one in given:
        label, sign, value = one.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not sign or not 0 < number < float("inf"):
            raise UsageError(f"{option} needs LABEL=NUMBER with a number above 0, got {one!r}; write e.g. rare=2")
        if label in found:
            raise UsageError(f"{option} names the class {label!r} twice; keep one")
        found[label] = number
    return found
