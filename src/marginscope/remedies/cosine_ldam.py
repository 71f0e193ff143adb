"""LDAM as it was meant: margins on cosines between features and class vectors."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.network_loss import NO_NETWORK
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit, need_uneven

__all__ = ["CosineLdam"]


@dataclass(frozen=True)
class CosineLdam:
    """A last layer of cosines times 30, and LDAM margins of 0.5 at most (Cao et al. 2019).

    The norms of features and class vectors play no part, so the margins keep their size to the end.
    """

    slug: str = "cosine-ldam"
    title: str = "LDAM on cosines, features and class vectors of length one"
    side_effects: str = "another last layer: the scale of 30 sets how sure its probabilities are"
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows", "weights-vanish"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "loss"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        need_uneven(situation)
        knobs = situation.view.network_knobs()
        if knobs is None:
            raise CannotAct(NO_NETWORK)
        model = situation.view.estimator
        path = "" if knobs.loss is None else knobs.loss.rpartition("__")[0]
        network = model.get_params().get(path) if path else model
        if not hasattr(network, "with_cosine_head"):
            raise CannotAct(
                f"the last layer of {situation.view.kind} cannot be exchanged; that of NetworkClassifier can"
            )
        changed = network.with_cosine_head()
        if path:
            code = f"{path}=model.get_params()[{path!r}].with_cosine_head()"
            return (Recipe(self.slug, situation.view.with_params(**{path: changed}), expression=code),)
        return (Recipe(self.slug, changed),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        code = f"model.set_params({recipe.expression})" if recipe.expression else "model = model.with_cosine_head()"
        return f"{code}\nmodel.fit(X, y)"
