"""The command ``demo``: a real imbalanced data set and a seeded failure, without data of one's own."""

from __future__ import annotations

import os
import shlex
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginscope.cli.progress import ProgressLine
from marginscope.cli.run_options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from marginscope.diagnosis.result import Diagnosis

__all__ = ["demo", "glass_path"]

_PENALTY = "1e-05"


def glass_path() -> str:
    """Return the bundled table as a path to paste: relative where that is shorter."""
    path = str(resources.files("marginscope") / "data" / "glass.csv")
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return relative if len(relative) < len(path) and not relative.startswith("..") else path


def demo(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="REPORT.html", help="Where the report is written.")
    ] = "demo-report.html",
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Diagnose a real data set and a seeded failure.

    Needs no data and no network. The real one is Glass Identification (214 rows, six
    classes, the rarest with nine); the seeded one is three clean groups of points
    under a far too strong penalty.

    For example:

      marginscope demo -o demo-report.html
    """
    from marginscope.runs import check_writable

    del debug  # read by main, where errors are shown
    check_writable(output)
    with ProgressLine(quiet=quiet) as line:
        real = _diagnose_glass(line)
    with ProgressLine(quiet=quiet) as line:
        seeded = _diagnose_seeded(line)
    real.remedy()
    real.save_html(output)
    if json:
        _print_json(real, seeded, output)
    else:
        _print_screen(real, seeded, output)
    return 0


def _diagnose_glass(progress: Callable[[int, int, str], None]) -> Diagnosis:
    from marginscope.cli.inputs import without_home
    from marginscope.diagnosis.diagnose import diagnose_table
    from marginscope.tables import read_table

    path = glass_path()
    words = (path, "-t", "type")
    command = shlex.join(["marginscope", "diagnose", *words])
    diagnosis = diagnose_table(read_table(path, "type"), progress=progress, command=command)
    diagnosis.fix_words = ("marginscope", "fix", *words)
    return without_home(diagnosis)


def _diagnose_seeded(progress: Callable[[int, int, str], None]) -> Diagnosis:
    from marginscope.adapters import named_model
    from marginscope.diagnosis.diagnose import diagnose

    X, y = three_groups()
    model = named_model("logistic", {"C": _PENALTY})
    return diagnose(model, X, y, progress=progress)


def three_groups(seed: int = 0) -> tuple[Any, Any]:
    """Return three clean groups of points in the plane, of 200, 40 and 20 rows."""
    import numpy as np

    counts, names = (200, 40, 20), ("lynx", "fox", "owl")
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    code = np.repeat(np.arange(3), counts)
    X = centres[code] + 0.7 * np.random.default_rng(seed).normal(size=(code.size, 2))
    return X, np.array(names)[code]


def _print_json(real: Diagnosis, seeded: Diagnosis, report: str) -> None:
    import json

    from marginscope.cli.output import write_json

    document = {
        "schema": "marginscope.demo/1",
        "real": real.to_dict(),
        "remedies": None if real.ledger is None else real.ledger.to_dict(),
        "seeded": seeded.to_dict(),
        "report": str(Path(report)),
    }
    write_json(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))


def _print_screen(real: Diagnosis, seeded: Diagnosis, report: str) -> None:
    from rich.text import Text

    from marginscope.cli.output import print_lines, screen_width
    from marginscope.cli.table import command_lines, diagnosis_lines, first_cause, paragraph

    width = screen_width()
    print_lines([_title("1. Real and imbalanced: six kinds of glass, a reference model")])
    print_lines(diagnosis_lines(real, width, with_unchecked=False))
    if real.ledger is not None:
        print_lines([Text(), *paragraph(real.ledger.sentence, width, head="remedies: ", style="bold")])
    print_lines([Text(), _title(f"2. Seeded: three clean groups, penalty far too strong (C={_PENALTY})")])
    print_lines(diagnosis_lines(seeded, width, with_unchecked=False))
    commands = [
        ("next", real.fix_words),
        ("why", ["marginscope", "explain", first_cause(seeded) or "over-regularised"]),
        ("try", ["marginscope", "diagnose", *real.fix_words[2:], "--model", "logistic", "--param", f"C={_PENALTY}"]),
    ]
    print_lines(command_lines(commands, report))


def _title(text: str) -> Text:
    from rich.text import Text

    return Text(text, style="bold reverse")
