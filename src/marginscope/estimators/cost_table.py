"""Costs of decisions as a matrix in the order of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError

__all__ = ["cost_table"]

Floats = NDArray[np.float64]


def cost_table(costs: Any, classes: NDArray[Any]) -> Floats:
    """Return (n_classes, n_classes) costs: entry [j, k] is that of predicting k where j is true.

    Parameters
    ----------
    costs : (n_classes, n_classes) array, mapping {true: {predicted: cost}}, mapping {(true, predicted): cost} or None
        What a mapping leaves out costs 1, a right prediction 0; None is all of that.
    classes : (n_classes,) array
        Labels in sorted order.

    Raises
    ------
    UsageError
        If a label is unknown, the shape is another, or a cost is not finite.
    """
    K = len(classes)
    table = 1.0 - np.eye(K)
    if costs is None:
        return table
    if isinstance(costs, Mapping):
        place = {label: code for code, label in enumerate(classes.tolist())}
        for true, predicted, cost in _entries(costs):
            for label in (true, predicted):
                if label not in place:
                    raise UsageError(
                        f"cost_matrix needs labels of y, but {label!r} is none of {classes.tolist()!r:.80}; correct it"
                    )
            table[place[true], place[predicted]] = _number(cost)
        return table
    try:
        table = np.array(costs, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"cost_matrix needs numbers, but got {costs!r:.60}; pass cost_matrix[j][k], the cost of k where j is true"
        ) from error
    if table.shape != (K, K) or not np.all(np.isfinite(table)):
        raise UsageError(
            f"cost_matrix needs a finite cost for each of {K} true and {K} predicted classes, but got shape "
            f"{table.shape}; give them in the order {classes.tolist()!r:.80}"
        )
    return table


def _entries(costs: Mapping[Any, Any]) -> list[tuple[Any, Any, Any]]:
    """List true label, predicted label and cost."""
    found = []
    for key, value in costs.items():
        if isinstance(value, Mapping):
            found += [(_plain(key), _plain(predicted), cost) for predicted, cost in value.items()]
        elif isinstance(key, tuple) and len(key) == 2:
            found.append((_plain(key[0]), _plain(key[1]), value))
        else:
            raise UsageError(
                f"cost_matrix needs {{true: {{predicted: cost}}}} or {{(true, predicted): cost}}, but got the entry "
                f"{key!r}: {value!r:.40}; name both labels"
            )
    return found


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _number(cost: Any) -> float:
    try:
        value = float(cost)
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise UsageError(f"cost_matrix needs finite costs, but got {cost!r:.40}; correct it")
    return value
