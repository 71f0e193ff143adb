"""The parts of printed code that come before a model."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PreparationCode"]


@dataclass(frozen=True)
class PreparationCode:
    """Imports, statements before the model, and the first steps of its pipeline."""

    imports: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
