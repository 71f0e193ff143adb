"""One positive number for each class, given by label or in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError

__all__ = ["check_class_numbers"]

_WIDEST_FACTOR = 1e12
_SHOWN = 6


def check_class_numbers(name: str, values: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return one positive number per class in the order of ``labels``; None stays None.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    values : mapping {label: number} or (n_classes,) array-like or None
        A class that a mapping does not name has 1.
    labels : (n_classes,) array
        Labels in sorted order.

    Raises
    ------
    UsageError
        If a key is no label, the number of numbers is not that of the classes, or a
        number is not between 1e-12 and 1e12.
    """
    if values is None:
        return None
    if isinstance(values, Mapping):
        place = {label: code for code, label in enumerate(labels.tolist())}
        numbers: Any = [1.0] * len(labels)
        for key, value in values.items():
            plain = key.item() if isinstance(key, np.generic) else key
            if plain not in place:
                raise UsageError(
                    f"{name} needs labels of y as keys, but {key!r} is none of {_shown(labels)}; correct the key"
                )
            numbers[place[plain]] = value
    else:
        numbers = values
    try:
        given = np.array(numbers, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{name} needs a number for each class, but got {values!r:.80}; pass {{label: number}}"
        ) from error
    if given.shape != (len(labels),):
        raise UsageError(
            f"{name} needs one number for each of the {len(labels)} classes, but got shape {given.shape}; "
            f"pass them in the order {_shown(labels)}, or as {{label: number}}"
        )
    outside = ~((given >= 1.0 / _WIDEST_FACTOR) & (given <= _WIDEST_FACTOR))
    if outside.any():
        bad = float(given[outside][0])
        raise UsageError(
            f"{name} needs numbers between {1.0 / _WIDEST_FACTOR:g} and {_WIDEST_FACTOR:g}, but got {bad:g}; "
            "divide them by a common factor, or correct it"
        )
    return given


def _shown(labels: NDArray[Any]) -> str:
    listed = ", ".join(repr(label) for label in labels[:_SHOWN].tolist())
    return f"[{listed}{', ...' if len(labels) > _SHOWN else ''}]"
