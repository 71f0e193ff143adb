"""Every template as a function of torch scores and targets.

Made from ``losses.TEMPLATES``: a template of that tuple is a function here, by its name.

>>> import torch
>>> from marginscope.torch import functional as F
>>> scores, target = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]), torch.tensor([0, 2])
>>> F.weston_watkins(scores, target, reduction="none")
tensor([0., 2.])
>>> F.weston_watkins(scores, target, weight=[1.0, 1.0, 3.0])  # divided by 4, the weights of the rows
tensor(1.5000)
>>> F.weston_watkins(scores, target, weight=[1.0, 1.0, 3.0], reduction="mean_over_rows")  # by 2, the rows
tensor(3.)

``functional.pyi`` beside this file is for type checkers; ``docs/make_torch_page.py`` writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from marginscope.losses import TEMPLATES, Template, names
from marginscope.torch.faces import function_docstring, function_signature
from marginscope.torch.template_loss import template_loss

__all__ = ["template_loss"]
__all__ += names()


def _function(template: Template) -> Callable[..., Tensor]:
    def loss(input: Tensor, target: Tensor, **options: Any) -> Tensor:
        return template_loss(template, input, target, **options)

    loss.__name__ = loss.__qualname__ = template.name
    loss.__doc__ = function_docstring(template)
    loss.__signature__ = function_signature(template)  # type: ignore[attr-defined]
    return loss


globals().update({template.name: _function(template) for template in TEMPLATES})
