"""Columns of a user's table in Python code: by name, or by place where they have no name of their own."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ColumnCode"]

# Names that are listed in the code; of more, those of words are listed and the others are the rest.
_MOST_LISTED = 40
_WIDTH = 100
# Names that were made up for columns without any: of arrays, and of files without a header.
_MADE_UP = re.compile(r"x\d+|\d+")
_MADE_UP_IN_FILES = re.compile(r"column \d+|\d+")


@dataclass(frozen=True)
class ColumnCode:
    """The columns of X as code names them.

    Attributes
    ----------
    names : tuple of str
    is_file : bool
        Whether X is what pandas reads from a file, without the target.
    """

    names: tuple[str, ...]
    is_file: bool = False

    @property
    def is_by_place(self) -> bool:
        """Whether no column has a name of its own."""
        made_up = _MADE_UP_IN_FILES if self.is_file else _MADE_UP
        return all(made_up.fullmatch(name) for name in self.names)

    def selectors(self, places: Sequence[int]) -> list[str]:
        """Return what selects each of the columns, as literals."""
        return [repr(at if self.is_by_place else self.names[at]) for at in places]

    def groups(self, numbers: Sequence[int], words: Sequence[int], others: Sequence[int] = ()) -> list[str]:
        """Return statements that assign the columns to ``numbers`` and ``words``; ``others`` are in neither."""
        lines = _one_line_or_rows("words", self.selectors(words)) if words else []
        if not numbers:
            return lines
        if len(numbers) <= _MOST_LISTED:
            return _one_line_or_rows("numbers", self.selectors(numbers)) + lines
        everything = f"range({len(self.names)})" if self.is_by_place else "X.columns"
        left_out = (["words"] if words else []) + ([f"[{', '.join(self.selectors(others))}]"] if others else [])
        rest = f" if one not in {' + '.join(left_out)}" if left_out else ""
        return [*lines, f"numbers = [one for one in {everything}{rest}]"]


def _one_line_or_rows(name: str, items: Sequence[str]) -> list[str]:
    """Return the assignment of a list to ``name``, in short lines."""
    line = f"{name} = [{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return [line]
    # A name with blanks must not be broken.
    rows = textwrap.wrap(
        " ".join(f"{item},".replace(" ", "\0") for item in items),
        _WIDTH - 4,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [f"{name} = [", *(f"    {row}".replace("\0", " ") for row in rows), "]"]
