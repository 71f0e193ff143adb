"""Which package may import which: every file of ``src`` is parsed and held against one table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = "marginscope"

# A package may import those with a lower number, and itself.
LEVELS = {
    "geometry": 0,
    "findings": 0,
    "_display": 0,
    "certificates": 1,
    "losses": 2,
    "objectives": 3,
    "batches": 3,
    "solvers": 4,
    "fitting": 4,
    "descent": 4,
    "limits": 5,
    "estimators": 6,
    "adapters": 6,
    "inference": 6,
    "tables": 6,
    "remedies": 7,
    "diagnosis": 8,
    "torch": 9,
    "reports": 9,
    "experiments": 10,
    "sweeps": 10,
    "integrations": 10,
    "cli": 11,
    "playground": 11,
    "__main__": 12,
}
FREE = {"_validation", "exceptions", "runs", "distributed"}
SAME_LEVEL = {("adapters", "tables"), ("adapters", "estimators"), ("batches", "objectives"), ("inference", "adapters")}
# What adapters load by name, once a model of that kind has come.
NETWORKS_BY_NAME = {
    ("adapters.open_model", "torch.model_view"),
    ("adapters.keras_part", "torch.keras_module"),
}
# Result types: all that a report may know.
REPORTABLE = ("findings", "_display", "diagnosis.result", "remedies.ledger")
EXACT_SOLVERS = tuple(
    f"solvers.{name}"
    for name in (
        "frobenius",
        "interior_point",
        "least_norm",
        "polyhedral",
        "schatten",
        "ball_interior_point",
        "ball_problem",
        "ball_descent",
        "polyhedral_balls",
        "schatten_balls",
        "vertex",
    )
)
# Where a third-party package may be imported; an empty tuple is nowhere.
THIRD_PARTY = {
    "torch": ("torch",),
    "dask": ("distributed",),
    "distributed": ("distributed",),
    "matplotlib": ("reports", "experiments"),
    "jinja2": ("reports", "experiments"),
    "typer": ("cli",),
    "rich": ("cli",),
    "click": (),
    "skore": ("integrations",),
    "mlflow": ("integrations",),
}
FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "misc", "common", "manager", "managers"}
MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 70


@dataclass(frozen=True)
class Import:
    """One imported name, absolute, and where it is written."""

    module: str
    name: str
    line: int
    is_by_name: bool = False


def test_every_import_goes_down() -> None:
    assert violations(SOURCE) == []


def test_files_and_functions_stay_small() -> None:
    assert oversize(SOURCE) == []


def test_no_file_is_named_after_a_layer() -> None:
    assert badly_named(SOURCE) == []


def test_the_table_knows_every_package() -> None:
    found = {one.stem if one.is_file() else one.name for one in (SOURCE / PACKAGE).iterdir() if _is_code(one)}
    assert found - set(LEVELS) - FREE - {"__init__"} == set()


def _is_code(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))


def violations(source: Path) -> list[str]:
    """Return one sentence per import that the table forbids."""
    found = []
    for path in sorted((source / PACKAGE).rglob("*.py")):
        module = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        is_package = path.name == "__init__.py"
        for one in imports_of(ast.parse(path.read_text(encoding="utf-8")), module, is_package):
            reason = _forbidden(module, one, source)
            if reason:
                found.append(f"{module}:{one.line} imports {one.module} ({reason})")
    return found


def imports_of(tree: ast.AST, module: str, is_package: bool) -> Iterator[Import]:
    """Yield every import at any depth: plain, relative, ``importlib`` and ``__import__``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            anchor = parts[: len(parts) - node.level + is_package] if node.level else []
            target = ".".join([*anchor, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(target, alias.name, node.lineno)
        elif isinstance(node, ast.Call) and _imports_by_name(node.func) and node.args:
            yield Import(_leading_text(node.args[0]), "", node.lineno, is_by_name=True)


def _imports_by_name(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("import_module", "__import__", "find_spec", "load_module")


def _leading_text(node: ast.expr) -> str:
    """Return a constant string, the constant start of an f-string, or ``?`` where it is computed."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return node.value.rstrip(".") if isinstance(node, ast.Constant) and isinstance(node.value, str) else "?"


def _forbidden(module: str, one: Import, source: Path) -> str:
    """Return why an import is forbidden, or an empty text."""
    importer = module.split(".")[1:] or ["__init__"]
    if one.module == "?":
        return "" if importer == ["_display"] else "the name is computed, so nobody can tell what is imported"
    top = one.module.split(".")[0]
    if top != PACKAGE:
        return _third_party(importer[0], top)
    target = _target(one, source)
    if target == ["__init__"]:
        return "" if one.name == "__version__" or importer[0] == "cli" else "the lazy package hides what is imported"
    if importer == ["_display"] and one.is_by_name and target[0] == "reports":
        return ""
    if one.is_by_name and (".".join(importer), ".".join(target)) in NETWORKS_BY_NAME:
        return ""
    return _upward(".".join(importer), ".".join(target))


def _third_party(importer: str, top: str) -> str:
    if top in THIRD_PARTY and importer not in THIRD_PARTY[top]:
        return f"only {', '.join(THIRD_PARTY[top]) or 'nobody'} may"
    return ""


def _target(one: Import, source: Path) -> list[str]:
    """Return the path inside the package of what is imported; a name of a module counts as the module."""
    parts = one.module.split(".")[1:]
    if one.name:
        whole = source.joinpath(PACKAGE, *parts, one.name)
        if whole.is_dir() or whole.with_suffix(".py").is_file():
            return [*parts, one.name]
    return parts or ["__init__"]


def _upward(importer: str, target: str) -> str:
    own, other = importer.split(".")[0], target.split(".")[0]
    if own == other:
        return ""
    if own in FREE:
        return "" if other in FREE else f"{own} is free to all and knows nobody"
    if other in FREE:
        return ""
    if own == "__init__":
        return "the package itself loads lazily"
    if own not in LEVELS or other not in LEVELS:
        return f"{own if own not in LEVELS else other} is not in the table of levels"
    if importer.startswith("diagnosis.checks") and other == "remedies":
        return "checks name remedies by slug"
    if own == "reports" and not _is_within(target, REPORTABLE):
        return "reports know result types only"
    if importer in EXACT_SOLVERS and other == "losses":
        return "the exact solvers know no loss"
    if LEVELS[other] < LEVELS[own] or (own, other) in SAME_LEVEL:
        return ""
    return f"level {LEVELS[own]} may not import level {LEVELS[other]}"


def _is_within(target: str, allowed: tuple[str, ...]) -> bool:
    return any(target == one or target.startswith(one + ".") for one in allowed)


def oversize(source: Path) -> list[str]:
    """Return the files and functions that no longer fit the house rule."""
    found = []
    for path in sorted((source / PACKAGE).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if (lines := len(text.splitlines())) > MOST_FILE_LINES:
            found.append(f"{path.name} has {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
                if lines > MOST_FUNCTION_LINES:
                    found.append(f"{path.name}: {node.name} has {lines} lines")
    return found


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def badly_named(source: Path) -> list[str]:
    """Return modules and packages whose name says nothing."""
    return [str(one) for one in sorted((source / PACKAGE).rglob("*")) if one.stem.strip("_") in FORBIDDEN_NAMES]


# The test of the test: each small tree breaks one rule.


def _tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / PACKAGE / (name.replace("__in__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    return root


BAD = {
    "plain upward": ("geometry__in__norms", "import marginscope.solvers.frobenius"),
    "hidden in a function": ("geometry__in__norms", "def f():\n    from marginscope.cli import main\n    return main"),
    "relative": ("certificates__in__margin", "from ..solvers import frobenius"),
    "relative, bare": ("certificates__in__margin", "from .. import solvers"),
    "under type checking": ("findings", "if TYPE_CHECKING:\n    from marginscope.diagnosis.result import Diagnosis"),
    "importlib": ("tables__in__read", "import importlib\nimportlib.import_module('marginscope.diagnosis')"),
    "imported import_module": (
        "tables__in__read",
        "from importlib import import_module\nimport_module('marginscope.cli')",
    ),
    "dunder import": ("tables__in__read", "__import__('marginscope.reports')"),
    "f-string": ("tables__in__read", "import importlib\nimportlib.import_module(f'marginscope.reports.{x}')"),
    "computed name": ("tables__in__read", "import importlib\nimportlib.import_module(name)"),
    "through the package": ("tables__in__read", "from marginscope import diagnose"),
    "same level": ("descent__in__run", "from marginscope.solvers.frobenius import solve"),
    "tables to adapters": ("tables__in__read", "from marginscope.adapters import model"),
    "check to remedy": ("diagnosis__in__checks__in__imbalance", "from marginscope.remedies.ledger import Change"),
    "report to engine": ("reports__in__page", "from marginscope.diagnosis.diagnose import diagnose"),
    "free module": ("exceptions", "from marginscope.findings import Finding"),
    "networks, not by name": ("adapters__in__open_model", "from marginscope.torch import model_view"),
    "networks from elsewhere": ("adapters__in__m", "import importlib\nimportlib.import_module('marginscope.torch.m')"),
    "display, not by name": ("_display", "from marginscope.reports import page"),
    "torch elsewhere": ("adapters__in__net", "def f():\n    import torch.nn"),
    "matplotlib elsewhere": ("diagnosis__in__plot", "from matplotlib import pyplot"),
    "click anywhere": ("cli__in__main", "import click"),
    "rich in the engine": ("diagnosis__in__show", "from rich.table import Table"),
    "unknown package": ("novelty__in__thing", "import marginscope.findings"),
}


@pytest.mark.parametrize(("name", "text"), BAD.values(), ids=BAD.keys())
def test_a_bad_tree_is_caught(tmp_path: Path, name: str, text: str) -> None:
    root = _tree(tmp_path, **{name: text, "solvers__in__frobenius": "", "cli__in__main_": ""})
    assert len(violations(root)) == 1


GOOD = {
    "downward": (
        "diagnosis__in__engine",
        "from marginscope.remedies.ledger import Change\nimport marginscope.findings",
    ),
    "own package": ("tables__in__read", "from .types import Dataset\nfrom marginscope.tables import types"),
    "adapters to tables": ("adapters__in__model", "def f():\n    from marginscope.tables.types import Dataset"),
    "report to results": ("reports__in__page", "from marginscope.diagnosis.result import Diagnosis\nimport jinja2"),
    "the one upward route": ("_display", "import importlib\nimportlib.import_module(f'marginscope.reports.{x}')"),
    "networks on request": (
        "adapters__in__open_model",
        "import importlib\nimportlib.import_module('marginscope.torch.model_view')",
    ),
    "the version": ("reports__in__page", "from marginscope import __version__"),
    "free to all": (
        "geometry__in__norms",
        "from marginscope.exceptions import DataError\nfrom marginscope import runs",
    ),
}


@pytest.mark.parametrize(("name", "text"), GOOD.values(), ids=GOOD.keys())
def test_a_good_tree_passes(tmp_path: Path, name: str, text: str) -> None:
    root = _tree(tmp_path, **{name: text, "tables__in__types": "", "runs": "", "torch__in__model_view": ""})
    assert violations(root) == []


def test_large_files_functions_and_empty_names_are_caught(tmp_path: Path) -> None:
    long_function = "def f():\n" + "    x = 1\n" * MOST_FUNCTION_LINES
    root = _tree(tmp_path, cli__in__long=long_function, cli__in__utils="", tables__in__huge="x = 1\n" * 401)
    assert oversize(root) == ["long.py: f has 71 lines", "huge.py has 401 lines"]
    assert [Path(one).name for one in badly_named(root)] == ["utils.py"]
