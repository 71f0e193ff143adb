"""Check ``non-identifiable``: the rows do not determine the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.adapters.model_view import LinearPart
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.dependencies import Dependencies, Group, dependencies_of
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Status

__all__ = ["NonIdentifiable"]


@dataclass(frozen=True)
class NonIdentifiable:
    """Rank of the design matrix that a linear model saw, and the gauge of its softmax.

    A column counts as a combination of others where less than ``tolerance`` of it is left. Without
    a penalty that is an issue; a penalty picks one of many solutions, which is a tip, unless the
    columns are indicators of categories or do not vary: every table with categories has such.
    Without a penalty an inflation of variance of ``most_inflation`` or more is a tip. Beyond
    ``most_columns`` columns, or ``most_work`` rows times columns squared, the rank is not computed.
    """

    slug: str = "non-identifiable"
    title: str = "parameters that the rows do not determine"
    cost: str = "solve"
    tolerance: float = 1e-8
    most_inflation: float = 1e4
    most_columns: int = 2000
    most_work: float = 1e10

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        part = case.linear_part
        if part is None:
            raise CheckNotApplicable("the model has no linear coefficients")
        free = case.view.penalty_is_absent(case.fitted, case.subject.take(np.arange(case.n_train)))
        n_rows, n_columns = part.features.shape
        room = n_rows - int(part.has_intercept)
        if n_columns > room:
            return self._wide(part, free, n_columns, n_rows)
        if n_columns > self.most_columns or n_rows * n_columns**2 > self.most_work:
            raise CheckNotApplicable(f"{n_rows:,} x {n_columns:,} features are too many to compute their rank")
        case.lab.check_time("the rank of the features")
        found = dependencies_of(part.features, has_intercept=part.has_intercept, tolerance=self.tolerance)
        return self._judged(part, found, free)

    def _wide(self, part: LinearPart, free: bool, n_columns: int, n_rows: int) -> Finding:
        evidence = (
            Evidence("features", float(n_columns), float(n_rows)),
            Evidence("training rows", float(n_rows)),
        )
        if free:
            text = "no penalty chooses among them: the fit shows where it happened to stop."
        else:
            text = "the penalty chose among them: a coefficient says what the penalty likes, too."
        return Finding(
            self.slug,
            Status.ISSUE if free else Status.TIP,
            f"{n_columns:,} features on {n_rows:,} rows: many coefficients fit them equally well, and {text}",
            evidence=evidence,
            remedies=("stronger-penalty",) if free else (),
        )

    def _judged(self, part: LinearPart, found: Dependencies, free: bool) -> Finding:
        plain = [one for one in found.groups if not (one.is_one_hot or one.is_of_indicators)]
        known = found.inflation[~np.isnan(found.inflation)]
        largest = float(known.max()) if known.size else 1.0
        evidence = (
            Evidence("rank of the features", float(found.rank), float(found.n_columns)),
            Evidence("features that do not vary", float(len(found.constants)), 0.0),
            Evidence("largest inflation of variance by near-collinearity", largest, self.most_inflation),
        )
        missing = found.n_columns - found.rank
        if free and missing:
            return Finding(
                self.slug,
                Status.ISSUE,
                f"{_missing(part, found, found.groups)}, and the model has no penalty: {missing} of {found.n_columns} "
                "coefficients of every class are not determined; only what the combinations say is.",
                evidence=evidence,
                remedies=("stronger-penalty",),
                advice="Drop the features that others give, or add a small penalty.",
            )
        if plain:
            return Finding(
                self.slug,
                Status.TIP,
                f"{_groups(part, plain)}: the penalty shares the effect out among them, so no single one of these "
                "coefficients can be read by itself.",
                evidence=evidence,
                advice="Drop the features that others give before you read coefficients.",
            )
        if free and largest >= self.most_inflation:
            worst = part.names[int(np.nanargmax(found.inflation))]
            return Finding(
                self.slug,
                Status.TIP,
                f"'{worst:.40}' is nearly a combination of other features: its coefficient has {largest:.2g} times the "
                "variance that it would have alone.",
                evidence=evidence,
            )
        if free and part.is_joint and part.is_softmax_or_ovr_logistic and part.classes.size > 2:
            return Finding(
                self.slug,
                Status.TIP,
                "A softmax without a penalty determines differences between classes only: compare coefficients of two "
                "classes, or take them from their mean over the classes, as the table of parameters does.",
                evidence=evidence,
            )
        note = ""
        if any(one.is_one_hot for one in found.groups):
            note = " but for categories whose indicators sum to one: read differences between their levels"
        elif found.groups:
            note = " but for categories that tell each other: read differences between the levels of one at a time"
        elif found.constants:
            note = f" but for {_constant(part, found)}, which the penalty sets to zero"
        return Finding(self.slug, Status.PASSED, f"The rows determine every coefficient{note}.", evidence=evidence)


def _missing(part: LinearPart, found: Dependencies, groups: tuple[Group, ...]) -> str:
    said = []
    if found.constants:
        said.append(_constant(part, found))
    if groups:
        said.append(_groups(part, list(groups)))
    text = "; ".join(said)
    return text[0].upper() + text[1:] if not text.startswith("'") else text


def _constant(part: LinearPart, found: Dependencies) -> str:
    names = ", ".join(f"'{part.names[j]:.30}'" for j in found.constants[:4])
    more = f" and {len(found.constants) - 4} more" if len(found.constants) > 4 else ""
    return f"{names}{more} {'does' if len(found.constants) == 1 else 'do'} not vary"


def _groups(part: LinearPart, groups: list[Group]) -> str:
    """Name the first groups of features, the smallest first."""
    shown = []
    for one in sorted(groups, key=lambda one: len(one.columns))[:3]:
        names = ", ".join(f"'{part.names[j]:.30}'" for j in one.columns[:4])
        names += f" and {len(one.columns) - 4} more" if len(one.columns) > 4 else ""
        shown.append(f"{names} {'sum to one' if one.is_one_hot else 'depend linearly on each other'}")
    more = f"; and {len(groups) - 3} more such groups" if len(groups) > 3 else ""
    return "; ".join(shown) + more
