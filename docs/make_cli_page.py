"""Write docs/cli.md from the program itself: python docs/make_cli_page.py [--check]."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from marginscope.cli.main import app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """\
# Command line

<!-- Written by docs/make_cli_page.py from the program; do not edit. -->

`marginscope COMMAND --help` prints the same. Every command takes `--json` (one document on standard output,
nothing else); progress and errors go to standard error. `NO_COLOR` switches colours off.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | done, with a finding named by `--fail-on`, or with cells of a sweep that failed |
| 2 | usage: a command or option that cannot be meant, a path where there is no file, a missing extra |
| 3 | data, or a file or model that is there and cannot be used |
| 4 | numerics: the command's own product cannot be had |
| 5 | environment: disk, permission, memory, an engine that was lost |
| 6 | refused for security |
| 7 | the run directory is in use by another process |
| 70 | internal error; run again with `--debug` |
| 130, 143 | stopped by a signal |
"""


def page() -> str:
    """Return the reference page."""
    program: Any = typer.main.get_command(app)
    parts = [HEAD]
    for name, command in commands(program).items():
        parts.append(f"## {name}\n\n```\nmarginscope {name}{usage(command.params)}\n```\n\n{prose(command.help)}")
        for title, options in groups(command.params):
            parts.append(f"{title}:\n\n" + table(options))
    return "\n".join(parts)


def commands(program: Any, before: str = "") -> dict[str, Any]:
    """Return every command by the words that call it, those of a group after each other."""
    found: dict[str, Any] = {}
    for name, command in program.commands.items():
        found |= commands(command, f"{before}{name} ") if hasattr(command, "commands") else {before + name: command}
    return found


def usage(params: Iterable[Any]) -> str:
    """Return the arguments and required options of a command as one line."""
    words = [one.metavar for one in params if one.param_type_name == "argument"]
    words += [f"{shortest(one)} {one.metavar}" for one in params if is_option(one) and one.required]
    return "".join(f" {word}" for word in [*words, "[OPTIONS]"])


def prose(text: str) -> str:
    """Return a help text as Markdown: what is indented is code."""
    blocks = [block for block in inspect.cleandoc(text).split("\n\n") if block.strip()]
    lines = []
    for block in blocks:
        is_code = block.startswith("  ")
        lines.append("```\n" + inspect.cleandoc(block) + "\n```" if is_code else block)
    return "\n\n".join(lines).replace("\n```\n\n```\n", "\n") + "\n"


def groups(params: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """Return the options under their headings, in the order of declaration."""
    found: dict[str, list[Any]] = {}
    for one in params:
        if one.name != "help":
            heading = "Arguments" if not is_option(one) else one.rich_help_panel or "Options"
            found.setdefault(heading, []).append(one)
    return list(found.items())


def table(options: Iterable[Any]) -> str:
    """Return options as a Markdown table."""
    rows = ["| | |", "|---|---|"]
    for one in options:
        value = "" if getattr(one, "is_flag", False) or not is_option(one) else f" {one.metavar}"
        names = ", ".join(sorted(one.opts, key=len)) if is_option(one) else one.metavar
        default = f" Default: {one.default}." if isinstance(one.default, str | int) and one.default is not False else ""
        needed = " Required." if one.required and is_option(one) else ""
        cells = (f"`{names}{value}`", f"{one.help}{needed}{default}")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def shortest(option: Any) -> str:
    """Return the shortest name of an option."""
    return min(option.opts, key=len)


def is_option(param: Any) -> bool:
    """Tell an option from an argument."""
    return bool(param.param_type_name == "option")


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(
            0 if PAGE.read_text(encoding="utf-8") == page() else "docs/cli.md is out of date; run docs/make_cli_page.py"
        )
    PAGE.write_text(page(), encoding="utf-8")
