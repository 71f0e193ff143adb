"""The rules of proof: what an intervention must do to a class before it proves a cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope._display import signed
from marginscope.diagnosis.effects import Effect
from marginscope.findings import Counterfactual

__all__ = ["NO_PLACEBO", "Proof"]

#: Why a lift that nothing else speaks against is no proof.
NO_PLACEBO = "no placebo could be run"


@dataclass(frozen=True)
class Proof:
    """What an intervention must do to a class before it proves a cause.

    ``least_rows`` of the class must be scored: with fewer, even a recall that rises from
    nothing to one says little. ``least_lift`` in recall; ``balanced_fall`` is the fall of balanced recall that is
    still called none, ``least_net_share`` the share of the lift that rivals must not
    have paid for, ``placebo_margin`` the lead over the placebo in the share of missing
    recall that returns. Above ``good_recall`` the intervals of all comparisons of the
    report must hold together (Bonferroni over ``n_interventions`` for each class). A smaller share of the missing
    recall than ``least_repair`` is a lift, but does not say why the rest is missing.

    Where labels are permuted rivals pay in full for what a class gains. So the placebo says something
    about a lift that is paid for too: one for which rivals pay less than ``free_share`` of it must be
    above zero where all comparisons hold together instead.
    """

    least_rows: int = 5
    least_lift: float = 0.05
    balanced_fall: float = 0.005
    least_net_share: float = 0.33
    placebo_margin: float = 0.05
    good_recall: float = 0.5
    least_repair: float = 0.15
    free_share: float = 0.1
    n_interventions: float = 12

    def judge(self, effect: Effect, code: int, label: str, *, recall: float) -> Counterfactual:
        """Hold one effect on one class, whose recall is known, against the rules."""
        lift, low = float(effect.lift[code]), float(effect.low[code])
        missing = 1 - recall
        # On the scale of this class: the share of missing recall that returns without any signal.
        placebo = None
        if effect.placebo is not None and effect.placebo_repair is not None:
            share, change = float(effect.placebo_repair[code]), float(effect.placebo[code])
            placebo = share * missing if change > 0 else change
        # A class that is learned well enough is called weak only if all comparisons hold together.
        passable = recall >= self.good_recall
        needed = float(effect.low_simultaneous[code]) if passable else low
        reason = ""
        if np.isnan(lift):
            reason = "the class is not scored"
        elif effect.n_scored[code] < self.least_rows:
            reason = f"{_scored(int(effect.n_scored[code]))} nothing, {self.least_rows} are needed"
        elif lift < self.least_lift:
            reason = f"recall rises by less than {self.least_lift:g}"
        elif needed <= 0:
            reason = "the interval of the change reaches zero"
            if low > 0:
                wide = f"[{signed(needed)}, {signed(effect.high_simultaneous[code])}]"
                reason += f" where all comparisons of the report hold together ({wide})"
        # One row of a class of five must not veto what lifts a hundred.
        elif effect.balanced < -max(self.balanced_fall, effect.balanced_error):
            reason = "balanced recall falls"
        elif lift - effect.cost[code] < self.least_net_share * lift:
            reason = "the rivals lose about as much recall as the class gains"
        elif effect.net_low[code] <= 0:
            reason = "the interval of what the class gains beyond what the rivals lose reaches zero"
        elif effect.placebo_repair is None:
            reason = NO_PLACEBO
        elif (
            not self._is_free(effect, code) and effect.repair[code] - effect.placebo_repair[code] < self.placebo_margin
        ):
            reason = "the placebo on permuted labels does as much"
        return Counterfactual(
            intervention=effect.name,
            label=label,
            predicted=self.least_lift,
            lift=lift,
            interval=(low, float(effect.high[code])),
            balanced=effect.balanced,
            rival_cost=float(effect.cost[code]),
            placebo=placebo,
            reason=reason,
        )

    def _is_free(self, effect: Effect, code: int) -> bool:
        """Whether nobody pays for the lift, as rivals do in full where labels are permuted."""
        is_sure = bool(effect.low_simultaneous[code] > 0)
        return effect.placebo_is_paid and is_sure and bool(effect.cost[code] < self.free_share * effect.lift[code])


def _scored(n: int) -> str:
    return "1 scored row proves" if n == 1 else f"{n} scored rows prove"
