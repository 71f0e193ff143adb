"""How far a point and its multipliers are from the optimality conditions of a hard margin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.bracket import Bracket
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_weights import PairWeights, WeightedSum
from marginscope.geometry.norms import get_norm

__all__ = ["KktResiduals", "kkt_residuals"]

Floats = NDArray[np.float64]


class KktResiduals(NamedTuple):
    """How far a solution is from optimal, each relative to its own scale.

    ``primal`` is max (1 - u_ik / m)_+; ``stationarity`` is ||W - G||_F / ||W||_F in the
    Frobenius norm and 1 - <G, W> / (||G||_dual ||W||) in the others, G = sum beta z~;
    ``complementarity`` is sum beta (u - m) / sum beta m; ``gap`` is the relative width of the
    bracket.
    """

    primal: float
    stationarity: float
    complementarity: float
    gap: float

    @property
    def worst(self) -> float:
        """The largest of the four."""
        return max(self)


def kkt_residuals(
    constraints: MarginConstraints,
    norm: str,
    W: Floats,
    pairs: PairWeights,
    combined: WeightedSum,
    bracket: Bracket,
    margins: Floats,
) -> KktResiduals:
    """Measure a point of worst scaled margin about 1; ``margins`` are its u_ik / m_{y_i}."""
    G, ball = combined.value, get_norm(norm)
    if norm == "frobenius":
        stationarity = ball.value(W - G) / ball.value(W)
    else:
        stationarity = max(0.0, 1.0 - float(np.vdot(G, W)) / (ball.dual_value(G) * ball.value(W)))
    force = pairs.values * constraints.row_margins[pairs.rows]
    excess = float((force * np.abs(margins[pairs.rows, pairs.rivals] - 1.0)).sum()) / combined.total
    return KktResiduals(max(0.0, 1.0 - float(margins.min())), stationarity, excess, bracket.width)
