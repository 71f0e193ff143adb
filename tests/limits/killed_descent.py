"""Two descents in a process that is to be killed: python killed_descent.py FOLDER; prints "go", then the ends."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from marginscope.limits.descend import descend
from oracles.descent_data import separable

CASES = {
    "adam": {"optimizer": "adam", "batch_size": 7, "n_steps": 1_500},
    "gd": {"optimizer": "gd", "n_steps": 3_000, "init": "normal", "n_runs": 2},
}


def run(name, folder):
    X, y = separable(3)
    saved = {"run_dir": Path(folder) / name, "resume": True, "checkpoint_seconds": 0.03}
    return descend(X, y, **CASES[name], **saved, n_jobs=1)


if __name__ == "__main__":
    print("go", flush=True)
    for case in CASES:
        run(case, sys.argv[1])
        print(case, flush=True)
