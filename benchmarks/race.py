"""One solver on one problem in one process of its own, with a time limit and one thread."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Row", "print_table", "report_job", "run_job", "timed"]

_ONE_THREAD = dict.fromkeys(("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"), "1")


@dataclass(frozen=True)
class Row:
    """What one job reported, or why it reported nothing."""

    solver: str
    seconds: float | None
    answer: dict[str, Any]
    trouble: str = ""


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what ``work`` returns, and its CPU seconds."""
    begun = time.process_time()
    found = work()
    return found, time.process_time() - begun


def report_job(seconds: float, **answer: Any) -> None:
    """Print the outcome of a job for the process that waits for it."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory_mb": round(memory), **answer}), flush=True)


def run_job(module: str, *words: str, limit: float) -> Row:
    """Run ``python -m module words`` with one thread and a limit in CPU seconds.

    The limit is one of CPU time, so that other work on the machine takes nothing away; three times
    as much wall time ends a job that sleeps.
    """
    environment = {**os.environ, **{f"{name}_NUM_THREADS": one for name, one in _ONE_THREAD.items()}}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 30, int(limit) + 35)),
    )
    solver = words[-1]
    try:
        out, err = process.communicate(timeout=3 * limit + 60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Row(solver, None, {}, f"over {limit:.0f} s")
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Row(solver, None, {}, f"over {limit:.0f} s")
    if process.returncode or not lines:
        last = (err.strip().splitlines() or ["no output"])[-1]
        if "ModuleNotFoundError" in err or "SolverNotFound" in last or "not installed" in last:
            raise SystemExit(f"the peer {solver} is missing: {last}; run make bench, which installs it")
        return Row(solver, None, {}, f"failed: {last:.70}")
    answer = json.loads(lines[-1])
    return Row(solver, answer.pop("seconds"), answer)


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that is also valid Markdown."""
    print(f"\n{title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
