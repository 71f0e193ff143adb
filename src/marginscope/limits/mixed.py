"""What gradient descent on cross-entropy does where only some pairs are separable.

    W(t) = V + What log t + O(1) orthogonal to L,     component in L -> V

L is the span of the features of the tied pairs. V minimises the risk restricted to them;
What has margin 1 on the separable pairs, is orthogonal to L and has the least norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope._display import make_frame, one_line
from marginscope._validation import check_features, label_codes
from marginscope.certificates.bracket import WIDEST_GAP
from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.exceptions import CertificateError, DataError, NotSolvedError, SizeError
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import all_pairs, is_sparse, pair_sum, relative_margins, signed_weights
from marginscope.limits.restricted_risk import minimise_tied_risk, tied_probabilities
from marginscope.solvers.separability import separability

__all__ = ["MixedChecks", "MixedLimit", "mixed_limit"]

Floats = NDArray[np.float64]


class MixedChecks(NamedTuple):
    """How exact the two parts are; all but ``smallest_growth`` are zero at best."""

    finite_gradient: float
    growth_of_ties: float
    smallest_growth: float
    inner_product: float


@dataclass(frozen=True, eq=False, repr=False)
class MixedLimit:
    """The finite and the growing part of the iterates.

    Attributes
    ----------
    finite : (n_classes, n_features) array
        V, the limit of the component in the span of the tied pairs; zero if there are none.
    growing : (n_classes, n_features) array
        What, the increment per unit of log t; zero under overlap.
    finite_intercept, growing_intercept : (n_classes,) arrays or None
    status : str
        "complete", "quasi_complete" or "overlap".
    risk : float
        Infimum of the summed cross-entropy: the restricted risk at V.
    checks : MixedChecks
        ``finite_gradient`` is the largest gradient entry of the restricted risk at V, relative
        to the terms that cancel in it; ``growth_of_ties`` the largest margin of What on a tied
        pair; ``smallest_growth`` its least margin on a separable pair, 1 at best, and 1 without
        such pairs; ``inner_product`` is <V, What> / (||V|| ||What||).
    certificate : SeparabilityCertificate
    """

    finite: Floats
    growing: Floats
    finite_intercept: Floats | None
    growing_intercept: Floats | None
    status: str
    risk: float
    checks: MixedChecks
    certificate: SeparabilityCertificate

    def at(self, log_time: float) -> tuple[Floats, Floats | None]:
        """Return V + What log t; the bounded part orthogonal to L is left out."""
        coef = self.finite + log_time * self.growing
        if self.finite_intercept is None or self.growing_intercept is None:
            return coef, None
        return coef, self.finite_intercept + log_time * self.growing_intercept

    def frame(self) -> Any:
        """Return one line per class and feature, the intercept as feature -1."""
        K, d = self.finite.shape
        own, feature = np.repeat(np.arange(K), d), np.tile(np.arange(d), K)
        finite, growing = self.finite.ravel(), self.growing.ravel()
        if self.finite_intercept is not None and self.growing_intercept is not None:
            own, feature = np.append(own, np.arange(K)), np.append(feature, np.full(K, -1))
            finite = np.append(finite, self.finite_intercept)
            growing = np.append(growing, self.growing_intercept)
        classes = self.certificate.classes
        return make_frame(
            {
                "class": [classes[k] for k in own],
                "feature": feature.tolist(),
                "finite": finite.tolist(),
                "growing": growing.tolist(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what does not exist is None."""
        parts = ("finite", "growing", "finite_intercept", "growing_intercept")
        arrays = {name: getattr(self, name) for name in parts}
        return {
            "schema": "marginscope.mixed_limit/1",
            "status": self.status,
            "separable_pairs": int(self.certificate.separable_counts.sum()),
            "pairs": self.certificate.n_pairs,
            "risk": self.risk,
            **{name: None if value is None else value.tolist() for name, value in arrays.items()},
            "checks": self.checks._asdict(),
        }

    def __repr__(self) -> str:
        return one_line(self)

    def __str__(self) -> str:
        n = int(self.certificate.separable_counts.sum())
        growth, finite = float(np.linalg.norm(self.growing)), float(np.linalg.norm(self.finite))
        return "\n".join(
            [
                f"{n:,} of {self.certificate.n_pairs:,} pairs are separable ({self.status.replace('_', '-')}).",
                f"The coefficients grow by {growth:.4g} per unit of log t; their finite part has norm {finite:.4g}.",
                f"The summed cross-entropy falls to {self.risk:.6g}.",
            ]
        )


