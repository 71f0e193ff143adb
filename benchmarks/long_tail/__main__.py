"""Balanced accuracy on long-tailed Fashion-MNIST: python -m benchmarks.long_tail DATA_FOLDER

Trains every remedy on the evaluation seeds with the settings of settings.toml, and prints the table of
docs/long-tail.md. The exit code is 0 if every remedy is above cross-entropy by more than the 95 % interval.

What is tried beside the one evaluation runs on the tuning seeds and their held-out images:
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

from benchmarks.long_tail.images import counts, long_tail, read_images
from benchmarks.long_tail.remedies import BASELINE, REMEDIES
from benchmarks.long_tail.training import Budget, train
from benchmarks.race import print_table

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DATA_FOLDER", help="holds the four files of Fashion-MNIST")
    parser.add_argument("--seeds", choices=["evaluation", "tuning"], default="evaluation")
    parser.add_argument("--epochs", type=int, default=Budget().n_epochs, help="the same for every remedy")
    parser.add_argument("--weight-decay", type=float, help="for every remedy, in place of the chosen ones")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write every recall to a JSON file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = tomllib.loads((HERE / "settings.toml").read_text())
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
    if options.write:
        options.write.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if report(found, counts(**chosen["data"])) else 1


def report(found: dict[str, list[dict]], sizes: list[int]) -> bool:
    """Print both tables; return whether every remedy is proved better than the baseline."""
    recalls = {
        name: np.array([[row["recalls"][k] for k in row["order"]] for row in rows]) for name, rows in found.items()
    }
    lines, better = [], True
    for name, rows in found.items():
        balanced = recalls[name].mean(1)
        difference = balanced - recalls[BASELINE].mean(1)
        low, high = interval(difference)
        against = "" if name == BASELINE else f"{100 * difference.mean():+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        better &= name == BASELINE or low > 0.0
        fitted, seconds = (np.mean([row[key] for row in rows]) for key in ("training_accuracy", "seconds"))
        lines.append([name, f"{100 * balanced.mean():.1f}", against, f"{100 * fitted:.1f}", f"{seconds:.0f}"])
    head = ["loss", "balanced accuracy, %", "difference, points [95 %]", "training accuracy, %", "CPU seconds"]
    print_table(f"mean of {len(rows)} seeds, paired differences", head, lines)
    by_rank = [[name, *[f"{100 * one:.0f}" for one in recalls[name].mean(0)]] for name in found]
    print_table("recall by training images of the class, %", ["loss", *[str(size) for size in sizes]], by_rank)
    print(f"\nevery remedy is above cross-entropy: {'yes' if better else 'NO'}")
    return better


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
