"""Check ``dead-units``: hardly a unit of the network lets a gradient through on the rows of the class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, name_list, settled
from marginscope.diagnosis.deeper_causes import claims_on, proofs_of, yielding
from marginscope.diagnosis.live_units import live_shares
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Status

__all__ = ["DeadUnits"]


@dataclass(frozen=True)
class DeadUnits:
    """Units are off or saturated on the rows of the class, and live ones learn it.

    In some layer less than ``least_live`` of the units let a gradient through on the rows of the
    class. A handful of units tells classes apart by being off for some: there only a layer that is
    dead on every class counts, unless so few live units have a probability of at most
    ``by_chance`` among units that are off for half of the classes. Classes with a recall of
    ``learned`` or more are left alone. Where standardised features do as much as other units,
    up to ``equal`` recall, they are the cause.
    """

    slug: str = "dead-units"
    title: str = "dead or saturated units"
    cost: str = "refit"
    least_live: float = 0.25
    by_chance: float = 0.05
    learned: float = 0.9
    equal: float = 0.05

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        layers = live_shares(case)
        if not layers:
            raise CheckNotApplicable("the model is no network whose units can be seen")
        shares = np.stack(list(layers.values()))
        with np.errstate(invalid="ignore"):
            dead = self._dead(case, shares) & (case.scores.recall < self.learned)
        names = [case.names[k] for k in np.flatnonzero(dead)]
        evidence = self._evidence(case, tuple(layers), shares)
        if not names:
            text = "Enough units of every layer let a gradient through on the rows of every class that is not learned."
            return Finding(self.slug, Status.PASSED, text, evidence=evidence)
        if not case.view.can_refit:
            text = f"Hardly a unit lets a gradient through on the rows of {name_list(names)}."
            return Finding(self.slug, Status.TIP, text, tuple(names), evidence, remedies=("fresh-units", "step-size"))
        claims = claims_of(case, "fresh-units", "step-size")
        claims = claims_on(claims, frozenset(names), "enough units are live on its rows")
        scaled = proofs_of(case, "scaling")
        claims = yielding(claims, scaled, "with standardised features the same units learn it", self.equal)
        case.notebook[self.slug] = {name: one for name, one in claims.items() if one.is_proof}
        return settled(
            case,
            self.slug,
            claims,
            remedies=("fresh-units", "step-size"),
            issue="Hardly a unit lets a gradient through on the rows of {names}; live units learn them.",
            passed="Hardly a unit lets a gradient through on some rows, but other units recover no class.",
            extra=evidence,
        )

    def _dead(self, case: Case, shares: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Classes for which some layer is dead, shape (n_classes,); ``shares`` by layer and class."""
        from scipy.stats import binom

        part = case.network_part
        assert part is not None
        units = np.array([[layer.outputs.shape[1]] for layer in part.layers])
        few = shares < self.least_live
        no_chance = binom.cdf(np.round(np.nan_to_num(shares) * units), units, 0.5) <= self.by_chance
        everywhere = (few | np.isnan(shares)).all(axis=1, keepdims=True)
        dead = few & (no_chance | everywhere)
        return np.asarray(dead.any(axis=0), dtype=bool)

    def _evidence(self, case: Case, layers: tuple[str, ...], shares: NDArray[np.float64]) -> tuple[Evidence, ...]:
        worst = np.argsort(shares.min(axis=0))
        return tuple(
            Evidence(
                f"share of units live on '{case.names[k]:.60}' in {layers[int(shares[:, k].argmin())]}",
                float(shares[:, k].min()),
                self.least_live,
            )
            for k in worst[:12]
            if not np.isnan(shares[:, k]).any()
        )
