"""Small tables on disk."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Rows = list[list[Any]]


@pytest.fixture(scope="session")
def three_groups() -> Callable[..., Rows]:
    """Rows [x, y, label] of three groups of points that hardly overlap."""

    def rows(counts: tuple[int, int, int] = (60, 30, 12), names: tuple[str, str, str] = ("lynx", "fox", "owl")) -> Rows:
        rng = np.random.default_rng(3)
        centre = np.array([3.0, -2.0])
        return [
            [round(float(x), 4), round(float(y), 4), name]
            for k, (count, name) in enumerate(zip(counts, names, strict=True))
            for x, y in rng.normal(size=(count, 2)) + k * centre
        ]

    return rows


@pytest.fixture(scope="session")
def write_table() -> Callable[..., Path]:
    """Write rows as CSV and return the path."""

    def write(path: Path, rows: Rows, header: list[str] | None) -> Path:
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([*([] if header is None else [header]), *rows])
        return path

    return write


@pytest.fixture
def table(tmp_path: Path, three_groups: Callable[..., Rows], write_table: Callable[..., Path]) -> Path:
    """A table with a header and the target last, called ``label``."""
    return write_table(tmp_path / "data.csv", three_groups(), ["x", "y", "label"])


@pytest.fixture
def bare_table(tmp_path: Path, three_groups: Callable[..., Rows], write_table: Callable[..., Path]) -> Path:
    """The same table without a header."""
    return write_table(tmp_path / "bare.csv", three_groups(), None)
