"""Write the tables of docs/torch.md and the type stubs of the losses: python docs/make_torch_page.py [--check]."""

from __future__ import annotations

import json
import re
import runpy
import sys
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

import marginscope.torch
from marginscope.losses import TEMPLATES, Template
from marginscope.torch import ClassCountLoss, ClassMarginLoss, TemplateLoss, loss_modules
from marginscope.torch.class_vectors import FIELD_OF
from marginscope.torch.faces import function_signature, module_signature

PAGE = Path(__file__).with_name("torch.md")
STUBS = Path(loss_modules.__file__).parent
LOSSES_PAGE = runpy.run_path(str(PAGE.with_name("make_losses_page.py")))
formula_of, table = LOSSES_PAGE["formula"], LOSSES_PAGE["table"]
COUNTS = (60, 20, 6)
MARGINS = (1.0, 1.5, 2.5)


def files() -> dict[Path, str]:
    """Return every file that is written, and its text."""
    stubs = {STUBS / "functional.pyi": functions(), STUBS / "loss_modules.pyi": modules()}
    return {**stubs, PAGE: page()}


def functions() -> str:
    """Return the stub of the functions."""
    head = (
        "from collections.abc import Callable\nfrom typing import Any\n\nfrom torch import Tensor\n\n"
        "from marginscope.torch.class_vectors import PerClass\nfrom marginscope.torch.reductions import Reduction\n"
        "from marginscope.torch.template_loss import template_loss as template_loss\n"
    )
    made = [f"def {one.name}{written(function_signature(one))}" for one in TEMPLATES]
    return "\n".join([head, *made]) + "\n"


def modules() -> str:
    """Return the stub of the modules."""
    head = (
        "from collections.abc import Callable\nfrom typing import Any\n\n"
        "from marginscope.losses import Template\nfrom marginscope.torch.class_vectors import PerClass\n"
        "from marginscope.torch.loss_module import TemplateLoss\nfrom marginscope.torch.reductions import Reduction\n\n"
        "def name_of(template: Template) -> str: ...\n"
    )
    made = [
        f"class {loss_modules.name_of(one)}(TemplateLoss):\n"
        f"    def __init__{written(module_signature(one), first='self', indent='    ')}\n"
        for one in TEMPLATES
    ]
    return "\n".join([head, *made])


def written(signature: Signature, first: str = "", indent: str = "") -> str:
    """Return a signature as a stub has it, one parameter a line."""
    parts = [first] if first else []
    for one in signature.parameters.values():
        if one.kind is one.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        parts.append(f"{one.name}: {one.annotation}{default(one)}")
    lines = "".join(f"{indent}    {part},\n" for part in parts)
    return f"(\n{lines}{indent}) -> {signature.return_annotation}: ..."


def default(one: Parameter) -> str:
    """Return a default as it is written; that of a function cannot be."""
    if one.default is one.empty:
        return ""
    is_plain = one.default is None or isinstance(one.default, str | int | float)
    return " = " + (
        json.dumps(one.default) if isinstance(one.default, str) else repr(one.default) if is_plain else "..."
    )


def page() -> str:
    """Return the page with its tables renewed; what stands between them is written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    for name, rows in {"losses": losses(), "adjustments": adjustments()}.items():
        before, rest = text.split(f"<!-- {name}: written by docs/make_torch_page.py -->\n")
        after = rest.split(f"<!-- end of {name} -->")[1]
        text = f"{before}<!-- {name}: written by docs/make_torch_page.py -->\n{rows}<!-- end of {name} -->{after}"
    return text


def losses() -> str:
    """Return the table of functions and modules."""
    rows = [
        (f"`functional.{one.name}`", f"`{loss_modules.name_of(one)}`", f"`{formula_of(one)}`", parameters(one))
        for one in TEMPLATES
    ]
    return str(table(("function", "module", "psi", "parameters"), rows))


def parameters(one: Template) -> str:
    """Return the parameters of a template with their defaults; functions have none worth reading."""
    shared = set(module_signature(TEMPLATES[0]).parameters)
    own = [p for p in module_signature(one).parameters.values() if p.name not in shared]
    return ", ".join(f"`{p.name}={p.default:g}`" if isinstance(p.default, float) else f"`{p.name}`" for p in own)


def adjustments() -> str:
    """Return the table of the adjusted losses and what each of them moves."""
    rows = []
    for name in marginscope.torch.__all__:
        kind: Any = getattr(marginscope.torch, name)
        if not is_adjusted(kind):
            continue
        made: TemplateLoss = kind(MARGINS) if kind is ClassMarginLoss else kind(COUNTS)
        title, formula = (part.strip().replace("``", "`") for part in (kind.__doc__ or "").split("\n\n")[:2])
        given = ", ".join(f"`{key}`" for key in FIELD_OF if getattr(made, key) is not None)
        effects = made.effects
        moved = (effects.path, effects.ridge_optimum, effects.max_margin_limit)
        what = f"{title} `{re.sub(r' +', ' ', formula)}`"
        rows.append((f"`{name}`", what, given, *("yes" if one else "no" for one in moved)))
    head = ("module", "what it is", "keywords", "path", "optimum at fixed ridge", "max-margin limit")
    return str(table(head, rows))


def is_adjusted(kind: Any) -> bool:
    """Return whether it is a loss made from counts or margins, and not what those share."""
    is_one = isinstance(kind, type) and issubclass(kind, ClassCountLoss | ClassMarginLoss)
    return is_one and kind is not ClassCountLoss


if __name__ == "__main__":
    stale = [path for path, text in files().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        sys.exit(f"run python docs/make_torch_page.py: {', '.join(one.name for one in stale)}" if stale else 0)
    for path in stale:
        path.write_text(files()[path], encoding="utf-8")
