"""Choose the settings of every remedy on seeds of their own: python -m benchmarks.long_tail.tuning DATA_FOLDER

Scored on held-out images of the training file, never on the test set. Writes tuning.json, with the scores
of all settings, and settings.toml, with the best of each remedy, beside this file.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import torch

from benchmarks.long_tail.images import long_tail, read_images
from benchmarks.long_tail.remedies import REMEDIES
from benchmarks.long_tail.training import Budget, train

HERE = Path(__file__).parent
HEAD = """\
# Chosen by python -m benchmarks.long_tail.tuning on the tuning seeds, before any evaluation seed was run.
[seeds]
tuning = [100, 101, 102]
evaluation = [0, 1, 2, 3, 4]

[data]
n_most = 1000
ratio = 100.0
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DATA_FOLDER", help="holds the four files of Fashion-MNIST")
    options = parser.parse_args()
    torch.set_num_threads(1)
    fixed = tomllib.loads(HEAD)
    train_images = read_images(options.folder)["train"]
    draws = {seed: long_tail(train_images, seed, **fixed["data"]) for seed in fixed["seeds"]["tuning"]}
    table: dict[str, list[dict[str, Any]]] = {}
    for name, remedy in REMEDIES.items():
        table[name] = []
        for settings in remedy.settings():
            scores = []
            for seed, data in draws.items():
                outcome = train(remedy, settings, data, data.held_out, seed=seed, budget=Budget())
                scores.append(round(sum(outcome.recalls) / len(outcome.recalls), 4))
            table[name].append({"settings": settings, "balanced_accuracy": scores})
            print(f"{name:<16} {settings} {scores} mean {sum(scores) / len(scores):.4f}", flush=True)
    (HERE / "tuning.json").write_text(json.dumps(table, indent=1) + "\n")
    (HERE / "settings.toml").write_text(HEAD + _chosen(table))


def _chosen(table: dict[str, list[dict[str, Any]]]) -> str:
    """Return the settings of the best mean for each remedy, as TOML."""
    text = ""
    for name, rows in table.items():
        best = max(rows, key=lambda row: sum(row["balanced_accuracy"]))
        text += f'\n[remedies."{name}"]\n' + "".join(f"{key} = {value}\n" for key, value in best["settings"].items())
    return text


if __name__ == "__main__":
    main()
