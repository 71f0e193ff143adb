"""Python code that makes a model which the user named or never wrote down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from marginscope.adapters.references import dense_preparation
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.preparation_code import preparation_code

__all__ = ["code_on_features", "code_on_text_labels", "joined_code", "model_code"]

_FIT = "model.fit(X, y)"
_WIDTH = 120
_WHOLE = re.compile(r"0|-?[1-9]\d*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def model_code(estimator: Any, features: FeatureMatrix, *, is_file: bool) -> str:
    """Return imports and statements for a pipeline that starts with a ``Preparation``.

    Its last step keeps its name, so that ``set_params`` of a remedy fits; empty for any
    other estimator, which the user has in hand.
    """
    from sklearn.pipeline import Pipeline

    from marginscope.tables.preparation import Preparation

    if not isinstance(estimator, Pipeline) or not isinstance(estimator.steps[0][1], Preparation):
        return ""
    final = estimator.steps[-1][1]
    module = type(final).__module__.partition("._")[0]
    prepare = preparation_code(features, scale=estimator.steps[0][1].scale, is_file=is_file)
    expression = " ".join(repr(final).split())
    made = _pipeline([*prepare.steps, f'("model", {expression})'])
    own = [f"from {module} import {type(final).__name__}", "from sklearn.pipeline import Pipeline"]
    return "\n".join([*own, *prepare.imports, "", *prepare.lines, f"model = {made}"])


def code_on_features(code: str, features: FeatureMatrix, *, is_file: bool) -> str:
    """Return code that fits a model on numbers, so that it reads the user's X."""
    prepare = preparation_code(features, scale=False, is_file=is_file)
    imports, more = _dense_step(features)
    steps = [*prepare.steps, *more]
    if not steps:
        return joined_code("\n".join(prepare.lines), code) if prepare.lines else code
    made = _pipeline([*steps, '("model", model)'])
    wrapped = f"model = {made}\n{_FIT}"
    head = ["from sklearn.pipeline import Pipeline", *prepare.imports, *imports, "", *prepare.lines]
    return joined_code("\n".join(head), code.replace(_FIT, wrapped))


def code_on_text_labels(code: str, labels: Sequence[str]) -> str:
    """Return code that names labels of a file, for a y whose labels pandas reads as numbers."""
    is_named = any(repr(label) in code for label in labels)
    if not is_named or not all(_NUMBER.fullmatch(label) for label in labels):
        return code
    if all(_WHOLE.fullmatch(label) for label in labels):
        return joined_code("y = y.astype(str)  # labels are texts here, as in the file", code)
    return joined_code("# y holds the labels as texts, as in the file: pandas.read_csv(..., dtype={target: str})", code)


def _pipeline(steps: list[str]) -> str:
    line = f"Pipeline([{', '.join(steps)}])"
    return line if len(line) <= _WIDTH else "\n".join(["Pipeline([", *(f"    {one}," for one in steps), "])"])


def _dense_step(features: FeatureMatrix) -> tuple[list[str], list[str]]:
    """Return what the boosted reference does beyond the preparation, as imports and steps."""
    name, step = dense_preparation(features).steps[-1]
    if name == "project":
        return ["from sklearn.decomposition import TruncatedSVD"], [f'("project", {step!r})']
    if not features.is_sparse:
        return [], []
    return (
        [
            "from marginscope.adapters.references import to_dense",
            "from sklearn.preprocessing import FunctionTransformer",
        ],
        ['("dense", FunctionTransformer(to_dense, accept_sparse=True))'],
    )


def joined_code(*parts: str) -> str:
    """Join pieces of code: imports first, one line a module, then a blank line and the rest."""
    lines = [line for part in parts for line in part.splitlines() if line]
    is_import = [line.startswith(("from ", "import ")) for line in lines]
    imports = _merged(line for line, yes in zip(lines, is_import, strict=True) if yes)
    rest = [line for line, yes in zip(lines, is_import, strict=True) if not yes]
    return "\n".join([*imports, "", *rest] if imports else rest)


def _merged(imports: Iterable[str]) -> list[str]:
    """Merge imports from one module; the order stays, since a later name may stand for an earlier one."""
    names: dict[str, list[str]] = {}
    for line in imports:
        module, _, what = line.partition(" import ")
        own = names.setdefault(module, [])
        own += [one for one in what.split(", ") if one and one not in own]
    return [f"{module} import {', '.join(sorted(own))}" if own else module for module, own in names.items()]
