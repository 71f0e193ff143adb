"""One solver on one problem in one process of its own, with a time limit and one thread."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Row", "print_table", "report_job", "run_job", "timed"]

_ONE_THREAD = dict.fromkeys(("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"), "1")
# for imports and building the problem, which no peer is charged for
_START_UP = 30.0
_SHORT = 0.1
_MOST_RUNS = 15


@dataclass(frozen=True)
class Row:
    """What one job reported, or why it reported nothing."""

    solver: str
    seconds: float | None
    answer: dict[str, Any]
    trouble: str = ""


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what ``work`` returns, and its CPU seconds: the median of several runs where one is short."""
    runs: list[float] = []
    while not runs or (sum(runs) < _SHORT and len(runs) < _MOST_RUNS):
        begun = time.process_time()
        found = work()
        runs.append(time.process_time() - begun)
    return found, median(runs)


def report_job(seconds: float, **answer: Any) -> None:
    """Print the outcome of a job for the process that waits for it."""
    print(json.dumps({"seconds": seconds, "memory_mb": round(_peak_memory()), **answer}), flush=True)


def _peak_memory() -> float:
    """Return the peak of this program in MB; ``getrusage`` would count the parent that started it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def run_job(module: str, *words: str, limit: float) -> Row:
    """Run ``python -m module words`` with one thread and a limit in CPU seconds.

    The limit is one of CPU time, so that other work on the machine takes nothing away; three times
    as much wall time ends a job that sleeps. It is watched from outside: with a limit of its own a
    process sees its clock in ticks.
    """
    environment = {**os.environ, **{f"{name}_NUM_THREADS": one for name, one in _ONE_THREAD.items()}}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdout=out,
            stderr=err,
            text=True,
            env=environment,
            start_new_session=True,
        )
        ended = _watch(process, limit)
        out.seek(0)
        err.seek(0)
        return _row(words[-1], process.returncode, out.read(), err.read(), "" if ended else f"over {limit:.0f} s")


def _watch(process: subprocess.Popen[str], limit: float) -> bool:
    """Wait for the end, or end the job at its limit and return False."""
    begun = time.monotonic()
    while process.poll() is None:
        time.sleep(0.05)
        if _cpu_seconds(process.pid) > limit + _START_UP or time.monotonic() - begun > 3 * limit + 60:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
    return True


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _row(solver: str, code: int, out: str, err: str, trouble: str) -> Row:
    if trouble:
        return Row(solver, None, {}, trouble)
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if code or not lines:
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
