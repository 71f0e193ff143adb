"""No class is called unexplained without saying that checks were skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from marginscope.diagnosis.case import BUDGET_SPENT
from marginscope.findings import ClassDiagnosis, Finding, Status

__all__ = ["with_want_of_time"]


def with_want_of_time(classes: Sequence[ClassDiagnosis], findings: Sequence[Finding]) -> tuple[ClassDiagnosis, ...]:
    """Return the classes; one without a cause says how many checks the time budget did not reach."""
    n = sum(one.status is Status.SKIPPED and one.sentence.startswith(BUDGET_SPENT) for one in findings)
    if not n:
        return tuple(classes)
    said = f"{n} {'check was' if n == 1 else 'checks were'} skipped for want of time"

    def told(one: ClassDiagnosis) -> ClassDiagnosis:
        if one.cause is not None or not one.verdict.needs_cause:
            return one
        return replace(one, reason=f"{one.reason}; {said}" if one.reason else said)

    return tuple(told(one) for one in classes)
