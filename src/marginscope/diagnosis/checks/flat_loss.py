"""Check ``flat-loss``: the loss has nearly no gradient where the class is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, name_list, settled
from marginscope.diagnosis.deeper_causes import claims_on
from marginscope.diagnosis.pulls import pulls_of
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Status

__all__ = ["FlatLoss"]


@dataclass(frozen=True)
class FlatLoss:
    """The loss pulls on the wrong rows of the class far less than cross-entropy would, which learns it.

    Pulled are scores; ``flat`` is the largest share of the pull of cross-entropy on the same
    scores that is called flat. Classes with a recall of ``learned`` or more are left alone.
    """

    slug: str = "flat-loss"
    title: str = "loss without a gradient where it is wrong"
    cost: str = "refit"
    flat: float = 0.2
    learned: float = 0.9

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        pulls = pulls_of(case)
        if pulls is None:
            raise CheckNotApplicable("the training loss of the model is not known here")
        ratio = pulls.ratio
        with np.errstate(invalid="ignore"):
            flat = (ratio < self.flat) & (case.scores.recall < self.learned)
        names = [case.names[k] for k in np.flatnonzero(flat)]
        evidence = tuple(
            Evidence(
                f"pull on wrong rows of '{case.names[k]:.60}' per pull of cross-entropy", float(ratio[k]), self.flat
            )
            # six digits: single precision shall not order equal ones
            for k in np.argsort(np.round(ratio, 6), kind="stable")[:12]
            if not np.isnan(ratio[k])
        )
        loss = pulls.loss_name or "the training loss"
        if not names:
            text = f"On the rows that are wrong, {loss} pulls about as strongly as cross-entropy would."
            return Finding(self.slug, Status.PASSED, text, evidence=evidence)
        if not case.view.can_refit:
            text = f"The loss ({loss}) hardly pulls on the wrong rows of {name_list(names)}; cross-entropy would."
            return Finding(self.slug, Status.TIP, text, tuple(names), evidence, remedies=("cross-entropy",))
        claims = claims_on(
            claims_of(case, "cross-entropy"), frozenset(names), "the present loss pulls on its rows as well"
        )
        case.notebook[self.slug] = {name: one for name, one in claims.items() if one.is_proof}
        return settled(
            case,
            self.slug,
            claims,
            remedies=("cross-entropy",),
            issue="The loss (" + loss + ") hardly pulls on the wrong rows of {names}; cross-entropy learns them.",
            passed=f"The loss ({loss}) hardly pulls on some wrong rows, but cross-entropy recovers no class.",
            extra=evidence,
        )
