"""What a user waits for, beside one default boosting fit of scikit-learn in the same run."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np


def planted(n: int, d: int, k: int, seed: int = 0):
    """Gaussian features, labels drawn from a softmax with falling shares."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    scores = 0.25 * X @ rng.standard_normal((d, k)) - np.linspace(0, 2, k)
    return X, (scores + rng.gumbel(size=(n, k))).argmax(axis=1)


def seconds_of(*words: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    empty = min(seconds_of("-c", "pass") for _ in range(5))
    print(f"{'interpreter alone':<34} {empty:6.2f} s")
    for name, words in {
        "import marginscope": ("-c", "import marginscope"),
        "marginscope --help": ("-m", "marginscope", "--help"),
    }.items():
        print(f"{name:<34} {min(seconds_of(*words) for _ in range(5)):6.2f} s", flush=True)

    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    import marginscope as ms

    ms.diagnose(None, *planted(300, 5, 3))
    for n, d, k in ((2_000, 20, 4), (10_000, 50, 10)):
        X, y = planted(n, d, k)
        begun = time.perf_counter()
        with threadpool_limits(1):  # one thread: OpenMP spins for minutes where cores are shared
            HistGradientBoostingClassifier(random_state=0).fit(X, y)
        boosting = time.perf_counter() - begun
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begun = time.perf_counter()
        ms.diagnose(None, X, y)
        spent = time.perf_counter() - begun
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
        print(
            f"diagnose {n} x {d} x {k:<16} {spent:6.2f} s   one boosting fit {boosting:5.2f} s   "
            f"ratio {spent / boosting:4.1f}   memory {growth:+.0f} MB (data {X.nbytes / 2**20:.0f} MB)",
            flush=True,
        )


if __name__ == "__main__":
    main()
