"""How a table is read: the options that every command with a FILE has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

__all__ = ["FileArgument", "ReaderOptions", "TargetOption"]

_PANEL = "How the file is read"

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="Table to read: CSV or TSV, Parquet, ARFF, libsvm or NPZ, also gzipped.")
]
TargetOption = Annotated[
    str,
    typer.Option(
        "--target",
        "-t",
        metavar="COLUMN",
        help="Column of the class labels, by name or index; a negative index counts from the end.",
    ),
]


@dataclass
class ReaderOptions:
    """Options of the strict table readers."""

    drop: Annotated[
        list[str],
        typer.Option("--drop", metavar="COL", help="Leave a column out, by name or index.", rich_help_panel=_PANEL),
    ] = field(default_factory=list)
    text: Annotated[
        list[str],
        typer.Option("--text", metavar="COL", help="Take a column as free text.", rich_help_panel=_PANEL),
    ] = field(default_factory=list)
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The first line holds data, not names.", rich_help_panel=_PANEL)
    ] = False
    missing: Annotated[
        list[str],
        typer.Option(
            "--missing", metavar="MARK", help="Mark of a missing value, such as -999.", rich_help_panel=_PANEL
        ),
    ] = field(default_factory=list)
    delimiter: Annotated[
        str | None,
        typer.Option(
            "--delimiter",
            metavar="CHAR",
            help="One character, or tab, blanks, comma, semicolon, bar; default: detected.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    decimal: Annotated[
        str | None,
        typer.Option(
            "--decimal", metavar="CHAR", help="Decimal mark, '.' or ','; default: detected.", rich_help_panel=_PANEL
        ),
    ] = None
    encoding: Annotated[
        str, typer.Option("--encoding", metavar="NAME", help="Character encoding.", rich_help_panel=_PANEL)
    ] = "utf-8"
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Refuse doubtful data that is otherwise read with a note.", rich_help_panel=_PANEL
        ),
    ] = False
    drop_missing_target: Annotated[
        bool,
        typer.Option("--drop-missing-target", help="Leave out rows without a class label.", rich_help_panel=_PANEL),
    ] = False
    max_bytes: Annotated[
        int | None,
        typer.Option("--max-bytes", metavar="N", min=1, help="Refuse larger data.", rich_help_panel=_PANEL),
    ] = None
    allow_stream: Annotated[
        bool,
        typer.Option("--allow-stream", help="Read from a pipe or device too.", rich_help_panel=_PANEL),
    ] = False

    def as_keywords(self) -> dict[str, Any]:
        """Return the keyword arguments of ``marginscope.tables.read_table``."""
        return {
            "drop": tuple(self.drop),
            "text": tuple(self.text),
            "header": not self.no_header,
            "missing": tuple(self.missing) or None,
            "delimiter": self.delimiter,
            "decimal": self.decimal,
            "encoding": self.encoding,
            "strict": self.strict,
            "drop_missing_target": self.drop_missing_target,
            "max_bytes": self.max_bytes,
            "allow_stream": self.allow_stream,
        }
