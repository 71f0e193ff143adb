"""Run many (case, model, seed) in processes, one line of JSON each, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.gauntlet.planted import Case

__all__ = ["Key", "drop_lines", "read_lines", "run_all", "store", "tasks"]

Key = tuple[str, str, int]
ROOT = Path(__file__).parents[2]


def store(name: str) -> Path:
    """Where the lines of a run are kept; not under version control."""
    folder = Path(os.environ.get("GAUNTLET_RESULTS", ROOT / ".benchmarks" / "gauntlet"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.jsonl"


def read_lines(path: Path) -> dict[Key, dict[str, Any]]:
    """Return the last whole line of every key; a line that was cut by a kill is left out."""
    found: dict[Key, dict[str, Any]] = {}
    if not path.exists():
        return found
    for text in path.read_text().splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        found[line["case"], line["model"], line["seed"]] = line
    return found


def drop_lines(path: Path, keys: Iterable[Key]) -> None:
    """Forget the lines of some keys."""
    kept = read_lines(path)
    for key in keys:
        kept.pop(key, None)
    path.write_text("".join(json.dumps(line) + "\n" for line in kept.values()))


def tasks(cases: Iterable[Case], seeds: list[int], only: str | None) -> list[Key]:
    """All keys, seed by seed, so that a run that is cut has seen every case."""
    chosen = [(case.key, kind) for case in cases for kind in case.models]
    wanted = [one for one in (only or "").split(",") if one]
    if wanted:
        chosen = [one for one in chosen if any(word in "/".join(one) for word in wanted)]
    return [(key, kind, seed) for seed in seeds for key, kind in chosen]


def run_all(
    path: Path, keys: list[Key], work: Callable[[Any], dict[str, Any]], arguments: list[Any], jobs: int
) -> None:
    """Append one line per key; ``work`` gets the argument of each and returns its line."""
    begun = time.time()
    with path.open("a") as out:
        out.write(_end_of_cut_line(path))
        for done, line in enumerate(_results(work, arguments, jobs), start=1):
            out.write(json.dumps(line) + "\n")
            out.flush()
            mark = "" if line.get("right") else "  MISS " + "; ".join(line.get("said", []))[:220]
            left = (time.time() - begun) / done * (len(keys) - done) / 60
            print(
                f"[{done}/{len(keys)}, {left:.0f} min left] {line['case']} / {line['model']} / {line['seed']}"
                f"  {line.get('seconds', 0)} s{mark}",
                file=sys.stderr,
                flush=True,
            )


def _end_of_cut_line(path: Path) -> str:
    """What the next line must begin with: a kill may have left half a line."""
    return "\n" if path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size else ""


def _results(work, arguments, jobs):
    if jobs == 1:
        _one_core(None)
        yield from map(work, arguments)
        return
    context = multiprocessing.get_context("spawn")
    cores = context.Queue()
    for core in sorted(os.sched_getaffinity(0)):
        cores.put(core)
    with context.Pool(jobs, _one_core, (cores,), maxtasksperchild=None) as pool:
        yield from pool.imap_unordered(work, arguments)


def _one_core(cores) -> None:
    """Keep a worker, and the threads of its libraries, to one core."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    if cores is not None and not cores.empty():
        os.sched_setaffinity(0, {cores.get()})
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
