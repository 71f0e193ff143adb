"""Check ``not-converged``: more steps or another step size recovers the class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.step_limits import ended_at_limit, is_cut_short, late_fall
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.diagnosis.deeper_causes import claims_on, kept_proofs, proofs_of, yielding
from marginscope.diagnosis.plateau import PriorLoss, prior_loss
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Counterfactual, Evidence, Finding, Status

__all__ = ["NotConverged"]


@dataclass(frozen=True)
class NotConverged:
    """The class is missed on the training rows too, and training differently recovers it.

    Looked at are classes whose training recall is below ``trained``. If their recall out of
    sample is one half or more, then only below ``learned``, and only where the fit ended at
    its step limit, or more than ``plateau`` of the loss of the class shares is left, or the last
    fifth of the passes brought more than ``late`` of what the loss fell. Longer training is
    tried where another step size does not bring back ``enough`` of the missing recall and the
    fit did not end by its own rule. An intervention that needs no more training and does as
    much, up to ``equal`` recall, goes deeper: other units, another loss, and scaled features
    unless the training is far shorter than the default of its class.
    """

    slug: str = "not-converged"
    title: str = "training ended too early"
    cost: str = "refit"
    trained: float = 0.9
    learned: float = 0.9
    plateau: float = 0.9
    late: float = 0.03
    enough: float = 0.7
    equal: float = 0.05

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        if not case.view.can_refit:
            raise CheckNotApplicable("the model cannot be fitted again, so its training cannot be changed")
        knobs = case.view.training_knobs()
        if not knobs:
            raise CheckNotApplicable("the model has no number of steps and no step size that is known here")
        limited = ended_at_limit(case.fitted)
        if limited is False and all(knob.kind == "steps" for knob in knobs):
            return self._passed(case, "The fit ended by its own tolerance before its step limit.", limited, None)
        behind = self._missed_in_training(case)
        if not behind.any():
            return self._passed(case, "Training reaches every class: each is learned on its own rows.", limited, None)
        prior = prior_loss(case)
        behind = self._worth_a_trial(case, behind, limited, prior)
        if not behind.any():
            return self._passed(case, "Nothing about the end of the training speaks against it.", limited, prior)
        deeper = kept_proofs(case, "dead-units") | kept_proofs(case, "flat-loss")
        if all(case.names[k] in deeper for k in np.flatnonzero(behind)):
            text = "What is missed is learned by other units or another loss in as few steps, so no training was tried."
            return self._passed(case, text, limited, prior)
        setting = ", ".join(f"{knob.path}={knob.value:g}" for knob in knobs)
        claims = self._claims(case, behind, limited)
        case.notebook[self.slug] = {name: one for name, one in claims.items() if one.is_proof}
        return settled(
            case,
            self.slug,
            claims,
            remedies=("longer-training", "step-size"),
            issue="Training longer or with another step size recovers {names}; with " + setting + " it ends too early.",
            passed=f"Neither more steps nor another step size than {setting} recovers a class.",
            extra=self._evidence(case, limited, prior),
        )

    def _missed_in_training(self, case: Case) -> NDArray[np.bool_]:
        with np.errstate(invalid="ignore"):
            missed: NDArray[np.bool_] = case.lab.base.train_recall < self.trained
        return missed & (case.counts > 0) & (case.scores.n_scored > 0)

    def _worth_a_trial(
        self, case: Case, behind: NDArray[np.bool_], limited: bool | None, prior: PriorLoss | None
    ) -> NDArray[np.bool_]:
        poor = np.isin(np.arange(case.n_classes), case.poor)
        stands = prior is not None and prior.left > self.plateau
        falls = (late_fall(case.fitted) or 0.0) > self.late
        return behind & (poor | ((case.scores.recall < self.learned) & bool(limited or stands or falls)))

    def _claims(self, case: Case, behind: NDArray[np.bool_], limited: bool | None) -> dict[str, Counterfactual]:
        names = frozenset(name for name, missed in zip(case.names, behind, strict=True) if missed)
        short = proofs_of(case, "step-size")
        # Where the fit ended by its own rule, the number of steps did not end it: the step size may have.
        if limited is False or all(name in short and self._is_enough(case, short[name]) for name in names):
            claims = claims_of(case, "step-size")
        else:
            claims = claims_of(case, "step-size", "longer-training")
        claims = claims_on(claims, names, "it is learned on its own training rows")
        dead, flat = (kept_proofs(case, slug) for slug in ("dead-units", "flat-loss"))
        claims = yielding(claims, dead, "its units are dead, and other ones learn it in as few steps", self.equal)
        claims = yielding(claims, flat, "with cross-entropy it is learned in as few steps", self.equal)
        if is_cut_short(case.view.estimator, case.view.training_knobs()):
            # What is unusual is the training: that scaling helps it along makes the scales no cause.
            return claims
        scaled = proofs_of(case, "scaling")
        return yielding(claims, scaled, "with standardised features it is learned in as few steps", self.equal)

    def _is_enough(self, case: Case, claim: Counterfactual) -> bool:
        missing = 1.0 - float(case.lab_recall[case.names.index(claim.label)])
        return claim.lift >= self.enough * missing

    def _passed(self, case: Case, sentence: str, limited: bool | None, prior: PriorLoss | None) -> Finding:
        return Finding(self.slug, Status.PASSED, sentence, evidence=self._evidence(case, limited, prior))

    def _evidence(self, case: Case, limited: bool | None, prior: PriorLoss | None) -> tuple[Evidence, ...]:
        rows: tuple[Evidence, ...] = ()
        if limited is not None:
            rows += (Evidence("the fit ended at its step limit (1 is yes)", float(limited)),)
        if prior is not None:
            rows += (
                Evidence("mean cross-entropy on the training rows", prior.loss, prior.entropy),
                Evidence("share of the loss of the class shares that is left", prior.left, self.plateau),
            )
        late = late_fall(case.fitted)
        if late is not None:
            rows += (Evidence("share of the fall of the loss in the last fifth of the passes", late, self.late),)
        return rows
