"""Separability of a labelled data set, with the numbers that prove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, display_order, make_frame
from marginscope._validation import label_codes
from marginscope.certificates.separability_proof import proves

__all__ = ["SeparabilityCertificate"]

Floats = NDArray[np.float64]
Signs = NDArray[np.int8]

_HEADLINES = {
    "complete": "Complete separation: linear scores can put every row above every other class.",
    "quasi_complete": "Quasi-complete separation: linear scores separate some pairs of row and class, the rest tie.",
    "overlap": "Overlap: whatever linear scores gain on one pair of row and class they lose on another.",
    "undecided": "Undecided: no status could be proved.",
}
_CONSEQUENCES = {
    "complete": "Without a penalty no finite estimate exists; descent turns towards the max-margin direction.",
    "quasi_complete": "Without a penalty some parameters have no finite estimate: see .infinite.",
    "overlap": "Without a penalty the estimate is finite.",
}
_NO_SIGNS = {
    "too_large": "Which parameters are infinite was not computed: too large (classes times independent columns).",
    "iteration_limit": "Which parameters are infinite was not computed within the time allowed.",
    "numerical_error": "Rounding hides which coefficients have no finite estimate.",
}


@dataclass(frozen=True, eq=False, repr=False)
class SeparabilityCertificate(Displayed):
    """What linear scores can separate, and a proof of it.

    Attributes
    ----------
    status : str
        "complete", "quasi_complete", "overlap", or "undecided" with a ``reason``.
    classes : ndarray
        Labels in sorted order; class codes index it.
    n_rows, n_features : int
    fit_intercept : bool
    class_rows : (n_classes,) array
        Rows of each class.
    separable_counts : (n_classes, n_classes) array
        Rows of one class (first index) that can be separated from another (second).
    direction : (n_classes, n_features) array or None
        A recession direction: no margin is negative, those of the separable pairs are positive.
    intercept_direction : (n_classes,) array or None
    multipliers : CSR matrix (n_rows, n_classes) or None
        Weights, positive on the tied pairs and zero elsewhere, whose pair features
        sum to zero: sum lambda_ik x_i (e_{y_i} - e_k)' = 0.
    residual : float or None
        max_kj |sum lambda x~|_kj / sum lambda |x~|_kj of the multipliers.
    margin_bounds : (float, float)
        Bounds of the largest normalised margin over all pairs: the margin of the
        direction, and ||sum lambda x~||_F / sum lambda.
    conflict : (int, int) or None
        Two equal rows with different labels; they alone exclude complete separation.
    method : str
        The step that decided.
    reason : str
        Why the status is undecided.
    """

    _report = "separability_page"

    status: str
    classes: NDArray[Any]
    n_rows: int
    n_features: int
    fit_intercept: bool
    class_rows: NDArray[np.int64]
    separable_counts: NDArray[np.int64]
    direction: Floats | None = None
    intercept_direction: Floats | None = None
    multipliers: Any = None
    residual: float | None = None
    margin_bounds: tuple[float, float] = (0.0, np.inf)
    conflict: tuple[int, int] | None = None
    method: str = ""
    reason: str = ""
    _separable_bits: NDArray[np.uint8] | None = field(default=None, repr=False)
    _max_margin: Callable[[], Any] | None = field(default=None, repr=False)

    @property
    def separable_mask(self) -> NDArray[np.bool_]:
        """(n_rows, n_classes) mask of the pairs that some recession direction separates."""
        shape = (self.n_rows, len(self.classes))
        if self._separable_bits is None:
            return np.zeros(shape, dtype=bool)
        return np.unpackbits(self._separable_bits, count=shape[0] * shape[1]).reshape(shape).astype(bool)

    @property
    def separable_pairs(self) -> NDArray[np.int64]:
        """(n, 2) array of row index and class code of the separable pairs."""
        return np.argwhere(self.separable_mask)

    @property
    def n_pairs(self) -> int:
        """Number of pairs of a row and another class."""
        return self.n_rows * (len(self.classes) - 1)

    @cached_property
    def max_margin(self) -> Any:
        """Max-margin direction of the separable part, orthogonal to the tied pairs.

        Computed when first asked for; ``None`` without separable pairs. It has
        ``coef``, ``intercept``, ``dual_weights``, a status and its residuals.
        """
        return None if self._max_margin is None else self._max_margin()

    @cached_property
    def infinite(self) -> Signs | None:
        """(n_classes, n_features) signs of the parameters without a finite value, 0 where finite.

        In the gauge in which the classes sum to zero; ``None`` if undecided, or if
        ``max_margin`` could not be found: ``infinite_reason`` says why.
        """
        return self._signs()[0]

    @cached_property
    def infinite_intercept(self) -> Signs | None:
        """(n_classes,) signs of the intercepts without a finite value; ``None`` without intercept."""
        return self._signs()[1]

    @property
    def infinite_reason(self) -> str:
        """Why ``infinite`` is ``None``; empty where it is not. Computes it if it was not yet."""
        if self.infinite is not None:
            return ""
        if self.status == "undecided":
            return self.reason
        return _NO_SIGNS.get(self.max_margin.status, _NO_SIGNS["numerical_error"])

    def _signs(self) -> tuple[Signs | None, Signs | None]:
        if self.status == "undecided":
            return None, None
        K = len(self.classes)
        if self.max_margin is None:
            return np.zeros((K, self.n_features), np.int8), np.zeros(K, np.int8) if self.fit_intercept else None
        if self.max_margin.status not in ("optimal", "inaccurate"):
            return None, None
        coef, intercept = self.max_margin.signs()
        return coef, intercept

    def verify(self, X: Any, y: Any, *, exact: bool = False) -> bool:
        """Prove the status for these rows and original labels, with no solver.

        Parameters
        ----------
        X : (n_rows, n_features) array, frame or sparse matrix
        y : (n_rows,) labels
        exact : bool
            Prove everything in rational arithmetic. Otherwise complete separation is
            exact all the same; ties may deviate by 64 rounding errors, and the
            multipliers must have a residual of at most 1e-9 and be correctable to an
            exact balance by changing none by more than half.

        Returns
        -------
        bool
            False where the numbers do not prove the status, and if undecided.

        Raises
        ------
        CertificateError
            If ``exact`` and the exact system is too large to solve.
        """
        X = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X, dtype=float)
        codes = self._codes(y)
        if self.status not in _CONSEQUENCES or codes is None or X.shape != (self.n_rows, self.n_features):
            return False
        entries = X.data if hasattr(X, "tocsr") else X
        return bool(np.all(np.isfinite(entries))) and proves(self, X, codes, exact=exact)

    def _codes(self, y: Any) -> NDArray[np.intp] | None:
        """Encode labels, or return None where one is not a label of the certificate."""
        codes = label_codes(np.asarray(y).ravel(), self.classes)
        if len(codes) != self.n_rows or len(self.classes) < 2 or np.any(codes < 0):
            return None
        return codes.astype(np.intp, copy=False)

    def __str__(self) -> str:
        intercept = "with intercept" if self.fit_intercept else "without intercept"
        lines = [
            _HEADLINES[self.status],
            f"{self.n_rows:,} rows, {self.n_features:,} features, {len(self.classes)} classes, {intercept}.",
        ]
        if self.status == "undecided":
            lines.append(self.reason)
            return "\n".join(lines)
        n_separable = int(self.separable_counts.sum())
        lines.append(f"Separable pairs of a row and another class: {n_separable:,} of {self.n_pairs:,}.")
        if self.status == "quasi_complete":
            lines.extend(self._class_lines())
        if self.status == "overlap":
            lines.append(f"No unit-norm direction has a margin above {self.margin_bounds[1]:.1e} on all pairs.")
        if self.conflict is not None:
            lines.append(f"Rows {self.conflict[0]} and {self.conflict[1]} are equal but have different labels.")
        lines += [_CONSEQUENCES[self.status], "verify(X, y) proves this without a solver."]
        return "\n".join(lines)

    def _class_lines(self) -> list[str]:
        total = self._pair_totals()
        free, bound = [], []
        for k in display_order(self.classes.tolist()):
            label = self.classes[k]
            possible = total[k].sum() + total[:, k].sum()
            separable = self.separable_counts[k].sum() + self.separable_counts[:, k].sum()
            if separable == possible:
                free.append(str(label))
            elif separable == 0:
                bound.append(str(label))
        lines = [f"Separated from every other class: {', '.join(free)}."] if free else []
        return lines + ([f"In no separable pair: {', '.join(bound)}."] if bound else [])

    def _pair_totals(self) -> NDArray[np.int64]:
        K = len(self.classes)
        return np.repeat(self.class_rows[:, None], K, axis=1) * (1 - np.eye(K, dtype=np.int64))

    def frame(self) -> Any:
        """Return one line per class and rival: how many of its rows can be separated from it."""
        total, K = self._pair_totals(), len(self.classes)
        own, rival = np.nonzero(~np.eye(K, dtype=bool))
        separable = self.separable_counts[own, rival]
        labels = self.classes.tolist()
        return make_frame(
            {
                "class": [labels[k] for k in own],
                "rival": [labels[k] for k in rival],
                "rows": total[own, rival].tolist(),
                "separable": separable.tolist(),
                "tied": (total[own, rival] - separable).tolist(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; ``infinite`` is computed if it was not yet."""
        infinite, intercept = self.infinite, self.infinite_intercept
        lower, upper = self.margin_bounds
        return {
            "schema": "marginscope.separability/1",
            "status": self.status,
            "rows": self.n_rows,
            "features": self.n_features,
            "classes": [str(label) for label in self.classes],
            "fit_intercept": self.fit_intercept,
            "pairs": self.n_pairs,
            "separable_pairs": int(self.separable_counts.sum()),
            "separable_counts": self.separable_counts.tolist(),
            "infinite": None if infinite is None else infinite.tolist(),
            "infinite_intercept": None if intercept is None else intercept.tolist(),
            "infinite_reason": self.infinite_reason or None,
            "residual": self.residual,
            "margin_bounds": [lower, upper if np.isfinite(upper) else None],
            "conflict": None if self.conflict is None else list(self.conflict),
            "method": self.method,
            "reason": self.reason or None,
        }
