"""Python code that makes a model which the user named or never wrote down."""

from __future__ import annotations

from typing import Any

__all__ = ["model_code"]


def model_code(estimator: Any) -> str:
    """Return imports and an expression for a pipeline that starts with a ``Preparation``.

    Its steps keep their names, so that ``set_params`` of a remedy fits; empty for any
    other estimator, which the user has in hand.
    """
    from sklearn.pipeline import Pipeline

    from marginscope.tables.preparation import Preparation

    if not isinstance(estimator, Pipeline) or not isinstance(estimator.steps[0][1], Preparation):
        return ""
    final = estimator.steps[-1][1]
    module = type(final).__module__.partition("._")[0]
    lines = [f"from {module} import {type(final).__name__}", "from sklearn.pipeline import Pipeline"]
    scale = ""
    if estimator.steps[0][1].scale:
        lines.append("from sklearn.preprocessing import StandardScaler")
        scale = '("scale", StandardScaler()), '
    expression = " ".join(repr(final).split())
    lines += ["", f'model = Pipeline([{scale}("model", {expression})])  # numeric X; encode categories first']
    return "\n".join(lines) + "\n"
