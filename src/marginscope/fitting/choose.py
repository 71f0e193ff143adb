"""Which solver suits an objective, and why, from its sizes alone.

The sizes are those of decision 9: where one solver became faster than another when measured.
"""

from __future__ import annotations

from marginscope.geometry.margins import is_sparse
from marginscope.objectives import LinearObjective

__all__ = ["choose_solver", "gram_operations"]

# unknowns up to which the whole Hessian is formed
_MOST_UNKNOWNS = 1500
# multiplications of one whole Hessian from which a sample of the rows pays
_MANY_OPERATIONS = 3e9
_ROWS_PER_UNKNOWN = 300


def gram_operations(objective: LinearObjective) -> float:
    """Return how many multiplications the Grams of all pairs of classes take."""
    n, q = objective.X.shape[0], objective.shape[1]
    K = objective.n_classes
    return float(0.25 * n * q**2 * K * (K - 1))


def choose_solver(objective: LinearObjective) -> tuple[str, str]:
    """Return the name of a solver, and one sentence that says why."""
    n, (K, q) = objective.X.shape[0], objective.shape
    unknowns = (K - 1) * q
    if unknowns > _MOST_UNKNOWNS:
        stored = "sparse rows" if is_sparse(objective.X) else "rows"
        return (
            "newton-cg",
            f"{unknowns} unknowns are too many for a whole Hessian, and products with {stored} are cheap",
        )
    if gram_operations(objective) > _MANY_OPERATIONS and n > _ROWS_PER_UNKNOWN * unknowns:
        return "subsampled", f"{n} rows are far more than {unknowns} unknowns need for a Hessian that is nearly right"
    return "newton-gram", f"a whole Hessian of {unknowns} unknowns is cheap, and Newton's method takes few steps"
