"""One way to descend, in one process: ``python -m benchmarks.descent.solvers SIZE SOLVER``.

All start from W = 0 and take the same steps on the mean of the loss over 100 rows, for ten seeds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.descent.compilers import from_c
from benchmarks.problems import separable
from benchmarks.race import report_job

__all__ = ["LOSSES", "OURS", "OURS_SINGLE", "PEERS", "SOLVERS", "STEPS_TO_AGREE"]

OURS, OURS_SINGLE = "marginscope", "marginscope, float32"
LOSSES = ("cross_entropy", "pair_logistic")
SHAPE = (100, 10, 3)
N, D, K = SHAPE
SEEDS = 10
RATE = 0.5
STEPS_TO_AGREE = 10_000
# takes a number of steps, returns W of (n_seeds, K, D)
Descend = Callable[[int], Any]

PROBLEMS = [separable(N, D, K, seed=seed) for seed in range(SEEDS)]
X_ALL = np.stack([X for X, _ in PROBLEMS])
Y_ALL = np.stack([y for _, y in PROBLEMS])
OWN = np.eye(K)[Y_ALL]


def marginscope(loss: str, dtype: Any = np.float64, **settings: Any) -> Descend:
    from marginscope import losses
    from marginscope.descent.compiled import compiled_descent
    from marginscope.objectives import LinearObjective

    objectives = [LinearObjective(losses.get(loss), X, y, K) for X, y in PROBLEMS]
    descend = compiled_descent(objectives, dtype=dtype, n_threads=1, **settings)
    assert descend is not None
    return lambda n_steps: descend(np.zeros((SEEDS, K, D)), RATE / N, n_steps)


def torch_autograd(loss: str) -> Descend:
    """The loop of a tutorial, one seed at a time, so the first stands for all."""
    import torch
    from torch.nn import functional

    X, y = torch.tensor(X_ALL[0], dtype=torch.float32), torch.tensor(Y_ALL[0])

    def pair_logistic(scores: Any, y: Any) -> Any:
        margins = scores.gather(1, y[:, None]) - scores
        is_rival = functional.one_hot(y, K) == 0
        return functional.softplus(-margins)[is_rival].sum() / len(y)

    criterion = torch.nn.CrossEntropyLoss() if loss == "cross_entropy" else pair_logistic

    def descend(n_steps: int) -> Any:
        model = torch.nn.Linear(D, K, bias=False)
        torch.nn.init.zeros_(model.weight)
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
        for _ in range(n_steps):
            optimizer.zero_grad()
            criterion(model(X), y).backward()
            optimizer.step()
        return model.weight.detach().numpy()[None]

    return descend


def torch_batched(loss: str) -> Descend:
    import torch

    X, own, y = torch.tensor(X_ALL), torch.tensor(OWN), torch.tensor(Y_ALL)[:, :, None]
    rivals = 1.0 - own

    def descend(n_steps: int) -> Any:
        W = torch.zeros(SEEDS, K, D, dtype=torch.float64)
        for _ in range(n_steps):
            scores = torch.bmm(X, W.transpose(1, 2))
            if loss == "cross_entropy":
                q = torch.softmax(scores, dim=2).mul_(rivals)
            else:
                q = torch.sigmoid(scores - scores.gather(2, y)).mul_(rivals)
            q.addcmul_(own, q.sum(dim=2, keepdim=True), value=-1.0)
            W.baddbmm_(q.transpose(1, 2), X, alpha=-RATE / N)
        return W.numpy()

    return descend


def numpy_batched(loss: str) -> Descend:
    rivals, y = 1.0 - OWN, Y_ALL[:, :, None]
    X_transposed = np.ascontiguousarray(X_ALL.transpose(0, 2, 1))

    def descend(n_steps: int) -> Any:
        W = np.zeros((SEEDS, K, D))
        for _ in range(n_steps):
            e = np.matmul(W, X_transposed).transpose(0, 2, 1)
            e = np.exp(e - np.take_along_axis(e, y, axis=2))
            e /= e.sum(axis=2, keepdims=True) if loss == "cross_entropy" else 1.0 + e
            e *= rivals
            e -= OWN * e.sum(axis=2, keepdims=True)
            W -= RATE / N * np.matmul(e.transpose(0, 2, 1), X_ALL)
        return W

    return descend


def jax_scan(loss: str, *, automatic: bool) -> Descend:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def value(W: Any, X: Any, own: Any) -> Any:
        scores = X @ W.T
        if loss == "cross_entropy":
            return (jax.nn.logsumexp(scores, axis=1) - (scores * own).sum(axis=1)).mean()
        margins = (scores * own).sum(axis=1, keepdims=True) - scores
        return (jax.nn.softplus(-margins) * (1.0 - own)).sum() / N

    def by_hand(W: Any, X: Any, own: Any) -> Any:
        scores = X @ W.T
        if loss == "cross_entropy":
            q = jax.nn.softmax(scores, axis=1) * (1.0 - own)
        else:
            q = jax.nn.sigmoid(scores - (scores * own).sum(axis=1, keepdims=True)) * (1.0 - own)
        return (q - own * q.sum(axis=1, keepdims=True)).T @ X / N

    slope = jax.grad(value) if automatic else by_hand

    def run(X: Any, own: Any, n_steps: int) -> Any:
        return jax.lax.scan(lambda W, _: (W - RATE * slope(W, X, own), None), jnp.zeros((K, D)), length=n_steps)[0]

    compiled = jax.jit(jax.vmap(run, in_axes=(0, 0, None)), static_argnums=2)
    X, own = jnp.asarray(X_ALL), jnp.asarray(OWN)
    return lambda n_steps: np.asarray(compiled(X, own, n_steps).block_until_ready())


def plain_numba(loss: str) -> Descend:
    """One sample after another, with all of fastmath."""
    import numba

    @numba.njit(fastmath=True)
    def descend(X: Any, y: Any, W: Any, step: float, n_steps: int, pairwise: bool) -> None:
        n, d = X.shape
        k = W.shape[0]
        q, gradient = np.zeros(k), np.zeros_like(W)
        for _ in range(n_steps):
            gradient[:] = 0.0
            for i in range(n):
                own = 0.0
                for j in range(d):
                    own += W[y[i], j] * X[i, j]
                total = 0.0
                for c in range(k):
                    if c != y[i]:
                        score = 0.0
                        for j in range(d):
                            score += W[c, j] * X[i, j]
                        e = np.exp(score - own)
                        q[c] = e / (1.0 + e) if pairwise else e
                        total += q[c]
                q[y[i]] = -total
                scale = 1.0 if pairwise else 1.0 / (1.0 + total)
                for c in range(k):
                    for j in range(d):
                        gradient[c, j] += scale * q[c] * X[i, j]
            W -= step * gradient

    return partial(_seed_by_seed, descend, X_ALL, Y_ALL, loss)


def plain_c(loss: str, dtype: Any = np.float64) -> Descend:
    descend = from_c("plain.c", ["-ffast-math"], SHAPE, dtype)
    X = np.ascontiguousarray(X_ALL.transpose(0, 2, 1).astype(dtype))
    return partial(_seed_by_seed, descend, X, Y_ALL.astype(np.int32), loss, dtype=dtype)


def tuned_c(loss: str) -> Descend:
    descend = from_c("tuned.c", ["-ffp-contract=fast"], SHAPE, np.float64)
    X = np.ascontiguousarray(X_ALL.transpose(0, 2, 1))
    return partial(_seed_by_seed, descend, X, Y_ALL.astype(np.int32), loss)


def _seed_by_seed(descend: Any, X: Any, y: Any, loss: str, n_steps: int, *, dtype: Any = np.float64) -> Any:
    W = np.zeros((SEEDS, K, D), dtype)
    for seed in range(SEEDS):
        descend(X[seed], y[seed], W[seed], RATE / N, n_steps, loss == "pair_logistic")
    return W


PEERS: dict[str, Callable[[str], Descend]] = {
    "PyTorch autograd + SGD, float32": torch_autograd,
    "PyTorch by hand, batched": torch_batched,
    "NumPy, batched": numpy_batched,
    "JAX scan + vmap, autograd": partial(jax_scan, automatic=True),
    "JAX scan + vmap, by hand": partial(jax_scan, automatic=False),
    "Numba, sample after sample": plain_numba,
    "C -O3 -ffast-math": plain_c,
    "C -O3 -ffast-math, float32": partial(plain_c, dtype=np.float32),
    "C with its own exponential": tuned_c,
}
SOLVERS: dict[str, Callable[[str], Descend]] = {
    OURS: marginscope,
    OURS_SINGLE: partial(marginscope, dtype=np.float32),
    "marginscope, portable": partial(marginscope, kernel="portable"),
    **PEERS,
}
# a tenth of the steps is enough to time it
_SLOW = "PyTorch autograd + SGD, float32"


def microseconds(descend: Descend, n_steps: int) -> float:
    """Return CPU microseconds per step and seed, the median of some runs."""
    runs: list[float] = []
    while len(runs) < 3 or (sum(runs) < 1.0 and len(runs) < 15):
        begun = time.process_time()
        n_seeds = len(descend(n_steps))
        runs.append(time.process_time() - begun)
    return 1e6 * median(runs) / n_steps / n_seeds


def main() -> None:
    solver = sys.argv[2]
    answer: dict[str, Any] = {}
    for loss in LOSSES:
        descend = SOLVERS[solver](loss)
        answer[f"{loss}_W"] = np.asarray(descend(STEPS_TO_AGREE), dtype=float).tolist()
        answer[loss] = microseconds(descend, STEPS_TO_AGREE // (10 if solver == _SLOW else 1))
    report_job(sum(answer[loss] for loss in LOSSES) / 1e6, **answer)


if __name__ == "__main__":
    main()
