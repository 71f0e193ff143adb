"""Strict reader of delimited text: every row has the fields of the header, or is named."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from marginscope.exceptions import DataError, UsageError
from marginscope.tables.cells import CellKind, CellReader
from marginscope.tables.dialect import Dialect, delimiter_name, detect, split_blanks
from marginscope.tables.options import BLANKS, ReaderOptions
from marginscope.tables.plan import ReadingPlan
from marginscope.tables.selection import check_distinct, position_names, select
from marginscope.tables.source import Source, Stream
from marginscope.tables.table_builder import RawTable, TableBuilder
from marginscope.tables.wording import count, shown

__all__ = ["read_delimited", "read_rows", "text_lines"]

_SAMPLE_LINES = 1000
_SAMPLE_CHARACTERS = 1 << 20
_CELLS_A_BLOCK = 1 << 15


def read_delimited(
    source: Source, stream: Stream, target: str | int, options: ReaderOptions, plan: ReadingPlan | None
) -> RawTable:
    """Read delimited text whose columns are features and one target."""
    with _long_fields():
        target = target if plan is None else plan.target_name
        rows = _Rows(source, stream, options, lone_target=target if options.may_lack_features else None)
        names, notes = rows.names(target)
        selection = select(names, target, options, plan, source.name, options.header)
        builder = TableBuilder(selection, options, plan, source.name)
        builder.notes += [*rows.notes, *notes, *selection.notes]
        for block, lines in rows.blocks(len(names)):
            builder.add(block, lines)
    if rows.blank_lines:
        builder.notes.append(f"{count(rows.blank_lines, 'blank line')} between rows were skipped")
    return builder.finish()


def read_rows(source: Source, stream: Stream, options: ReaderOptions) -> tuple[list[list[str]], list[int], list[str]]:
    """Return all rows as text, the lines they begin on and notes, for small files that are no table of features."""
    with _long_fields():
        rows = _Rows(source, stream, options, one_column=True)
        found = list(rows.checked(rows.dialect.n_fields))
        return [row for _, row in found], [line for line, _ in found], rows.notes


def text_lines(stream: Stream, encoding: str, name: str) -> Iterator[str]:
    """Decode strictly, without a byte order mark, line ends kept as they are."""
    if encoding == "utf-8" and stream.peek(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise DataError(f"utf-8 text is needed, but {name} is UTF-16 from byte 0 on; use --encoding utf-16")
    stream.expect_text(encoding)
    wrapper: Iterable[str] = io.TextIOWrapper(
        stream,  # type: ignore[type-var]
        "utf-8-sig" if encoding == "utf-8" else encoding,
        "strict",
        newline="",
    )
    try:
        yield from wrapper
    except UnicodeDecodeError as error:
        # The decoder holds the end of what was read, so its offsets count from there.
        offset = stream.position - len(error.object) + error.start
        raise DataError(
            f"{encoding} text is needed, but {name} has other bytes at byte {offset} "
            f"(0x{error.object[error.start]:02x}); use --encoding, for example --encoding latin-1"
        ) from error
    except UnicodeError as error:
        raise DataError(f"{encoding} text is needed, but {name} is not ({error}); use another --encoding") from error


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lift the csv module's limit on the length of a field; --max-bytes bounds it."""
    limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(limit)


