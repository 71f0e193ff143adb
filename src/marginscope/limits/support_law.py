"""The bounded part of the late path: where the support pairs balance.

    W = What s / rate + rho,    <x~_ik, What> = m_i,    v_ik = (<x~_ik, rho> + a_ik) / m_i

On the support pairs the weights must combine to the growth, sum E_ik x~_ik = What / rate with

    E_ik = omega_i b S_i^(rate - 1) exp(-v_ik) / m_i,    S_i = sum_k exp(-v_ik)    (S_i = exp(-v_ik) for rivals apart)

so rho minimises a convex function on the span of the support pairs. With rate 1 and b = c this is
<x~_ik, rho> = m log(c omega_i / (m alpha_ik)) - a_ik for independent pairs; of dependent ones
it picks the multipliers that descent tends to. The Hessian of the function is the matrix of the
transients: deviations from the late path fall like exp(-eigenvalue s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.exceptions import SizeError
from marginscope.geometry.margins import is_sparse
from marginscope.limits.tail_law import TailLaw

__all__ = ["SupportLaw", "SupportPairs", "combined_pairs", "solve_support"]

Floats = NDArray[np.float64]

_MOST_PAIRS = 3000
_NULL_EIGENVALUE = 1e-12
_MOST_STEPS = 100


class SupportPairs(NamedTuple):
    """Pairs with positive multipliers.

    ``rows`` is (n_support, n_columns), the intercept's one included, ``classes`` holds
    D_y e_y - D_k e_k, ``groups`` the number of the row of each pair, ``margins`` m, ``shifts`` a,
    ``log_omega`` the logarithms of the sample weights.
    """

    rows: Any
    classes: Floats
    groups: NDArray[np.intp]
    margins: Floats
    shifts: Floats
    log_omega: Floats
    multipliers: Floats


@dataclass(frozen=True, eq=False)
class SupportLaw:
    """The solution on the support pairs.

    Attributes
    ----------
    offset : (n_classes, n_columns) array
        rho, in the span of the support pairs.
    along : float
        <What, rho>.
    squared : float
        ||rho||^2.
    multipliers : (n_support,) array
        rate E: the multipliers of the hard margin that descent tends to.
    lowest_margin : float
        Smallest <x~, rho> / m.
    n_independent : int
        Dimension of the span.
    eigenvalues : (n_independent,) array
        Of the transients, rising; 1 is always one of them.
    residual : float
        ||sum E x~ - What / rate|| relative to ||What|| / rate.
    pairs : SupportPairs
    span : (n_support, n_independent) array
        Combinations of the pair features that are an orthonormal basis of their span.
    """

    offset: Floats
    along: float
    squared: float
    multipliers: Floats
    lowest_margin: float
    n_independent: int
    eigenvalues: Floats
    residual: float
    pairs: SupportPairs
    span: Floats

    def outside(self, W: Floats) -> Floats:
        """Return the part of W that is orthogonal to the support pairs."""
        own = self.pairs
        products = (np.asarray(own.rows @ W.T) * own.classes).sum(axis=1)
        return np.asarray(W - combined_pairs(own, self.span @ (self.span.T @ products)))


def solve_support(pairs: SupportPairs, tail: TailLaw) -> SupportLaw:
    """Find rho by Newton's method from the closed form of independent pairs.

    Raises
    ------
    SizeError
        If there are more than 3000 support pairs.
    """
    n = len(pairs.margins)
    if n > _MOST_PAIRS:
        raise SizeError(
            f"a forecast needs at most {_MOST_PAIRS} support pairs, because their products form a dense matrix, but "
            f"these data have {n}; reduce the features, or use fast_forward"
        )
    gram = pairs.rows @ pairs.rows.T
    gram = np.asarray(gram.toarray() if is_sparse(gram) else gram) * (pairs.classes @ pairs.classes.T)
    values, vectors = scipy.linalg.eigh(gram, check_finite=False)
    kept = values > _NULL_EIGENVALUE * values[-1]
    root = np.sqrt(values[kept])
    Y = vectors[:, kept] * root  # coordinates of the pair features in an orthonormal basis of their span
    growth = np.linalg.lstsq(Y, pairs.margins, rcond=None)[0]
    balance = _Balance(pairs, tail, Y, growth)
    z = balance.minimise(np.linalg.lstsq(Y, pairs.margins * balance.start() - pairs.shifts, rcond=None)[0])
    weights, hessian = balance.weights(z)
    span = vectors[:, kept] / root
    return SupportLaw(
        offset=combined_pairs(pairs, span @ z),
        along=float(growth @ z),
        squared=float(z @ z),
        multipliers=tail.rate * weights,
        lowest_margin=float(np.min(Y @ z / pairs.margins)),
        n_independent=len(root),
        eigenvalues=np.asarray(scipy.linalg.eigvalsh(hessian, check_finite=False), dtype=float),
        residual=float(np.linalg.norm(tail.rate * (weights @ Y) - growth) / np.linalg.norm(growth)),
        pairs=pairs,
        span=span,
    )


def combined_pairs(pairs: SupportPairs, weights: Floats) -> Floats:
    """Return sum of weight times x~, (n_classes, n_columns)."""
    return np.ascontiguousarray(np.asarray(pairs.rows.T @ (pairs.classes * weights[:, None])).T)


class _Balance:
    """The convex function of z with gradient growth / rate - sum E y."""

    def __init__(self, pairs: SupportPairs, tail: TailLaw, Y: Floats, growth: Floats) -> None:
        self.pairs, self.tail, self.Y, self.growth = pairs, tail, Y, growth
        # rivals apart: every pair is a group of its own, with S = exp(-v)
        joint = np.unique(pairs.groups, return_inverse=True)[1] if tail.is_joint else np.arange(len(pairs.margins))
        self.groups, self.n_groups = joint, int(joint.max()) + 1

    def start(self) -> Floats:
        """Return v of the solver's multipliers, exact where the pairs are independent."""
        pairs, tail = self.pairs, self.tail
        log_shares = np.log(pairs.margins * pairs.multipliers / tail.rate) - pairs.log_omega - tail.log_factor
        in_group = np.log(self._sums(np.exp(log_shares)))[self.groups]
        return np.asarray((tail.rate - 1.0) / tail.rate * in_group - log_shares)

    def weights(self, z: Floats) -> tuple[Floats, Floats]:
        """Return E, and the Hessian."""
        _, E, shares = self._at(z)
        over = E / self.pairs.margins
        hessian = (self.Y.T * over) @ self.Y
        if self.tail.rate != 1.0:
            means = np.zeros((self.n_groups, self.Y.shape[1]))
            np.add.at(means, self.groups, shares[:, None] * self.Y)
            hessian += (self.tail.rate - 1.0) * ((means.T * self._sums(over)) @ means)
        return E, hessian

    def minimise(self, z: Floats) -> Floats:
        """Return the minimiser, by Newton's method with halved steps."""
        value = self._at(z)[0]
        for _ in range(_MOST_STEPS):
            E, hessian = self.weights(z)
            slope = self.growth / self.tail.rate - E @ self.Y
            try:
                move = -scipy.linalg.solve(hessian, slope, assume_a="pos", check_finite=False)
            except np.linalg.LinAlgError:
                break
            length, gain = 1.0, -float(slope @ move)
            trial = self._at(z + move)[0]
            while not trial <= value - 1e-4 * length * gain and length > 1e-12 and gain > 1e-13 * (1.0 + abs(value)):
                length *= 0.5
                trial = self._at(z + length * move)[0]
            z, value = z + length * move, trial
            if float(np.abs(move).max()) <= 1e-15 * (1.0 + float(np.abs(z).max())) or gain <= 1e-30:
                break
        return z

    def _at(self, z: Floats) -> tuple[float, Floats, Floats]:
        """Return the function, E, and the shares of the pairs in their groups."""
        pairs, rate = self.pairs, self.tail.rate
        v = (self.Y @ z + pairs.shifts) / pairs.margins
        with np.errstate(over="ignore"):
            terms = np.exp(-v)
            sums = self._sums(terms)[self.groups]
            total = np.exp(pairs.log_omega + self.tail.log_factor) * sums**rate
            shares = terms / sums
            value = float((total * shares).sum() / rate + self.growth @ z / rate)
        return value, total * shares / pairs.margins, shares

    def _sums(self, values: Floats) -> Floats:
        sums: Floats = np.bincount(self.groups, weights=values, minlength=self.n_groups).astype(float)
        return sums
