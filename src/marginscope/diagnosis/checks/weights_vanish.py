"""Check ``weights-vanish``: on separable data class weights do not move the limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.class_weights import effective_weights
from marginscope.diagnosis.separation import Separation, separation_of
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Panel, Series, Status

__all__ = ["WeightsVanish"]


@dataclass(frozen=True)
class WeightsVanish:
    """Weights multiply forces that vanish exponentially, so they change when, not where.

    Gradient descent on completely separable data goes to the hard-margin SVM with and
    without weights; the step at which the two directions are within ``angle`` radians
    follows from the support pairs (theory: additive log weights on the late-time law).
    """

    slug: str = "weights-vanish"
    title: str = "weights that cannot move the limit"
    cost: str = "solve"
    angle: float = 0.05

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        weights = case.view.class_weight_params()
        if not weights:
            raise CheckNotApplicable("no class or sample weights are in use")
        if all(np.ptp(effective_weights(value, case)) == 0 for value in weights.values()):
            raise CheckNotApplicable("the weights in use are all equal")
        if any(effective_weights(value, case).min() <= 0 for value in weights.values()):
            raise CheckNotApplicable("a class has weight zero, which takes it out of the training")
        found = separation_of(case)
        certificate = found.certificate
        if certificate.status == "undecided":
            raise CheckNotApplicable(f"separability could not be decided: {certificate.reason}")
        if certificate.status == "overlap":
            return Finding(
                self.slug,
                Status.PASSED,
                "The classes overlap (certificate), so weights move the optimum and keep doing so.",
                certificate=certificate,
            )
        evidence, panel, fades = self._fade(case, found, next(iter(weights.values())))
        whole = certificate.status == "complete"
        where = "" if whole else "in the separable part "
        return Finding(
            self.slug,
            Status.ISSUE,
            f"The training rows are {'completely' if whole else 'quasi-completely'} separable (certificate) and no "
            f"penalty holds the model: class weights and oversampling {where}change when a class is learned, not where "
            f"descent ends.{fades} Class-dependent margins, a penalty or early stopping can act.",
            classes=found.classes,
            evidence=evidence,
            remedies=("class-margins", "vs-loss", "stronger-penalty", "early-stopping"),
            panels={} if panel is None else {found.classes[0]: panel},
            certificate=certificate,
        )

    def _fade(self, case: Case, found: Separation, weights: object) -> tuple[tuple[Evidence, ...], Panel | None, str]:
        from marginscope.limits.weights import weight_fade
        from marginscope.solvers.frobenius import hard_margin_direction

        proved = Evidence("certificate verified (1 is yes)", float(found.certificate.verify(found.X, found.y)))
        if found.certificate.status != "complete":
            return (proved,), None, ""
        X = np.column_stack([found.X, np.ones(found.y.size)]) if found.has_intercept else found.X
        solution = hard_margin_direction(X, found.y)
        if solution.status != "optimal":
            return (proved,), None, ""
        per_row = effective_weights(weights, case)[found.y]
        step = 4.0 / float(np.linalg.norm(X, 2)) ** 2 / float(per_row.max())
        fade = weight_fade(solution, per_row, step_size=0.5 * step, angle=self.angle)
        log10 = float(fade.log10_step)
        evidence = (
            proved,
            Evidence("largest weight per smallest weight", float(per_row.max() / per_row.min())),
            Evidence(f"log10 of the step at which the weights turn the direction by under {self.angle:g} rad", log10),
        )
        grid = np.linspace(2, max(6.0, 1.5 * log10), 60)
        angles = [fade.angle_at(float(s)) for s in grid]
        panel = Panel(
            kind="path",
            title="How far the weights turn the direction",
            x_label="log10 of the gradient descent step",
            y_label="angle to the unweighted run (rad)",
            series=(Series("predicted", tuple(float(s) for s in grid), tuple(float(a) for a in angles)),),
            marks=((f"{self.angle:g} rad", log10),),
        )
        return evidence, panel, f" By step 10^{log10:.0f} of gradient descent their effect is under {self.angle:g} rad."
