"""The display contract: text, HTML, frame and picture of a result.

A result class says what it is (``frame``, ``__str__``); the pictures and pages
live in ``marginscope.reports``, which is found by name at call time. This is the
only upward route in the package.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Displayed", "display_order", "fragment_of", "make_frame", "norm_word", "one_line", "signed"]

_LONGEST_LINE = 160


def make_frame(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return the columns as a pandas or Polars frame, or as a dict of lists.

    pandas is taken where it is installed, else Polars; neither is required.
    """
    for package in ("pandas", "polars"):
        try:
            return importlib.import_module(package).DataFrame(dict(columns))
        except ImportError:
            continue
    return {name: list(values) for name, values in columns.items()}


def fragment_of(report: str, result: Any) -> str:
    """Return the notebook cell that a module of ``marginscope.reports`` makes of a result."""
    return str(importlib.import_module(f"marginscope.reports.{report}").fragment(result))


def display_order(labels: Sequence[Any]) -> list[int]:
    """Return places of labels in the order to show: by value if all are numbers, else as they are (1, 2, 10)."""
    try:
        values = [float(str(label)) for label in labels]
    except ValueError:
        return list(range(len(labels)))
    if not all(math.isfinite(value) for value in values):
        return list(range(len(labels)))
    return sorted(range(len(labels)), key=lambda k: values[k])


def signed(value: float) -> str:
    """Return a difference with its sign and two places, no sign where it rounds to zero."""
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def one_line(result: object) -> str:
    """Return a short representation: the class of a result and the first line of its text."""
    line = next(iter(str(result).splitlines()), "")
    line = line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 3]}..."
    return f"<{type(result).__name__}: {line.rstrip('.')}>"


def norm_word(norm: str) -> str:
    """Write the name of a norm as in a sentence."""
    return "Frobenius" if norm == "frobenius" else norm


class Displayed:
    """Mixin of result objects: ``plot()``, ``save_html(path)`` and ``_repr_html_``.

    A class names its renderer in ``_report``: a module of ``marginscope.reports``
    with ``figure(result, ax)``, ``fragment(result)`` and ``page(result)``.
    """

    _report: str

    def __repr__(self) -> str:
        """Return the class and the headline: results hold whole matrices."""
        return one_line(self)

    def _renderer(self) -> Any:
        return importlib.import_module(f"marginscope.reports.{self._report}")

    def plot(self, ax: Any = None) -> Any:
        """Draw the result with matplotlib and return the figure.

        Raises
        ------
        UsageError
            If ``ax`` is given and is none.
        """
        if ax is not None and not hasattr(ax, "get_figure"):
            from marginscope.exceptions import UsageError

            raise UsageError(f"matplotlib axes are needed to draw on, but got {ax!r:.60}; pass ax=... or nothing")
        return self._renderer().figure(self, ax=ax)

    def save_html(self, path: str | Path) -> None:
        """Write one self-contained HTML page that opens offline."""
        from marginscope.runs import write_text_atomically

        write_text_atomically(path, self._renderer().page(self))

    def _repr_html_(self) -> str:
        return str(self._renderer().fragment(self))
