"""The commands ``experiment list`` and ``experiment run``: figures with claims that are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginscope.cli.run_options import JsonOption
from marginscope.exceptions import UsageError

if TYPE_CHECKING:
    from marginscope.experiments.result import ExperimentResult

__all__ = ["experiment"]

experiment = typer.Typer(help="Figures of the literature and beyond, with claims that are checked.")


@experiment.command("list")
def list_experiments(json: JsonOption = False) -> int:
    """Print the name of every experiment, one a line.

    For example:

      marginscope experiment list
    """
    from marginscope.cli.output import write_json
    from marginscope.experiments.running import experiment_names, find_experiment

    names = experiment_names()
    if json:
        import json as writer

        write_json(writer.dumps([{"name": name, "title": find_experiment(name).title} for name in names], indent=2))
    else:
        print("\n".join(names))
    return 0


@experiment.command("run")
def run(
    name: Annotated[str, typer.Argument(metavar="NAME|all", help="An experiment, or all of them.")],
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be repeated.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Write figures, columns and claims there.")
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="The small form, in seconds.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Skip what the folder already holds.")] = False,
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes on standard error.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Run an experiment, check its claims, and write figure, columns and claims; exit 4 if a claim fails.

    For example:

      marginscope experiment run norm-ratio -o results

      marginscope experiment run all --smoke -o results
    """
    from marginscope.cli.output import write_error, write_json
    from marginscope.experiments.folder import result_folder, stored_document
    from marginscope.experiments.running import experiment_names, find_experiment, run_experiment
    from marginscope.experiments.settings import parse_assignments, settings

    del debug
    overrides = parse_assignments(assignments or [])
    names = experiment_names() if name == "all" else [find_experiment(name).name]
    if name == "all" and overrides:
        raise UsageError("--set needs one experiment, but got all of them; run it by name")
    if resume and output is None:
        raise UsageError("--resume needs a folder to go on in, but got none; name it with -o")
    documents: list[dict[str, Any]] = []
    for one in names:
        found = find_experiment(one)
        config = settings(found.config, {**(found.smoke if smoke else {}), **overrides})
        folder = None if output is None else result_folder(output, one, config, resume=resume)
        stored = None if folder is None or not resume else stored_document(folder)
        if stored is not None:
            documents.append(stored)
            if not quiet:
                write_error(f"{one} is in {str(folder)!r} already", kind="note")
            continue
        if not quiet and len(names) > 1:
            write_error(f"{one} ({len(documents) + 1} of {len(names)})", kind="running")
        result = run_experiment(one, smoke=smoke, **overrides)
        files = [] if folder is None else result.save(folder)
        documents.append(result.to_dict())
        if not json:
            _print(result, [str(file) for file in files])
    if json:
        import json as writer

        write_json(writer.dumps(documents if name == "all" else documents[0], indent=2, allow_nan=False))
    failed = [document["name"] for document in documents if not document["holds"]]
    if failed and not quiet:
        write_error(f"every claim was to hold, but not all do in: {', '.join(failed)}; see the claims above")
    return 4 if failed else 0


def _print(result: ExperimentResult, files: list[str]) -> None:
    from rich.text import Text

    from marginscope.cli.output import print_lines, screen_width
    from marginscope.cli.table import paragraph

    headline, *claims = str(result).splitlines()
    lines = paragraph(headline, screen_width(), style="bold")
    for claim in claims:
        style = "" if claim.strip().startswith("holds") else "bold red"
        lines += paragraph(claim, screen_width(), style=style)
    if files:
        lines += [Text(f"  {file}") for file in files]
    print_lines(lines)
