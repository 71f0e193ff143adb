"""One solver on one size: ``python -m benchmarks.hard_margin.solvers SIZE SOLVER``.

Every peer solves min 1/2 ||W||_F^2 subject to margins of at least 1; only its solve is timed, not
the constraint matrix that it needs. Of marginscope the whole call is timed, certificate included.
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
from benchmarks.hard_margin.datasets import make
from benchmarks.race import report_job, timed

__all__ = ["OURS", "PEERS"]

OURS = "marginscope"
Answer = tuple[Any, float]


def marginscope(X: Any, y: Any) -> Answer:
    import marginscope as ms

    ms.solve_hard_margin(*make("100x10x3"))  # imports and compiled code, as for the peers
    solution, seconds = timed(lambda: ms.solve_hard_margin(X, y))
    assert solution.verify(X, y)
    return solution.coef, seconds


def through_cvxpy(name: str, X: Any, y: Any, **settings: Any) -> Answer:
    import cvxpy as cp

    K, d = int(y.max()) + 1, X.shape[1]
    W = cp.Variable(K * d)
    problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(W)), [pair_matrix(X, y, K) @ W >= 1])
    _, seconds = timed(lambda: problem.solve(solver=name, **settings))
    return W.value.reshape(K, d), seconds


def through_qpsolvers(name: str, X: Any, y: Any, *, dense: bool, **settings: Any) -> Answer:
    import qpsolvers

    K, d = int(y.max()) + 1, X.shape[1]
    G = pair_matrix(X, y, K)
    q, h = np.zeros(K * d), -np.ones(G.shape[0])
    if dense:
        problem = qpsolvers.Problem(np.eye(K * d), q, -G.toarray(), h)
    else:
        problem = qpsolvers.Problem(sp.identity(K * d, format="csc"), q, sp.csc_matrix(-G), h)
    found, seconds = timed(lambda: qpsolvers.solve_problem(problem, solver=name, **settings))
    return found.x.reshape(K, d), seconds


def linear_svc(X: Any, y: Any) -> Answer:
    from sklearn.svm import LinearSVC

    model = LinearSVC(multi_class="crammer_singer", C=1e4, tol=1e-10, fit_intercept=False, max_iter=10_000_000)
    _, seconds = timed(lambda: model.fit(X, y))
    return model.coef_, seconds


def cutting_planes(X: Any, y: Any) -> Answer:
    """Grow a set of violated constraints and solve the small problem each time, until none is violated by 1e-9."""
    import daqp

    K, d = int(y.max()) + 1, X.shape[1]
    G = pair_matrix(X, y, K)

    def work() -> Any:
        chosen = np.zeros(0, dtype=int)
        W = np.zeros(K * d)
        for _ in range(200):
            short = 1.0 - G @ W
            short[chosen] = -np.inf
            violated = np.flatnonzero(short > 1e-9)
            if not len(violated):
                break
            worst = violated[np.argsort(-short[violated])[: max(50, K * d // 2)]]
            chosen = np.concatenate([chosen, worst])
            A, m = np.ascontiguousarray(-G[chosen].toarray()), len(chosen)
            answer = daqp.solve(
                np.eye(K * d), np.zeros(K * d), A, -np.ones(m), np.full(m, -1e30), np.zeros(m, dtype=np.intc)
            )
            W = np.asarray(answer[0])
        return W.reshape(K, d)

    return timed(work)


PEERS: dict[str, Callable[[Any, Any], Answer]] = {
    "DAQP": partial(through_qpsolvers, "daqp", dense=True),
    "PIQP": partial(through_qpsolvers, "piqp", dense=False),
    "cvxpy + Clarabel": partial(through_cvxpy, "CLARABEL"),
    "QPALM": partial(through_qpsolvers, "qpalm", dense=False, eps_abs=1e-8, eps_rel=1e-8),
    "HiGHS QP": partial(through_qpsolvers, "highs", dense=False),
    "ProxQP": partial(through_qpsolvers, "proxqp", dense=True, backend="dense", eps_abs=1e-8, max_iter=100_000),
    "OSQP": partial(through_cvxpy, "OSQP", eps_abs=1e-8, eps_rel=1e-8, max_iter=200_000, polishing=True),
    "LinearSVC": linear_svc,
    "cutting planes over DAQP": cutting_planes,
}


def main() -> None:
    size, solver = sys.argv[1:3]
    warnings.filterwarnings("ignore")
    X, y = make(size)
    W, seconds = marginscope(X, y) if solver == OURS else PEERS[solver](X, y)
    report_job(seconds, margin=worst_margin(W, X, y) / float(np.linalg.norm(W)))


if __name__ == "__main__":
    main()
