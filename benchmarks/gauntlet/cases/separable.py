"""weights-vanish and infinite-parameters: separable rows and no penalty to speak of."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.planted import Case, Planted

__all__ = ["CASES"]


def clouds(rng):
    return Planted(Clouds(far_apart(rng, 3, 4, 10.0)).draw(rng, [100, 60, 15]))


def dermatology(rng):
    rows, _ = some_rows(rng, "dermatology", {"1": 100, "3": 65, "2": 50, "4": 40, "5": 45, "6": 19})
    return Planted(rows)


def word_counts(rng):
    """More words than rows: always separable."""
    rows, _ = some_rows(rng, "cnae9", {"1": 60, "2": 40, "3": 25})
    return Planted(rows)


def free(weights):
    return {
        "linear C=inf": lambda: LogisticRegression(C=np.inf, class_weight=weights, max_iter=3000),
        "pipeline C=1e9": lambda: make_pipeline(
            StandardScaler(), LogisticRegression(C=1e9, class_weight=weights, max_iter=3000)
        ),
    }


CASES = (
    *(
        Case(
            "weights-vanish", name, source, draw, free("balanced"), findings=("weights-vanish",), shown_by="certificate"
        )
        for name, source, draw in (("clouds", "synthetic", clouds), ("dermatology", "dermatology", dermatology))
    ),
    *(
        Case(
            "infinite-parameters",
            name,
            source,
            draw,
            free(None),
            findings=("infinite-parameters",),
            shown_by="certificate",
        )
        for name, source, draw in (
            ("clouds", "synthetic", clouds),
            ("dermatology", "dermatology", dermatology),
            ("word counts", "cnae9", word_counts),
        )
    ),
)
