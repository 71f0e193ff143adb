"""A second, independent checker of margins, in exact arithmetic.

Nothing here is shared with the rest of the package, and only the standard library is
used. Every float64 is a rational number, so each claim below is decided, not estimated:

    lower    min u_ik(W) / m_{y_i} >= gamma ||W||
    upper    ||sum beta z~||_dual <= gamma sum beta m,   beta >= 0

for u_ik(W) = <D_y w_y - D_k w_k, z_i>, where z is the row, with a one appended for an
intercept, m are class margins and D class scales. Norms without a rational value:

    ||A||_F^2 is rational;
    ||A||_spectral < b  if b^2 I - A A' is positive definite (all leading minors positive);
    ||A||_nuclear <= (tr(S^-1 A A') + tr S) / 2  for every positive definite S, the witness.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

__all__ = ["FractionChecker", "norm_is_at_most"]

Number = float | Fraction
Matrix = Sequence[Sequence[Number]]
Rows = Iterable[Iterable[tuple[int, float]]]
Weights = Iterable[tuple[int, int, Number]]
Integers = list[list[int]]

_DUAL = {"frobenius": "frobenius", "max": "sum", "sum": "max", "spectral": "nuclear", "nuclear": "spectral"}


class FractionChecker:
    """Labelled rows as integers over one denominator.

    Parameters
    ----------
    rows : sequence of rows, each a sequence of (column, value) with the zeros left out
    codes : class code 0..n_classes-1 of each row
    n_classes, n_columns : int
    fit_intercept : bool
        Append a column of ones, the last one.
    class_margins, class_scales : sequences of n_classes positive numbers, optional

    Raises
    ------
    ValueError
        If a number is not finite, a code or column is out of range, or a margin is not positive.
    """

    def __init__(
        self,
        rows: Rows,
        codes: Sequence[int],
        n_classes: int,
        n_columns: int,
        *,
        fit_intercept: bool = False,
        class_margins: Sequence[float] | None = None,
        class_scales: Sequence[float] | None = None,
    ) -> None:
        table = [[*row, (n_columns, 1.0)] if fit_intercept else list(row) for row in rows]
        self.codes = [int(code) for code in codes]
        self.shape = (n_classes, n_columns + fit_intercept)
        self.margins = _positive(class_margins, n_classes)
        self.scales = _positive(class_scales, n_classes)
        if len(table) != len(self.codes) or not all(0 <= code < n_classes for code in self.codes):
            raise ValueError("one class code in range is needed for each row; check the labels")
        values, self.denominator = _over_one_denominator([[value for _, value in row] for row in table])
        columns = [[column for column, _ in row] for row in table]
        if any(not 0 <= j < self.shape[1] for row in columns for j in row):
            raise ValueError("columns in range are needed; check the rows")
        self.rows = [list(zip(js, vs, strict=True)) for js, vs in zip(columns, values, strict=True)]

    def worst_margin(self, W: Matrix) -> Fraction:
        """Return min u_ik(W) / m_{y_i} exactly."""
        if len(W) != self.shape[0] or any(len(row) != self.shape[1] for row in W):
            raise ValueError(f"a matrix of shape {self.shape} is needed; check the coefficients")
        scaled = [[Fraction(w) * scale for w in row] for row, scale in zip(_finite(W), self.scales, strict=True)]
        V, denominator = _over_one_denominator(scaled)
        worst: list[int | None] = [None] * self.shape[0]
        for row, own in zip(self.rows, self.codes, strict=True):
            scores = [sum(weights[j] * value for j, value in row) for weights in V]
            lowest = scores.pop(own) - max(scores)
            so_far = worst[own]
            worst[own] = lowest if so_far is None else min(so_far, lowest)
        unit = denominator * self.denominator
        return min(Fraction(one, unit) / self.margins[k] for k, one in enumerate(worst) if one is not None)

    def combination(self, weights: Weights) -> tuple[list[list[Fraction]], Fraction]:
        """Return sum beta z~ (its class scales included) and sum beta m.

        Raises
        ------
        ValueError
            If a weight is negative or not finite, or its pair is none.
        """
        pairs = [(int(i), int(k), weight) for i, k, weight in weights]
        for i, k, weight in pairs:
            if not (0 <= i < len(self.rows) and 0 <= k < self.shape[0] and k != self.codes[i] and weight >= 0):
                raise ValueError("non-negative weights on pairs of a row and another class are needed; check them")
        [flat], unit = _over_one_denominator([[weight for _, _, weight in pairs]])
        G = [[0] * self.shape[1] for _ in range(self.shape[0])]
        totals = [0] * self.shape[0]
        for (i, k, _), beta in zip(pairs, flat, strict=True):
            own, rival = G[self.codes[i]], G[k]
            totals[self.codes[i]] += beta
            for j, value in self.rows[i]:
                own[j] += beta * value
                rival[j] -= beta * value
        combined = [
            [Fraction(g, unit * self.denominator) * scale for g in row]
            for row, scale in zip(G, self.scales, strict=True)
        ]
        total = sum((Fraction(t, unit) * m for t, m in zip(totals, self.margins, strict=True)), Fraction(0))
        return combined, total

    def proves_lower(self, norm: str, W: Matrix, gamma: float, *, witness: Matrix | None = None) -> bool:
        """Say whether W has a normalised margin of at least gamma > 0."""
        worst, end = self.worst_margin(W), Fraction(gamma)
        return end > 0 and worst > 0 and norm_is_at_most(norm, W, worst / end, witness=witness)

    def proves_upper(self, norm: str, weights: Weights, gamma: float, *, witness: Matrix | None = None) -> bool:
        """Say whether the weights show that no W has a normalised margin above gamma."""
        G, total = self.combination(weights)
        return total > 0 and norm_is_at_most(_DUAL[norm], G, Fraction(gamma) * total, witness=witness)


def norm_is_at_most(norm: str, A: Matrix, bound: Fraction, *, witness: Matrix | None = None) -> bool:
    """Say whether a norm of A is proved to be at most a bound.

    The nuclear norm needs a witness: a symmetric positive definite matrix near the square
    root of A A' (of A' A where A has fewer columns than rows).
    """
    entries, unit = _over_one_denominator(_finite(A))
    flat = [abs(entry) for row in entries for entry in row]
    if bound < 0:
        return False
    if not any(flat):
        return True
    limit = bound * unit
    if norm == "frobenius":
        return sum(entry * entry for entry in flat) <= limit * limit
    if norm == "max":
        return max(flat) <= limit
    if norm == "sum":
        return sum(flat) <= limit
    short = entries if len(entries) <= len(entries[0]) else [list(column) for column in zip(*entries, strict=True)]
    gram = [[sum(map(int.__mul__, a, b)) for b in short] for a in short]
    if norm == "spectral":
        top, bottom = (limit * limit).as_integer_ratio()
        M = [[(top if i == j else 0) - bottom * entry for j, entry in enumerate(row)] for i, row in enumerate(gram)]
        return _eliminate(M) is not None
    if norm == "nuclear":
        return witness is not None and _nuclear_bound(gram, unit, witness) <= bound
    raise ValueError(f"one of the norms {', '.join(_DUAL)} is needed, but got {norm!r}; choose one of them")


def _nuclear_bound(gram: Integers, unit: int, witness: Matrix) -> Fraction | float:
    """Return (tr(S^-1 gram) / unit^2 + tr S) / 2, or infinity where the witness S is not positive definite."""
    k = len(gram)
    if len(witness) != k or any(len(row) != k for row in witness):
        return math.inf
    S, scale = _over_one_denominator(_finite(witness))
    if any(S[i][j] != S[j][i] for i in range(k) for j in range(i)):
        return math.inf
    sum_of_diagonal = Fraction(sum(S[i][i] for i in range(k)), scale)
    solved = _eliminate([[*row, *(scale * entry for entry in other)] for row, other in zip(S, gram, strict=True)])
    if solved is None:
        return math.inf
    trace, pivot = sum(solved[i][k + i] for i in range(k)), solved[-1][k - 1]
    return (Fraction(trace, pivot * unit * unit) + sum_of_diagonal) / 2


def _eliminate(M: Integers) -> Integers | None:
    """Reduce the square left part to a multiple of the identity (Bareiss 1968).

    None where a leading minor is not positive, that is, the part is not positive definite.
    """
    previous = 1
    for c in range(len(M)):
        pivot = M[c][c]
        if pivot <= 0:
            return None
        for r in range(len(M)):
            if r != c:
                factor = M[r][c]
                M[r] = [(pivot * a - factor * b) // previous for a, b in zip(M[r], M[c], strict=True)]
        previous = pivot
    return M


def _positive(values: Sequence[float] | None, n: int) -> list[Fraction]:
    if values is None:
        return [Fraction(1)] * n
    [exact] = _finite([values])
    if len(exact) != n or not all(value > 0 for value in exact):
        raise ValueError(f"{n} positive numbers are needed, one for each class; check margins and scales")
    return exact


def _finite(A: Matrix) -> list[list[Fraction]]:
    _refuse_infinite(A)
    return [[Fraction(entry) for entry in row] for row in A]


def _over_one_denominator(A: Matrix) -> tuple[Integers, int]:
    """Return integers B and the least d with A = B / d."""
    _refuse_infinite(A)
    ratios = [[entry.as_integer_ratio() for entry in row] for row in A]
    common = math.lcm(1, *{bottom for row in ratios for _, bottom in row})
    return [[top * (common // bottom) for top, bottom in row] for row in ratios], common


def _refuse_infinite(A: Matrix) -> None:
    # integers and fractions are finite, and may be too large for a float
    if any(isinstance(entry, float) and not math.isfinite(entry) for row in A for entry in row):
        raise ValueError("finite numbers are needed; check for NaN and infinity")
