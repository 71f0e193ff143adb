"""Settings of an experiment: overrides must match a field and its type."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

from marginscope.exceptions import UsageError

__all__ = ["parse_assignments", "settings"]

_WORDS = {"true": True, "false": False}


def settings(config: type[Any], overrides: Mapping[str, Any]) -> Any:
    """Return a configuration with some fields changed.

    Raises
    ------
    UsageError
        If a name is no field, or a value not of its type.
    """
    hints = get_type_hints(config)
    fields = [field.name for field in dataclasses.fields(config)]
    changed = {}
    for name, value in overrides.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=2, cutoff=0.6)
            advice = f"did you mean {' or '.join(near)}?" if near else f"its settings are: {', '.join(fields)}"
            raise UsageError(f"a setting of the experiment is needed, but got {name!r}; {advice}")
        changed[name] = _converted(name, value, hints[name], getattr(config, name, None))
        _check_counts(name, changed[name])
    return config(**changed)


def parse_assignments(words: Sequence[str]) -> dict[str, str]:
    """Split KEY=VALUE words.

    Raises
    ------
    UsageError
        If one has no equals sign, or a key comes twice.
    """
    found: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key.strip():
            raise UsageError(f"--set needs KEY=VALUE, but got {word!r}; write for example --set n_trials=3")
        if key.strip() in found:
            raise UsageError(f"--set names {key.strip()!r} twice; keep one")
        found[key.strip()] = value.strip()
    return found


def _converted(name: str, value: Any, kind: Any, default: Any) -> Any:
    """Return the value as the field's type; a word from the command line is parsed."""
    try:
        if getattr(kind, "__origin__", None) is tuple:
            # the page of experiments writes lists in brackets
            parts = value.strip("[]() ").split(",") if isinstance(value, str) else list(value)
            return tuple(_converted(name, part, kind.__args__[0], default) for part in parts)
        if kind is bool:
            return _WORDS[value.lower()] if isinstance(value, str) else _as_given(value, bool)
        if kind is int:
            number = float(value) if isinstance(value, str) else value
            if isinstance(number, bool) or number != int(number):
                raise ValueError
            return int(number)
        if kind is float:
            if isinstance(value, bool):
                raise ValueError
            return float(value)
        return _as_given(value, str)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        word = getattr(kind, "__name__", str(kind))
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        raise UsageError(
            f"{name} needs a value of type {word}, but got {value!r:.40}; its default is {shown}"
        ) from error


def _check_counts(name: str, value: Any) -> None:
    """Refuse a negative whole number, and a count of nothing."""
    least = 1 if name.startswith(("n_", "per_")) else 0
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int) and number < least:
            raise UsageError(f"{name} needs a whole number of at least {least}, but got {number}; leave it out")


def _as_given(value: Any, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value
