"""Models by name, for the command line."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Any

from marginscope._validation import look_up
from marginscope.exceptions import UsageError

__all__ = ["FRIENDLY", "model_names", "named_model", "parse_value"]

# name on the command line -> class; every other parameter is the class's default
FRIENDLY = {
    "logistic": "LogisticRegression",
    "ridge": "RidgeClassifier",
    "linear-svm": "LinearSVC",
    "svm": "SVC",
    "knn": "KNeighborsClassifier",
    "naive-bayes": "GaussianNB",
    "tree": "DecisionTreeClassifier",
    "forest": "RandomForestClassifier",
    "boosting": "HistGradientBoostingClassifier",
    "mlp": "MLPClassifier",
    "lda": "LinearDiscriminantAnalysis",
    "qda": "QuadraticDiscriminantAnalysis",
}

_WORDS = {"inf": float("inf"), "-inf": float("-inf"), "true": True, "false": False, "none": None, "null": None}


def named_model(name: str, params: Mapping[str, str] | None = None) -> Any:
    """Return an unfitted classifier.

    Parameters
    ----------
    name : str
        A key of ``FRIENDLY``, or the name of any scikit-learn classifier class that
        needs no arguments.
    params : mapping of str to str
        Parameters as text: ``{"C": "1e-5", "class_weight": "balanced"}``.

    Returns
    -------
    estimator

    Raises
    ------
    UsageError
        If the name, a parameter or a value is unknown; near names are offered.
    """
    kind = _class_of(name)
    model = kind()
    known = model.get_params(deep=True)
    values = {}
    for key, text in (params or {}).items():
        look_up(f"parameter of {kind.__name__}", key, known)
        values[key] = parse_value(text)
    model.set_params(**values)
    _check_values(model, values)
    return model


def model_names() -> tuple[str, ...]:
    """Return all names: the friendly ones, then scikit-learn's classes."""
    return (*FRIENDLY, *_classes())


def parse_value(text: str) -> Any:
    """Return the Python value of a literal; any other text stays text, nothing is evaluated."""
    word = text.strip()
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _class_of(name: str) -> Any:
    known = _classes()
    return look_up("model", name, {**{short: known[long] for short, long in FRIENDLY.items()}, **known})


def _classes() -> dict[str, Any]:
    """Return scikit-learn's classifiers that can be made without arguments, by class name."""
    from sklearn.utils import all_estimators

    return {name: kind for name, kind in all_estimators(type_filter="classifier") if not _needs_arguments(kind)}


def _needs_arguments(kind: type) -> bool:
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]  # type: ignore[misc]
    return any(one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD for one in parameters)


def _check_values(model: Any, values: Mapping[str, Any]) -> None:
    """Refuse values that the class itself would refuse, before any data are read."""
    check = getattr(model, "_validate_params", None)
    if check is None:
        return
    try:
        check()
    except ValueError as error:
        raise UsageError(f"{' '.join(str(error).split())}; change it with --param NAME=VALUE") from error
