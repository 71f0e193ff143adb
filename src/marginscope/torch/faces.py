"""What the function and the module of a template say of themselves: signature and docstring.

Both are put together from the template's own docstring, fields and facts, so that a new line
in ``losses.TEMPLATES`` is all that a loss needs to be had in torch.
"""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from inspect import Parameter, Signature
from typing import Any

from marginscope.losses import Template

__all__ = ["function_docstring", "function_signature", "module_docstring", "module_signature"]

_LIMITS = {
    "hard_margin": "the largest margin",
    "other": "a direction other than that of the largest margin",
    "none": "no direction, the scores stay bounded",
    None: "an unknown direction",
}

_LETTERS = """\
u_j are the relative margins v_y - v_j of the K - 1 rivals, S = sum_j exp(-u_j), and q is minus the
gradient in u."""

_TENSORS = """\
input : Tensor of shape (K,), (N, K) or (N, K, d1, ...)
    Scores v, not probabilities. Computed in single precision at least: half precision
    is raised, under autocast too, and so is the result. A score of minus infinity takes a
    class out of the rivals.
target : Tensor
    Class numbers, integers in the shape of ``input`` without its class axis; or
    probabilities t, floats in the shape of ``input``, for the expected loss
    sum_k t_k omega_k psi_k."""

_ADJUSTMENT = """\
weight : (K,), optional
    omega_y, the factor on the loss of class y. Changes the path and the optimum at a
    fixed ridge, not the direction of the max-margin limit.
class_margins : (K,), optional
    m_y, positive: the margin of class y that counts as 1. Changes the limit too.
class_scales : (K,), optional
    D_k, positive: factors on the scores in training (CDT, VS-loss); predict from the scores
    without them. Unequal ones change the limit too.
shifts : (K,), optional
    i_k, added to the scores in training (logit adjustment). Path and ridge optimum.
own_shifts : (K,), optional
    c_y, subtracted from the score of the true class (LDAM). Path and ridge optimum; it keeps
    its meaning in the limit only where scores are bounded, as cosines are.
ignore_index : int
    Rows of this class number count nowhere. Not with probabilities.
reduction : {"mean", "mean_over_rows", "sum", "none"}
    ``"mean"`` divides by the weights of the rows, as torch does (by the number of rows for
    probabilities); ``"mean_over_rows"`` by the number of rows that are not ignored. With
    neither weights nor ignored rows they are the same. A mean over nothing is NaN with a
    zero gradient; ``"sum"`` is 0 there. With weights and data parallel, where gradients are
    averaged over processes, only ``"mean_over_rows"`` gives the gradient of one process (for
    equal numbers of rows)."""

_FORMULA = """\
    u_j = (D_y v_y + i_y - c_y - D_j v_j - i_j) / m_y,    loss = omega_y psi(u)

What is left out changes nothing: m, D and omega are 1 and i and c are 0."""

_MEMORY = """\
Class numbers need memory for N K numbers. Probabilities need N K^2, except that functions
of S alone without class margins, such as cross-entropy, need N K."""

_REFERENCES = """\
Wang and Scott 2024, Unified binary and multiclass margin-based classification (JMLR 25), for
losses as templates of relative margins; `marginscope.losses.adjust` names the adjustments'
sources."""

_KEYWORDS = {
    "weight": (None, "PerClass"),
    "class_margins": (None, "PerClass"),
    "class_scales": (None, "PerClass"),
    "shifts": (None, "PerClass"),
    "own_shifts": (None, "PerClass"),
    "ignore_index": (-100, "int"),
    "reduction": ("mean", "Reduction"),
}


def function_signature(template: Template) -> Signature:
    """Return (input, target, *, parameters of the template, adjustment, ...)."""
    tensors = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, annotation="Tensor") for name in ("input", "target")]
    return Signature([*tensors, *_keywords(template)], return_annotation="Tensor")


def module_signature(template: Template) -> Signature:
    """Return (*, parameters of the template, adjustment, ...)."""
    return Signature(_keywords(template), return_annotation="None")


def function_docstring(template: Template) -> str:
    """Return the text of the function of a template."""
    title, formula, parameters = _described(template)
    sections = {
        "Parameters": "\n".join(one for one in (_TENSORS, parameters, _ADJUSTMENT) if one),
        "Returns": 'Tensor\n    A scalar; with ``"none"`` one number for each target.',
        "Raises": (
            "DataError\n    If shapes, types or class numbers do not fit each other.\n"
            "UsageError\n    If an option is unknown or of another sign."
        ),
    }
    return _text(title, formula, sections, template)


def module_docstring(template: Template) -> str:
    """Return the text of the module of a template."""
    title, formula, parameters = _described(template)
    sections = {
        "Parameters": f"{parameters}\n{_ADJUSTMENT}".strip(),
        "Attributes": (
            "weight, class_margins, class_scales, shifts, own_shifts : Tensor or None\n"
            "    Buffers. They follow the device of the module and keep double precision."
        ),
        "See Also": f"marginscope.torch.functional.{template.name} : the same function, and what it takes.",
    }
    return _text(title, formula, sections, template)


def _keywords(template: Template) -> list[Parameter]:
    own: Any = template
    known = [(one.name, (getattr(own, one.name), one.type)) for one in dataclasses.fields(own)]
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (default, kind) in [*known, *_KEYWORDS.items()]
    ]


def _described(template: Template) -> tuple[str, str, str]:
    """Return first line, formula and parameters of the docstring of a template's class."""
    title, _, rest = inspect.cleandoc(type(template).__doc__ or type(template).__name__).partition("\n")
    formula, _, parameters = rest.partition("Parameters\n----------\n")
    return title, formula.strip(), parameters.strip()


def _text(title: str, formula: str, sections: dict[str, str], template: Template) -> str:
    facts = template.facts
    reason = facts.limit_reason or "nothing is known about it"
    way = f"Gradient descent on separable data with linear scores goes to {_LIMITS[facts.limit]}: {reason}."
    notes = f"{_FORMULA}\n\n{textwrap.fill(way, 92)}\n\n{_MEMORY}"
    sections = {**sections, "Notes": notes, "References": _REFERENCES}
    body = "\n\n".join(f"{name}\n{'-' * len(name)}\n{text}" for name, text in sections.items())
    return "\n\n".join([title, *([formula] if formula else []), _LETTERS, body]) + "\n"
