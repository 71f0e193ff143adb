"""Functions and modules are made from the registry: names, signatures, docstrings, stubs; and torch stays optional."""

import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import marginscope.torch as mt
from marginscope import losses
from marginscope.exceptions import UsageError
from marginscope.losses import TEMPLATES
from marginscope.losses.adjust import Adjustment
from marginscope.torch import functional, loss_modules
from marginscope.torch.faces import function_docstring, function_signature
from marginscope.torch.loss_modules import name_of
from marginscope.torch.reductions import REDUCTIONS

DOCS = Path(__file__).parents[2] / "docs"
every_template = pytest.mark.parametrize("one", TEMPLATES, ids=losses.names())
SHARED = ["weight", "class_margins", "class_scales", "shifts", "own_shifts", "ignore_index", "reduction"]


@every_template
def test_every_template_has_its_function_and_its_module(one):
    assert one.name in functional.__all__
    assert callable(getattr(functional, one.name))
    assert name_of(one) in loss_modules.__all__
    name = name_of(one)
    line = f'add the line `{name},` to the imports and `"{name}",` to __all__ of src/marginscope/torch/__init__.py'
    assert name in mt.__all__, line


def test_stubs_and_tables_are_up_to_date():
    for path, text in runpy.run_path(str(DOCS / "make_torch_page.py"))["files"]().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python docs/make_torch_page.py"


@every_template
def test_the_signature_names_every_parameter_with_its_default(one):
    own = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    function = inspect.signature(getattr(functional, one.name))
    assert list(function.parameters) == ["input", "target", *own, *SHARED]
    module = inspect.signature(getattr(mt, name_of(one)))
    assert list(module.parameters) == [*own, *SHARED]
    for signature in (function, module):
        kinds = {signature.parameters[name].kind for name in [*own, *SHARED]}
        assert kinds == {inspect.Parameter.KEYWORD_ONLY}
        assert {name: signature.parameters[name].default for name in own} == own


@every_template
def test_the_defaults_of_the_signature_are_those_that_act(one):
    signature = inspect.signature(getattr(functional, one.name))
    defaults = {name: p.default for name, p in signature.parameters.items() if p.default is not p.empty}
    scores, target = torch.tensor([[0.5, 0.0, -1.0], [0.3, 0.2, 0.1]]), torch.tensor([1, -100])
    plain = getattr(functional, one.name)(scores, target)
    assert torch.equal(plain, getattr(functional, one.name)(scores, target, **defaults))
    assert torch.equal(plain, getattr(mt, name_of(one))(**defaults)(scores, target))


@every_template
def test_the_docstring_has_formula_parameters_and_limit(one):
    own = inspect.cleandoc(type(one).__doc__ or "")
    formula = next(line for line in own.splitlines() if line.startswith("psi(u) = "))
    for face in (getattr(functional, one.name), getattr(mt, name_of(one))):
        text = inspect.getdoc(face) or ""
        assert len(text.splitlines()[0]) <= 79
        assert formula in text
        for section in ("Parameters\n----------\n", "Notes\n-----\n", "References\n----------\n"):
            assert section in text
        named = " ".join(line for line in text.splitlines() if " : " in line or line.startswith("reduction"))
        for name in [*(field.name for field in dataclasses.fields(one)), *SHARED]:
            assert name in named, name
        for reduction in REDUCTIONS:
            assert f'"{reduction}"' in text
        assert " ".join(one.facts.limit_reason.split()) in " ".join(text.split())
        assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("name", [name for name in mt.__all__ if name.endswith("Loss")])
def test_every_public_loss_says_its_source_and_what_it_moves(name):
    kind = getattr(mt, name)
    text = inspect.getdoc(kind) or ""
    assert len(text.splitlines()[0]) <= 79
    if kind not in (mt.TemplateLoss, mt.ClassCountLoss):
        assert "References\n" in text
        assert "limit" in text


# What the docstrings say an adjustment changes, held to what NumPy measured
CHANGED = {
    "weight": Adjustment(class_weights=[1.0, 2.0, 3.0]),
    "class_margins": Adjustment(margins=[1.0, 2.0, 3.0]),
    "class_scales": Adjustment(scales=[1.0, 2.0, 3.0]),
    "shifts": Adjustment(shifts=[1.0, 2.0, 3.0]),
    "own_shifts": Adjustment(own_shifts=[1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_the_docstring_says_an_adjustment_moves_is_so(name):
    text = (functional.cross_entropy.__doc__ or "").split(f"\n{name} : ")[1]
    entry = " ".join(text.split("\n    ")[1:]).split("\n")[0]
    effects = CHANGED[name].effects
    assert effects.path
    assert effects.ridge_optimum
    says_limit = "limit too" in " ".join(text.split()[:45])
    assert says_limit == effects.max_margin_limit, entry


class OwnTemplate(losses.Template):
    """A template that is in no list.

    psi(u) = sum_j exp(-b u_j)

    Parameters
    ----------
    b : float
        Rate.
    """

    name = "own"

    def value(self, margins, xp=np):
        return xp.exp(-self.b * margins).sum(-1)


def test_a_new_template_gets_its_faces_from_its_class_alone():
    made = dataclasses.make_dataclass("Own", [("b", "float", 2.0)], bases=(OwnTemplate,), frozen=True)
    made.__doc__ = OwnTemplate.__doc__
    one = made()
    assert list(function_signature(one).parameters)[:3] == ["input", "target", "b"]
    assert function_docstring(one).startswith("A template that is in no list.\n\npsi(u) = sum_j exp(-b u_j)\n")
    assert "b : float\n    Rate." in function_docstring(one)
    face, module = functional._function(one), loss_modules._module(one)
    scores, target = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    assert face(scores, target).item() == pytest.approx(np.exp(-2.0))
    assert face(scores, target, b=3.0).item() == module(b=3.0)(scores, target).item() == pytest.approx(np.exp(-3.0))
    assert module.__name__ == "OwnLoss"
    with pytest.raises(UsageError, match="its parameters are: b"):
        face(scores, target, c=1.0)


MODULES = [
    "class_count_loss",
    "functional",
    "ldam",
    "limit_losses",
    "loss_module",
    "shifted_losses",
    "template_loss",
    "weighted_losses",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_docstrings_run(name):
    assert set(MODULES) <= {one.name for one in pkgutil.iter_modules(mt.__path__)}
    module = importlib.import_module(f"marginscope.torch.{name}")
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0
    assert found.attempted > 0 or name == "class_count_loss"


# Without torch


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_without_torch_one_sentence_names_the_extra():
    code = "import sys; sys.modules['torch'] = None\nimport marginscope.torch"
    last = run(code).stderr.splitlines()[-1]
    assert last == (
        "marginscope.exceptions.MissingExtra: marginscope.torch needs the package torch, which is not installed; "
        "install it with: pip install 'marginscope[torch]'"
    )


def test_an_error_inside_torch_is_not_taken_for_its_absence():
    code = "import sys; sys.modules['torch.nn'] = None\nimport marginscope.torch"
    done = run(code)
    assert done.returncode != 0
    assert "MissingExtra" not in done.stderr


def test_losses_and_their_adjustments_load_no_torch():
    done = run("import sys, marginscope, marginscope.losses.adjust\nmarginscope.losses\nprint('torch' in sys.modules)")
    assert done.stdout.strip() == "False"
