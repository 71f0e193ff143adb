"""Check ``unscaled-features``: scaling alone recovers the class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, settled
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
        claims = claims_of(case, "scaling")
        spread = column_spread(case.features)
        moving = spread[spread > 0]
        extra: tuple[Evidence, ...] = ()
        if moving.size:
            extra = (
                Evidence("largest standard deviation of a feature", float(moving.max())),
                Evidence("smallest standard deviation of a feature", float(moving.min())),
            )
        small = [case.features.names[j] for j in np.argsort(spread)[:3] if spread[j] > 0]
        return settled(
            case,
            self.slug,
            claims,
            remedies=("scaling",),
            issue="Standardising the features alone recovers {names}; the penalty acts hardest on the features with "
            "the smallest spread ("
            + ", ".join(f"{name:.30}" for name in small).replace("{", "{{").replace("}", "}}")
            + ").",
            passed="Standardising the features recovers no class.",
            extra=extra,
        )
