"""What is diagnosed and where the result goes: options that diagnose and fix share."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from marginscope.exceptions import UsageError
from marginscope.runs import check_writable

__all__ = ["JsonOption", "RunOptions"]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]


@dataclass
class RunOptions:
    """Options of a diagnosis from the command line."""

    test: Annotated[
        str | None, typer.Option("--test", metavar="FILE", help="Table of unseen rows; default: cross-validation.")
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME|FILE.skops",
            help="Model to diagnose: a name or a skops file; default: a quick reference model.",
        ),
    ] = None
    param: Annotated[
        list[str], typer.Option("--param", metavar="KEY=VALUE", help="Parameter of a named model, such as C=0.01.")
    ] = field(default_factory=list)
    pred: Annotated[
        str | None,
        typer.Option(
            "--pred", metavar="FILE", help="Predictions instead of a model: one label or K probabilities a row."
        ),
    ] = None
    check: Annotated[
        list[str], typer.Option("--check", metavar="SLUG", help="Run only this check; may be repeated.")
    ] = field(default_factory=list)
    budget: Annotated[
        float | None,
        typer.Option("--budget", metavar="SECONDS", help="Skip checks that no longer fit, and say which."),
    ] = None
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of folds and permutations.")] = 0
    json: JsonOption = False
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="REPORT.html", help="Write a page that opens offline.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes on standard error.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False

    def validate(self, *inputs: str) -> None:
        """Refuse what cannot be meant, before any data are read; ``inputs`` must not be overwritten.

        Raises
        ------
        UsageError
            If options contradict one another or a value is out of range.
        IOFault
            If the report cannot be written.
        """
        if self.model is not None and self.pred is not None:
            raise UsageError("one thing to diagnose is needed, but both --model and --pred are given; drop one of them")
        if self.param and self.model is None:
            raise UsageError("--param sets a parameter of a named model, but no --model is given; add --model NAME")
        if self.budget is not None and not (math.isfinite(self.budget) and self.budget > 0):
            raise UsageError(f"--budget needs a finite number of seconds above 0, got {self.budget}; give e.g. 60")
        if self.output is not None:
            path = check_writable(self.output)
            for read in (*inputs, self.test, self.pred, self.model):
                if read is not None and _is_same_file(path, read):
                    raise UsageError(f"-o {self.output!r} would overwrite a file that is read; choose another name")

    def parameters(self) -> dict[str, str]:
        """Return ``--param`` as a mapping of texts.

        Raises
        ------
        UsageError
            If one is not KEY=VALUE, or a key comes twice.
        """
        found: dict[str, str] = {}
        for one in self.param:
            key, sign, value = one.partition("=")
            if not sign or not key.isidentifier():
                raise UsageError(f"--param needs KEY=VALUE, got {one!r}; write e.g. --param C=0.01")
            if key in found:
                raise UsageError(f"--param {key} is given twice, as {found[key]!r} and {value!r}; keep one")
            found[key] = value
        return found


def _is_same_file(path: Path, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return False
