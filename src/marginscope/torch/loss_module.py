"""The module of a loss: a template, its adjustment as buffers, and what to do with the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from marginscope import losses
from marginscope._validation import look_up
from marginscope.exceptions import UsageError
from marginscope.losses import Template
from marginscope.losses.adjust import Adjustment, Effects
from marginscope.torch.class_vectors import FIELD_OF, PerClass, as_class_vector
from marginscope.torch.reductions import REDUCTIONS, Reduction
from marginscope.torch.template_loss import IGNORED, template_loss

__all__ = ["TemplateLoss"]


class TemplateLoss(nn.Module):
    """Any template, one of your own too, with class-dependent numbers.

        u_j = (D_y v_y + i_y - c_y - D_j v_j - i_j) / m_y,    loss = omega_y psi(u)

    The class-dependent numbers are buffers: they follow the device of the module and are
    saved in its state. They keep double precision whatever the module is cast to, and are
    rounded to the type of the scores in each call.

    Parameters
    ----------
    loss : str or Template
        A name of `marginscope.losses.names`, or a template.
    weight, class_margins, class_scales, shifts, own_shifts : (n_classes,), optional
        See `marginscope.torch.functional.cross_entropy`.
    ignore_index, reduction
        See there.
    **parameters
        Of the template, such as ``gamma`` of ``"focal"``.

    Attributes
    ----------
    template : Template
    effects : Effects
        What the adjustment changes: the path, the ridge optimum, the max-margin limit.

    Raises
    ------
    UsageError
        If a name is unknown, or class-dependent numbers are of another sign or length.

    Examples
    --------
    >>> import torch
    >>> loss = TemplateLoss("focal", gamma=1.0, shifts=[0.0, 0.5])
    >>> loss(torch.zeros(4, 2), torch.tensor([0, 0, 1, 1])).item()
    0.392...
    >>> loss.effects
    Effects(path=True, ridge_optimum=True, max_margin_limit=False)
    """

    def __init__(
        self,
        loss: str | Template = "cross_entropy",
        *,
        weight: PerClass = None,
        class_margins: PerClass = None,
        class_scales: PerClass = None,
        shifts: PerClass = None,
        own_shifts: PerClass = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        super().__init__()
        look_up("reduction", reduction, REDUCTIONS)
        self.template = losses.get(loss, **parameters)
        self.ignore_index, self.reduction = ignore_index, reduction
        given = {
            "weight": weight,
            "class_margins": class_margins,
            "class_scales": class_scales,
            "shifts": shifts,
            "own_shifts": own_shifts,
        }
        for name, one in given.items():
            vector = None if one is None else as_class_vector(name, one)
            # a tensor is checked too: it is read once
            exact = None if vector is None else as_class_vector(name, vector.detach().cpu().double().numpy())
            self.register_buffer(name, None if vector is None or exact is None else exact.to(vector.device))
        self._check_lengths()

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss; see `marginscope.torch.functional.cross_entropy` for the shapes."""
        vectors: dict[str, Any] = {name: self._buffers[name] for name in FIELD_OF}
        reduction: Any = self.reduction
        return template_loss(
            self.template, input, target, ignore_index=self.ignore_index, reduction=reduction, **vectors
        )

    @property
    def effects(self) -> Effects:
        given = {FIELD_OF[name]: one for name, one in self._given().items()}
        weights = given.pop("class_weights", None)
        # a weight of zero drops rows, as a sample weight does
        return Adjustment(**given, sample_weights=weights).effects

    def extra_repr(self) -> str:
        parts = [repr(self.template), *self._given()]
        if self.ignore_index != IGNORED:
            parts.append(f"ignore_index={self.ignore_index}")
        return ", ".join([*parts, f"reduction={self.reduction!r}"])

    def _given(self) -> dict[str, Any]:
        """Return the class vectors that are there, as arrays."""
        buffers = {name: self._buffers[name] for name in FIELD_OF}
        return {name: one.cpu().numpy() for name, one in buffers.items() if one is not None}

    def _check_lengths(self) -> None:
        lengths = {name: len(one) for name, one in self._given().items()}
        if len(set(lengths.values())) > 1:
            raise UsageError(f"one number per class is needed, but got {lengths}; give all the same length")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TemplateLoss:
        kept, self._buffers = self._buffers, {}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._buffers = {name: None if one is None else _moved_as(fn, one) for name, one in kept.items()}
        return self


def _moved_as(fn: Callable[[Tensor], Tensor], buffer: Tensor) -> Tensor:
    """Move as ``fn`` moves an empty tensor, without a change of type that it makes."""
    device = fn(torch.empty(0, device=buffer.device)).device
    if device == buffer.device:
        return buffer
    if buffer.is_meta:
        return torch.empty_like(buffer, device=device)
    # Apple's graphics devices have no double precision
    dtype = torch.float32 if device.type == "mps" and buffer.is_floating_point() else buffer.dtype
    return buffer.to(device=device, dtype=dtype)
