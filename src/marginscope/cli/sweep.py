"""The command ``sweep``: seeds x losses x optimizers x step sizes x data, on one engine or another."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from marginscope.cli.progress import ProgressLine
from marginscope.cli.run_options import JsonOption

if TYPE_CHECKING:
    from marginscope.sweeps.result import SweepResult

__all__ = ["sweep"]

_PANEL = "Engine"


def sweep(
    config: Annotated[str, typer.Argument(metavar="CONFIG.toml", help="What to sweep over.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="Directory of the sweep.")],
    engine: Annotated[
        str, typer.Option("--engine", metavar="NAME", help="serial, loky or dask.", rich_help_panel=_PANEL)
    ] = "serial",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", metavar="N", help="Processes on this machine; default: all cores.", rich_help_panel=_PANEL
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="URL",
            help="Scheduler of dask; without it one is started on this machine.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    retries: Annotated[
        int,
        typer.Option("--retries", metavar="N", help="Tries more for a cell whose worker died.", rich_help_panel=_PANEL),
    ] = 2,
    allow_inexact: Annotated[
        bool,
        typer.Option("--allow-inexact", help="Let workers differ in versions or processor.", rich_help_panel=_PANEL),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in DIR, if any.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the sweep in DIR first.")] = False,
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Run descent on every combination that a file names.

    Each cell is kept as it ends, so a sweep can be stopped, killed and resumed; the table
    has the same bytes on every engine. A cell that fails is reported, exits with 1, and
    stops no other. Needs the extra dask for that engine.

    For example:

      marginscope sweep sweep.toml -o results --engine loky

      marginscope sweep sweep.toml -o results --engine loky --resume
    """
    from marginscope.sweeps.sweep import sweep as run_sweep

    del debug  # read by main, where errors are shown
    options = ["--engine", engine, *_given("--workers", workers), *_given("--address", address)]
    options += ["--retries", str(retries)] if retries != 2 else []
    options += ["--allow-inexact"] if allow_inexact else []
    again = shlex.join(["marginscope", "sweep", config, "-o", output, *options, "--resume"])
    with ProgressLine(quiet=quiet) as line:

        def show(done: int, total: int, seconds_left: float | None) -> None:
            line(done, total, "cells" if seconds_left is None else f"cells, about {_duration(seconds_left)} left")

        try:
            result = run_sweep(
                config,
                output,
                engine=engine,
                n_workers=workers,
                address=address,
                retries=retries,
                allow_inexact=allow_inexact,
                resume=resume,
                overwrite=overwrite,
                progress=show,
            )
        except BaseException as stop:
            stop.add_note(f"cells that ended are kept; go on with: {again}")
            raise
    _print(result, json, again)
    return 1 if result.failures else 0


def _given(option: str, value: object) -> list[str]:
    return [] if value is None else [option, str(value)]


def _duration(seconds: float) -> str:
    for size, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _print(result: SweepResult, json: bool, again: str) -> None:
    if json:
        from json import dumps

        from marginscope.cli.output import write_json

        write_json(dumps(result.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
        return
    from rich.text import Text

    from marginscope.cli.output import make_visible, print_lines, screen_width
    from marginscope.cli.table import paragraph

    headline, *rest = str(result).splitlines()
    lines = paragraph(headline, screen_width(), style="bold")
    for one in rest:
        lines += paragraph(one, screen_width())
    lines += [Text(), *(Text(f"table:  {make_visible(str(one))}") for one in result.tables)]
    if result.failures:
        lines.append(Text("again:  ").append(again, style="bold cyan"))
    print_lines(lines)
