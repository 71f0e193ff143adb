"""A gauge as a user names it, and the sentence that says what a row then means."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from numpy.typing import NDArray

from marginscope.exceptions import UsageError

__all__ = ["INTERCEPT", "SUM_TO_ZERO", "class_code", "gauge_code", "row_meaning"]

SUM_TO_ZERO = "sum_to_zero"
INTERCEPT = "(intercept)"
_SHOWN = 6


def gauge_code(gauge: Any, classes: NDArray[Any]) -> int | None:
    """Return the code of the reference class, ``None`` for the sum-to-zero gauge.

    Raises
    ------
    UsageError
        If it is neither "sum_to_zero" nor a label.
    """
    code = _place(gauge, classes)
    if code is not None:
        return code
    if isinstance(gauge, str) and gauge == SUM_TO_ZERO:
        return None
    raise UsageError(
        f"a gauge is 'sum_to_zero' or the label of a reference class ({_shown(classes)}), but got {gauge!r:.80}; "
        "name one of them"
    )


def class_code(label: Any, classes: NDArray[Any]) -> int:
    """Return the code of a label.

    Raises
    ------
    UsageError
        If it is none.
    """
    code = _place(label, classes)
    if code is None:
        raise UsageError(f"a label of a class ({_shown(classes)}) is needed, but got {label!r:.80}; name one of them")
    return code


def _place(label: Any, classes: NDArray[Any]) -> int | None:
    places = {one: code for code, one in enumerate(classes.tolist())}
    return places.get(label) if isinstance(label, Hashable) else None


def _shown(classes: NDArray[Any]) -> str:
    return ", ".join(map(repr, classes[:_SHOWN].tolist())) + (", ..." if len(classes) > _SHOWN else "")


def row_meaning(gauge: Any, *, is_joint: bool, is_logistic: bool) -> str:
    """Say what a coefficient in the row of a class is."""
    what = "the change of the log odds" if is_logistic else "the change of the score"
    if not is_joint:
        return (
            f"One-vs-rest: a coefficient is {what} of its class against all others together, per unit of the feature; "
            "every row is a model of its own."
        )
    if gauge == SUM_TO_ZERO:
        rival = "the average of all classes (log p less the mean of log p)" if is_logistic else "the average score"
    else:
        rival = f"the reference class {gauge}"
    return f"Multinomial: a coefficient is {what} of its class against {rival}, per unit of the feature."
