from collections.abc import Callable
from typing import Any

from torch import Tensor

from marginscope.torch.class_vectors import PerClass
from marginscope.torch.reductions import Reduction
from marginscope.torch.template_loss import template_loss as template_loss

def cross_entropy(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def exponential(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def pair_logistic(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def gamma_phi(
    input: Tensor,
    target: Tensor,
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
) -> Tensor: ...
def crammer_singer(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def weston_watkins(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def squared_weston_watkins(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def smooth_weston_watkins(
    input: Tensor,
    target: Tensor,
    *,
    h: float = 1.0,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def sparsemax(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def entmax(
    input: Tensor,
    target: Tensor,
    *,
    alpha: float = 1.5,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def focal(
    input: Tensor,
    target: Tensor,
    *,
    gamma: float = 2.0,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def label_smoothing(
    input: Tensor,
    target: Tensor,
    *,
    eps: float = 0.1,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def polynomial(
    input: Tensor,
    target: Tensor,
    *,
    a: float = 1.0,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def mae(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
def squared_margin(
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor: ...
