"""Decision thresholds by class, tuned on rows left out of the fit."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.estimators.class_threshold_classifier import ClassThresholdClassifier
from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit, need_uneven

__all__ = ["ClassThresholds"]


@dataclass(frozen=True)
class ClassThresholds:
    """Predict argmax f_k p_k with the factors that raise balanced recall on folds inside the training rows.

    Any gain there is taken (``caution=0``): whether it holds is for the folds of the ledger to say.
    """

    slug: str = "class-thresholds"
    title: str = "class thresholds, tuned by cross-validation"
    side_effects: str = "probabilities stay those of the model and need not agree with decisions"
    acts_on: frozenset[str] = frozenset({"imbalance", "knob-ignored", "rival-overlap"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "decision"
    fits: int = 4
    folds: int = 3

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        need_uneven(situation)
        model = situation.view.estimator
        if not (hasattr(model, "predict_proba") or hasattr(model, "decision_function")):
            raise CannotAct("the model gives neither probabilities nor scores that thresholds could be set on")
        return (Recipe(self.slug, ClassThresholdClassifier(model, cv=self.folds, caution=0.0)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return (
            "from marginscope import ClassThresholdClassifier\n\n"
            f"model = ClassThresholdClassifier(model, cv={self.folds}, caution=0.0)\n"
            "model.fit(X, y)"
        )
