"""Balanced accuracy on long-tailed Fashion-MNIST: python -m benchmarks.long_tail DATA_FOLDER

Trains every remedy on the evaluation seeds with the settings of settings.toml, and prints the table of
docs/long-tail.md. The exit code is 0 if every remedy is above cross-entropy by more than the 95 % interval.

The evaluation was run once; its recalls are in results.json, and --read prints the table from there.
What is tried beside it runs on the tuning seeds and their held-out images:
python -m benchmarks.long_tail DATA_FOLDER --seeds tuning --epochs 240 --weight-decay 0
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import scipy.stats
import torch

from benchmarks.long_tail.images import CLASSES, counts, long_tail, read_images
from benchmarks.long_tail.remedies import BASELINE, REMEDIES
from benchmarks.long_tail.training import Budget, train
from benchmarks.race import print_table

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="DATA_FOLDER", help="the four files of Fashion-MNIST")
    parser.add_argument("--seeds", choices=["evaluation", "tuning"], default="evaluation")
    parser.add_argument("--epochs", type=int, default=Budget().n_epochs, help="the same for every remedy")
    parser.add_argument("--weight-decay", type=float, help="for every remedy, in place of the chosen ones")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write every recall to a JSON file")
    parser.add_argument("--read", type=Path, metavar="FILE", help="print the table of such a file, train nothing")
    options = parser.parse_args()
    if (options.folder is None) == (options.read is None):
        parser.error("either DATA_FOLDER or --read FILE is needed")
    chosen = tomllib.loads((HERE / "settings.toml").read_text())
    found = json.loads(options.read.read_text()) if options.read else run(chosen, options)
    if options.write:
        options.write.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if report(found, counts(**chosen["data"])) else 1


def run(chosen: dict, options: argparse.Namespace) -> dict[str, list[dict]]:
    """Train every remedy on every seed."""
    torch.set_num_threads(1)
    images = read_images(options.folder)
    found: dict[str, list[dict]] = {name: [] for name in REMEDIES}
    for seed in chosen["seeds"][options.seeds]:
        data = long_tail(images["train"], seed, **chosen["data"])
        test = images["t10k"] if options.seeds == "evaluation" else data.held_out
        for name, remedy in REMEDIES.items():
            settings = chosen["remedies"][name]
            if options.weight_decay is not None:
                settings = {**settings, "weight_decay": options.weight_decay}
            outcome = train(remedy, settings, data, test, seed=seed, budget=Budget(n_epochs=options.epochs))
            found[name].append({"seed": seed, "order": data.order, **asdict(outcome)})
            print(f"seed {seed} {name:<16} {np.mean(outcome.recalls):.4f}", file=sys.stderr, flush=True)
    return found


def report(found: dict[str, list[dict]], sizes: list[int]) -> bool:
    """Print the tables; return whether every remedy is proved better than the baseline."""
    ranked = {name: np.array([_by_rank(row) for row in rows]) for name, rows in found.items()}
    lines, better = [], True
    for name, rows in found.items():
        balanced = ranked[name].mean(1)
        difference = balanced - ranked[BASELINE].mean(1)
        low, high = interval(difference)
        against = "" if name == BASELINE else f"{100 * difference.mean():+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        better &= name == BASELINE or low > 0.0
        plain = (ranked[name] @ np.array(sizes) / sum(sizes)).mean()
        fitted, seconds = (np.mean([row[key] for row in rows]) for key in ("training_accuracy", "seconds"))
        shares = [f"{100 * one:.1f}" for one in (balanced.mean(), plain, fitted)]
        lines.append([name, shares[0], against, *shares[1:], f"{seconds:.0f}"])
    head = ["loss", "balanced accuracy", "difference [95 %]", "at training shares", "on training images", "CPU s"]
    print_table(f"mean of {len(rows)} seeds, %; differences are paired", head, lines)
    _print_recalls("recall by training images of the class, %", [str(size) for size in sizes], ranked)
    named = {name: np.array([row["recalls"] for row in rows]) for name, rows in found.items()}
    _print_recalls("recall by class, %", list(CLASSES), named)
    print(f"\nevery remedy is above cross-entropy: {'yes' if better else 'NO'}")
    return better


def _print_recalls(title: str, columns: list[str], recalls: dict[str, np.ndarray]) -> None:
    rows = [[name, *[f"{100 * one:.0f}" for one in table.mean(0)]] for name, table in recalls.items()]
    print_table(title, ["loss", *columns], rows)


def _by_rank(row: dict) -> list[float]:
    """Return the recalls from the most frequent class to the rarest."""
    return [row["recalls"][k] for k in row["order"]]


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Return Student's 95 % interval of the mean."""
    n = len(differences)
    half = scipy.stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return float(differences.mean() - half), float(differences.mean() + half)


if __name__ == "__main__":
    sys.exit(main())
