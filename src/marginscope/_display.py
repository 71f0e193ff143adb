"""The display contract: text, HTML, frame and picture of a result.

A result class says what it is (``frame``, ``__str__``); the pictures and pages
live in ``marginscope.reports``, which is found by name at call time. This is the
only upward route in the package.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Displayed", "make_frame"]


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


class Displayed:
    """Mixin of result objects: ``plot()``, ``save_html(path)`` and ``_repr_html_``.

    A class names its renderer in ``_report``: a module of ``marginscope.reports``
    with ``figure(result, ax)``, ``fragment(result)`` and ``page(result)``.
    """

    _report: str

    def _renderer(self) -> Any:
        return importlib.import_module(f"marginscope.reports.{self._report}")

    def plot(self, ax: Any = None) -> Any:
        """Draw the result with matplotlib and return the figure."""
        return self._renderer().figure(self, ax=ax)

    def save_html(self, path: str | Path) -> None:
        """Write one self-contained HTML page that opens offline."""
        from marginscope.runs import write_text_atomically

        write_text_atomically(path, self._renderer().page(self))

    def _repr_html_(self) -> str:
        return str(self._renderer().fragment(self))
