"""Check ``few-rows``: too few rows to judge the class under any remedy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import name_list
from marginscope.findings import Evidence, Finding, Panel, Series, Status

__all__ = ["FewRows"]


@dataclass(frozen=True)
class FewRows:
    """The interval of the recall is wider than ``widest`` whatever was tried.

    Only classes with fewer than ``least_rows`` scored rows; a class whose interval lies
    whole above ``good_recall``, or that an intervention provably lifts, is judged all the same.
    """

    slug: str = "few-rows"
    title: str = "too few rows to judge"
    cost: str = "free"
    least_rows: int = 30
    widest: float = 0.25
    good_recall: float = 0.5

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        scores = case.scores
        flagged = []
        for k in range(case.n_classes):
            low, high = scores.interval[k]
            small = case.counts[k] > 0 and scores.n_scored[k] < self.least_rows
            if small and high - low > self.widest and low < self.good_recall and not case.is_repaired(k):
                flagged.append(k)
        if not flagged:
            fewest = int(scores.n_scored[case.counts > 0].min())
            return Finding(
                self.slug,
                Status.PASSED,
                "Every class has enough rows to be judged, or is decided in spite of having few.",
                evidence=(
                    Evidence("scored rows of the smallest class", float(fewest), float(self.least_rows)),
                    *case.subsample_evidence("the recall"),
                ),
            )
        flagged.sort(key=lambda k: int(scores.n_scored[k]))
        evidence = tuple(
            Evidence(
                f"scored rows of '{case.names[k]:.60}'",
                float(scores.n_scored[k]),
                float(self.least_rows),
                scores.interval[k] if scores.n_scored[k] else None,
            )
            for k in flagged[:12]
        )
        evidence += case.subsample_evidence("the recall")
        first = flagged[0]
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{name_list(case.names[k] for k in flagged)}: too few rows to judge any remedy (for "
            f"{name_list([case.names[first]])}: {_reason(case, first)}); collect more.",
            classes=tuple(case.names[k] for k in flagged),
            evidence=evidence,
            remedies=tuple(slug for slug in case.lab.tried() if any(_helps(case, slug, k) for k in flagged)),
            advice=f"Collect more rows: {self.least_rows} are a start, 100 let you compare remedies.",
            panels={case.names[k]: _panel(case, k) for k in flagged},
            reasons={case.names[k]: _reason(case, k) for k in flagged},
        )


def _helps(case: Case, slug: str, k: int) -> bool:
    claim = case.lab.claim(slug, k, case.names[k])
    return claim is not None and claim.is_proof


def _reason(case: Case, k: int) -> str:
    n = int(case.scores.n_scored[k])
    if n == 0:
        return "one row only, which trains and cannot be tested" if case.counts[k] == 1 else "no test rows"
    low, high = case.scores.interval[k]
    leaves = "1 scored row leaves" if n == 1 else f"{n} scored rows leave"
    return f"{leaves} the recall anywhere in {low:.2f} to {high:.2f}"


def _panel(case: Case, k: int) -> Panel:
    names, values, lows, highs = ["now"], [case.scores.recall[k]], *([v] for v in case.scores.interval[k])
    for effects in case.lab.tried().values():
        for effect in effects:
            if not np.isnan(effect.lift[k]):
                now = case.lab_recall[k]
                names.append(effect.name)
                values.append(now + effect.lift[k])
                lows.append(max(0.0, now + effect.low[k]))
                highs.append(min(1.0, now + effect.high[k]))
    clean = [None if np.isnan(v) else float(v) for v in values]
    return Panel(
        kind="forest",
        title=f"Recall of '{case.names[k]:.40}', whatever is tried",
        x_label="recall",
        y_label="",
        series=(Series("recall", tuple(names), tuple(clean), tuple(map(float, lows)), tuple(map(float, highs))),),
        marks=(("half", 0.5),),
    )
