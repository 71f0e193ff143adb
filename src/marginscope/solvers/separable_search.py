"""The search for all separable pairs and for weights that tie the rest.

What is cheap comes first: single columns, a short descent, groups of classes, Newton's
method, and one linear programme for what they leave open. Each step yields a recession
direction, and then the pairs that are left fall into problems over fewer classes; or it
yields weights, and a problem is settled. Nothing here is believed before its
certificate has been verified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.class_components import class_components, rows_of_component
from marginscope.geometry.margins import is_sparse, relative_margins
from marginscope.geometry.orthonormal import orthonormal_features
from marginscope.solvers.class_groups import separate_groups
from marginscope.solvers.one_sided import one_sided_direction
from marginscope.solvers.pair_loss import PairLoss, descend_until
from marginscope.solvers.recession import balance, search
from marginscope.solvers.self_dual import follow_self_dual_path
from marginscope.solvers.separable_lp import solve_separable_pairs
from marginscope.solvers.tied_space import TiedSpace

__all__ = ["Findings", "SeparableSearch"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

MOST_DENSE_ENTRIES = 100_000_000
MOST_UNPACKED_ENTRIES = 20_000_000
LARGEST_HESSIAN = 9000
_LARGEST_POLISH = 3000
_DESCENT_STEPS = 60
_LONG_DESCENT_STEPS = 1000
_METHODS = ("single columns", "descent", "groups of classes", "Newton's method", "interior point", "linear programme")


@dataclass(frozen=True)
class Findings:
    """What a search found.

    ``theta`` (n_classes, n_columns) is a recession direction or None, ``separable`` the
    pairs that it separates, ``weights`` are positive on the other pairs or None.
    """

    method: str
    theta: Floats | None
    separable: Mask
    weights: Floats | None
    reason: str = ""


@dataclass(frozen=True)
class _Component:
    """Classes that pairs connect, their rows and pairs in features of their own, and the way back."""

    classes: Codes
    rows: Codes
    model: PairLoss
    row_scale: Floats
    to_columns: Callable[[Floats], Floats]

    @property
    def n_unknowns(self) -> int:
        return int(np.prod(self.model.shape))

    @property
    def is_small(self) -> bool:
        """Whether Newton's method can be used."""
        return not is_sparse(self.model.Q) and self.n_unknowns <= LARGEST_HESSIAN


