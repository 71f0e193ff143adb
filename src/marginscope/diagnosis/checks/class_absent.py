"""Check ``class-absent``: a declared or tested class without training rows."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import name_list
from marginscope.findings import Evidence, Finding, Status

__all__ = ["ClassAbsent"]


@dataclass(frozen=True)
class ClassAbsent:
    """Every class must have training rows; nothing else can teach it."""

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
