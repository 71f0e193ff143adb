"""Check ``infinite-parameters``: parameters without a finite value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import name_list
from marginscope.diagnosis.separation import Separation, separation_of
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Status

__all__ = ["InfiniteParameters"]


@dataclass(frozen=True)
class InfiniteParameters:
    """A logistic model without a penalty on separable data has no finite optimum.

    Decided by a separability certificate on the training rows (Albert and Anderson
    1984): its direction can be followed for ever and the loss only falls.
    """

    slug: str = "infinite-parameters"
    title: str = "parameters without a finite value"
    cost: str = "solve"
    least_infinite: int = 1

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        found = separation_of(case)
        certificate = found.certificate
        if certificate.status == "undecided":
            raise CheckNotApplicable(f"separability could not be decided: {certificate.reason}")
        norm = float(np.linalg.norm(case.linear_part.coef)) if case.linear_part is not None else None
        evidence = [Evidence("norm of the fitted coefficients", norm)]
        if certificate.status == "overlap":
            return Finding(
                self.slug,
                Status.PASSED,
                "The classes overlap (certificate), so every parameter that is determined has a finite value.",
                evidence=tuple(evidence),
                certificate=certificate,
            )
        if certificate.infinite is None:
            reason = certificate.infinite_reason
            raise CheckNotApplicable(f"the rows are separable, but {reason[:1].lower()}{reason[1:].rstrip('.')}")
        infinite = np.asarray(certificate.infinite)
        count = int(np.count_nonzero(infinite))
        classes = tuple(found.classes[k] for k in np.flatnonzero(infinite.any(axis=1)))
        evidence += [
            Evidence("parameters without a finite value", float(count), float(self.least_infinite)),
            Evidence("parameters in all", float(infinite.size)),
            Evidence("certificate verified (1 is yes)", float(certificate.verify(found.X, found.y))),
        ]
        kind = "completely" if certificate.status == "complete" else "quasi-completely"
        return Finding(
            self.slug,
            Status.ISSUE,
            f"The training rows are {kind} separable (certificate), and no penalty holds the model: {count} of "
            f"{infinite.size:,} class-by-feature parameters have no finite value ({_largest(found)}); what the fit "
            f"shows is where it happened to stop.",
            classes=classes,
            evidence=tuple(evidence),
            remedies=("stronger-penalty",),
            certificate=certificate,
        )


def _largest(found: Separation) -> str:
    direction = np.abs(np.asarray(found.certificate.direction))
    k, j = np.unravel_index(int(direction.argmax()), direction.shape)
    sign = "+" if found.certificate.direction[k][j] > 0 else "-"
    return f"fastest: {name_list([found.classes[int(k)]])} on {found.names[int(j)]:.40} to {sign}infinity"