class _Rows:
    """The rows of one file, with the line on which each begins."""

    def __init__(
        self,
        source: Source,
        stream: Stream,
        options: ReaderOptions,
        *,
        one_column: bool = False,
        lone_target: str | int | None = None,
    ) -> None:
        self.name = source.name
        self.blank_lines = 0
        self.notes: list[str] = []
        self._options = options
        lines = text_lines(stream, options.encoding, source.name)
        self._sample = _take(lines)
        self._is_whole = len(self._sample) < _SAMPLE_LINES and not (rest := next(lines, ""))
        if not self._is_whole and len(self._sample) < _SAMPLE_LINES:
            self._sample.append(rest)
        self._lines: Iterable[str] = itertools.chain(self._sample, lines)
        self._was_reread = False
        if not any(line.strip() for line in self._sample):
            raise DataError(f"a table is needed, but {source.name} holds only blank lines; file is empty")
        one_column = one_column or (lone_target is not None and _is_lone(lone_target, self._sample))
        self._one_column = one_column
        self._undecided: DataError | None = None
        try:
            self.dialect = self._find_dialect(source)
        except DataError as error:
            if one_column:
                raise
            self._undecided, self.dialect = error, Dialect(",", 1)
        if self.dialect.was_found and self.dialect.n_fields > 1:
            self.notes.append(self.dialect.note)
        if self._was_reread:  # both passes share the file's position
            self._lines = text_lines(source.stream(), options.encoding, source.name)
        self._records = self._numbered()
        self._has_trailing_delimiter = False

    def names(self, target: str | int) -> tuple[tuple[str, ...], list[str]]:
        """Return the column names, after looking at the first row only."""
        line, first = next(self._records)
        if self._undecided is not None:
            self._refuse_undecided(first, target)
        notes: list[str] = []
        n_fields = len(first) if self._options.header else self.dialect.n_fields
        self._has_trailing_delimiter = n_fields > 2 and self._all_end_empty()
        if self._has_trailing_delimiter:
            n_fields -= 1
            notes.append(f"a {delimiter_name(self.dialect.delimiter)} ends every line; the empty column was dropped")
        if not self._options.header:
            self._records = itertools.chain([(line, first)], self._records)
            return position_names(n_fields), notes
        names = [name.strip() for name in first[:n_fields]]
        _check_header(names, self.name)
        for position, name in enumerate(names):
            if not name:
                names[position] = f"column {position}"
                notes.append(f"column {position} has no name in the header")
        if changed := [name for name in first[:n_fields] if name != name.strip()]:
            notes.append(f"blanks around column names were removed, first of {shown(changed[0])}")
        check_distinct(names, self.name, ", or give --no-header if the first line is data")
        return tuple(names), notes

    def blocks(self, n_columns: int) -> Iterator[tuple[list[tuple[str, ...]], list[int]]]:
        """Yield blocks of rows, turned into columns, with their lines."""
        size = max(_CELLS_A_BLOCK // n_columns, 64)
        rows = self.checked(n_columns + self._has_trailing_delimiter)
        while block := list(itertools.islice(rows, size)):
            yield list(zip(*(row for _, row in block), strict=True)), [line for line, _ in block]

    def checked(self, n_fields: int) -> Iterator[tuple[int, list[str]]]:
        """Yield rows with their line; refuse one with another number of fields."""
        blank = 0
        for line, row in self._records:
            if len(row) != n_fields:
                if not row or (len(row) == 1 and not row[0].strip() and n_fields > 1):
                    blank += 1
                    continue
                self._refuse_ragged(line, len(row), n_fields)
            if blank:
                if self._one_column and n_fields == 1:
                    raise DataError(f"a value is needed in every line, but line {line - 1} of {self.name} is blank")
                self.blank_lines, blank = self.blank_lines + blank, 0
            if self._has_trailing_delimiter and row[-1].strip():
                raise DataError(
                    f"the last column of {self.name} has no name and is empty in the first rows, "
                    f"but line {line} has {shown(row[-1])} in it; name the column in the header"
                )
            yield line, row

    def _find_dialect(self, source: Source) -> Dialect:
        delimiter = self._options.delimiter
        if delimiter is None:
            again = None if self._is_whole or source.is_stream else lambda: self._reread(source)
            return detect(self._sample, again, self.name, one_column=self._one_column)
        rows = self._split(iter(self._sample), delimiter)
        first = next((row for _, row in rows if row), [])
        if len(first) < 2 and not self._one_column:
            seen = [one for one in ",;\t|" if one in first[0]] if first else []
            hint = f"; the header contains {' and '.join(map(repr, seen))}" if seen else ""
            raise DataError(
                f"two columns or more are needed, but with --delimiter {delimiter_name(delimiter)} one column found "
                f"in {self.name}{hint}; give another --delimiter or leave it out"
            )
        return Dialect(delimiter, len(first), was_found=False)

    def _reread(self, source: Source) -> Iterator[str]:
        self._was_reread = True
        return text_lines(source.stream(), self._options.encoding, source.name)

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        records = self._split(self._lines, self.dialect.delimiter)
        return itertools.dropwhile(lambda record: not record[1] or record[1] == [""], records)

    def _split(self, lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
        if delimiter == BLANKS:
            for number, line in enumerate(lines, 1):
                if line.count('"') % 2:
                    raise DataError(f"quotes must be closed, but one opens on line {number} of {self.name} and is not")
                yield number, split_blanks(line)
            return
        pending: list[str] = []
        reader = csv.reader(_kept(lines, pending, self.name), delimiter=delimiter, strict=True)
        start = 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._quote_error(pending, delimiter, start, error) from error
            yield start, row
            start = reader.line_num + 1
            pending.clear()

    def _quote_error(self, pending: list[str], delimiter: str, start: int, error: csv.Error) -> DataError:
        opened = _open_quote("".join(pending), delimiter)
        if opened is not None:
            return DataError(
                f"every quote must be closed, but in {self.name} the one opened on line {start + opened} is not; "
                "close it there, or double a quote that belongs to the text"
            )
        return DataError(
            f"a quoted field must end at a delimiter, but line {start + len(pending) - 1} of {self.name} goes on "
            f"after the closing quote ({error}); double a quote that belongs to the text, "
            "or give another --delimiter"
        )

    def _all_end_empty(self) -> bool:
        rows = self._split(iter(self._sample), self.dialect.delimiter)
        with suppress(DataError):  # the sample may end inside quotes; the full pass names a real fault
            for _, row in rows:
                if row and row != [""] and row[-1].strip():
                    return False
        return True

    def _refuse_undecided(self, first: list[str], target: str | int) -> None:
        """Name a target that no delimiter would give before asking for the delimiter."""
        line = ",".join(first)
        is_name = isinstance(target, str) and not target.strip().lstrip("+-").isdigit()
        if self._options.header and is_name and str(target).strip() not in line:
            raise UsageError(
                f"the target {shown(target)} is no column; the header of {self.name} is {shown(line, 400)}"
            ) from self._undecided
        assert self._undecided is not None
        raise self._undecided

    def _refuse_ragged(self, line: int, found: int, n_fields: int) -> None:
        first = self.dialect.n_fields
        if self._options.header and first == found and first != n_fields:
            raise DataError(
                f"the header of {self.name} names {count(n_fields, 'column')}, but the rows have "
                f"{count(found, 'field')} (first: line {line}); name every column"
            )
        raise DataError(
            f"every row must have {count(n_fields, 'field')}, but line {line} of {self.name} has {found}; "
            "correct the line, or give --delimiter if the fields are separated otherwise"
        )


def _check_header(names: list[str], source_name: str) -> None:
    """Refuse a header that is a row of data: most of it numbers that do not count upwards."""
    reader = CellReader(())
    found = [reader.classify(name) for name in names]
    numbers = [value for kind, value in found if kind in (CellKind.INTEGER, CellKind.POINT)]
    counts_up = all(a < b for a, b in itertools.pairwise(numbers)) and all(kind != CellKind.POINT for kind, _ in found)
    if len(numbers) * 2 > len(names) and not counts_up:
        raise DataError(
            f"a header with column names is needed, but the first line of {source_name} holds data "
            f"({shown(','.join(names), 40)}); give --no-header, or add a header"
        )


def _is_lone(target: str | int, sample: list[str]) -> bool:
    """Tell whether the target is the only column: its name is the whole first line, or no line can be split."""
    first = next(line for line in sample if line.strip())
    marks = ",;|\t "
    return first.strip().strip('"') == str(target).strip() or not any(
        mark in line.strip() for line in sample for mark in marks
    )


def _take(lines: Iterator[str]) -> list[str]:
    sample: list[str] = []
    size = 0
    for line in lines:
        sample.append(line)
        size += len(line)
        if len(sample) == _SAMPLE_LINES or size > _SAMPLE_CHARACTERS:
            break
    return sample


def _kept(lines: Iterable[str], pending: list[str], name: str) -> Iterator[str]:
    """Pass lines on, keeping those of the present record for the words of an error."""
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise DataError(f"text is needed, but line {number} of {name} has a NUL character; repair the file")
        pending.append(line)
        yield line


def _open_quote(text: str, delimiter: str) -> int | None:
    """Return how many lines into ``text`` a quote opens that never closes, or None."""
    line, opened, at_start, at = 0, None, True, 0
    while at < len(text):
        character = text[at]
        if opened is not None:
            if character == '"':
                if text[at + 1 : at + 2] == '"':
                    at += 1
                else:
                    opened = None
        elif character == '"' and at_start:
            opened = line
        at_start = opened is None and character in (delimiter, "\n", "\r")
        line += character == "\n"
        at += 1
    return opened
