"""Score first causes and false alarms on a list of seeds.

python -m benchmarks.seeded_truths.score tuning        (or: fresh; --only CAUSE; --seeds 1,2)
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
import warnings
from pathlib import Path

import numpy as np

import marginscope as ms
from benchmarks.seeded_truths.models import MODELS
from benchmarks.seeded_truths.planted import SYNTHETIC, Planted
from benchmarks.seeded_truths.real import REAL

HERE = Path(__file__).parent
NO_MODEL = {"imbalance", "no-signal", "low-capacity", "label-map", "healthy-rare", "healthy-overlap", "healthy-many"}


def judge(planted: Planted, diagnosis) -> tuple[bool, str]:
    """Whether the answer is right, and what was said instead. ``undecided`` is never right."""
    said = []
    right = True
    for name in planted.classes:
        one = diagnosis[name]
        if (one.verdict in ("healthy", "undecided") and planted.cause != "few-rows") or one.cause != planted.cause:
            right = False
            said.append(f"{name}: {one.verdict}/{one.cause} (runner-up {one.runner_up}), recall {one.recall}")
    for name in planted.healthy:
        one = diagnosis[name]
        if one.verdict != "healthy":
            right = False
            said.append(f"false alarm {name}: {one.verdict}/{one.cause}, recall {one.recall}")
    for slug in planted.findings:
        finding = diagnosis.finding(slug)
        if finding.status != "issue":
            right = False
            said.append(f"{slug}: {finding.status} ({finding.sentence:.100})")
    errors = [one.slug for one in diagnosis.findings if one.status == "errored"]
    if errors:
        right = False
        said.append("errored: " + "; ".join(f"{slug}: {diagnosis.finding(slug).sentence}" for slug in errors))
    return right, " | ".join(said)


def run(seeds: list[int], only: str | None, verbose: bool) -> dict[str, dict]:
    table: dict[str, dict] = {}
    for source, family in (("synthetic", SYNTHETIC), ("real", REAL)):
        for name, make in family.items():
            if only and only not in f"{source}/{name}":
                continue
            kinds = dict(MODELS[name])
            if name in NO_MODEL and source == "synthetic":
                kinds["reference"] = lambda: None
            for kind, model in kinds.items():
                right, misses, spent = 0, [], 0.0
                for seed in seeds:
                    planted = make(np.random.default_rng([seed, len(name)]))
                    begun = time.perf_counter()
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        diagnosis = ms.diagnose(
                            model(), planted.X, planted.y, X_test=planted.X_test, y_test=planted.y_test, rng=seed
                        )
                    spent += time.perf_counter() - begun
                    good, said = judge(planted, diagnosis)
                    right += good
                    if not good:
                        misses.append(f"seed {seed}: {said}")
                key = f"{source}/{name}/{kind}"
                table[key] = {
                    "right": right,
                    "of": len(seeds),
                    "seconds": round(spent / len(seeds), 2),
                    "misses": misses,
                }
                print(f"{key:<50} {right}/{len(seeds)}  {spent / len(seeds):5.1f} s", flush=True)
                if verbose:
                    for miss in misses:
                        print("     ", miss, flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", choices=["tuning", "fresh"])
    parser.add_argument("--only")
    parser.add_argument("--seeds")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the score beside the seeds")
    options = parser.parse_args()
    seeds = tomllib.loads((HERE / "seeds.toml").read_text())[options.list]
    if options.seeds:
        seeds = [int(one) for one in options.seeds.split(",")]
    table = run(seeds, options.only, not options.quiet)
    total = sum(row["right"] for row in table.values())
    print(f"{total} of {sum(row['of'] for row in table.values())} right")
    if options.write:
        (HERE / f"score-{options.list}.json").write_text(json.dumps({"seeds": seeds, "score": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
