"""Which share of the units of a network lets a gradient through on the rows of a class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.network_part import NetworkPart, UnitLayer
from marginscope.diagnosis.case import Case

__all__ = ["live_shares", "live_shares_of"]

Floats = NDArray[np.float64]
# A unit passes a gradient on a row where its reach is this share of what the last layer gives it.
_LEAST_REACH = 1e-3
# And is live on a class where it does so on this share of the rows.
_LEAST_ROWS = 0.05


def live_shares(case: Case) -> dict[str, Floats]:
    """Return by layer the share of live units per class, shape (n_classes,); NaN for a class without rows.

    A unit is live on a class if a gradient passes through it on at least one row in twenty.
    Dead rectified units and saturated ones pass (nearly) none. Empty if the model is no
    network, or its units cannot be seen.
    """
    if "live units" not in case.notebook:
        part = case.network_part
        codes = case.subject.codes[case.shown_rows]
        case.notebook["live units"] = {} if part is None else live_shares_of(part, codes, case.n_classes)
    found: dict[str, Floats] = case.notebook["live units"]
    return found


def live_shares_of(part: NetworkPart, codes: NDArray[np.int64], n_classes: int) -> dict[str, Floats]:
    """Return the same of the inside of a network on rows of these classes."""
    return {one.name: _by_class(one, part, codes, n_classes) for one in part.layers}


def _by_class(layer: UnitLayer, part: NetworkPart, codes: NDArray[np.int64], n_classes: int) -> Floats:
    # What reaches a unit of the last layer whose activation is fully open, as a typical size.
    unit = float(np.abs(part.coef - part.coef.mean(axis=0)).mean())
    passes = layer.reach > _LEAST_REACH * unit
    shares = np.full(n_classes, np.nan)
    for k in np.unique(codes):
        shares[k] = (passes[codes == k].mean(axis=0) >= _LEAST_ROWS).mean()
    return shares
