"""Step sizes: a number, a number times t^-a, or what theory calls safe.

    eta_t = scale (t + 1)^-decay,    t = 0, 1, 2, ...

For the summed risk the Hessian in W is at most beta_v sigma_max(A)^2, with beta_v the
smoothness of the loss in the scores and A the rows x_i sqrt(omega_i) / m_{y_i} times the
largest class scale. A constant step below 2 / (beta_v sigma_max(A)^2) keeps the risk from
rising; "theory" is half of that. Steps of normalised methods are lengths: theirs changes
no margin by more than (t + 1)^-1/2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.descent.optimizer import Optimizer
from marginscope.exceptions import UsageError
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import is_sparse
from marginscope.geometry.norms import get_norm
from marginscope.objectives import LinearObjective

__all__ = ["StepSize", "largest_singular_value", "smoothness", "step_size_for"]

Floats = NDArray[np.float64]

_DECAY_OF_LENGTHS = 0.5
_DECAY_OF_ADAM = 2.0 / 3.0
_LARGEST_GRAM = 4_000
# an iterative singular value may be low by about its tolerance
_ROOM = 1e-6


@dataclass(frozen=True)
class StepSize:
    """eta_t = scale (t + 1)^-decay, and what is known about its safety.

    Attributes
    ----------
    scale, decay : float
    limit : float or None
        Constant steps below it are proved not to raise the risk; None where nothing is known.
    reason : str
        Where limit and scale come from.
    """

    scale: float
    decay: float = 0.0
    limit: float | None = None
    reason: str = ""

    def at(self, t: int) -> float:
        """Return the step size of step t, counted from 0."""
        return self.scale if self.decay == 0.0 else self.scale * float(t + 1) ** -self.decay

    @property
    def is_safe(self) -> bool | None:
        """Whether every step is below the limit; None where no limit is known."""
        return None if self.limit is None else self.scale < self.limit

    def __str__(self) -> str:
        rule = f"{self.scale:.6g}" if self.decay == 0.0 else f"{self.scale:.6g} t^-{self.decay:.3g}"
        if self.limit is None:
            return f"{rule} ({self.reason})" if self.reason else rule
        verdict = "safe" if self.is_safe else "not proved safe"
        return f"{rule} ({verdict}: {self.reason}, limit {self.limit:.6g})"


def step_size_for(
    given: Any, objective: LinearObjective, optimizer: Optimizer, W: Floats, batch_size: int | None = None
) -> StepSize:
    """Return the step size for what a caller gave.

    Parameters
    ----------
    given : "theory", float, (scale, decay) or StepSize
    objective : LinearObjective
    optimizer : Optimizer
    W : (n_classes, n_columns) array
        The start; the exponential loss is smooth only below its risk there.
    batch_size : int, optional

    Raises
    ------
    UsageError
        If a number is not positive, or theory knows no step for the loss.
    """
    if isinstance(given, StepSize):
        return given
    scale, decay = given if isinstance(given, tuple | list) and len(given) == 2 else (given, 0.0)
    if not isinstance(given, str):
        _check_number("step_size", scale, least=0.0, inclusive=False)
        _check_number("the decay of step_size", decay, least=0.0, inclusive=True)
    elif given != "theory":
        raise UsageError(f'step_size needs a positive number, (scale, decay) or "theory", but got {given!r}')
    if optimizer.is_normalized:
        return _length(optimizer, objective) if isinstance(given, str) else StepSize(float(scale), float(decay))
    bound, why = smoothness(objective, W, batch_size)
    if not isinstance(given, str):
        limit = _limit(optimizer, bound) if bound is not None else None
        return StepSize(float(scale), float(decay), limit, why)
    if bound is None:
        if objective.template.facts.smoothness != 0:
            raise UsageError(
                f"theory needs a bound of the second derivative of {objective.template.name}, but {why}; "
                "give a number as step_size"
            )
        # a subgradient is at most this long: omega_i ||x_i|| / m for every row
        weights = np.exp(objective.adjustment.log_sample_weights(objective.y))
        longest = float(weights @ _row_sizes(objective, weighted=False))
        return StepSize(1.0 / max(longest, 1e-300), _DECAY_OF_LENGTHS, None, f"{why}: decreasing steps")
    limit = _limit(optimizer, bound)
    # a risk that does not bend may be left by any step
    return StepSize(0.5 * limit if np.isfinite(limit) else 1.0, 0.0, limit, why)


def smoothness(objective: LinearObjective, W: Floats, batch_size: int | None = None) -> tuple[float | None, str]:
    """Return a bound of the second derivative of the risk, or None, and why.

    For mini-batches the bound holds for every batch, its risk scaled to that of all rows.
    """
    template, K = objective.template, objective.n_classes
    n_rows = len(objective.y)
    if template.name == "exponential":
        # Hess R <= max ||x~||^2 R, and ||x~||^2 = 2 ||x||^2
        squared = 2.0 * float(_row_sizes(objective, weighted=False).max(initial=0.0)) ** 2
        share = 1.0 if batch_size is None else n_rows / min(batch_size, n_rows)
        risk = objective.value(W)
        return squared * share * risk + objective.ridge, "the exponential loss is as smooth as its risk is low"
    beta = template.facts.beta_v
    if beta is None or not np.isfinite(beta(K)):
        return None, "it has kinks" if template.facts.smoothness == 0 else "none is known"
    squared = largest_singular_value(_scaled_rows(objective)) ** 2
    if batch_size is not None and batch_size < n_rows:
        largest = float(_row_sizes(objective).max(initial=0.0)) ** 2
        squared = n_rows / batch_size * min(squared, batch_size * largest)
    return beta(K) * squared + objective.ridge, "2 / (beta_v sigma_max(X)^2)"


def largest_singular_value(X: Any) -> float:
    """Return sigma_max, from above; the same bits for any number of threads."""
    from threadpoolctl import threadpool_limits

    if 0 in X.shape:
        return 0.0
    with threadpool_limits(limits=1, user_api="blas"):
        if min(X.shape) <= _LARGEST_GRAM:
            gram = X.T @ X if X.shape[1] <= X.shape[0] else X @ X.T
            gram = np.asarray(gram.toarray() if is_sparse(gram) else gram, dtype=float)
            last = len(gram) - 1
            return float(np.sqrt(max(0.0, scipy.linalg.eigvalsh(gram, subset_by_index=[last, last])[0])))
        from scipy.sparse.linalg import svds

        start = np.ones(min(X.shape))
        return float(svds(X, k=1, return_singular_vectors=False, v0=start, tol=_ROOM)[0]) * (1.0 + _ROOM)


def _limit(optimizer: Optimizer, bound: float) -> float:
    """Return the largest constant step of a method for a risk with this bound of its Hessian."""
    momentum = float(getattr(optimizer, "momentum", 0.0))
    # heavy ball: Ghadimi, Feyzmahdavian & Johansson 2015, theorem 1; with the factor (1 - mu) for Nesterov too
    return 2.0 * (1.0 - momentum) / bound if bound > 0.0 else np.inf


def _length(optimizer: Optimizer, objective: LinearObjective) -> StepSize:
    """Return the steps of a normalised method, none of which moves a margin by more than (t + 1)^-decay."""
    if optimizer.name == "dual_accelerated":
        squared = 2.0 * float(_row_sizes(objective, weighted=False).max(initial=0.0)) ** 2
        return StepSize(1.0 / max(squared, 1e-300), 0.0, None, "1 / max ||x~||^2 (Ji, Srebro & Telgarsky 2021)")
    norm = get_norm(optimizer.norm or "max")
    longest = _longest_pair("max" if optimizer.name == "adam" else norm.name, objective)
    decay = _DECAY_OF_ADAM if optimizer.name == "adam" else _DECAY_OF_LENGTHS
    return StepSize(1.0 / max(longest, 1e-300), decay, None, "no margin moves by more than t^-a in a step")


def _longest_pair(norm: str, objective: LinearObjective) -> float:
    """Return the largest dual norm of a pair feature x~ = (D_y e_y - D_k e_k) x'."""
    rows, factor = _feature_rows(objective), 1.0 / float(np.min(_margins(objective)))
    scale = 1.0 if objective.adjustment.scales is None else float(objective.adjustment.scales.max())
    size: Any = abs(rows)
    if norm == "max":
        longest = 2.0 * float(np.asarray(size.sum(axis=1)).max(initial=0.0))
    elif norm == "sum":
        longest = float(size.max()) if size.shape[0] else 0.0
    else:
        # a pair feature has rank one, so all Schatten norms of it agree
        return float(np.sqrt(2.0)) * float(_row_sizes(objective, weighted=False).max(initial=0.0))
    return longest * scale * factor


