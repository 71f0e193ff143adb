"""When a diagnosis that was done ends with exit code 1."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from marginscope.exceptions import UsageError
from marginscope.findings import Finding, Status

__all__ = ["check_fail_on", "is_failed"]


def check_fail_on(names: Sequence[str]) -> None:
    """Refuse a name that is neither a status nor the slug of a check.

    Raises
    ------
    UsageError
        Naming the nearest that exist.
    """
    if not names:
        return
    from marginscope.diagnosis.checks import CHECKS

    known = [*(str(one) for one in Status), *(check.slug for check in CHECKS)]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
            raise UsageError(f"--fail-on needs a status or a cause, got {name!r}; {advice}")


def is_failed(findings: Sequence[Finding], names: Sequence[str]) -> bool:
    """Whether a finding is named: by its status, or by its slug if it is an issue or a tip."""
    return any(
        str(one.status) in names or (one.slug in names and one.status in (Status.ISSUE, Status.TIP)) for one in findings
    )
