"""Options that the commands about margins share, and the matrix that they are about."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginscope.cli.option_bundles import as_arguments
from marginscope.cli.reader_options import ReaderOptions
from marginscope.cli.run_options import JsonOption
from marginscope.exceptions import UsageError
from marginscope.runs import check_writable, write_text_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.text import Text

__all__ = ["LabOptions", "Matrix", "command_line", "deliver", "read_matrix"]


@dataclass
class LabOptions:
    """Options of a certificate or a margin from the command line."""

    no_intercept: Annotated[bool, typer.Option("--no-intercept", help="Scores without intercepts.")] = False
    standardise: Annotated[
        bool, typer.Option("--standardise", help="Bring every column to mean 0 and variance 1 first.")
    ] = False
    exact: Annotated[
        bool, typer.Option("--exact", help="Verify the result in rational arithmetic too, where that is feasible.")
    ] = False
    json: JsonOption = False
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="PAGE.html", help="Write a page that opens offline.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes on standard error.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False

    def validate(self, file: str) -> None:
        """Refuse an output that cannot be written, or that is the table, before any data are read.

        Raises
        ------
        UsageError, IOFault
        """
        if self.output is not None:
            path = check_writable(self.output)
            if os.path.exists(file) and os.path.exists(path) and os.path.samefile(path, file):
                raise UsageError(f"-o {self.output!r} would overwrite the table; choose another name")


@dataclass(frozen=True)
class Matrix:
    """Rows as numbers, their labels and the names of the columns."""

    X: Any
    y: NDArray[Any]
    names: tuple[str, ...]
    file: str | None
    target: str
    sha256: str | None = None
    notes: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """Return what JSON documents say of the data."""
        return {"file": self.file, "target": self.target, "sha256": self.sha256, "columns": list(self.names)}


def read_matrix(file: str, target: str, reader: ReaderOptions, lab: LabOptions) -> Matrix:
    """Read a table and make numbers of it: categories one-hot, holes the median; said on standard error."""
    from marginscope.cli.output import write_error
    from marginscope.tables import read_table
    from marginscope.tables.preparation import describe_preparation, preparation

    data = read_table(file, target, **reader.as_keywords())
    prepare = preparation(data.features, scale=lab.standardise)
    X = prepare.fit_transform(data.features.values)
    notes = (*data.notes, *data.features.notes, *describe_preparation(data.features))
    if not lab.quiet:
        for note in notes:
            write_error(note, kind="note")
    names = tuple(prepare.get_feature_names_out())
    return Matrix(X, data.target, names, data.file, data.target_name, data.sha256, notes)


def command_line(name: str, file: str, target: str, *bundles: Any, more: Sequence[str] = ()) -> str:
    """Return the command as it may be typed again."""
    # A file called -x would be taken for an option.
    path = f"./{file}" if file.startswith("-") else file
    options = [word for bundle in bundles for word in as_arguments(bundle)]
    return shlex.join(["marginscope", name, path, "-t", target, *options, *more])


def deliver(result: Any, data: Matrix, lab: LabOptions, command: str, lines: Callable[[str], list[Text]]) -> None:
    """Verify a certificate or a margin, and write page, JSON or ``lines`` of what the verification came to."""
    from importlib import import_module

    from marginscope.cli.output import print_lines, write_json
    from marginscope.diagnosis.provenance import make_provenance

    verified, exact = _verify(result, data, lab)
    provenance = make_provenance(None, command)
    if lab.output is not None:
        source = {**data.described(), "notes": data.notes, "provenance": provenance}
        renderer = import_module(f"marginscope.reports.{result._report}")
        write_text_atomically(lab.output, renderer.page(result, source))
    if lab.json:
        import json

        document = {
            **result.to_dict(),
            "data": data.described(),
            "verified": verified,
            "verified_exactly": exact,
            "provenance": provenance,
        }
        write_json(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))
    else:
        print_lines(lines(_proof_sentence(verified, exact)))


def _verify(certificate: Any, data: Matrix, lab: LabOptions) -> tuple[bool, bool | None]:
    """Verify a certificate, and in rational arithmetic where asked for; None where that was not or is too large."""
    from marginscope.cli.output import write_error
    from marginscope.exceptions import CertificateError

    exact: bool | None = None
    if lab.exact:
        try:
            exact = bool(certificate.verify(data.X, data.y, exact=True))
        except CertificateError as error:
            write_error(str(error), kind="note")
    return bool(certificate.verify(data.X, data.y)), exact


def _proof_sentence(verified: bool, exact: bool | None) -> str:
    """Say what the verification came to."""
    said = "verified without a solver" if verified else "NOT verified"
    if exact is not None:
        said += ", and in rational arithmetic" if exact else ", but NOT proved in rational arithmetic"
    return said