def _feature_rows(objective: LinearObjective) -> Any:
    """Return X with the column of ones, if the objective has one."""
    return with_ones(objective.X) if objective.fit_intercept else objective.X


def _scaled_rows(objective: LinearObjective) -> Any:
    """Return the rows x_i sqrt(omega_i) / m_{y_i} times the largest class scale."""
    factor = _row_factors(objective)
    rows = _feature_rows(objective)
    if is_sparse(rows):
        return rows.multiply(factor[:, None]).tocsr()
    return rows if np.all(factor == 1.0) else rows * factor[:, None]


def _row_factors(objective: LinearObjective, *, weighted: bool = True) -> Floats:
    adjustment = objective.adjustment
    factor = 1.0 / _margins(objective)
    if weighted:
        factor = factor * np.exp(0.5 * adjustment.log_sample_weights(objective.y))
    return factor if adjustment.scales is None else factor * float(adjustment.scales.max())


def _margins(objective: LinearObjective) -> Floats:
    margins = objective.adjustment.margins
    return np.ones(len(objective.y)) if margins is None else margins[objective.y]


def _row_sizes(objective: LinearObjective, *, weighted: bool = True) -> Floats:
    """Return the Euclidean norms of the scaled rows."""
    rows = _feature_rows(objective)
    squared = rows.multiply(rows).sum(axis=1) if is_sparse(rows) else np.einsum("ij,ij->i", rows, rows)
    sizes: Floats = np.sqrt(np.asarray(squared, dtype=float).ravel()) * _row_factors(objective, weighted=weighted)
    return sizes


def _check_number(name: str, value: Any, *, least: float, inclusive: bool) -> None:
    valid = isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value)
    if not valid or not (value >= least if inclusive else value > least):
        need = "a number of at least 0" if inclusive else "a positive number"
        raise UsageError(f'{name} needs {need}, but got {value!r:.40}; leave it at "theory"')
