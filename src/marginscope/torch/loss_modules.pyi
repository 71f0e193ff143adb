from collections.abc import Callable
from typing import Any

from marginscope.losses import Template
from marginscope.torch.class_vectors import PerClass
from marginscope.torch.loss_module import TemplateLoss
from marginscope.torch.reductions import Reduction

def name_of(template: Template) -> str: ...

class CrossEntropyLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class ExponentialLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class PairLogisticLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class GammaPhiLoss(TemplateLoss):
    def __init__(
        self,
        *,
        g: Callable[[Any, Any], Any] = ...,
        f: Callable[[Any, Any], Any] = ...,
        inner: Callable[[Any, Any], Any] | None = None,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class CrammerSingerLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class WestonWatkinsLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class SquaredWestonWatkinsLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class SmoothWestonWatkinsLoss(TemplateLoss):
    def __init__(
        self,
        *,
        h: float = 1.0,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class SparsemaxLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class EntmaxLoss(TemplateLoss):
    def __init__(
        self,
        *,
        alpha: float = 1.5,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class FocalLoss(TemplateLoss):
    def __init__(
        self,
        *,
        gamma: float = 2.0,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class LabelSmoothingLoss(TemplateLoss):
    def __init__(
        self,
        *,
        eps: float = 0.1,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class PolynomialLoss(TemplateLoss):
    def __init__(
        self,
        *,
        a: float = 1.0,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class MAELoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...

class SquaredMarginLoss(TemplateLoss):
    def __init__(
        self,
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None: ...