def mixed_limit(
    X: Any, y: Any, *, fit_intercept: bool = False, certificate: SeparabilityCertificate | None = None
) -> MixedLimit:
    """Split the limit of descent into a finite and a growing part.

    Parameters
    ----------
    X : (n_samples, n_features) array, frame or sparse matrix
    y : (n_samples,) labels
    fit_intercept : bool
        Whether the scores have intercepts; they count in the norm, as for gradient descent.
    certificate : SeparabilityCertificate, optional
        Of these data, with the same ``fit_intercept``.

    Returns
    -------
    MixedLimit

    Raises
    ------
    CertificateError
        If the certificate is undecided, or does not prove its status for these data.
    NotSolvedError
        If rounding leaves one of the conditions in ``checks`` off by more than 1e-4.
    SizeError
        If the tied classes, or all, have too many unknowns.
    DataError
        If the certificate is of other arguments.

    References
    ----------
    Ji & Telgarsky, COLT 2019, for two classes; the softmax couples the pairs of a row, so
    that with more classes the finite part is a softmax over the tied classes.

    Examples
    --------
    >>> from marginscope.limits.mixed import mixed_limit
    >>> limit = mixed_limit([[-1.0], [-2.0], [1.0], [3.0]], [0, 0, 1, 1])
    >>> limit.growing.ravel().tolist()
    [-0.5, 0.5]
    """
    X = check_features(X)
    if certificate is None:
        certificate = separability(X, y, fit_intercept=fit_intercept)
    if certificate.fit_intercept != fit_intercept:
        raise DataError(
            f"a certificate with fit_intercept={fit_intercept} is needed, but it has {certificate.fit_intercept}; "
            "leave it out or make it with the same setting"
        )
    if certificate.status == "undecided" or not certificate.verify(X, y):
        raise CertificateError(
            f"a certificate that proves its status for these data is needed, but this one is {certificate.status} and "
            "does not; make it from the same rows and labels, or leave it out"
        )
    codes = label_codes(np.asarray(y).ravel(), certificate.classes).astype(np.intp)
    X = sp.csr_array(X) if is_sparse(X) else X
    Z = with_ones(X) if fit_intercept else X
    separable = certificate.separable_mask
    tied = all_pairs(codes, len(certificate.classes)) & ~separable
    finite = minimise_tied_risk(Z, codes, tied)
    growing = np.zeros_like(finite)
    if certificate.max_margin is not None:
        solution = certificate.max_margin
        if solution.status == "too_large":
            raise SizeError(
                "the growing part of the limit is a margin problem, but this one is too large (classes times "
                "independent columns); use fewer columns, or a sample of the classes"
            )
        growing = np.column_stack([solution.coef, solution.intercept]) if fit_intercept else solution.coef
    risk, p = tied_probabilities(Z, codes, finite, tied)
    coef, intercept = _columns(finite, fit_intercept)
    growth, growing_intercept = _columns(growing, fit_intercept)
    limit = MixedLimit(
        finite=coef,
        growing=growth,
        finite_intercept=intercept,
        growing_intercept=growing_intercept,
        status=certificate.status,
        risk=risk,
        checks=_checks(Z, codes, finite, growing, p, separable, tied),
        certificate=certificate,
    )
    _refuse_rounding(limit)
    return limit


def _refuse_rounding(limit: MixedLimit) -> None:
    """Raise where a part is none: its gradient does not vanish, its ties grow, or a separable pair does not."""
    checks = limit.checks
    worst = max(checks.finite_gradient, checks.growth_of_ties, 1.0 - checks.smallest_growth)
    if not worst <= WIDEST_GAP:
        raise NotSolvedError(
            f"parts that meet their conditions to {WIDEST_GAP:.0e} are needed, but rounding leaves one off by "
            f"{worst:.1e}; bring the columns to similar scales, an intercept's column of ones included",
            limit,
        )


def _columns(W: Floats, fit_intercept: bool) -> tuple[Floats, Floats | None]:
    return (np.ascontiguousarray(W[:, :-1]), W[:, -1].copy()) if fit_intercept else (W, None)


def _checks(
    Z: Any, y: Any, finite: Floats, growing: Floats, p: Floats, separable: NDArray[np.bool_], tied: NDArray[np.bool_]
) -> MixedChecks:
    gradient = np.abs(pair_sum(Z, y, p))
    terms = np.asarray(abs(Z).T @ np.abs(signed_weights(y, p))).T
    ratio = np.divide(gradient, terms, out=np.zeros_like(gradient), where=terms > 0)
    u = relative_margins(Z, y, growing)
    norms = float(np.linalg.norm(finite) * np.linalg.norm(growing))
    return MixedChecks(
        finite_gradient=float(ratio.max(initial=0.0)),
        growth_of_ties=float(np.max(np.abs(u), where=tied, initial=0.0)),
        smallest_growth=float(np.min(u, where=separable, initial=np.inf)) if separable.any() else 1.0,
        inner_product=abs(float((finite * growing).sum())) / norms if norms > 0 else 0.0,
    )
