"""Check ``unscaled-features``: scaling alone recovers the class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding
from marginscope.tables.feature_rows import column_spread

__all__ = ["UnscaledFeatures"]


@dataclass(frozen=True)
class UnscaledFeatures:
    """The same model behind a standard scaler learns the class."""

    slug: str = "unscaled-features"
    title: str = "features on unequal scales"
    cost: str = "refit"

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        # A table with texts is another one for the references than for a model that reads it itself.
        if case.features.is_scaled and (case.reads_matrix or case.features.vectorizer is not None):
            raise CheckNotApplicable("texts became tf-idf weights, which are on one scale")
        claims = claims_of(case, "scaling")
        case.notebook[self.slug] = {name: one for name, one in claims.items() if one.is_proof}
        spread = column_spread(case.features)
        moving = spread[spread > 0]
        extra: tuple[Evidence, ...] = ()
        if moving.size:
            extra = (
                Evidence("largest standard deviation of a feature", float(moving.max())),
                Evidence("smallest standard deviation of a feature", float(moving.min())),
            )
        return settled(
            case,
            self.slug,
            claims,
            remedies=("scaling",),
            issue="Standardising the features alone recovers {names}; " + _why(case, spread),
            passed="Standardising the features recovers no class.",
            extra=extra,
        )


def _why(case: Case, spread: NDArray[np.float64]) -> str:
    """Say which features are at a disadvantage, ready for ``format``."""
    order = [int(j) for j in np.argsort(spread, kind="stable") if spread[j] > 0]
    is_penalised = case.linear_part is not None and bool(case.view.penalty_knobs())
    if is_penalised:
        shown, text = order[:3], "the penalty acts hardest on the features with the smallest spread"
    else:
        shown, text = order[:-4:-1], "the features with the largest spread outweigh the others"
    names = ", ".join(f"{case.features.names[j]:.30}" for j in shown)
    return f"{text} ({names}).".replace("{", "{{").replace("}", "}}")
