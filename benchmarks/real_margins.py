"""Separability and margins of real sets: the second table of docs/real-data.md.

python -m benchmarks.real_margins FOLDER [NAME ...]     FOLDER holds one folder a set, as docs/real-data.md lists them

Raw columns (categories one-hot, holes the median), scores with intercepts.
"""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import marginscope as ms
from benchmarks.real_data import SETS

SKIPPED = ("penguins_raw", "winequality-red")  # refused for its dates; as the white ones
OPTIONS = {"-t": "target", "--drop": "drop", "--text": "text"}


def tables(folder: Path, chosen: list[str]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, matrix and labels of every set."""
    from sklearn.datasets import load_digits, load_iris

    from marginscope.tables import read_table
    from marginscope.tables.preparation import preparation

    def wanted(name: str) -> bool:
        return not chosen or any(one in name for one in chosen)

    for name, load in (("iris", load_iris), ("digits", load_digits)):
        if wanted(name):
            yield name, *load(return_X_y=True)
    for name, words in SETS.items():
        if name in SKIPPED or not wanted(name):
            continue
        options: dict[str, Any] = {"drop": [], "text": [], "header": "--no-header" not in words}
        for option, value in pairwise(words):
            if option == "-t":
                options["target"] = value
            elif option in OPTIONS:
                options[OPTIONS[option]].append(value)
        target = options.pop("target")
        data = read_table(
            folder / words[0], target, **{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        )
        yield name, preparation(data.features, scale=False).fit_transform(data.features.values), data.target
    if wanted("fashion-mnist"):
        place = folder / "fashion-mnist"
        X = _idx(place / "train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(float)
        yield "fashion-mnist", X, _idx(place / "train-labels-idx1-ubyte.gz", 8)


def _idx(path: Path, header: int) -> Any:
    with gzip.open(path) as stream:
        return np.frombuffer(stream.read(), dtype=np.uint8, offset=header)


def row(name: str, X: Any, y: Any) -> str:
    """Certify, verify, and where there is a margin solve and verify it."""
    size = f"{X.shape[0]:,} x {X.shape[1]:,} x {len(np.unique(y))}"
    certificate, seconds = timed(lambda: ms.separability(X, y))
    verified, checking = timed(lambda: certificate.verify(X, y))
    cells = [
        name,
        size,
        certificate.status,
        f"{certificate.separable_counts.sum() / certificate.n_pairs:.1%}",
        f"{seconds:.2f}",
        f"{'verified' if verified else 'NOT VERIFIED'}, {checking:.2f}",
    ]
    if certificate.status != "complete":
        return "| " + " | ".join([*cells, "-", "-", "-"]) + " |"
    solution, seconds = timed(lambda: ms.solve_hard_margin(X, y, fit_intercept=True))
    verified, checking = timed(lambda: solution.verify(X, y))
    lower, upper = solution.bracket
    cells += [
        f"{lower:.6g}, gap {(upper - lower) / upper:.0e}",
        f"{seconds:.2f}",
        f"{'verified' if verified else 'NOT VERIFIED'}, {checking:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def timed(work: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begun


def main() -> None:
    folder, chosen = Path(sys.argv[1]), sys.argv[2:]
    head = [
        "set",
        "rows x columns x classes",
        "verdict",
        "separable pairs",
        "s",
        "certificate, s",
        "margin",
        "s",
        "bracket, s",
    ]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|", flush=True)
    for name, X, y in tables(folder, chosen):
        print(row(name, X, y), flush=True)


if __name__ == "__main__":
    main()
