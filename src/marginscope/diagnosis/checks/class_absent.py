"""Check ``class-absent``: a declared or tested class without training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope._validation import label_codes
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import name_list
from marginscope.findings import Evidence, Finding, Status

__all__ = ["ClassAbsent"]


@dataclass(frozen=True)
class ClassAbsent:
    """Every class must have training rows; nothing else can teach it.

    A fitted model that answers for itself must have been shown every class, too.
    """

    slug: str = "class-absent"
    title: str = "class without training rows"
    cost: str = "free"
    least_rows: int = 1

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        absent = [name for name, n in zip(case.names, case.counts, strict=True) if n < self.least_rows]
        tested = case.scores.n_scored
        evidence = tuple(
            Evidence(f"training rows of '{name:.60}'", 0.0, float(self.least_rows)) for name in absent[:12]
        )
        if not absent and (unknown := _unknown_to_the_model(case)):
            return self._not_shown(case, unknown)
        if not absent:
            fewest = int(case.counts.min())
            return Finding(
                self.slug,
                Status.PASSED,
                f"Every class has training rows; the smallest has {fewest}.",
                evidence=(Evidence("training rows of the smallest class", float(fewest), float(self.least_rows)),),
            )
        rows = int(sum(tested[case.names.index(name)] for name in absent))
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{name_list(absent)} {'has' if len(absent) == 1 else 'have'} no training rows, yet "
            f"{rows} test rows: no training can reach them; collect rows or take them out of the test.",
            classes=tuple(absent),
            advice="Collect rows of the class, or take it out of the test.",
            evidence=evidence,
            reasons={name: f"no training rows, {int(tested[case.names.index(name)])} test rows" for name in absent},
        )

    def _not_shown(self, case: Case, unknown: list[str]) -> Finding:
        one = len(unknown) == 1
        reason = "the fitted model was trained without it, so it never answers with its name"
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{name_list(unknown)} {'is a class' if one else 'are classes'} that the fitted model was trained without, "
            f"though the rows given here have {'it' if one else 'them'}: fit it anew on these rows.",
            classes=tuple(unknown),
            advice="Fit the model anew on rows of every class.",
            evidence=(Evidence("classes that the fitted model does not know", float(len(unknown)), 0.0),),
            reasons=dict.fromkeys(unknown, reason),
        )


def _unknown_to_the_model(case: Case) -> list[str]:
    """Classes with training rows that are not among those of a fitted model whose own answers are judged."""
    known = getattr(case.view.fitted, "classes_", None)
    is_judged = case.n_train < case.subject.codes.size or not case.view.can_refit
    if known is None or not is_judged:
        return []
    seen = set(label_codes(np.asarray(known), case.subject.labels).tolist())
    return [name for k, name in enumerate(case.names) if k not in seen]
