"""The command ``fix``: try the remedies that can act, on the same folds."""

from __future__ import annotations

from typing import Annotated

import typer

from marginscope.cli.option_bundles import with_bundles
from marginscope.cli.reader_options import FileArgument, ReaderOptions, TargetOption
from marginscope.cli.run_options import RunOptions

__all__ = ["fix"]


@with_bundles
def fix(
    file: FileArgument,
    target: TargetOption,
    run: RunOptions,
    reader: ReaderOptions,
    label: Annotated[
        str | None, typer.Option("--class", metavar="LABEL", help="Class to lift; default: all that are not healthy.")
    ] = None,
) -> int:
    """Try the remedies that can act, and show what each does.

    Every remedy is refitted on the same folds as the present model. The tables show
    the change of recall with its 95 % interval, what other classes pay, the cost in
    probabilities (in brackets after prior correction) and the time, under headings that
    say what a remedy can move: the path, the optimum with a penalty, the limit of
    training. The winner comes with code to paste, or the answer
    is that nothing helped. At most twelve remedies are shown; --json has all.

    For example:

      marginscope fix data.csv -t label

      marginscope fix data.csv -t label --class rare --model logistic -o report.html
    """
    import json

    from marginscope.cli.inputs import command_words, diagnose_file
    from marginscope.cli.output import print_lines, screen_width, write_json

    run.validate(file)
    words = command_words("fix", file, target, reader, run) + (["--class", label] if label is not None else [])
    diagnosis = diagnose_file(file, target, reader, run, words, label=label)
    ledger = diagnosis.remedy(label, budget=run.budget)
    if run.output is not None:
        diagnosis.save_html(run.output)
    if run.json:
        write_json(json.dumps(ledger.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        from marginscope.cli.ledger_table import ledger_lines
        from marginscope.cli.table import command_lines

        print_lines(ledger_lines(ledger, screen_width()))
        print_lines(command_lines([], run.output))
    return 0
