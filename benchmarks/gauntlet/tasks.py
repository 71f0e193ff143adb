"""What a worker process does for one line; spawned workers cannot import from ``__main__``."""

from __future__ import annotations

from typing import Any

from benchmarks.gauntlet.cases import CASES
from benchmarks.gauntlet.score import score_one
from benchmarks.gauntlet.verify import verify_case, verify_control

__all__ = ["scored", "verified"]

BY_KEY = {case.key: case for case in CASES}


def scored(argument: tuple[str, str, int, bool]) -> dict[str, Any]:
    """Score one (case, model, seed, with remedies)."""
    key, kind, seed, remedies = argument
    return score_one(BY_KEY[key], kind, seed, remedies=remedies)


def verified(argument: tuple[str, str, list[int]]) -> dict[str, Any]:
    """Verify one (case, model, seeds)."""
    key, kind, seeds = argument
    case = BY_KEY[key]
    found = (verify_control if case.shown_by == "control" else verify_case)(case, kind, seeds)
    found["said"] = [str({name: value for name, value in found.items() if name != "shown"})]
    return {"case": key, "model": kind, "seed": len(seeds), "right": found["shown"], **found}
