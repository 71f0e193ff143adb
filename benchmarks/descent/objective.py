"""Full-batch gradient descent: CPU time per step and seed beside other ways to write it, in one run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from benchmarks.descent.products import PASSES
from benchmarks.descent.solvers import LOSSES, OURS, OURS_SINGLE, SOLVERS, STEPS_TO_AGREE
from benchmarks.race import Row, print_table, run_job

__all__ = ["SIZES", "run"]

SIZES = ("100x10x3", "10000x100x10")

_SAME = 1e-12
_SAME_SINGLE = 1e-3
_MOST_MICROSECONDS = 1.5
_MOST_MICROSECONDS_SINGLE = 0.8
_TIMES_PYTORCH = 200.0
_TIMES_JAX = 2.0
_TIMES_PRODUCTS = 1.3


def run(*, sizes: Iterable[str] | None = None, limit: float = 300.0) -> bool:
    """Race and print; return whether all targets are reached and all answers agree."""
    reached = True
    for size in sizes or SIZES:
        reached &= _small(size, limit) if size == SIZES[0] else _large(size, limit)
    return reached


def _small(size: str, limit: float) -> bool:
    rows = {name: run_job("benchmarks.descent.solvers", size, name, limit=limit) for name in SOLVERS}
    if failed := [f"{name}: {row.trouble}" for name, row in rows.items() if row.trouble]:
        raise SystemExit(f"a way to descend gave no answer: {'; '.join(failed)}")
    errors = {name: max(_error(row, rows[OURS], loss) for loss in LOSSES) for name, row in rows.items()}
    lines = []
    for name, row in rows.items():
        times = [row.answer[loss] for loss in LOSSES]
        ratios = [one / rows[OURS].answer[loss] for one, loss in zip(times, LOSSES, strict=True)]
        lines.append([name, *[f"{one:.3f}" for one in times], *[f"{one:.1f}" for one in ratios], f"{errors[name]:.0e}"])
    head = ["way", *[f"{loss}, us" for loss in LOSSES], *["times ours"] * len(LOSSES), "off"]
    print_table(f"descent, {size}: CPU microseconds per step and seed, off after {STEPS_TO_AGREE} steps", head, lines)
    agree = _judge_agreement(errors)
    return agree & all(_judge({name: row.answer[loss] for name, row in rows.items()}, loss) for loss in LOSSES)


def _error(row: Row, ours: Row, loss: str) -> float:
    W, expected = (np.array(one.answer[f"{loss}_W"]) for one in (row, ours))
    return float(np.abs(W - expected[: len(W)]).max() / np.abs(expected).max())


def _judge_agreement(errors: dict[str, float]) -> bool:
    apart = {name: one for name, one in errors.items() if not one <= (_SAME_SINGLE if "float32" in name else _SAME)}
    print(f"all agree after {STEPS_TO_AGREE} steps: {'no, ' + ', '.join(apart) if apart else 'yes'}")
    return not apart


def _judge(times: dict[str, float], loss: str) -> bool:
    """Print what was reached of the targets."""
    ours, single = times[OURS], times[OURS_SINGLE]
    pytorch, c = times["PyTorch autograd + SGD, float32"], times["C -O3 -ffast-math"]
    jax = min(one for name, one in times.items() if name.startswith("JAX"))
    targets = [
        ("ahead of C -O3 -ffast-math", c > ours, f"{c / ours:.2f} times"),
        ("float32 ahead of it in float32", times["C -O3 -ffast-math, float32"] > single, f"{single:.2f} us"),
        (f"at most {_MOST_MICROSECONDS} us", ours <= _MOST_MICROSECONDS, f"{ours:.2f} us"),
        (f"float32 at most {_MOST_MICROSECONDS_SINGLE} us", single <= _MOST_MICROSECONDS_SINGLE, f"{single:.2f} us"),
        (f"{_TIMES_PYTORCH:.0f} times PyTorch", pytorch >= _TIMES_PYTORCH * ours, f"{pytorch / ours:.0f} times"),
        (f"{_TIMES_JAX:.0f} times JAX", jax >= _TIMES_JAX * ours, f"{jax / ours:.1f} times"),
    ]
    for target, good, got in targets:
        print(f"target {loss}, {target}: {'reached' if good else 'MISSED'}, {got}")
    return all(good for _, good, _ in targets)


def _large(size: str, limit: float) -> bool:
    reached = True
    for dtype in ("float64", "float32"):
        row = run_job("benchmarks.descent.products", size, dtype, limit=limit)
        if row.trouble:
            raise SystemExit(f"the passes over large data gave no answer: {row.trouble}")
        found = row.answer["milliseconds"]
        ratios = {f"{loss}, {one}": found[f"{loss}, {one}"] / found["products"] for loss in LOSSES for one in PASSES}
        lines = [[name, f"{one:.3f}", f"{one / found['products']:.2f}"] for name, one in found.items()]
        print_table(f"descent, {size}, {dtype}", ["pass", "CPU ms", "times the products"], lines)
        worst = max(ratios.values())
        good = worst <= _TIMES_PRODUCTS
        print(f"target {_TIMES_PRODUCTS} times the two products: {'reached' if good else 'MISSED'}, {worst:.2f} times")
        reached &= good
    return reached
