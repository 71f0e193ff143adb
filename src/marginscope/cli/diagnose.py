"""The command ``diagnose``: which classes are not learned, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from marginscope.cli.option_bundles import with_bundles
from marginscope.cli.reader_options import FileArgument, ReaderOptions, TargetOption
from marginscope.cli.run_options import RunOptions

__all__ = ["diagnose"]


@with_bundles
def diagnose(
    file: FileArgument,
    target: TargetOption,
    run: RunOptions,
    reader: ReaderOptions,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="STATUS|SLUG",
            help="Exit with 1 if a check ends so (issue, tip, errored), or if this finding is made.",
        ),
    ] = None,
) -> int:
    """Find the classes that a model does not learn, and the cause.

    Without --model or --pred a quick reference model is diagnosed. Recall is out of
    sample: on the rows of --test where given, else by cross-validation.

    For example:

      marginscope diagnose data.csv -t label -o report.html

      marginscope diagnose data.csv -t -1 --no-header --model logistic

      marginscope diagnose data.csv -t label --json --fail-on issue
    """
    from marginscope.cli.fail_on import check_fail_on, is_failed
    from marginscope.cli.inputs import command_words, diagnose_file
    from marginscope.cli.output import print_lines, screen_width, write_json

    check_fail_on(fail_on or [])
    run.validate(file)
    diagnosis = diagnose_file(file, target, reader, run, command_words("diagnose", file, target, reader, run))
    if run.output is not None:
        diagnosis.save_html(run.output)
    if run.json:
        write_json(diagnosis.to_json())
    else:
        from marginscope.cli.table import command_lines, diagnosis_lines, first_cause

        print_lines(diagnosis_lines(diagnosis, screen_width()))
        cause = first_cause(diagnosis)
        commands = [
            ("next", list(diagnosis.fix_words) if diagnosis.not_learned and diagnosis.can_be_remedied else None),
            ("why", ["marginscope", "explain", cause] if cause else None),
        ]
        print_lines(command_lines(commands, run.output))
    return 1 if is_failed(diagnosis.findings, fail_on or []) else 0
