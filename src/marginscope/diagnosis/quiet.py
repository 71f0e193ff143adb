"""Fits that do not talk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_fits"]


@contextmanager
def quiet_fits() -> Iterator[None]:
    """Silence what fits warn about: the checks measure it, and it would only repeat per fold.

    Recording as well as ignoring, because libraries that reset filters in a thread undo
    the ignoring of all others.
    """
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("ignore")
        yield
