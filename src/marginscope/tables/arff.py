"""Strict reader of ARFF: declared types are kept, and a wrong cell is named with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from marginscope.exceptions import DataError
from marginscope.tables.delimited import text_lines
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ReadingPlan
from marginscope.tables.selection import check_distinct, select
from marginscope.tables.source import Source, Stream
from marginscope.tables.table_builder import RawTable, TableBuilder
from marginscope.tables.wording import count, listed, shown

__all__ = ["read_arff"]

_WORD = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_WORD}|[^\s'\"{{]+)\s*(\{{.*\}}|\S.*)\s*$", re.IGNORECASE)
_FIELD = re.compile(rf"\s*(?:({_WORD})|([^,]*?))\s*(,|$)")
_NUMERIC = ("numeric", "real", "integer")
_ROWS_A_BLOCK = 4096


@dataclass(frozen=True)
class _Attribute:
    name: str
    kind: str
    levels: tuple[str, ...] = ()


def read_arff(
    source: Source, stream: Stream, target: str | int, options: ReaderOptions, plan: ReadingPlan | None
) -> RawTable:
    """Read an ARFF file whose attributes are features and one target."""
    lines = enumerate(text_lines(stream, options.encoding, source.name), 1)
    attributes = _header(lines, source.name)
    names = [attribute.name for attribute in attributes]
    check_distinct(names, source.name)
    selection = select(names, target, options, plan, source.name)
    kinds = {"numeric": "number", "nominal": "words", "date": "date"}
    declared = {at: kinds[one.kind] for at, one in enumerate(attributes) if one.kind in kinds}
    builder = TableBuilder(selection, options, plan, source.name, null_name="?", declared=declared)
    builder.notes += selection.notes
    nominal = [
        (at, frozenset(attributes[at].levels))
        for at in (*selection.features, selection.target)
        if attributes[at].kind == "nominal"
    ]
    rows: list[list[str | None]] = []
    places: list[int] = []

    def flush() -> None:
        columns = list(zip(*rows, strict=True))
        for at, levels in nominal:
            _check_levels(columns[at], levels, places, attributes[at], source.name)
        builder.add(columns, places)
        rows.clear()
        places.clear()

    for number, row in _data(lines, len(attributes), source.name):
        rows.append(row)
        places.append(number)
        if len(rows) == _ROWS_A_BLOCK:
            flush()
    if rows:
        flush()
    raw = builder.finish()
    raw.declared = attributes[selection.target].levels
    return raw


def _header(lines: Iterator[tuple[int, str]], name: str) -> list[_Attribute]:
    attributes: list[_Attribute] = []
    for number, line in lines:
        text = line.strip()
        word = text.split(None, 1)[0].lower() if text else ""
        if not text or text.startswith("%") or word == "@relation":
            continue
        if word == "@data":
            if not attributes:
                raise DataError(f"@attribute lines are needed before @data, but {name} has none; add them")
            return attributes
        if word != "@attribute":
            raise DataError(
                f"the header of an ARFF file has @relation, @attribute and @data, but line {number} of {name} is "
                f"{shown(text)}; correct the line"
            )
        attributes.append(_attribute(text, number, name))
    raise DataError(f"an ARFF file needs a line @data, but {name} ends without one; the file may be cut off")


def _attribute(text: str, number: int, name: str) -> _Attribute:
    match = _ATTRIBUTE.match(text)
    if match is None:
        raise DataError(
            f"'@attribute name type' is needed, but line {number} of {name} is {shown(text)}; correct the line"
        )
    label, kind = _unquoted(match[1]), match[2].strip()
    if kind.startswith("{"):
        levels = _fields(kind[1:-1])
        if levels is None or not levels:
            raise DataError(f"levels in braces are needed, but line {number} of {name} is {shown(text)}; correct it")
        return _Attribute(label, "nominal", tuple("?" if level is None else level for level in levels))
    word = kind.split()[0].lower()
    if word in _NUMERIC:
        return _Attribute(label, "numeric")
    if word in ("string", "date"):
        return _Attribute(label, word)
    raise DataError(
        f"attributes are numeric, nominal, string or date, but line {number} of {name} declares {shown(kind)}; "
        "convert it (relational attributes are not read)"
    )


def _data(lines: Iterator[tuple[int, str]], n_fields: int, name: str) -> Iterator[tuple[int, list[str | None]]]:
    for number, line in lines:
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        if text.startswith("{"):
            raise DataError(
                f"dense ARFF rows are needed, but line {number} of {name} is a sparse row ({shown(text, 30)}); "
                "save the data as svmlight or as dense ARFF"
            )
        row = _fields(text)
        if row is None:
            raise DataError(f"quotes must be closed, but line {number} of {name} has an open one; correct the line")
        if len(row) != n_fields:
            raise DataError(
                f"every row must have {count(n_fields, 'field')}, but line {number} of {name} has {len(row)}; "
                "correct the line"
            )
        yield number, row


def _fields(text: str) -> list[str | None] | None:
    """Split at commas outside quotes; an unquoted ``?`` is None. None for an open quote."""
    if "'" not in text and '"' not in text:
        fields = [field.strip() for field in text.split(",")]
        return [None if field == "?" else field for field in fields] if "?" in fields else list(fields)
    found: list[str | None] = []
    at = 0
    while True:
        match = _FIELD.match(text, at)
        if match is None or (match[1] is None and match[2][:1] in ("'", '"')):
            return None
        found.append(_unquoted(match[1]) if match[1] is not None else None if match[2] == "?" else match[2])
        if not match[3]:
            return found
        at = match.end()


def _unquoted(word: str) -> str:
    if word[:1] in ("'", '"') and len(word) > 1:
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word


def _check_levels(
    cells: tuple[str | None, ...], levels: frozenset[str], places: list[int], attribute: _Attribute, name: str
) -> None:
    strangers = set(cells) - levels - {None}
    if strangers:
        at = next(at for at, cell in enumerate(cells) if cell in strangers)
        raise DataError(
            f"{shown(attribute.name)} declares the levels {listed(attribute.levels)}, but line {places[at]} of {name} "
            f"has {shown(cells[at])}; correct the cell or declare the level"
        )
