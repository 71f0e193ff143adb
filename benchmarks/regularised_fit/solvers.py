"""One solver on one set: ``python -m benchmarks.regularised_fit.solvers SIZE SECONDS SOLVER``.

All minimise the mean cross-entropy plus ||coef||^2 / (2 C n) with a free intercept. Peers are
asked for more accuracy than they reach and report every iterate. Of marginscope whole calls are
timed, one for each tolerance.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np

from benchmarks.race import report_job
from benchmarks.regularised_fit.datasets import make
from benchmarks.regularised_fit.tracing import OutOfTime, Trace

__all__ = ["OURS", "PEERS"]

OURS = "marginscope"
# CPU seconds of one solver on rows of few megabytes
_SHORT_LIMIT = 10.0
_FEW_BYTES = 10_000_000
_TOLERANCES = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
_SETTLED = 1e-9


def marginscope(X: Any, y: Any, C: float, trace: Trace) -> None:
    import marginscope as ms
    from marginscope.fitting.fit import fit
    from marginscope.objectives import LinearObjective

    def objective(rows: slice) -> LinearObjective:
        return LinearObjective(ms.losses.get("cross_entropy"), X[rows], y[rows], K, ridge=1 / C, fit_intercept=True)

    K = int(y.max()) + 1
    for n in (200, 20_000):  # imports and compiled code, as for the peers
        fit(objective(slice(n)), tol=1e-2)
    trace.start()
    former = np.inf
    for tol in _TOLERANCES:
        begun = time.process_time()
        found = fit(objective(slice(None)), tol=tol)
        trace.keep(found.coef[:, :-1], found.coef[:, -1], seconds=time.process_time() - begun)
        if former - found.value <= _SETTLED * found.value:
            break
        former = found.value


def scikit_learn(solver: str, X: Any, y: Any, C: float, trace: Trace) -> None:
    import scipy.optimize
    import sklearn.linear_model._logistic as logistic
    from sklearn.linear_model import LogisticRegression
    from sklearn.linear_model._glm._newton_solver import NewtonCholeskySolver

    K, d = int(y.max()) + 1, X.shape[1]

    def keep(w: Any) -> None:
        W = np.asarray(w).reshape(K, -1, order="F") if np.ndim(w) == 1 else np.asarray(w)
        trace.keep(W[:, :d], W[:, d])

    minimize, newton_cg, update = (
        scipy.optimize.minimize,
        logistic._newton_cg,
        NewtonCholeskySolver.update_gradient_hessian,
    )

    def traced_newton_cg(grad_hess: Any, *args: Any, **settings: Any) -> Any:
        def at(x: Any, *more: Any, **rest: Any) -> Any:
            keep(x)
            return grad_hess(x, *more, **rest)

        return newton_cg(at, *args, **settings)

    def traced_update(self: Any, *args: Any, **settings: Any) -> Any:
        keep(self.coef)
        return update(self, *args, **settings)

    scipy.optimize.minimize = lambda f, x0, *a, **s: minimize(f, x0, *a, **{**s, "callback": keep})
    logistic._newton_cg = traced_newton_cg
    NewtonCholeskySolver.update_gradient_hessian = traced_update
    model = LogisticRegression(C=C, solver=solver, tol=1e-10, max_iter=100_000)
    trace.start()
    model.fit(X, y)
    trace.keep(model.coef_, model.intercept_)


def intelex(X: Any, y: Any, C: float, trace: Trace) -> None:
    import scipy.optimize
    from sklearnex.linear_model import LogisticRegression

    K, minimize = int(y.max()) + 1, scipy.optimize.minimize

    def keep(w: Any) -> None:
        W = np.asarray(w).reshape(K, -1)  # the intercept comes first
        trace.keep(W[:, 1:], W[:, 0])

    scipy.optimize.minimize = lambda f, x0, *a, **s: minimize(f, x0, *a, **{**s, "callback": keep})
    model = LogisticRegression(C=C, tol=1e-10, max_iter=100_000)
    trace.start()
    model.fit(X, y)
    trace.keep(model.coef_, model.intercept_)


def torch_lbfgs(X: Any, y: Any, C: float, trace: Trace) -> None:
    import torch

    torch.set_num_threads(1)
    K, (n, d) = int(y.max()) + 1, X.shape
    trace.start()
    Xt, yt = torch.from_numpy(X), torch.from_numpy(y)
    W = torch.zeros(K, d, dtype=Xt.dtype, requires_grad=True)
    b = torch.zeros(K, dtype=Xt.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [W, b], max_iter=20, history_size=10, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(torch.nn.functional.linear(Xt, W, b), yt)
        loss = loss + (W * W).sum() / (2.0 * C * n)
        loss.backward()
        return loss

    former, value = None, float(optimizer.step(closure))
    while value != former:
        trace.keep(W.detach().numpy(), b.detach().numpy())
        former, value = value, float(optimizer.step(closure))


def jax_lbfgs(X: Any, y: Any, C: float, trace: Trace) -> None:
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", X.dtype == np.float64)
    K, (n, d) = int(y.max()) + 1, X.shape
    trace.start()
    begun = time.process_time()
    Xj, yj = jnp.asarray(X), jnp.asarray(y)

    def f(p: Any) -> Any:
        scores = Xj @ p[0].T + p[1]
        own = jnp.take_along_axis(scores, yj[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(scores, 1) - own).mean() + (p[0] ** 2).sum() / (2.0 * C * n)

    solver = optax.lbfgs(memory_size=10)
    value_and_gradient = optax.value_and_grad_from_state(f)

    @jax.jit
    def step(p: Any, state: Any) -> Any:
        value, gradient = value_and_gradient(p, state=state)
        update, state = solver.update(gradient, state, p, value=value, grad=gradient, value_fn=f)
        return optax.apply_updates(p, update), state, value

    p = (jnp.zeros((K, d), X.dtype), jnp.zeros(K, X.dtype))
    state = solver.init(p)
    jax.block_until_ready(step(p, state))
    compiling = time.process_time() - begun  # no peer is charged for it
    former, same = None, 0
    while same < 5:
        p, state, value = step(p, state)
        W, b = np.asarray(p[0]), np.asarray(p[1])
        trace.keep(W, b, seconds=time.process_time() - begun - compiling)
        same = same + 1 if former == float(value) else 0
        former = float(value)


PEERS: dict[str, Callable[[Any, Any, float, Trace], None]] = {
    "scikit-learn lbfgs": partial(scikit_learn, "lbfgs"),
    "scikit-learn newton-cg": partial(scikit_learn, "newton-cg"),
    "scikit-learn newton-cholesky": partial(scikit_learn, "newton-cholesky"),
    "scikit-learn-intelex": intelex,
    "PyTorch LBFGS": torch_lbfgs,
    "JAX LBFGS": jax_lbfgs,
}


def main() -> None:
    size, limit, solver = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    warnings.filterwarnings("ignore")
    X, y, C = make(size)
    trace, ended = Trace(limit if X.nbytes > _FEW_BYTES else min(limit, _SHORT_LIMIT)), True
    begun = time.process_time()
    try:
        (marginscope if solver == OURS else PEERS[solver])(X, y, C, trace)
    except OutOfTime:
        ended = False
    seconds, beyond = time.process_time() - begun, trace.beyond_data()
    report_job(seconds, trace=trace.values(X, y, C), ended=ended, beyond_mb=beyond, data_mb=X.nbytes / 2**20)


if __name__ == "__main__":
    main()
