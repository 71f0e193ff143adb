"""The largest margin of a labelled data set, with the numbers that prove it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, make_frame
from marginscope._validation import label_codes
from marginscope.certificates.bracket import Bracket
from marginscope.certificates.kkt import KktResiduals
from marginscope.certificates.margin_proof import proves
from marginscope.certificates.pair_table import ClassPair, PairTable
from marginscope.certificates.pair_weights import PairWeights
from marginscope.geometry.norms import get_norm

__all__ = ["MarginSolution"]

Floats = NDArray[np.float64]

_SHOWN = 6
_HEADLINES = {
    "optimal": "The largest {norm} margin is {margin}, proved to a relative gap of {width}.",
    "inaccurate": "The largest {norm} margin is at least {margin}; the gap {width} is above the {tol:.0e} wanted.",
    "iteration_limit": "Stopped at a limit: the largest {norm} margin is at least {margin}, within a gap of {width}.",
    "numerical_error": "Rounding ended the search: the largest {norm} margin is at least {margin}, the gap is {width}.",
    "infeasible": "No {norm} margin: linear scores do not separate the classes.",
}


@dataclass(frozen=True, eq=False, repr=False)
class MarginSolution(Displayed):
    """The coefficients of largest margin, their multipliers and a proved bracket.

        minimise ||W||  subject to  u_ik(W) = <D_y w_y - D_k w_k, x_i> >= m_{y_i}

    for every row i and every class k other than y_i; m are class margins and D class
    scales, one unless given. An intercept is the weight of a column of ones: it is part
    of W and counts in the norm, as it does for gradient descent. The margin of the
    problem is the largest min_ik u_ik(W) / m_{y_i} over ||W|| <= 1, which is 1 / ||W||
    of the solution.

    Attributes
    ----------
    status : str
        "optimal": the bracket is as narrow as ``tol``; "inaccurate": it is wider, by a
        relative gap of at most 1e-4; "iteration_limit" or "numerical_error": the search ended
        early, the bracket holds all the same; "infeasible": no positive margin, see ``refutation``.
    norm : str
        "frobenius", "max", "sum", "spectral" or "nuclear".
    classes : ndarray
        Labels in sorted order; class codes index it.
    own_codes : (n_rows,) array
        Class code of every row.
    coef : (n_classes, n_features) array
        Scaled so that the worst scaled margin min u_ik / m_{y_i} is 1; zero if infeasible.
    intercept : (n_classes,) array or None
    bracket : Bracket
        ``lower`` is attained by ``coef``, ``upper`` follows from ``dual_weights``.
    dual_weights : CSR matrix (n_rows, n_classes)
        Multipliers beta >= 0 of the constraints, with sum beta m = ||W||^2. In the
        Frobenius norm W = sum beta x~, x~_ik = (D_y e_y - D_k e_k) x_i'. Equal rows share
        their weight equally.
    class_margins, class_scales : (n_classes,) array or None
    table : PairTable or None
        Smallest margin, number of support pairs and mass of the multipliers by class and
        rival; None if infeasible.
    kkt : KktResiduals or None
    tol : float
        Relative gap that was asked for.
    n_rows, n_features : int
    fit_intercept : bool
    method : str
    n_iterations : int
    refutation : SeparabilityCertificate or None
        The proof that no margin is positive.
    """

    _report = "margin_page"

    status: str
    norm: str
    classes: NDArray[Any]
    n_rows: int
    n_features: int
    fit_intercept: bool
    own_codes: NDArray[np.intp]
    coef: Floats
    intercept: Floats | None
    bracket: Bracket
    dual_weights: Any
    table: PairTable | None
    kkt: KktResiduals | None
    tol: float
    class_margins: Floats | None = None
    class_scales: Floats | None = None
    method: str = ""
    n_iterations: int = 0
    refutation: Any = None

    @property
    def margin(self) -> float:
        """Largest normalised margin, from below: what ``coef`` is proved to attain."""
        return self.bracket.lower

    @property
    def full_coef(self) -> Floats:
        """W with the intercept as its last column, if there is one."""
        return self.coef if self.intercept is None else np.column_stack([self.coef, self.intercept])

    @property
    def norm_value(self) -> float:
        """Norm of W, the intercept included."""
        return get_norm(self.norm).value(self.full_coef)

    @cached_property
    def support_pairs(self) -> NDArray[np.int64]:
        """(n_support, 2) array of row index and class code of the pairs with positive multiplier."""
        pairs = PairWeights.of(self.dual_weights)
        held = np.flatnonzero(pairs.values)
        order = held[np.lexsort((pairs.rivals[held], pairs.rows[held]))]
        return np.column_stack([pairs.rows[order], pairs.rivals[order]]).astype(np.int64)

    @property
    def nearest_margin(self) -> float:
        """Smallest scaled margin of the pairs that are no support pairs; the margin of those is 1."""
        return math.inf if self.table is None else self.table.nearest

    @cached_property
    def pairs(self) -> tuple[ClassPair, ...]:
        """One record per class and rival; empty if infeasible."""
        table, K = self.table, len(self.classes)
        if table is None:
            return ()
        labels = self.classes.tolist()
        return tuple(
            ClassPair(
                labels[a],
                labels[b],
                float(table.margins[a, b]),
                int(table.supports[a, b]),
                float(table.mass[a, b]),
            )
            for a in range(K)
            for b in range(K)
            if a != b
        )

    @property
    def per_class(self) -> Floats:
        """(n_classes,) shares of the force: sum beta m over the rows of a class, divided by that of all rows.

        In the limit of gradient descent this is the class's part of the gradient,
        whatever the number of its rows.
        """
        if self.table is None:
            return np.zeros(len(self.classes))
        mass = self.table.mass.sum(axis=1)
        shares: Floats = mass / mass.sum()
        return shares

    def verify(self, X: Any, y: Any, *, exact: bool = False) -> bool:
        """Prove the bracket for these rows and original labels, with no solver.

        What is proved: the true largest margin of the problem (these rows, norm, class
        margins and scales) lies between the stored ``bracket.lower``, because ``coef``
        attains it, and the stored ``bracket.upper``, because of ``dual_weights``. All
        rounding of the check is bounded and counted against the claim. Also that the
        status agrees with the width of the bracket, and that the worst scaled margin of
        ``coef``, the table of pairs and the residuals are what the data give, to 1e-9
        and rounding.

        Parameters
        ----------
        X : (n_rows, n_features) array, frame or sparse matrix
        y : (n_rows,) labels
        exact : bool
            Prove both ends of the bracket in rational arithmetic, by an independent
            checker. It takes about a second for every four million products of an entry
            of X and a class; memory for X as Python integers, some 100 bytes an entry.

        Returns
        -------
        bool
            False where the numbers do not prove it.
        """
        try:
            X = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X, dtype=float)
        except (TypeError, ValueError):
            return False
        if X.ndim != 2 or X.shape != (self.n_rows, self.n_features):
            return False
        codes = self._codes(y)
        entries = X.data if hasattr(X, "tocsr") else X
        if codes is None or not np.all(np.isfinite(entries)):
            return False
        if self.status == "infeasible" and not self._is_refuted(X, y, exact):
            return False
        return proves(self, X, codes, exact=exact)

    def _is_refuted(self, X: Any, y: Any, exact: bool) -> bool:
        """Say whether there is a proof that no margin is positive."""
        certificate = self.refutation
        if certificate is None or certificate.status not in ("overlap", "quasi_complete"):
            return False
        same = certificate.fit_intercept == self.fit_intercept and np.array_equal(certificate.classes, self.classes)
        return bool(same and certificate.verify(X, y, exact=exact))

    def _codes(self, y: Any) -> NDArray[np.intp] | None:
        """Encode labels, or return None where one is not a label of the solution."""
        labels = np.asarray(self.classes)
        if labels.ndim != 1 or len(labels) < 2 or len(set(labels.tolist())) < len(labels):
            return None
        codes = label_codes(np.asarray(y).ravel(), labels)
        if not 0 < len(codes) == self.n_rows or np.any(codes < 0):
            return None
        return codes.astype(np.intp, copy=False)

    def __str__(self) -> str:
        intercept = "with intercept" if self.fit_intercept else "without intercept"
        width = f"{self.bracket.width:.1e}" if math.isfinite(self.bracket.upper) else "unknown size"
        head = _HEADLINES[self.status].format(norm=self.norm, margin=f"{self.margin:.6g}", width=width, tol=self.tol)
        lines = [head, f"{self.n_rows:,} rows, {self.n_features:,} features, {len(self.classes)} classes, {intercept}."]
        if self.table is None:
            if self.refutation is not None:
                lines.append(str(self.refutation))
            return "\n".join(lines)
        n_rows = len(np.unique(self.support_pairs[:, 0]))
        lines.append(f"Support: {len(self.support_pairs):,} pairs of a row and another class, on {n_rows:,} rows.")
        if math.isfinite(self.nearest_margin):
            lines.append(_next_pair(self.nearest_margin))
        shares = sorted(zip(self.per_class.tolist(), self.classes.tolist(), strict=True), key=lambda one: -one[0])
        listed = ", ".join(f"{label}: {share:.1%}" for share, label in shares[:_SHOWN])
        more = ", ..." if len(shares) > _SHOWN else ""
        return "\n".join([*lines, f"Share of the force: {listed}{more}.", "verify(X, y) proves this without a solver."])

    def frame(self) -> Any:
        """Return one line per class and rival: smallest scaled margin, support pairs, mass of the multipliers."""
        names = ("class", "rival", "smallest_margin", "support_pairs", "dual_mass")
        columns: list[Any] = [list(column) for column in zip(*self.pairs, strict=True)] or [[] for _ in names]
        return make_frame(dict(zip(names, columns, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what does not exist is None."""
        pairs = PairWeights.of(self.dual_weights)
        table = self.table
        return {
            "schema": "marginscope.margin/1",
            "status": self.status,
            "norm": self.norm,
            "margin": self.margin if self.margin > 0 else None,
            "bracket": [self.bracket.lower, _number(self.bracket.upper)],
            "gap": _number(self.bracket.width) if math.isfinite(self.bracket.upper) else None,
            "tol": self.tol,
            "rows": self.n_rows,
            "features": self.n_features,
            "classes": [str(label) for label in self.classes],
            "fit_intercept": self.fit_intercept,
            "class_margins": None if self.class_margins is None else self.class_margins.tolist(),
            "class_scales": None if self.class_scales is None else self.class_scales.tolist(),
            "coef": None if table is None else self.coef.tolist(),
            "intercept": None if self.intercept is None or table is None else self.intercept.tolist(),
            "dual_weights": [[int(i), int(k), float(beta)] for i, k, beta in sorted(zip(*pairs, strict=True))],
            "pair_margins": None if table is None else [[_number(u) for u in row] for row in table.margins.tolist()],
            "support_counts": None if table is None else table.supports.tolist(),
            "dual_mass": None if table is None else table.mass.tolist(),
            "per_class": None if table is None else self.per_class.tolist(),
            "nearest_margin": _number(self.nearest_margin),
            "kkt": None if self.kkt is None else self.kkt._asdict(),
            "method": self.method,
            "iterations": self.n_iterations,
            "refutation": None if self.refutation is None else self.refutation.to_dict(),
        }


def _next_pair(ratio: float) -> str:
    """Compare the nearest other pair with the support pairs, by the difference where four digits show none."""
    if f"{ratio:.4g}" != "1":
        return f"The next pair has {ratio:.4g} times their margin."
    if ratio == 1.0:
        return "The next pair has the same margin."
    return f"The margin of the next pair is within {abs(ratio - 1.0):.0e} of theirs."


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
