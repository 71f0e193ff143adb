"""Put a sampler of imbalanced-learn in front of the final estimator."""

from __future__ import annotations

from typing import Any

from marginscope.remedies.recipe import CannotAct, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["import_imblearn", "resampled", "resampling_snippet"]


def import_imblearn() -> Any:
    """Return the package, or raise ``CannotAct`` that names the extra."""
    try:
        import imblearn
        import imblearn.over_sampling
        import imblearn.pipeline
        import imblearn.under_sampling
    except ImportError as error:
        raise CannotAct("imbalanced-learn is not installed: pip install 'marginscope[imbalanced]'") from error
    return imblearn


def resampled(situation: Situation, sampler: Any) -> Any:
    """Return the model with ``sampler`` before its last step; it acts on training rows only."""
    need_refit(situation)
    counts = situation.counts[situation.counts > 0]
    if counts.max() <= 1.02 * counts.min():
        raise CannotAct("the classes have equal numbers of rows")
    imblearn = import_imblearn()
    from sklearn.base import clone
    from sklearn.pipeline import Pipeline

    estimator = clone(situation.view.estimator)
    steps = list(estimator.steps) if isinstance(estimator, Pipeline) else [("model", estimator)]
    # A step in front may have made a table of them.
    if situation.features.is_flattened and len(steps) == 1:
        raise CannotAct("the model reads rows with several axes (images, sequences), and samplers read tables only")
    return imblearn.pipeline.Pipeline([*steps[:-1], ("sampler", sampler), steps[-1]])


def resampling_snippet(module: str, call: str) -> str:
    """Return code that puts the sampler before the last step of the model."""
    name = call.partition("(")[0]
    return (
        f"from imblearn.{module} import {name}\n"
        "from imblearn.pipeline import Pipeline\n\n"
        'steps = model.steps if hasattr(model, "steps") else [("model", model)]\n'
        f'model = Pipeline([*steps[:-1], ("sampler", {call}), steps[-1]])\n'
        "model.fit(X, y)"
    )
