"""The engine that is this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from marginscope.distributed.engine.interface import Outcome, attempt, outcome_of

__all__ = ["SerialEngine"]


class SerialEngine:
    """One item after the other."""

    name = "serial"
    n_workers = 1
    shares_files = True

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Outcome]:
        for index, item in enumerate(items):
            yield outcome_of(index, attempt(function, item))

    def close(self) -> None:
        """End nothing: there are no workers."""

    def __enter__(self) -> SerialEngine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
