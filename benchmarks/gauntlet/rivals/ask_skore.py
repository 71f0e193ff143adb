"""Ask skore. Run by the interpreter of the rivals' environment:

python -m benchmarks.gauntlet.rivals.ask_skore TASKS.json OUT.jsonl
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from skore import EstimatorReport

from benchmarks.gauntlet.cases import CASES
from benchmarks.gauntlet.models import seeded


def messages(case, kind: str, seed: int) -> list[str]:
    planted = case.planted(seed)
    X, y = planted.train
    if planted.test is not None:
        parts = X, planted.test.X, y, planted.test.y
    else:
        rare = min(int((y == name).sum()) for name in np.unique(y)) < 2
        parts = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=None if rare else y)
    X_train, X_test, y_train, y_test = parts
    report = EstimatorReport(
        seeded(case.models[kind](), seed), X_train=X_train, X_test=X_test, y_train=y_train, y_test=y_test
    )
    found = []
    for row in report.checks.summarize().frame().itertuples():
        if row.section in ("issue", "tip"):
            text = str(row.explanation)
            scale = " not standardized" if row.code == "SKD006" and "not" in text.split(":")[0] else ""
            found.append(f"{row.code} {row.section}{scale}: {text[:160]}")
    return found


def main() -> None:
    known = {case.key: case for case in CASES}
    with Path(sys.argv[2]).open("a") as out:
        for key, kind, seed in json.loads(Path(sys.argv[1]).read_text()):
            line = {"case": key, "model": kind, "seed": seed}
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    line["messages"] = messages(known[key], kind, seed)
            except Exception as error:
                line["failed"] = f"{type(error).__name__}: {error}"[:300]
            out.write(json.dumps(line) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
