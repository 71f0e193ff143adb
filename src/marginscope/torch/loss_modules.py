"""Every template as a module, named after its class: ``Focal`` is ``FocalLoss``.

Made from ``losses.TEMPLATES``. ``loss_modules.pyi`` beside this file is for type checkers;
``docs/make_torch_page.py`` writes it.
"""

from __future__ import annotations

from typing import Any

from marginscope.losses import TEMPLATES, Template
from marginscope.torch.faces import module_docstring, module_signature
from marginscope.torch.loss_module import TemplateLoss


def name_of(template: Template) -> str:
    """Return the name of the module of a template."""
    return f"{type(template).__name__}Loss"


def _module(template: Template) -> type[TemplateLoss]:
    def initialise(self: TemplateLoss, **options: Any) -> None:
        TemplateLoss.__init__(self, template, **options)

    body = {
        "__init__": initialise,
        "__doc__": module_docstring(template),
        "__module__": __name__,
        "__signature__": module_signature(template),
    }
    return type(name_of(template), (TemplateLoss,), body)


__all__ = ["name_of"]
__all__ += [name_of(template) for template in TEMPLATES]
globals().update({name_of(template): _module(template) for template in TEMPLATES})
