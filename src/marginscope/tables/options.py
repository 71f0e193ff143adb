"""What a user may say about a file, checked once."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from marginscope.exceptions import UsageError

__all__ = ["BLANKS", "DEFAULT_MISSING", "ReaderOptions"]

#: The delimiter that stands for one or more blanks or tabs.
BLANKS = "blanks"

#: Cells of feature columns that mean "no value". An empty cell always does.
DEFAULT_MISSING = ("", "NA", "N/A", "nan", "NaN", "null", "None", "?")

_DELIMITER_WORDS = {
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    " ": BLANKS,
    "blank": BLANKS,
    "blanks": BLANKS,
    "space": BLANKS,
}


@dataclass(frozen=True)
class ReaderOptions:
    """The reader options of the command line and of ``read_table``."""

    drop: tuple[str | int, ...] = ()
    header: bool = True
    missing: tuple[str, ...] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str = "utf-8"
    text: tuple[str | int, ...] = ()
    max_bytes: int | None = None
    strict: bool = False
    drop_missing_target: bool = False
    allow_stream: bool = False
    may_lack_features: bool = False

    @classmethod
    def checked(
        cls,
        *,
        drop: Sequence[str | int] | str | int = (),
        missing: Sequence[str] | str | None = None,
        delimiter: str | None = None,
        decimal: str | None = None,
        encoding: str = "utf-8",
        text: Sequence[str | int] | str | int = (),
        max_bytes: int | None = None,
        **flags: bool,
    ) -> ReaderOptions:
        """Return the options in canonical form, or say which one cannot be meant."""
        delimiter = _delimiter(delimiter)
        if decimal not in (None, ".", ","):
            raise UsageError(f"--decimal is '.' or ','. Got {decimal!r}; leave it out to have it detected")
        if delimiter is not None and delimiter == decimal:
            raise UsageError(f"{delimiter!r} cannot be both --delimiter and --decimal; change one of them")
        if max_bytes is not None and max_bytes < 1:
            raise UsageError(f"--max-bytes is a positive number of bytes. Got {max_bytes}")
        return cls(
            drop=_as_tuple(drop),
            missing=None if missing is None else (missing,) if isinstance(missing, str) else tuple(missing),
            delimiter=delimiter,
            decimal=decimal,
            encoding=_encoding(encoding),
            text=_as_tuple(text),
            max_bytes=max_bytes,
            **flags,
        )

    @property
    def feature_marks(self) -> frozenset[str]:
        """Cells of a text file that mean a missing feature."""
        return frozenset(DEFAULT_MISSING if self.missing is None else ("", *(mark.strip() for mark in self.missing)))

    @property
    def target_marks(self) -> frozenset[str]:
        """Cells of a text file that mean a missing label: never a word unless the user says so."""
        return frozenset(("", *(mark.strip() for mark in self.missing or ())))

    @property
    def typed_marks(self) -> frozenset[str]:
        """Text that means missing in a format that has a null of its own."""
        return frozenset(mark.strip() for mark in self.missing or ())


def _as_tuple(columns: Sequence[str | int] | str | int) -> tuple[str | int, ...]:
    return (columns,) if isinstance(columns, (str, int)) else tuple(columns)


def _delimiter(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    delimiter = _DELIMITER_WORDS.get(delimiter, delimiter)
    if delimiter == BLANKS or (len(delimiter) == 1 and delimiter not in '\r\n"'):
        return delimiter
    raise UsageError(
        f"--delimiter is one character, or one of tab, blanks, comma, semicolon, bar. Got {delimiter!r}; "
        "leave it out to have it detected"
    )


def _encoding(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)
    except (LookupError, TypeError) as error:
        raise UsageError(
            f"--encoding is the name of a text encoding, such as utf-8, latin-1 or utf-16. Got {encoding!r}"
        ) from error
    return name
