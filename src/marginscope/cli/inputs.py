"""From the words of a command to a diagnosis: read the tables, the model and the predictions."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginscope.cli.option_bundles import as_arguments
from marginscope.cli.output import write_error
from marginscope.cli.progress import ProgressLine
from marginscope.cli.reader_options import ReaderOptions
from marginscope.cli.run_options import RunOptions

if TYPE_CHECKING:
    from marginscope.diagnosis.result import Diagnosis
    from marginscope.tables import Dataset

__all__ = ["command_words", "diagnose_file", "strip_home"]


def diagnose_file(
    file: str, target: str, reader: ReaderOptions, run: RunOptions, command: Iterable[str]
) -> Diagnosis:
    """Read what the options name and diagnose it; what the readers note goes to standard error."""
    from marginscope.diagnosis.diagnose import diagnose_table
    from marginscope.tables import read_table

    model = _model(run)
    keywords = reader.as_keywords()
    data = read_table(file, target, **keywords)
    test = None if run.test is None else read_table(run.test, target, like=data, **keywords)
    notes = (*data.notes, *(() if test is None else test.notes))
    if run.pred is not None:
        model, more = _predictions(run.pred, data, test, reader)
        notes += more
    if not run.quiet:
        for note in notes:
            write_error(note, kind="note")
    with ProgressLine(quiet=run.quiet) as line:
        return diagnose_table(
            data,
            model=model,
            test=test,
            checks=tuple(run.check) or None,
            budget=run.budget,
            rng=run.seed,
            progress=line,
            command=strip_home(shlex.join(command)),
        )


def _model(run: RunOptions) -> Any:
    """Return the model of --model, read or named before any data are."""
    parameters = run.parameters()
    if run.model is None:
        return None
    from marginscope.adapters import load_model, named_model

    if Path(run.model).suffix or os.sep in run.model:
        if parameters:
            raise _fixed_parameters(run.model)
        return load_model(run.model)
    return named_model(run.model, parameters)


def _fixed_parameters(path: str) -> Exception:
    from marginscope.exceptions import UsageError

    return UsageError(f"--param sets a parameter of a named model, but {path!r} is a file; drop --param")


def _predictions(path: str, data: Dataset, test: Dataset | None, reader: ReaderOptions) -> tuple[Any, tuple[str, ...]]:
    """Read the predictions of the rows of --test, or of FILE where there is none."""
    from marginscope.adapters import Predictions
    from marginscope.tables import read_predictions

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
    return Predictions(y_pred=y_pred, proba=proba, labels=labels), notes


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


def strip_home(text: str) -> str:
    """Replace the home directory by ``~``: a report is passed on to others."""
    home = os.path.expanduser("~")
    return text.replace(home, "~") if len(home) > 1 and home != "~" else text
