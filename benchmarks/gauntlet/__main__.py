"""python -m benchmarks.gauntlet verify | run | freeze | rivals | report; see README.md."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

from benchmarks.gauntlet.cases import CASES
from benchmarks.gauntlet.frozen import freeze, unfrozen
from benchmarks.gauntlet.runs import drop_lines, read_lines, run_all, store, tasks
from benchmarks.gauntlet.tasks import scored, verified

HERE = Path(__file__).parent
BY_KEY = {case.key: case for case in CASES}


def seeds_of(name: str) -> list[int]:
    return tomllib.loads((HERE / "seeds.toml").read_text())[name]


def run(options: argparse.Namespace) -> int:
    if options.list == "fresh" and (changed := unfrozen()):
        print(
            f"fresh seeds need what was frozen, but {', '.join(changed)} changed since; `freeze` before, and only once",
            file=sys.stderr,
        )
        return 2
    every = seeds_of(options.list)
    seeds = _chosen_seeds(options, every)
    keys = tasks(CASES, seeds, options.only)
    path = store(options.list)
    if options.resume:
        done = read_lines(path)
        keys = [key for key in keys if key not in done]
    else:
        drop_lines(path, keys)
    with_remedies = set(every[: options.remedy_seeds])
    arguments = [(*key, key[2] in with_remedies) for key in keys]
    run_all(path, keys, scored, arguments, options.jobs)
    return report(options)


def _chosen_seeds(options: argparse.Namespace, every: list[int]) -> list[int]:
    if options.seeds is None:
        return every
    if options.seeds.startswith("first"):
        return every[: int(options.seeds.removeprefix("first"))]
    return [int(one) for one in options.seeds.split(",")]


def verify(options: argparse.Namespace) -> int:
    """Run on the tuning seeds: the cases are fixed before the fresh ones are drawn."""
    seeds = _chosen_seeds(options, seeds_of("tuning"))
    keys = [key for key in tasks(CASES, [len(seeds)], options.only) if BY_KEY[key[0]].shown_by != "certificate"]
    path = store("verify")
    drop_lines(path, keys)
    run_all(path, keys, verified, [(key, kind, seeds) for key, kind, _ in keys], options.jobs)
    lines = read_lines(path)
    failed = [f"{key} / {kind}" for key, kind, seed in keys if not lines[key, kind, seed]["shown"]]
    print(
        f"{len(keys) - len(failed)} of {len(keys)} plantings are what they say"
        + "".join(f"\n  NOT {one}" for one in failed)
    )
    return 1 if failed else 0


def rivals(options: argparse.Namespace) -> int:
    from benchmarks.gauntlet.rivals.scoring import run_rivals

    run_rivals(options, tasks(CASES, _chosen_seeds(options, seeds_of(options.list)), options.only))
    return report(options)


def report(options: argparse.Namespace) -> int:
    from benchmarks.gauntlet.report import write_report

    print(write_report(options.list, CASES, write=getattr(options, "write", False)))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(required=True)
    for name, function in (("run", run), ("verify", verify), ("rivals", rivals), ("report", report)):
        part = parts.add_parser(name, help=(function.__doc__ or name).strip())
        part.set_defaults(function=function)
        if name != "verify":
            part.add_argument("list", choices=["tuning", "fresh"])
        part.add_argument("--only", help="words of case / model, separated by commas")
        part.add_argument("--seeds", help="first5, or numbers separated by commas; default all of the list")
        part.add_argument("--jobs", type=int, default=2)
        part.add_argument("--write", action="store_true", help="write the score beside the seeds")
        if name == "run":
            part.add_argument("--resume", action="store_true", help="keep what is there and do the rest")
            part.add_argument("--remedy-seeds", type=int, default=10, help="remedies are tried on so many of the list")
        if name == "rivals":
            part.add_argument("--tool", choices=["scikit-learn", "skore", "cleanlab"], action="append")
            part.add_argument("--python", help="interpreter of the environment with skore and cleanlab")
    part = parts.add_parser("freeze", help="write the hashes that `run fresh` asks for")
    part.set_defaults(function=lambda options: freeze())
    options = parser.parse_args()
    return options.function(options) or 0


if __name__ == "__main__":
    sys.exit(main())
