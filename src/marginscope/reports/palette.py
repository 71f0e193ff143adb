"""Colours, words and shapes; a verdict is told by all three, so that none is needed alone.

Figures are drawn with the light values. ``svg.py`` turns each into the CSS
variable of its name, so that an inline picture follows the page into dark mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginscope.findings import Status, Verdict

__all__ = ["INKS", "SERIES", "STATUS_WORDS", "VERDICT_LOOKS", "VerdictLook", "series_line"]

# Variable name -> light value. The values must differ: they are keys on the way back.
INKS = {
    "ink": "#1b2130",
    "soft": "#5a6474",
    "line": "#dfe3ea",
    "paper": "#fefefe",
    "accent": "#2a5bd7",
    "healthy": "#0b7a75",
    "weak": "#b26a00",
    "unlearned": "#c2331a",
    "absent": "#6b5a94",
    "undecided": "#667085",
}

# Hues that stay apart for the common colour deficiencies; dashes and markers repeat the difference.
SERIES = ("accent", "weak", "healthy", "absent", "soft")


_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1.5, 1, 1.5)))


def series_line(place: int) -> dict[str, Any]:
    """Return hue and dashes of line number ``place``; both change, so that neither is needed alone."""
    return {
        "color": INKS[SERIES[place % len(SERIES)]],
        "linestyle": _DASHES[(place + place // len(SERIES)) % len(_DASHES)],
    }


@dataclass(frozen=True)
class VerdictLook:
    """How a verdict is drawn: ``marker`` in matplotlib, ``path`` in a 12 x 12 box."""

    word: str
    ink: str
    marker: str
    path: str
    is_filled: bool


VERDICT_LOOKS = {
    Verdict.UNLEARNED: VerdictLook("unlearned", "unlearned", "s", "M1.5 1.5H10.5V10.5H1.5Z", True),
    Verdict.ABSENT: VerdictLook("absent", "absent", "X", "M2.5 2.5L9.5 9.5M9.5 2.5L2.5 9.5", False),
    Verdict.WEAK: VerdictLook("weak", "weak", "^", "M6 1.2L11.2 10.6H0.8Z", True),
    Verdict.UNDECIDED: VerdictLook("undecided", "undecided", "D", "M6 1.2L10.8 6L6 10.8L1.2 6Z", False),
    Verdict.HEALTHY: VerdictLook("healthy", "healthy", "o", "M6 1.2A4.8 4.8 0 1 1 5.99 1.2Z", True),
}

STATUS_WORDS = {
    Status.ISSUE: "issue",
    Status.TIP: "tip",
    Status.PASSED: "passed",
    Status.NOT_APPLICABLE: "not applicable",
    Status.SKIPPED: "skipped",
    Status.ERRORED: "errored",
}
