"""What a case is: data with one planted cause, the models it is shown to, and the same without the cause."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Case", "Planted", "Rows"]


class Rows(NamedTuple):
    """Features and labels."""

    X: Any
    y: np.ndarray


@dataclass(frozen=True)
class Planted:
    """One draw.

    Attributes
    ----------
    train, test
        What the diagnosis is given; without ``test`` it cross-validates.
    classes
        Labels that carry the cause.
    healthy
        Labels that must be called healthy; in a control these are all.
    fresh
        Other rows of the same population with true labels, on which remedies are judged;
        ``None`` where the real set has no rows to spare.
    cured
        The same draw with the planted cause taken out of the data; ``None`` where
        the cause is in the model.
    """

    train: Rows
    test: Rows | None = None
    classes: tuple[str, ...] = ()
    healthy: tuple[str, ...] = ()
    fresh: Rows | None = None
    cured: Planted | None = None


@dataclass(frozen=True)
class Case:
    """One planted cause in one kind of data; an empty ``cause`` is a healthy control.

    ``findings`` are slugs that must be issues. ``cured_models`` are the models without
    the cause, under the same names. ``shown_by`` says what proves the planting (see
    ``verify``): ``"cure"`` (unlearned as planted, learned when cured), ``"count"`` (so few
    rows that any recall on them may be luck; learned when cured), ``"certificate"``
    (a finding about the fit, proved by its own computation) or ``"control"``.
    """

    cause: str
    name: str
    source: str
    draw: Callable[[np.random.Generator], Planted]
    models: Mapping[str, Callable[[], Any]]
    cured_models: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    shown_by: str = "cure"

    @property
    def key(self) -> str:
        return f"{self.cause or 'healthy'}/{self.name}"

    def planted(self, seed: int) -> Planted:
        """Draw the data of one seed."""
        return self.draw(np.random.default_rng([seed, zlib.crc32(self.key.encode())]))
