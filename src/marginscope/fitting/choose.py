"""Which solver suits an objective, and why, from its sizes alone.

The sizes are those of decision 9: where one solver became faster than another when measured.
"""

from __future__ import annotations

from marginscope.geometry.margins import is_sparse
from marginscope.objectives import LinearObjective

__all__ = ["choose_solver", "gram_operations"]

# unknowns up to which the whole Hessian of all rows is the fastest, and that of a sample is
_MOST_OF_ALL_ROWS = 150
_MOST_OF_A_SAMPLE = 1500
_ROWS_PER_UNKNOWN = 100
_MANY_ROWS = 20000
# classes up to which the curvature in each of them is cheap
_MOST_CLASSES = 100


def gram_operations(objective: LinearObjective) -> float:
    """Return how many multiplications the Grams of all pairs of classes take, and their weights."""
    n, q = objective.X.shape[0], objective.shape[1]
    K = objective.n_classes
    return float(0.25 * n * q**2 * K * (K - 1) + 0.5 * n * K**3)


def choose_solver(objective: LinearObjective) -> tuple[str, str]:
    """Return the name of a solver, and one sentence that says why."""
    n, (K, q) = objective.X.shape[0], objective.shape
    unknowns = (K - 1) * q
    if unknowns <= _MOST_OF_A_SAMPLE and n >= max(_MANY_ROWS, _ROWS_PER_UNKNOWN * unknowns):
        return "subsampled", f"{n} rows are many more than the Hessian of {unknowns} unknowns needs to be nearly right"
    if unknowns <= _MOST_OF_ALL_ROWS:
        return "newton-gram", f"the whole Hessian of {unknowns} unknowns is cheap, and Newton's method takes few steps"
    if K > _MOST_CLASSES:
        return (
            "lbfgs",
            f"the curvature in each of {K} classes costs more than steps that know none, for {unknowns} unknowns",
        )
    kind = "sparse rows" if is_sparse(objective.X) else "the rows"
    return "newton-cg", f"the whole Hessian of {unknowns} unknowns costs more than products with {kind}"
