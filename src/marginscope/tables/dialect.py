"""Which delimiter splits every row into equally many fields."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from marginscope.exceptions import DataError
from marginscope.tables.options import BLANKS
from marginscope.tables.wording import count, joined

__all__ = ["Dialect", "delimiter_name", "detect", "split_blanks"]

_CANDIDATES = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", BLANKS: "blanks"}
_QUOTED_OR_PLAIN = re.compile(r'"((?:[^"]|"")*)"(?=\s|$)|(\S+)')
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+")


@dataclass(frozen=True)
class Dialect:
    """A delimiter, the fields it makes, and whether it was found or given."""

    delimiter: str
    n_fields: int
    was_found: bool = True

    @property
    def note(self) -> str:
        """The sentence for the notes."""
        mark = "runs of blanks" if self.delimiter == BLANKS else f"{delimiter_name(self.delimiter)}s"
        return f"fields are separated by {mark} ({self.n_fields} in every row)"


def delimiter_name(delimiter: str) -> str:
    """Return the word for a delimiter."""
    return _NAMES.get(delimiter, repr(delimiter))


@dataclass
class _Tally:
    """Field counts of the rows under one delimiter."""

    first: int = 0
    counts: Counter[int] | None = None

    @property
    def usual(self) -> tuple[int, float]:
        """The commonest count of fields and its share of the rows."""
        counts = self.counts or Counter({0: 1})
        fields, times = counts.most_common(1)[0]
        return fields, times / counts.total()

    @property
    def is_equal(self) -> bool:
        return self.usual[1] == 1.0 and self.usual[0] >= 2


def split_blanks(line: str) -> list[str]:
    """Split at runs of blanks; a double-quoted field may hold some."""
    if '"' not in line:
        return line.split()
    return [match[1].replace('""', '"') if match[2] is None else match[2] for match in _QUOTED_OR_PLAIN.finditer(line)]


def detect(
    sample: list[str], all_lines: Callable[[], Iterable[str]] | None, name: str, *, one_column: bool = False
) -> Dialect:
    """Return the delimiter under which all rows have the same number of fields.

    ``all_lines`` re-reads the file where the sample is not all of it and more than
    one delimiter fits the sample; None where that cannot be done. Where no
    delimiter fits, the one that nearly does is returned: the parser then names
    the line that is wrong.

    Raises
    ------
    DataError
        If two fit every row alike, or none fits.
    """
    tallies = {one: _tally(sample, one) for one in _CANDIDATES}
    equal = [one for one in _CANDIDATES if tallies[one].is_equal]
    if len(equal) > 1 and all_lines is not None:
        equal = [one for one in equal if _tally(all_lines(), one).is_equal] or equal
    if len(equal) > 1:
        _refuse_undecided({one: tallies[one].usual[0] for one in equal}, name)
    tallies[BLANKS] = _tally(sample, BLANKS)
    if equal:
        best = equal[0]
        if best == "," and tallies[BLANKS].is_equal and _may_be_decimal_commas(sample):
            _refuse_undecided({one: tallies[one].usual[0] for one in (",", BLANKS)}, name)
        return Dialect(best, tallies[best].usual[0])
    if tallies[BLANKS].is_equal and not one_column:
        return Dialect(BLANKS, tallies[BLANKS].usual[0])
    return _nearest(sample, tallies, name, one_column)


def _nearest(sample: list[str], tallies: dict[str, _Tally], name: str, one_column: bool) -> Dialect:
    fitting = [one for one, tally in tallies.items() if tally.usual[0] >= 2 and tally.usual[1] >= 0.5]
    if one_column:
        fitting = [one for one in fitting if one != BLANKS]
    if fitting:
        best = max(fitting, key=lambda one: (tallies[one].usual[1], one != BLANKS))
        return Dialect(best, tallies[best].usual[0])
    if one_column:
        return Dialect(",", 1)
    header = next((line for line in sample if line.strip()), "")
    seen = [repr(one) for one in _CANDIDATES if one in header]
    hint = f"the header contains {joined(seen)}, but not in equal numbers in every row" if seen else "no delimiter"
    raise DataError(
        f"two columns or more are needed, but in {name} one column found; {hint}. "
        "Give --delimiter if there is one, or correct the file"
    )


def _tally(lines: Iterable[str], delimiter: str) -> _Tally:
    tally = _Tally(counts=Counter())
    assert tally.counts is not None
    rows: Iterator[list[str]]
    if delimiter == BLANKS:
        rows = (split_blanks(line) for line in lines)
    else:
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in rows:
            if row and row != [""]:
                tally.first = tally.first or len(row)
                tally.counts[len(row)] += 1
    except csv.Error:
        pass  # the end of the sample inside quotes, or a fault that the parser will name with its line
    return tally


def _may_be_decimal_commas(sample: list[str]) -> bool:
    """Tell whether the commas of blank-separated rows may all be decimal marks."""
    fields = [field for line in sample for field in line.split()]
    with_comma = [field for field in fields if "," in field]
    return bool(with_comma) and all(_COMMA_NUMBER.fullmatch(field) for field in with_comma)


def _refuse_undecided(counts: dict[str, int], name: str) -> None:
    ways = joined([f"{delimiter_name(one)} ({count(fields, 'field')})" for one, fields in counts.items()])
    raise DataError(
        f"one delimiter must be told from the field counts, but every row of {name} splits equally by {ways}; "
        f"say which it is with --delimiter {' or --delimiter '.join(delimiter_name(one) for one in counts)}"
    )
