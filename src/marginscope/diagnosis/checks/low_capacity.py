"""Check ``low-capacity``: a richer model class learns what the present one cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.findings import Evidence, Finding

__all__ = ["LowCapacity"]


@dataclass(frozen=True)
class LowCapacity:
    """Boosted trees learn the class out of sample; the present model misses it on its own training rows.

    Training recall, with the penalty weakened and the features scaled where that can be
    done, and with longer training or another step size where these were tried, may exceed
    what the richer model reaches out of sample by at most ``training_slack``; above that
    capacity is not what is missing. Where the trees lift no class the present model is not
    fitted again.
    """

    slug: str = "low-capacity"
    title: str = "model class too small"
    cost: str = "refit"
    training_slack: float = -0.02

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        claims = claims_of(case, "richer-model")
        # A slow model is fitted again only where its answer counts.
        is_needed = any(one.is_proof for one in claims.values())
        train = _best_training_recall(case) if is_needed else case.lab.base.train_recall
        effect = case.lab.effects("richer-model")[0]
        extra = []
        for name, one in list(claims.items()):
            if not one.is_proof:
                continue
            k = case.names.index(name)
            reached = float(case.lab_recall[k] + effect.lift[k])
            if np.isnan(train[k]):
                claims[name] = replace(
                    one, reason="the training recall of a model that is not fitted anew is not known"
                )
            elif train[k] > reached + self.training_slack:
                claims[name] = replace(
                    one,
                    reason=f"the present kind of model can get {train[k]:.0%} of its training rows right",
                )
            else:
                extra.append(
                    Evidence(f"training recall of '{name:.60}' in the present model", float(train[k]), reached)
                )
        return settled(
            case,
            self.slug,
            claims,
            remedies=("richer-model",),
            issue="Gradient-boosted trees learn {names}; the present model misses them even on the rows it was "
            "trained on.",
            passed="Gradient-boosted trees learn no class that the present model cannot.",
            extra=tuple(extra[:12]),
        )


def _best_training_recall(case: Case) -> NDArray[np.float64]:
    """Training recall per class of the present kind of model, at its best setting that was tried."""
    best = case.lab.base.train_recall
    for slug in ("scaling", "weaker-penalty"):
        try:
            effects = case.lab.effects(slug)
        except NotTried:
            continue
        for effect in effects:
            best = np.fmax(best, effect.trial.train_recall)
    tried = case.lab.tried()
    for slug in ("step-size", "longer-training"):
        for effect in tried.get(slug, ()):
            best = np.fmax(best, effect.trial.train_recall)
    return best