class SeparableSearch:
    """One search over distinct rows whose columns are scaled to a largest entry near 1.

    Parameters
    ----------
    Z : (n_rows, n_columns) array or CSR matrix
        The last column is ones if ``has_ones``.
    y : (n_rows,) class codes
    tied : (n_rows, n_classes) mask
        All pairs.
    accept : callable
        Decides, without rounding, whether (n_classes, n_columns) parameters separate all pairs.
    time_limit : float
        Seconds that one linear programme may take.
    by_programme : bool
        Leave out all between a long descent and the linear programme.
    """

    def __init__(
        self,
        Z: Any,
        y: Codes,
        tied: Mask,
        *,
        has_ones: bool,
        accept: Callable[[Floats], bool],
        time_limit: float,
        by_programme: bool = False,
    ) -> None:
        self.Z, self.y, self.has_ones = Z, y, has_ones
        self.tied = tied.copy()
        self.separable = np.zeros_like(tied)
        self.weights = np.zeros(tied.shape)
        self.total: Floats | None = None
        self._accept, self._time_limit, self._by_programme = accept, time_limit, by_programme
        self._used = 0
        self._settled: list[_Component] = []

    def run(self) -> Findings:
        """Search until every pair is separable or has a weight, or a step gives up."""
        if not self._by_programme:
            self._take_single_columns()
        waiting = class_components(self.y, self.tied)
        while waiting:
            part = self._component(waiting.pop())
            reason = self._settle(part)
            if reason:
                return self._findings(reason)
            left = np.zeros_like(self.tied)
            here = np.ix_(part.rows, part.classes)
            left[here] = self.tied[here] & (self.weights[here] == 0)
            waiting += class_components(self.y, left)
        self._polish()
        return self._findings("")

    def _findings(self, reason: str) -> Findings:
        weights = self.weights if self.weights.any() else None
        return Findings(_METHODS[self._used], self.total, self.separable, weights, reason)

    def _take_single_columns(self) -> None:
        while self.tied.any():
            found = one_sided_direction(self.Z, self.y, self.tied, has_ones=self.has_ones)
            if found is None:
                return
            self._add(found.theta, found.separable, "single columns")

    def _component(self, classes: Codes) -> _Component:
        rows, codes = rows_of_component(self.y, self.tied, classes)
        pairs = self.tied[np.ix_(rows, classes)]
        Z = self.Z[rows]
        n, p = Z.shape
        limit = MOST_UNPACKED_ENTRIES if is_sparse(Z) else MOST_DENSE_ENTRIES
        if n * p > limit or min(n, p) ** 2 > limit:
            return _Component(classes, rows, PairLoss(Z, codes, pairs), np.ones(n), lambda theta: theta)
        features = orthonormal_features(Z, fit_intercept=False)
        model = PairLoss(features.Q, codes, pairs)
        return _Component(classes, rows, model, features.row_scale, features.to_columns)

    def _settle(self, part: _Component) -> str:
        """Find a direction or weights for the pairs of a component; return why there are none."""
        model, accept = part.model, self._acceptance(part)
        by_newton = part.is_small and not self._by_programme
        steps = _DESCENT_STEPS if by_newton else _LONG_DESCENT_STEPS
        theta, found = descend_until(model, np.zeros(model.shape), accept, max_steps=steps)
        if found:
            return self._add_part(part, theta, model.pairs, "descent")
        weights = np.where(model.pairs, model.value_and_weights(model.margins(theta))[1], 0.0)
        if by_newton:
            groups = separate_groups(model, theta)
            if groups is not None:
                return self._add_part(part, *groups, "groups of classes")
            outcome = search(model, theta, accept)
            if outcome.kind == "balanced":
                return self._keep(part, outcome.weights, "Newton's method")
            if outcome.kind != "open":
                return self._add_part(part, outcome.theta, outcome.separable, "Newton's method")
            if self._follow_path(part):
                return ""
            weights = np.where(model.pairs, outcome.weights, 0.0)
        return self._solve_programme(part, weights)

    def _follow_path(self, part: _Component) -> bool:
        """Say whether the interior point settled something."""
        model = part.model
        found = follow_self_dual_path(model)
        left = model.pairs
        for theta, separable in found.directions:
            self._add_part(part, theta, separable, "interior point")
            left = left & ~separable
        if found.weights is not None:
            self._keep(replace(part, model=PairLoss(model.Q, model.y, left)), found.weights, "interior point")
        return bool(found.directions) or found.weights is not None

    def _solve_programme(self, part: _Component, weights: Floats) -> str:
        Q, y, pairs = part.model.Q, part.model.y, part.model.pairs
        answer = solve_separable_pairs(Q, y, pairs, pairs & (weights > 1e-6), time_limit=self._time_limit)
        if answer.reason:
            self._keep(part, weights, "linear programme")
            return answer.reason
        if answer.separable.any():
            self._add_part(part, answer.theta, answer.separable, "linear programme")
        rest = pairs & ~answer.separable
        if not rest.any():
            return ""
        left = replace(part, model=PairLoss(Q, y, rest))
        dual = np.where(rest, answer.weights, 0.0)
        if part.is_small:
            outcome = search(left.model, np.zeros(left.model.shape), left.model.clearly_separates)
            exact = outcome.weights if outcome.kind == "balanced" else balance(left.model, dual)
            dual = dual if exact is None else exact
        return self._keep(left, dual, "linear programme")

    def _acceptance(self, part: _Component) -> Callable[[Floats], bool]:
        """Decide without rounding while all pairs are open; later directions must leave room for a sum."""
        if self.total is None and part.model.pairs.shape == self.tied.shape:
            return lambda theta: self._accept(part.to_columns(theta))
        return part.model.clearly_separates

    def _add_part(self, part: _Component, theta: Floats, separable: Mask, method: str) -> str:
        """Add a direction in the features of a component."""
        full = np.zeros((self.tied.shape[1], self.Z.shape[1]))
        full[part.classes] = part.to_columns(theta)
        mask = np.zeros_like(self.tied)
        mask[np.ix_(part.rows, part.classes)] = separable
        self._add(full, mask, method)
        return ""

    def _add(self, theta: Floats, new: Mask, method: str) -> None:
        """Add a direction so that all separable pairs stay positive."""
        self._used = max(self._used, _METHODS.index(method))
        scale = float(np.abs(theta).max())
        theta = theta / scale if scale > 0 else theta
        if self.total is None:
            self.total = theta
        else:
            now = np.where(self.separable, relative_margins(self.Z, self.y, self.total), 0.0)
            gain = np.where(self.separable, relative_margins(self.Z, self.y, theta), 0.0)
            falling = (gain < 0) & (now > 0)
            share = 0.5 * float(np.min(now[falling] / -gain[falling])) if falling.any() else 1.0
            self.total = self.total + min(share, 1.0) * theta
        self.separable |= new
        self.tied &= ~new

    def _keep(self, part: _Component, weights: Floats, method: str) -> str:
        """Keep the weights of a component, the heaviest as 1."""
        self._used = max(self._used, _METHODS.index(method))
        weights = weights * part.row_scale[:, None]
        self.weights[np.ix_(part.rows, part.classes)] += weights / (weights.max(initial=0.0) or 1.0)
        if part.is_small and part.n_unknowns <= _LARGEST_POLISH:
            self._settled.append(part)
        return ""

    def _polish(self) -> None:
        """Take off what sums of directions leave of the ties."""
        for part in self._settled if self.total is not None else ():
            assert self.total is not None
            model = part.model
            ties = relative_margins(self.Z[part.rows], model.y, self.total[part.classes]) * part.row_scale[:, None]
            ties = np.where(model.pairs, ties, 0.0)
            if ties.any():
                space = TiedSpace(model.Q, model.y, model.pairs)
                self.total[part.classes] -= part.to_columns(space.part_with(ties))
