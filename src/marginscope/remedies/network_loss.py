"""The loss of a network, by name; losses that need the class counts get them when it is fitted."""

from __future__ import annotations

from marginscope.adapters.components import components, is_named
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["NO_NETWORK", "TORCH_LOSSES", "network_recipe", "network_snippet"]

# What a loop of the user's own would take from ``marginscope.torch``.
TORCH_LOSSES = {
    "balanced": "BalancedWeightsLoss(counts)",
    "class_balanced": "ClassBalancedLoss(counts)",
    "logit_adjusted": "LogitAdjustedLoss(counts)",
    "ldam": "LDAMLoss(counts, largest=3.0, scale=1.0, bound=None)",
    "cdt": "CDTLoss(counts)",
    "vs": "VSLoss(counts)",
    "class_margins": "ClassMarginLoss((counts.max() / counts) ** 0.25, weight=(counts.max() / counts) ** 0.5)",
    "focal": "FocalLoss()",
    "label_smoothing": "LabelSmoothingLoss()",
}

# One sentence for all remedies that need a network, so that a ledger says it once.
NO_NETWORK = "the model is no network that is known here"
# Templates, which need no counts: Keras networks have them too.
_ANYWHERE = ("focal", "label_smoothing")


def network_recipe(name: str, situation: Situation, loss: str) -> Recipe:
    """Return the network with another loss.

    Parameters
    ----------
    name : str
        Of the recipe.
    loss : str
        One of ``TORCH_LOSSES``.

    Raises
    ------
    CannotAct
        If its loss cannot be set.
    """
    need_refit(situation)
    knobs = situation.view.network_knobs()
    if knobs is None or knobs.loss is None:
        raise CannotAct(f"the training loss of {situation.view.kind} is fixed; networks of torch can have another")
    owner = components(situation.view.estimator)[knobs.loss.rpartition("__")[0]]
    if loss not in _ANYWHERE and not is_named(owner, "NetworkClassifier"):
        raise CannotAct(f"{type(owner).__name__} has no loss that is made from class counts; NetworkClassifier has")
    if knobs.loss_value == loss:
        raise CannotAct(f"the network is trained with this loss already ({knobs.loss}={loss!r})")
    return Recipe(name, situation.view.with_params(**{knobs.loss: loss}), expression=f"{knobs.loss}={loss!r}")


def network_snippet(recipe: Recipe) -> str:
    """Return code that sets the loss; a comment names its module for other loops."""
    loss = recipe.expression.partition("=")[2].strip("'")
    return (
        f"# in a loop of your own: criterion = marginscope.torch.{TORCH_LOSSES[loss]}\n"
        f"model.set_params({recipe.expression})\nmodel.fit(X, y)"
    )
