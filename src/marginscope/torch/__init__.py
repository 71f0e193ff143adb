"""Losses, heads, optimizers, networks and a watch for torch: the only place that imports it."""

from typing import TYPE_CHECKING, Any

from marginscope.exceptions import MissingExtra

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingExtra("torch", "torch", "marginscope.torch") from error

from marginscope.torch import functional
from marginscope.torch.class_count_loss import ClassCountLoss
from marginscope.torch.heads import ClassBranches, CosineHead
from marginscope.torch.ldam import LDAMLoss
from marginscope.torch.limit_losses import CDTLoss, ClassMarginLoss, VSLoss
from marginscope.torch.loss_module import TemplateLoss
from marginscope.torch.loss_modules import (
    CrammerSingerLoss,
    CrossEntropyLoss,
    EntmaxLoss,
    ExponentialLoss,
    FocalLoss,
    GammaPhiLoss,
    LabelSmoothingLoss,
    MAELoss,
    PairLogisticLoss,
    PolynomialLoss,
    SmoothWestonWatkinsLoss,
    SparsemaxLoss,
    SquaredMarginLoss,
    SquaredWestonWatkinsLoss,
    WestonWatkinsLoss,
)
from marginscope.torch.optimizers import Muon, NormalizedDescent, NuclearDescent, SignDescent, SpectralDescent
from marginscope.torch.shifted_losses import BalancedSoftmaxLoss, LogitAdjustedLoss
from marginscope.torch.weighted_losses import BalancedWeightsLoss, ClassBalancedLoss

if TYPE_CHECKING:
    from marginscope.torch.network_classifier import NetworkClassifier
    from marginscope.torch.quiet_look import is_looking
    from marginscope.torch.watching import Watch, watch

__all__ = [
    "BalancedSoftmaxLoss",
    "BalancedWeightsLoss",
    "CDTLoss",
    "ClassBalancedLoss",
    "ClassBranches",
    "ClassCountLoss",
    "ClassMarginLoss",
    "CosineHead",
    "CrammerSingerLoss",
    "CrossEntropyLoss",
    "EntmaxLoss",
    "ExponentialLoss",
    "FocalLoss",
    "GammaPhiLoss",
    "LDAMLoss",
    "LabelSmoothingLoss",
    "LogitAdjustedLoss",
    "MAELoss",
    "Muon",
    "NetworkClassifier",
    "NormalizedDescent",
    "NuclearDescent",
    "PairLogisticLoss",
    "PolynomialLoss",
    "SignDescent",
    "SmoothWestonWatkinsLoss",
    "SparsemaxLoss",
    "SpectralDescent",
    "SquaredMarginLoss",
    "SquaredWestonWatkinsLoss",
    "TemplateLoss",
    "VSLoss",
    "Watch",
    "WestonWatkinsLoss",
    "functional",
    "is_looking",
    "watch",
]


def __getattr__(name: str) -> Any:
    # The estimator and the watch need scikit-learn, which losses and optimizers do not.
    if name == "NetworkClassifier":
        from marginscope.torch.network_classifier import NetworkClassifier

        return NetworkClassifier
    if name in ("Watch", "watch"):
        from marginscope.torch import watching

        return getattr(watching, name)
    if name == "is_looking":
        from marginscope.torch.quiet_look import is_looking

        return is_looking
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
