"""Exact maximum margins in the max, sum, spectral and nuclear norms: this package beside its peers."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.other_norms.solvers import OURS, PEERS, SIZES
from benchmarks.race import Row, print_table, run_job

__all__ = ["run"]

_TIMES_FASTER = 10.0
_LARGE = "1000x100x10"
_SAME_MARGIN = 1e-4


def run(*, sizes: Iterable[str] | None = None, limit: float = 120.0) -> bool:
    """Race in every norm and print the ratios; return whether all targets are reached."""
    reached = True
    for size in sizes or SIZES:
        for norm in PEERS:
            ours = run_job("benchmarks.other_norms.solvers", norm, size, OURS, limit=limit)
            rows = [run_job("benchmarks.other_norms.solvers", norm, size, peer, limit=limit) for peer in PEERS[norm]]
            reached &= _report(norm, size, ours, rows)
    return reached


def _report(norm: str, size: str, ours: Row, rows: list[Row]) -> bool:
    best = max((row.answer["margin"] for row in [ours, *rows] if row.answer), default=1.0)
    lines = []
    for row in [ours, *rows]:
        if row.seconds is None:
            lines.append([row.solver, row.trouble, "", ""])
            continue
        ratio = f"{row.seconds / ours.seconds:.1f}" if ours.seconds else ""
        lines.append([row.solver, f"{row.seconds:.3f}", f"{(best - row.answer['margin']) / best:.0e}", ratio])
    print_table(f"{norm} norm, {size}", ["solver", "CPU s", "gap", "times ours"], lines)
    if size != _LARGE:
        return ours.seconds is not None
    exact = [row for row in rows if row.answer and (best - row.answer["margin"]) / best <= _SAME_MARGIN]
    fastest = min((row.seconds for row in exact if row.seconds is not None), default=float("inf"))
    good = ours.seconds is not None and fastest / ours.seconds >= _TIMES_FASTER
    print(f"target {_TIMES_FASTER:.0f} times the best peer: {'reached' if good else 'MISSED'}")
    return good
