"""What is minimised: a loss on data as a function of the coefficient matrix.

    R(W) = sum_i omega_i psi(u_i(W)) + ridge / 2 ||W||^2

With G[i, k] = d R / d v_ik the gradient is G' X. The own entry of G is formed as the
negative sum of the others: p_y - 1 would round to 0 once the loss is below 1e-16.
Below 1e-300 only logarithms of the weights are left, so the gradient is also given
as a matrix times exp of a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, UsageError
from marginscope.geometry.label_code import margins_of_scores, scores_of_weights
from marginscope.geometry.margins import is_sparse
from marginscope.losses.adjust import Adjustment
from marginscope.losses.lanes import has_machine_code
from marginscope.losses.log_domain import log_of, log_sum_exp
from marginscope.losses.template import Template

if TYPE_CHECKING:
    from marginscope.losses._kernels import Goal, SignedWeights

__all__ = ["LinearObjective", "Objective"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# scores from which the compiled pass is worth the loading of Numba
_MANY_SCORES = 2**16


class Objective(Protocol):
    """A function of a coefficient matrix W of shape ``shape``.

    ``scaled_gradient(W)`` returns a matrix D and a number s with gradient exp(s) D: D
    is of ordinary size also where the gradient underflows. ``hessian_product(W, V)``
    is the second derivative along V, of the shape of W.
    """

    @property
    def shape(self) -> tuple[int, int]: ...
    def value(self, W: Floats) -> float: ...
    def log_value(self, W: Floats) -> float: ...
    def gradient(self, W: Floats) -> Floats: ...
    def scaled_gradient(self, W: Floats) -> tuple[Floats, float]: ...
    def hessian_product(self, W: Floats, V: Floats) -> Floats: ...


class LinearObjective:
    """A template on the relative margins of linear scores, summed over the rows.

    Parameters
    ----------
    template : Template
    X : (n_samples, n_features) array or CSR matrix
    y : (n_samples,) class codes 0..n_classes - 1
    n_classes : int
    adjustment : Adjustment, optional
        Class margins, scales, shifts and weights.
    ridge : float
        Of the coefficients, never of the intercept.
    fit_intercept : bool
        Whether W has a last column for the intercept.

    Raises
    ------
    DataError
        If X and y do not fit together.
    UsageError
        If the adjustment does not fit them, or the ridge is negative.
    """

    def __init__(
        self,
        template: Template,
        X: Any,
        y: Codes,
        n_classes: int,
        *,
        adjustment: Adjustment | None = None,
        ridge: float = 0.0,
        fit_intercept: bool = False,
    ) -> None:
        _check_data(X, y, n_classes)
        if not 0.0 <= ridge < np.inf:
            raise UsageError(f"a ridge of 0 or more is needed, but got {ridge!r}; give a finite number")
        adjustment = Adjustment() if adjustment is None else adjustment
        adjustment.check_shapes(len(y), n_classes)
        self.template = template
        self.X = X
        self.y = y
        self.n_classes = n_classes
        self.adjustment = adjustment
        self.ridge = ridge
        self.fit_intercept = fit_intercept
        self._log_omega = adjustment.log_sample_weights(y)
        self._compiled: dict[Any, SignedWeights] = {}
        margins = adjustment.margins
        self._log_divisors = np.broadcast_to(0.0, len(y)) if margins is None else np.log(margins)[y]

    def __getstate__(self) -> dict[str, Any]:
        """Leave compiled code out of files: it is made again where it is needed."""
        return {**self.__dict__, "_compiled": {}}

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of W."""
        return self.n_classes, self.X.shape[1] + self.fit_intercept

    @property
    def total_weight(self) -> float:
        """Sum of the weights of the rows."""
        return float(np.exp(self._log_omega).sum())

    def on_data(self, X: Any, y: Codes, adjustment: Adjustment, *, ridge: float = 0.0) -> LinearObjective:
        """Return the same loss of the same classes on other rows."""
        return LinearObjective(
            self.template, X, y, self.n_classes, adjustment=adjustment, ridge=ridge, fit_intercept=self.fit_intercept
        )

    def margins(self, W: Floats) -> Floats:
        """Return the adjusted margins, (n_samples, n_classes - 1) in label-code order."""
        return self.adjustment.adjusted_margins(self._scores(W), self.y)

    def value(self, W: Floats) -> float:
        """Return R(W)."""
        return self._value(W, self.template.value(self.margins(W)))

    def value_and_gradient(self, W: Floats) -> tuple[float, Floats]:
        """Return R(W) and its gradient for the cost of one product each way."""
        if (compiled := self._compiled_for(W)) is not None:
            G, (value, _, _) = self._signed_weights(compiled, W, "value")
            return self._with_ridge(W, float(value)), self._add_penalty(W, self._pull_back(G))
        losses, weights = self.template.value_and_weights(self.margins(W))
        return self._value(W, losses), self._gradient(W, weights)

    def gradient(self, W: Floats) -> Floats:
        """Return the gradient, of the shape of W."""
        if (compiled := self._compiled_for(W)) is not None:
            return self._add_penalty(W, self._pull_back(self._signed_weights(compiled, W, "gradient")[0]))
        return self._gradient(W, self.template.weights(self.margins(W)))

    def log_value(self, W: Floats) -> float:
        """Return log R(W), also where R underflows."""
        terms = self.template.log_value(self.margins(W))
        total = float(log_sum_exp(terms + self._log_omega))
        if not self.ridge:
            return total
        penalised = self._penalised(W)
        size = float(np.abs(penalised).max(initial=0.0))
        if size == 0.0:
            return total
        log_norm = float(np.log(size) + np.log(np.linalg.norm(penalised / size)))
        return float(np.logaddexp(total, np.log(self.ridge / 2.0) + 2.0 * log_norm))

    def log_weights(self, W: Floats) -> Floats:
        """Return log |omega_i q_ik / m_y|, (n_samples, n_classes - 1): what ``pull_back`` takes, in logs."""
        return self._shifted(self.template.log_weights(self.margins(W)))

    def scaled_gradient(self, W: Floats) -> tuple[Floats, float]:
        """Return D and s with gradient exp(s) D, the largest pair weight or ridge entry of D being one."""
        if (compiled := self._compiled_for(W)) is not None:
            G, (_, largest, log_unit) = self._signed_weights(compiled, W, "scaled")
            D, log_largest = self._pull_back(G), float(log_of(largest)) + float(log_unit)
            return self._joined(W, D, log_unit=float(log_unit), log_largest=log_largest)
        margins = self.margins(W)
        log_weights = self._shifted(self.template.log_weights(margins))
        log_unit = float(np.max(log_weights, initial=-np.inf))
        signs = self.template.weight_signs(margins)
        # with no weight at all the unit is minus infinity
        weights = np.exp(log_weights - log_unit) * signs if log_unit > -np.inf else np.zeros_like(margins)
        return self._joined(W, -self.pull_back(weights), log_unit=log_unit, log_largest=log_unit)

    def pull_back(self, weights: Floats) -> Floats:
        """Return sum_ik weight_ik times the gradient of the pair's scaled score difference, of the shape of W."""
        return self._pull_back(scores_of_weights(weights, self.y).T)

    def hessian_at(self, W: Floats) -> Callable[[Floats], Floats]:
        """Return the map from V to the second derivative at W along V."""
        factor = np.exp(self._log_omega - 2.0 * self._log_divisors)[:, None]
        curvature = self.template.hessian_at(self.margins(W))

        def product(V: Floats) -> Floats:
            scores = self._scores(V)
            if self.adjustment.scales is not None:
                scores = scores * self.adjustment.scales
            change = margins_of_scores(scores, self.y)
            out = self.pull_back(factor * curvature(change))
            if self.ridge:
                out[:, : self.X.shape[1]] += self.ridge * self._penalised(V)
            return out

        return product

    def hessian_product(self, W: Floats, V: Floats) -> Floats:
        """Return the second derivative at W along V, of the shape of W."""
        return self.hessian_at(W)(V)

    def is_compiled_at(self, W: Floats) -> bool:
        """Say whether ``value_and_gradient`` runs compiled code, with little memory beside the scores."""
        return self._compiled_for(W) is not None

    def _compiled_for(self, W: Floats) -> SignedWeights | None:
        """Return the compiled form of this pass, if there is one and the data is large."""
        dtype = W.dtype
        if self._compiled.get(dtype) is None:
            if len(self.y) * self.n_classes < _MANY_SCORES or not has_machine_code(self.template):
                return None
            if is_sparse(self.X) or self.X.dtype != dtype or dtype not in (np.float64, np.float32):
                return None
            from marginscope.losses._kernels import SignedWeights

            self._compiled[dtype] = SignedWeights(self.template.name, self.y, self.n_classes, self.adjustment, dtype)
        return self._compiled[dtype]

    def _signed_weights(self, compiled: SignedWeights, W: Floats, goal: Goal) -> tuple[Floats, Floats]:
        if self.adjustment.scales is not None:
            W = W * self.adjustment.scales[:, None].astype(W.dtype)
        scores = compiled.scores(self.X, self._penalised(W))
        return compiled.weigh(scores, W[:, -1] if self.fit_intercept else None, goal)

    def _pull_back(self, signed: Floats) -> Floats:
        """Return G'X for G' of shape (n_classes, n_samples)."""
        product = np.asarray(self.X.T @ signed.T).T if is_sparse(self.X) else signed @ self.X
        if self.fit_intercept:
            product = np.column_stack([product, signed.sum(axis=1)])
        if self.adjustment.scales is not None:
            product *= self.adjustment.scales[:, None]
        return np.ascontiguousarray(product)

    def _joined(self, W: Floats, D: Floats, *, log_unit: float, log_largest: float) -> tuple[Floats, float]:
        """Add the penalty to exp(log_unit) D, and bring the largest of weights and penalty to one."""
        penalty = self.ridge * self._penalised(W)
        log_scale = max(log_largest, float(log_of(np.abs(penalty).max(initial=0.0))))
        if log_scale == -np.inf:
            return np.zeros(self.shape), 0.0
        D *= np.exp(log_unit - log_scale)
        # dividing the penalty by exp(log_scale) at once would overflow for tiny scales
        D[:, : penalty.shape[1]] += np.sign(penalty) * np.exp(log_of(np.abs(penalty)) - log_scale)
        return D, log_scale

    def _value(self, W: Floats, losses: Floats) -> float:
        return self._with_ridge(W, float(losses @ np.exp(self._log_omega)))

    def _with_ridge(self, W: Floats, total: float) -> float:
        return total + 0.5 * self.ridge * float((self._penalised(W) ** 2).sum())

    def _gradient(self, W: Floats, weights: Floats) -> Floats:
        factor = np.exp(self._log_omega - self._log_divisors)[:, None]
        return self._add_penalty(W, -self.pull_back(factor * weights))

    def _add_penalty(self, W: Floats, gradient: Floats) -> Floats:
        if self.ridge:
            gradient[:, : self.X.shape[1]] += self.ridge * self._penalised(W)
        return gradient

    def _scores(self, W: Floats) -> Floats:
        scores = np.asarray(self.X @ self._penalised(W).T)
        return scores + W[:, -1] if self.fit_intercept else scores

    def _penalised(self, W: Floats) -> Floats:
        return W[:, :-1] if self.fit_intercept else W

    def _shifted(self, log_weights: Floats) -> Floats:
        return np.asarray(log_weights + (self._log_omega - self._log_divisors)[:, None])


def _check_data(X: Any, y: Codes, n_classes: int) -> None:
    if X.ndim != 2 or len(y) != X.shape[0]:
        raise DataError(
            f"X needs two dimensions and one code per row, but got shape {X.shape} and {len(y)} codes; "
            "encode the labels row by row"
        )
    if n_classes < 2 or not np.issubdtype(y.dtype, np.integer) or (len(y) and not 0 <= y.min() <= y.max() < n_classes):
        raise DataError(
            f"class codes 0..{n_classes - 1} of two or more classes are needed, but got {np.unique(y)[:5]}; "
            "encode the labels"
        )
