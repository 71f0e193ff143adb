"""How cells, columns and counts are put into a sentence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["count", "joined", "listed", "of_file", "shown"]


def shown(text: object, limit: int = 60) -> str:
    """Quote a cell or name: control and bidi characters visible, long text cut and hashed."""
    if not isinstance(text, str):
        return str(text)
    if len(text) <= limit:
        return repr(text)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{text[:limit]!r}... ({len(text):,} characters, sha256 {digest})"


def count(number: int, noun: str, plural: str = "") -> str:
    """Say ``3 rows`` or ``1 row``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def joined(words: Sequence[str], last: str = "and") -> str:
    """Join words as ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def listed(names: Iterable[str], limit: int = 12) -> str:
    """List names in quotes, the first ``limit`` of them."""
    names = list(names)
    words = [shown(name) for name in names[:limit]]
    if len(names) > limit:
        words.append(f"{len(names) - limit:,} more")
    return joined(words)


def of_file(notes: Iterable[str], file: str | None) -> tuple[str, ...]:
    """Begin each note with the name of the file that it is about, unless it names it."""
    name = Path(file or "").name
    return tuple(note if not name or name in note else f"{name}: {note}" for note in notes)
