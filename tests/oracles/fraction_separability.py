"""Separability in rational arithmetic: margins of a direction, or weights that sum to zero.

    separation   min u_ik(W) > 0
    inseparable  sum lambda z~ = 0 exactly, lambda >= 0 and not all zero

Multipliers that come from floats sum to nearly zero. With g = sum lambda z~ and a solution
D of (sum lambda z~ z~') D = g, the weights lambda (1 - <z~, D>) sum to zero; the checker
solves this system in integers, then adds the weights up.
"""

from __future__ import annotations

import math
from fractions import Fraction

from marginscope.certificates.fraction_checker import FractionChecker


class SeparabilityChecker(FractionChecker):
    """The checker of margins, asked for separability."""

    def proves_separation(self, W):
        """Say whether all margins of W are positive."""
        return self.worst_margin(W) > 0

    def balanced_weights(self, weights):
        """Return positive integer weights on the same pairs that sum to zero exactly, or None."""
        pairs = [(int(i), int(k), weight) for i, k, weight in weights if weight != 0]
        self.combination(pairs)
        if not pairs:
            return None
        ratios = [Fraction(weight) for _, _, weight in pairs]
        common = math.lcm(*(one.denominator for one in ratios))
        flat = [int(one * common) for one in ratios]
        features = [self._contrasts(i, k) for i, k, _ in pairs]
        solution, determinant = _normal_solution(features, flat, (self.shape[0] - 1) * self.shape[1])
        exact = [
            beta * (determinant - sum(solution[j] * value for j, value in feature))
            for feature, beta in zip(features, flat, strict=True)
        ]
        return [(i, k, one) for (i, k, _), one in zip(pairs, exact, strict=True)] if min(exact) > 0 else None

    def proves_inseparable(self, weights):
        """Say whether the weights, after their exact correction, show that no W separates all rows."""
        balanced = self.balanced_weights(weights)
        return balanced is not None and self.sums_to_zero(balanced)

    def sums_to_zero(self, weights):
        """Say whether non-negative weights, not all zero, combine the pairs to zero exactly (Gordan 1873)."""
        G, total = self.combination(weights)
        return total > 0 and not any(g for row in G for g in row)

    def _contrasts(self, i, k):
        """Return the pair feature in contrasts to the last class."""
        p, last, own = self.shape[1], self.shape[0] - 1, self.codes[i]
        plus = [(own * p + j, value) for j, value in self.rows[i]] if own != last else []
        return plus + ([(k * p + j, -value) for j, value in self.rows[i]] if k != last else [])


def _normal_solution(features, weights, size):
    """Return D times its positive denominator, for (sum lambda a a') D = sum lambda a."""
    H = [[0] * (size + 1) for _ in range(size)]
    for feature, weight in zip(features, weights, strict=True):
        for r, a in feature:
            row, factor = H[r], weight * a
            row[size] += factor
            for c, b in feature:
                row[c] += factor * b
    previous, pivots = 1, []
    for c in range(size):
        pivot = H[c][c]
        # in a positive semidefinite matrix a zero on the diagonal has a row of zeros
        if pivot == 0:
            continue
        for r in range(size):
            if r != c:
                factor = H[r][c]
                H[r] = [(pivot * a - factor * b) // previous for a, b in zip(H[r], H[c], strict=True)]
        previous = pivot
        pivots.append(c)
    taken = set(pivots)
    return [H[c][size] if c in taken else 0 for c in range(size)], previous
