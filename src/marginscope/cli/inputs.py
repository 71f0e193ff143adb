"""From the words of a command to a diagnosis: read the tables, the model and the predictions."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginscope._display import display_order
from marginscope.cli.option_bundles import as_arguments
from marginscope.cli.output import write_error
from marginscope.cli.progress import ProgressLine
from marginscope.cli.reader_options import ReaderOptions
from marginscope.cli.run_options import RunOptions
from marginscope.exceptions import UsageError

if TYPE_CHECKING:
    from marginscope.diagnosis.result import Diagnosis
    from marginscope.tables import Dataset

__all__ = ["command_words", "diagnose_file", "without_home"]

# run options that say what is diagnosed; the others say where the result goes
_REPEATED = ("test", "model", "param", "pred", "seed")


def diagnose_file(
    file: str,
    target: str,
    reader: ReaderOptions,
    run: RunOptions,
    command: Iterable[str],
    *,
    label: str | None = None,
) -> Diagnosis:
    """Read what the options name and diagnose it; how that was done is noted on standard error.

    ``label`` must be a class of the table: better said before the work than after.
    """
    from marginscope.diagnosis.diagnose import diagnose_table
    from marginscope.tables import read_table

    model = _model(run)
    keywords = {**reader.as_keywords(), "may_lack_features": run.pred is not None}
    data = read_table(file, target, **keywords)
    test = None if run.test is None else read_table(run.test, target, like=data, **keywords)
    if label is not None:
        _check_label(label, data, test)
    notes: tuple[str, ...] = ()
    if run.pred is not None:
        model, notes = _predictions(run.pred, data, test, reader)
    with ProgressLine(quiet=run.quiet) as line:
        diagnosis = diagnose_table(
            data,
            model=model,
            test=test,
            checks=tuple(run.check) or None,
            budget=run.budget,
            rng=run.seed,
            progress=line,
            command=shlex.join(command),
        )
    diagnosis.notes = (*notes, *diagnosis.notes)
    diagnosis.fix_words = tuple(command_words("fix", file, target, reader, run, _REPEATED))
    if not run.quiet:
        for note in diagnosis.notes:
            write_error(note, kind="note")
    return without_home(diagnosis)


def _model(run: RunOptions) -> Any:
    """Return the model of --model, read or named before any data are."""
    parameters = run.parameters()
    if run.model is None:
        return None
    from marginscope.adapters import load_model, named_model

    if Path(run.model).suffix or os.sep in run.model:
        if parameters:
            raise UsageError(
                f"--param sets a parameter of a named model, but {run.model!r} is a file; leave out --param"
            )
        return load_model(run.model)
    return named_model(run.model, parameters)


def _check_label(label: str, data: Dataset, test: Dataset | None) -> None:
    known = {str(one) for table in (data, test) if table is not None for one in table.target}
    if label not in known:
        near = difflib.get_close_matches(label, known, n=1)
        labels = sorted(known)
        few = [labels[k] for k in display_order(labels)[:20]]
        advice = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(map(repr, few))}"
        raise UsageError(f"--class needs a class of the data, got {label!r}; {advice}")


def _predictions(path: str, data: Dataset, test: Dataset | None, reader: ReaderOptions) -> tuple[Any, tuple[str, ...]]:
    """Read the predictions of the rows of --test, or of FILE where there is none."""
    from marginscope.adapters import Predictions
    from marginscope.tables import read_predictions
    from marginscope.tables.wording import of_file

    targets = [data.target] if test is None else [data.target, test.target]
    labels = sorted({str(label) for target in targets for label in target})
    y_pred, proba, notes = read_predictions(
        path,
        labels,
        len(targets[-1]),
        encoding=reader.encoding,
        max_bytes=reader.max_bytes,
        allow_stream=reader.allow_stream,
    )
    return Predictions(y_pred=y_pred, proba=proba, labels=labels), of_file(notes, path)


def command_words(
    command: str,
    file: str,
    target: str,
    reader: ReaderOptions,
    run: RunOptions,
    names: Iterable[str] | None = None,
) -> list[str]:
    """Return the words of a command on the same data, with the run options in ``names`` (default all)."""
    # A file called -x would be taken for an option.
    path = f"./{file}" if file.startswith("-") else file
    return ["marginscope", command, path, "-t", target, *as_arguments(reader), *as_arguments(run, names)]


def without_home(diagnosis: Diagnosis) -> Diagnosis:
    """Replace the home directory by ``~`` in what a report shows: it is passed on to others."""
    home = os.path.join(os.path.expanduser("~"), "")
    if len(home) > 2 and not home.startswith("~"):
        command = diagnosis.provenance.get("command")
        shown = None if command is None else command.replace(home, "~/")
        diagnosis.provenance = {**diagnosis.provenance, "command": shown}
        data = diagnosis.data
        file, test_file = (None if one is None else one.replace(home, "~/") for one in (data.file, data.test_file))
        diagnosis.data = replace(data, file=file, test_file=test_file)
    return diagnosis
