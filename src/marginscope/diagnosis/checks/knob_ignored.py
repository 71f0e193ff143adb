"""Check ``knob-ignored``: weights that leave the fitted model unchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.sklearn_model import SklearnModel
from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.claims import claims_of, lift_evidence, lift_panel, name_list
from marginscope.diagnosis.class_weights import has_equal_weights
from marginscope.diagnosis.trials import Trial, run_trial
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Counterfactual, Evidence, Finding, Status

__all__ = ["KnobIgnored"]


@dataclass(frozen=True)
class KnobIgnored:
    """The model is refitted on the same folds without its class weights.

    If no prediction and no probability moves by more than ``least_change``, the weights
    never reached the loss.
    """

    slug: str = "knob-ignored"
    title: str = "weights that do nothing"
    cost: str = "refit"
    least_change: float = 1e-9

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        weights = case.view.class_weight_params()
        if not case.view.can_refit:
            raise CheckNotApplicable("the model cannot be fitted again, so no parameter can be moved")
        if not weights:
            raise CheckNotApplicable("the model has no class weights set")
        if has_equal_weights(case):
            raise CheckNotApplicable("the weights in use are all equal, so they have nothing to do")
        case.lab.check_time("the model without its weights")
        without = SklearnModel(case.view.with_params(**dict.fromkeys(weights, None)), seed=case.seed)
        plain = run_trial("without weights", without, case.lab.raw, case.lab.design)
        if plain.failure:
            raise CheckNotApplicable(f"the model cannot be fitted without its weights: {plain.failure}")
        change = max(_largest_change(case.lab.base, plain), _change_of_scores(case, without))
        evidence = (Evidence("largest change of a probability or prediction", change, self.least_change),)
        names = ", ".join(f"{path}={value!r}" for path, value in weights.items())
        if change > self.least_change:
            return Finding(
                self.slug, Status.PASSED, f"{names:.80} changes the fitted model, so it is wired.", evidence=evidence
            )
        case.notebook["weights-ignored"] = True
        proven = self._proven(case)
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{names:.80} leaves every prediction as it is without it: the parameter never reaches the loss."
            + (f" Weights that act would recover {name_list(proven)}." if proven else ""),
            classes=tuple(proven),
            evidence=evidence + tuple(row for one in proven.values() for row in lift_evidence(one))[:24],
            remedies=("logit-adjustment", "over-sampling", "smote"),
            counterfactuals=tuple(proven.values()),
            panels={name: lift_panel([one], f"Lift of '{name:.40}'") for name, one in proven.items()},
        )

    def _proven(self, case: Case) -> dict[str, Counterfactual]:
        """Classes that weights would lift if they acted."""
        try:
            claims = claims_of(case, "logit-adjustment", "over-sampling")
        except (CheckNotApplicable, NotTried):
            return {}
        return {name: one for name, one in claims.items() if one.is_proof}


def _change_of_scores(case: Case, without: SklearnModel) -> float:
    """Largest change of decision values and coefficients on one split, relative to their size.

    Raises
    ------
    CheckNotApplicable
        If the model gives labels only, or probabilities of 0 and 1, so that weights may act unseen.
    """
    split, subject = case.lab.design.splits[0], case.lab.raw
    X, y = subject.take(split.train), subject.labels[subject.codes[split.train]]
    X_test = subject.take(split.test)
    change, seen = 0.0, False
    numbers: list[list[NDArray[np.float64]]] = []
    for view in (case.view, without):
        fitted = view.fit(X, y)
        part = view.linear_part(fitted, X)
        found = [view.scores(fitted, X_test, subject.labels), None if part is None else part.coef]
        numbers.append([np.nan_to_num(one, neginf=0.0) for one in found if one is not None])
    for one, other in zip(*numbers, strict=True):
        seen = True
        change = max(change, float(np.abs(one - other).max() / max(float(np.abs(one).max()), 1e-300)))
    proba = case.lab.base.proba
    if not seen and (proba is None or not ((proba > 0) & (proba < 1)).any()):
        raise CheckNotApplicable("the model answers with labels only, so weights may act without a trace here")
    return change


def _largest_change(one: Trial, other: Trial) -> float:
    change = float((one.predicted != other.predicted).any())
    if one.proba is not None and other.proba is not None:
        change = max(change, float(np.abs(one.proba - other.proba).max()))
    return change
