"""One solver on one set: ``python -m benchmarks.separability.solvers DATA SOLVER``.

Peers look for W with all margins of at least 1; only their solve is timed. Of marginscope the
whole call is timed, and the certificate is verified afterwards.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.constraints import pair_matrix, worst_margin
from benchmarks.problems import digits, iris_with_ones, overlapping, separable
from benchmarks.race import report_job, timed

__all__ = ["DATASETS", "OURS", "PEERS"]

OURS = "marginscope"
_PATIENCE = 20.0
DATASETS: dict[str, Callable[[], Any]] = {
    "iris": iris_with_ones,
    "digits": digits,
    "5000x100x10 separable": partial(separable, 5000, 100, 10),
    "5000x50x5 overlapping": overlapping,
}
Answer = tuple[str, bool, float]


def marginscope(X: Any, y: Any) -> Answer:
    import marginscope as ms

    ms.separability(*iris_with_ones(), fit_intercept=False)  # imports, as for the peers
    certificate, seconds = timed(lambda: ms.separability(X, y, fit_intercept=False))
    return "separable" if certificate.status == "complete" else "not separable", certificate.verify(X, y), seconds


def perceptron(X: Any, y: Any) -> Answer:
    import numba

    @numba.njit  # type: ignore[untyped-decorator]
    def epoch(X: Any, y: Any, W: Any) -> int:
        wrong = 0
        for i in range(X.shape[0]):
            rival, best, own = -1, -1e300, 0.0
            for k in range(W.shape[0]):
                score = 0.0
                for j in range(X.shape[1]):
                    score += W[k, j] * X[i, j]
                if k == y[i]:
                    own = score
                elif score > best:
                    best, rival = score, k
            if own <= best:
                wrong += 1
                for j in range(X.shape[1]):
                    W[y[i], j] += X[i, j]
                    W[rival, j] -= X[i, j]
        return wrong

    K = int(y.max()) + 1
    epoch(X[:2], y[:2], np.zeros((K, X.shape[1])))

    def work() -> Any:
        W = np.zeros((K, X.shape[1]))
        begun = time.process_time()
        # where there is no separator it would go on for ever
        while epoch(X, y, W) and time.process_time() - begun < _PATIENCE:
            pass
        return W

    W, seconds = timed(work)
    found = worst_margin(W, X, y) > 0
    return "separable" if found else "no answer", found, seconds


def linprog(X: Any, y: Any) -> Answer:
    from scipy.optimize import linprog as solve

    G = pair_matrix(X, y, int(y.max()) + 1)
    found, seconds = timed(
        lambda: solve(np.zeros(G.shape[1]), A_ub=-G, b_ub=-np.ones(G.shape[0]), bounds=(None, None), method="highs")
    )
    return _named(found.status == 0), found.status == 0, seconds


def through_cvxpy(X: Any, y: Any) -> Answer:
    import cvxpy as cp

    G = pair_matrix(X, y, int(y.max()) + 1)
    W = cp.Variable(G.shape[1])
    problem = cp.Problem(cp.Minimize(0), [G @ W >= 1])
    _, seconds = timed(lambda: problem.solve(solver="HIGHS"))
    return _named(problem.status == "optimal"), problem.status == "optimal", seconds


def through_highspy(method: str, X: Any, y: Any) -> Answer:
    import highspy

    G = pair_matrix(X, y, int(y.max()) + 1)
    m, n = G.shape
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("solver", method)
    highs.setOptionValue("threads", 1)
    if method == "simplex":
        highs.setOptionValue("presolve", "off")  # only then there is a Farkas ray
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = n, m
    programme.col_cost_ = np.zeros(n)
    programme.col_lower_, programme.col_upper_ = np.full(n, -highspy.kHighsInf), np.full(n, highspy.kHighsInf)
    programme.row_lower_, programme.row_upper_ = np.ones(m), np.full(m, highspy.kHighsInf)
    programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    programme.a_matrix_.start_, programme.a_matrix_.index_, programme.a_matrix_.value_ = G.indptr, G.indices, G.data
    highs.passModel(programme)
    _, seconds = timed(highs.run)
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kOptimal:
        return "separable", True, seconds
    infeasible = status == highspy.HighsModelStatus.kInfeasible
    return "not separable" if infeasible else str(status), infeasible and method == "simplex", seconds


def _named(separable: bool) -> str:
    return "separable" if separable else "not separable"


PEERS: dict[str, Callable[[Any, Any], Answer]] = {
    "perceptron in numba": perceptron,
    "HiGHS PDLP": partial(through_highspy, "pdlp"),
    "HiGHS interior point": partial(through_highspy, "ipm"),
    "HiGHS simplex with ray": partial(through_highspy, "simplex"),
    "linprog": linprog,
    "cvxpy + HiGHS": through_cvxpy,
}


def main() -> None:
    data, solver = sys.argv[1:3]
    warnings.filterwarnings("ignore")
    X, y = DATASETS[data]()
    said, certified, seconds = marginscope(X, y) if solver == OURS else PEERS[solver](X, y)
    report_job(seconds, said=said, certified=bool(certified))


if __name__ == "__main__":
    main()
