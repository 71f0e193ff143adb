"""Check ``overfit``: learned on the training rows, lost out of sample, and a tighter model keeps it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.diagnosis.deeper_causes import claims_on
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Status

__all__ = ["Overfit"]

_INTERVENTIONS = ("stronger-penalty", "smaller-model", "early-stopping")


@dataclass(frozen=True)
class Overfit:
    """A stronger penalty, a smaller model or fewer steps raise the recall of a class out of sample.

    Looked at are classes whose recall on the training rows is ``trained`` or more, and above that out of
    sample by ``gap`` or more, below ``learned`` out of sample.
    """

    slug: str = "overfit"
    title: str = "learned by heart"
    cost: str = "refit"
    trained: float = 0.8
    gap: float = 0.2
    learned: float = 0.8

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        if not case.view.can_refit:
            raise CheckNotApplicable("the model cannot be fitted again, so its recall on training rows is not known")
        train, out = case.lab.base.train_recall, case.lab_recall
        with np.errstate(invalid="ignore"):
            lost = (train >= self.trained) & (train - out >= self.gap) & (out < self.learned)
            gaps = np.where(case.counts > 0, train - out, np.nan)
        names = [case.names[k] for k in np.flatnonzero(lost)]
        evidence = tuple(
            Evidence(f"recall of '{case.names[k]:.60}' on training rows less out of sample", float(gaps[k]), self.gap)
            for k in np.argsort(-np.nan_to_num(gaps, nan=-1.0))[:12]
            if not np.isnan(gaps[k])
        )
        if not names:
            text = "No class is learned on the training rows and lost out of sample."
            return Finding(self.slug, Status.PASSED, text, evidence=evidence)
        claims = claims_on(claims_of(case, *_INTERVENTIONS), frozenset(names), "it is not lost out of sample")
        tried = [slug for slug in _INTERVENTIONS if slug in case.lab.tried()]
        return settled(
            case,
            self.slug,
            claims,
            remedies=tuple(tried),
            issue="{names}: learned by heart on the training rows and lost out of sample; a tighter model keeps them.",
            passed="Some classes are lost out of sample, but no tighter model that was tried keeps them.",
            extra=evidence,
        )
