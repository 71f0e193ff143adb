"""Check ``imbalance``: prior shift alone recovers the class."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.diagnosis.class_weights import has_balanced_weights
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding

__all__ = ["Imbalance"]


@dataclass(frozen=True)
class Imbalance:
    """Weights or logit adjustment, and nothing else, lift a class that is small.

    A class can only be held back by its share if it is smaller than an even share
    times ``most_share``.
    """

    slug: str = "imbalance"
    title: str = "held back by its share"
    cost: str = "refit"
    most_share: float = 1.0

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        if has_balanced_weights(case) and not case.notebook.get("weights-ignored"):
            raise CheckNotApplicable("the model has balanced class weights, so the shares are corrected already")
        claims = claims_of(case, "logit-adjustment", "class-weights")
        trained = case.counts[case.counts > 0]
        even = trained.sum() / trained.size
        small = {name for name, n in zip(case.names, case.counts, strict=True) if n <= self.most_share * even}
        kept = {name: one for name, one in claims.items() if name in small}
        if not kept:
            raise CheckNotApplicable("no scored class is smaller than an even share")
        ratio = float(trained.max() / trained.min())
        return settled(
            case,
            self.slug,
            kept,
            remedies=("logit-adjustment", "class-weights", "over-sampling", "smote", "under-sampling"),
            issue="Shifting the class shares alone, with nothing else changed, recovers {names}.",
            passed="Shifting the class shares recovers no class.",
            extra=(Evidence("rows of the largest class per row of the smallest", round(ratio, 1)),),
        )
