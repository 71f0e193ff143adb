"""What an engine is: a function, items, and an outcome for each in the order in which they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from marginscope.exceptions import MarginscopeError

__all__ = ["Engine", "Failure", "Outcome", "attempt", "outcome_of"]


@dataclass(frozen=True)
class Failure:
    """Why an item has no value: the cause in words, and how often it was tried."""

    cause: str
    attempts: int = 1


@dataclass(frozen=True)
class Outcome:
    """How an item ended: its place among the items, and a value or a failure."""

    index: int
    value: Any = None
    failure: Failure | None = None


class Engine(Protocol):
    """Processes that work on independent items.

    ``map`` yields an Outcome per item as it ends. An exception in the function is the
    failure of its item and not tried again; a worker that dies is, a few times. No item
    is touched by the death of another. ``n_workers`` is how many items run at once and
    ``shares_files`` says that workers see the files of this process. ``close`` ends the
    workers at once, whatever they do; an engine is closed at the end of its context.
    """

    name: str
    n_workers: int
    shares_files: bool

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Outcome]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Engine: ...
    def __exit__(self, *error: object) -> None: ...


def attempt(function: Callable[[Any], Any], item: Any) -> tuple[Any, str | None]:
    """Return the value and None, or None and the cause in words."""
    try:
        return function(item), None
    except MemoryError as error:
        return None, f"more memory was needed than there is ({error})"
    except MarginscopeError as error:
        return None, str(error)
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def outcome_of(index: int, answer: tuple[Any, str | None], attempts: int = 1) -> Outcome:
    """Return the outcome of an attempt."""
    value, cause = answer
    return Outcome(index, value) if cause is None else Outcome(index, failure=Failure(cause, attempts))
