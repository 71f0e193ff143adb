"""Whether data are linearly separable, with a certificate: this package beside its peers."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.race import Row, print_table, run_job
from benchmarks.separability.solvers import DATASETS, OURS, PEERS

__all__ = ["TARGETS", "run"]

# seconds for the whole call
TARGETS = {"iris": 0.01, "digits": 0.1, "5000x100x10 separable": 0.5, "5000x50x5 overlapping": 0.5}


def run(*, sizes: Iterable[str] | None = None, limit: float = 100.0) -> bool:
    """Race on every set and print the ratios; return whether all targets are reached."""
    reached = True
    for data in sizes or DATASETS:
        ours = run_job("benchmarks.separability.solvers", data, OURS, limit=limit)
        rows = [run_job("benchmarks.separability.solvers", data, peer, limit=limit) for peer in PEERS]
        print_table(
            f"separability, {data}",
            ["solver", "CPU s", "answer", "certificate", "times ours"],
            [_line(row, ours) for row in [ours, *rows]],
        )
        good = ours.seconds is not None and ours.seconds <= TARGETS[data] and ours.answer["certified"]
        print(f"target {TARGETS[data]} s: {'reached' if good else 'MISSED'}")
        reached &= bool(good)
    return reached


def _line(row: Row, ours: Row) -> list[str]:
    if row.seconds is None:
        return [row.solver, row.trouble, "", "", ""]
    ratio = f"{row.seconds / ours.seconds:.1f}" if ours.seconds else ""
    certified = "verified" if row.answer["certified"] else "none"
    return [row.solver, f"{row.seconds:.4f}", row.answer["said"], certified, ratio]
