"""The keys of a sweep's TOML file: every one known, typed and named in what is said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from marginscope._validation import look_up
from marginscope.exceptions import UsageError

__all__ = ["Section", "is_number"]


class Section:
    """A table of a TOML file, read key by key.

    Parameters
    ----------
    table : mapping
    place : str
        Where it is, such as "data[2]", or "" for the file itself.
    known : sequence of str
        The keys that there are.

    Raises
    ------
    UsageError
        If it is no table or has another key, naming the nearest.
    """

    def __init__(self, table: Any, place: str, known: Sequence[str]) -> None:
        if not isinstance(table, Mapping):
            raise UsageError(f"a table is needed as {place}, but got {table!r:.60}; write it as {{key = value}}")
        for key in table:
            look_up(f"key of {place or 'a sweep'}", key, dict.fromkeys(known))
        self._table, self._place = table, place

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def name(self, key: str) -> str:
        """Return a key with its place, as messages show it."""
        return f"{self._place}.{key}" if self._place else key

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value as it stands."""
        return self._table.get(key, default)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._required(key, default, "a text")
        if not isinstance(value, str) or not value:
            self._refuse(key, "a text", value)
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            self._refuse(key, "true or false", value)
        return bool(value)

    def whole(self, key: str, default: int | None = None, *, least: int = 0, most: int = 10**12) -> int:
        """Return a whole number in a range."""
        need = f"a whole number between {least} and {most:,}"
        value = self._required(key, default, need)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self._refuse(key, need, value)
        return int(value)

    def number(self, key: str, default: float | None = None, *, least: float = 0.0) -> float:
        """Return a finite number of at least so much."""
        need = f"a finite number of at least {least:g}"
        value = self._required(key, default, need)
        if not is_number(value) or value < least:
            self._refuse(key, need, value)
        return float(value)

    def choice(self, key: str, default: str, known: Sequence[str]) -> str:
        """Return one of some texts."""
        return str(look_up(self.name(key), self.get(key, default), {one: one for one in known}))

    def several(self, key: str, default: Sequence[Any] | None = None) -> list[Any]:
        """Return a list that is not empty and holds nothing twice."""
        values = self._required(key, default, "a list")
        if not isinstance(values, list | tuple) or not values:
            self._refuse(key, "a list with at least one value", values)
        for i, value in enumerate(values):
            if any(type(value) is type(other) and value == other for other in values[:i]):
                raise UsageError(f"{self.name(key)} needs every value once, but got {value!r:.60} twice; leave one out")
        return list(values)

    def _required(self, key: str, default: Any, need: str) -> Any:
        value = self.get(key, default)
        if value is None:
            raise UsageError(f"{self.name(key)} needs {need}, but it is not there; add the key")
        return value

    def _refuse(self, key: str, need: str, value: Any) -> None:
        raise UsageError(f"{self.name(key)} needs {need}, but got {value!r:.60}; change it")


def is_number(value: Any) -> bool:
    """Say whether a value is a finite number, and no flag."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
