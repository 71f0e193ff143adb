"""Check ``over-regularised``: recall returns along the penalty path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.diagnosis.effects import recall_of
from marginscope.findings import Evidence, Finding, Panel, Series, Status

__all__ = ["OverRegularised"]


@dataclass(frozen=True)
class OverRegularised:
    """A weaker penalty, with the classes weighted as they are, learns the class.

    Covers L1 and elastic-net penalties that set the whole row of a class to zero: a
    row whose norm is below ``zero_row`` times the largest counts as zeroed. A penalty that holds
    a class back does so in training too: where every class with a recall of one half or more is
    ``learned`` on its own training rows or out of sample, nothing is refitted.
    """

    slug: str = "over-regularised"
    title: str = "penalty too strong"
    cost: str = "refit"
    zero_row: float = 1e-8
    learned: float = 0.95

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        if case.lab.can_act("weaker-penalty") and not case.poor and not self._held_back(case):
            text = f"Every class is learned, or has a recall of {self.learned:g} and more on its own training rows."
            return Finding(self.slug, Status.PASSED, text)
        claims = claims_of(case, "weaker-penalty")
        knobs = case.view.penalty_knobs()
        setting = ", ".join(f"{knob.path}={knob.value:g}" for knob in knobs)
        zeroed = self._zeroed_rows(case)
        extra = tuple(Evidence(f"penalty now: {knob.path}", float(knob.value)) for knob in knobs)
        if zeroed is not None:
            extra += (Evidence("classes whose whole row of coefficients is zero", float(zeroed), 0.0),)
        return settled(
            case,
            self.slug,
            claims,
            remedies=("weaker-penalty",),
            issue="A weaker penalty recovers {names} (the model has " + setting + ").",
            passed=f"No weaker penalty than {setting} recovers a class.",
            extra=extra,
            panels=_paths(case, [name for name, one in claims.items() if one.is_proof]),
        )

    def _held_back(self, case: Case) -> bool:
        """Whether some class is missed in training and out of sample; unknown counts as missed."""
        with np.errstate(invalid="ignore"):
            missed = ~(case.lab.base.train_recall >= self.learned) & (case.lab_recall < self.learned)
        return bool(missed.any())

    def _zeroed_rows(self, case: Case) -> int | None:
        part = case.linear_part
        if part is None:
            return None
        norms = np.linalg.norm(part.coef, axis=1)
        return int((norms <= self.zero_row * max(float(norms.max()), 1e-300)).sum())


def _paths(case: Case, names: list[str]) -> dict[str, Panel]:
    """Recall of each class along the path of penalties."""
    codes = case.lab.raw.codes
    effects = case.lab.effects("weaker-penalty")
    base = recall_of(case.lab.base, codes, case.n_classes)
    factors = (1.0, *(float(effect.name.partition(" x")[2] or 1) for effect in effects))
    panels = {}
    for name in names:
        k = case.names.index(name)
        y = [base[k], *(base[k] + effect.lift[k] for effect in effects)]
        low = [base[k], *(base[k] + effect.low[k] for effect in effects)]
        high = [base[k], *(base[k] + effect.high[k] for effect in effects)]
        panels[name] = Panel(
            kind="path",
            title=f"Recall of '{name:.40}' along the penalty path",
            x_label="penalty weakened by",
            y_label="recall",
            series=(
                Series(
                    "recall",
                    factors,
                    tuple(float(v) for v in y),
                    tuple(float(np.clip(v, 0, 1)) for v in low),
                    tuple(float(np.clip(v, 0, 1)) for v in high),
                ),
            ),
            marks=(("now", 1.0),),
            log_x=True,
        )
    return panels
