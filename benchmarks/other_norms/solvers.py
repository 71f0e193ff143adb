"""One solver, norm and size: ``python -m benchmarks.other_norms.solvers NORM SIZE SOLVER``.

Peers maximise t subject to margins of at least t and ||W|| <= 1.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.constraints import pair_matrix, worst_margin
from benchmarks.problems import separable
from benchmarks.race import report_job, timed

__all__ = ["OURS", "PEERS", "SIZES"]

OURS = "marginscope"
SIZES = {"100x10x3": (100, 10, 3), "1000x100x10": (1000, 100, 10)}
Answer = tuple[Any, float]


def marginscope(norm: str, X: Any, y: Any) -> Answer:
    import marginscope as ms

    ms.solve_hard_margin(*separable(60, 5, 3), norm=norm)
    solution, seconds = timed(lambda: ms.solve_hard_margin(X, y, norm=norm))
    assert solution.verify(X, y)
    return solution.coef, seconds


def through_cvxpy(solver: str, norm: str, X: Any, y: Any, **settings: Any) -> Answer:
    import cvxpy as cp

    K, d = int(y.max()) + 1, X.shape[1]
    W, t = cp.Variable((K, d)), cp.Variable()
    size = {
        "max": lambda: cp.max(cp.abs(W)),
        "sum": lambda: cp.sum(cp.abs(W)),
        "spectral": lambda: cp.sigma_max(W),
        "nuclear": lambda: cp.normNuc(W),
    }[norm]()
    problem = cp.Problem(cp.Maximize(t), [pair_matrix(X, y, K) @ cp.vec(W, order="C") >= t, size <= 1])
    _, seconds = timed(lambda: problem.solve(solver=solver, **settings))
    return W.value, seconds


def through_linprog(method: str, norm: str, X: Any, y: Any) -> Answer:
    from scipy.optimize import linprog

    if norm != "max":
        raise SystemExit("this form is for the max norm")
    K, d = int(y.max()) + 1, X.shape[1]
    G = pair_matrix(X, y, K)
    A = sp.csr_matrix(sp.hstack([-G, np.ones((G.shape[0], 1))]))
    bounds = [(-1, 1)] * G.shape[1] + [(None, None)]
    cost = np.r_[np.zeros(G.shape[1]), -1.0]
    found, seconds = timed(lambda: linprog(cost, A_ub=A, b_ub=np.zeros(G.shape[0]), bounds=bounds, method=method))
    return found.x[:-1].reshape(K, d), seconds


PEERS: dict[str, dict[str, Callable[..., Answer]]] = {
    "max": {
        "cvxpy + Clarabel": partial(through_cvxpy, "CLARABEL"),
        "HiGHS interior point": partial(through_linprog, "highs-ipm"),
        "HiGHS simplex": partial(through_linprog, "highs-ds"),
    },
    "sum": {"cvxpy + Clarabel": partial(through_cvxpy, "CLARABEL"), "cvxpy + HiGHS": partial(through_cvxpy, "HIGHS")},
    "spectral": {
        "cvxpy + Clarabel": partial(through_cvxpy, "CLARABEL"),
        "cvxpy + SCS": partial(through_cvxpy, "SCS", eps_abs=1e-6, eps_rel=1e-6, max_iters=500_000),
    },
    "nuclear": {"cvxpy + Clarabel": partial(through_cvxpy, "CLARABEL")},
}


def main() -> None:
    norm, size, solver = sys.argv[1:4]
    warnings.filterwarnings("ignore")
    X, y = separable(*SIZES[size])
    W, seconds = marginscope(norm, X, y) if solver == OURS else PEERS[norm][solver](norm, X, y)
    report_job(seconds, margin=worst_margin(W, X, y) / _norm(norm, W))


def _norm(name: str, W: Any) -> float:
    singular = np.linalg.svd(W, compute_uv=False)
    return float(
        {"max": np.abs(W).max(), "sum": np.abs(W).sum(), "spectral": singular[0], "nuclear": singular.sum()}[name]
    )


if __name__ == "__main__":
    main()
