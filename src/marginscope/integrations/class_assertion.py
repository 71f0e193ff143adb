"""A test that fails where a model has not learned a class, and says why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from marginscope.diagnosis.diagnose import diagnose
from marginscope.diagnosis.result import Diagnosis
from marginscope.exceptions import UsageError
from marginscope.findings import ClassDiagnosis, Verdict
from marginscope.integrations.class_words import class_words

__all__ = ["assert_classes_learned"]

# What tells a verdict without a refit; causes are looked for only where a class fails.
_QUICK = ("class-absent", "few-rows")
_MOST_CLASSES = 5


def assert_classes_learned(
    model: Any,
    X: Any,
    y: Any,
    *,
    classes: Iterable[Any] | None = None,
    least_recall: float | None = None,
    allow: Iterable[Any] = (),
    strict: bool = False,
    thorough: bool = False,
    **options: Any,
) -> None:
    """Assert that a model has learned its classes; for use in a test.

    A class fails that is unlearned, weak or absent; a rare class that is learned passes.
    The checks that refit are run only where some class fails, to name the cause.

    Parameters
    ----------
    model, X, y : object
        As for ``diagnose``.
    classes : iterable of labels, optional
        The classes that must be learned; default all.
    least_recall : float, optional
        A class fails too whose recall is below, its whole 95 % interval included.
    allow : iterable of str or labels
        Classes that may fail, and causes (slugs) for which any class may.
    strict : bool
        Whether a class fails that too few rows leave undecided.
    thorough : bool
        Whether all checks are run at once, so that a class is weak too that
        is passable but that some intervention lifts.
    **options
        Of ``diagnose``: ``X_test``, ``y_test``, ``cv``, ``budget``, ``rng``.

    Raises
    ------
    AssertionError
        With every failing class, its recall, cause and remedy, and the next command.
    UsageError
        If a class of ``classes`` or ``allow`` is unknown.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> assert_classes_learned(LogisticRegression(max_iter=300), X, y, least_recall=0.8)
    """
    __tracebackhide__ = True
    if least_recall is not None and not 0 <= least_recall <= 1:
        raise UsageError(f"least_recall is a share between 0 and 1, but got {least_recall!r}; pass e.g. 0.8")
    names = None if classes is None else [str(one) for one in classes]
    diagnosis = diagnose(model, X, y, checks=None if thorough else _QUICK, **options)
    allowed = _allowed(allow, diagnosis.labels)
    failing = [
        one
        for one in _asked(diagnosis, names)
        if _fails(one, least_recall, strict) and not {one.label, one.cause} & allowed
    ]
    if failing and not thorough:
        diagnosis = diagnose(model, X, y, **options)
        failing = [one for one in (diagnosis[bad.label] for bad in failing) if one.cause not in allowed]
    if failing:
        raise AssertionError(_paragraph(diagnosis, failing, least_recall))


def _allowed(allow: Iterable[Any], labels: Collection[str]) -> set[str | None]:
    from marginscope.diagnosis.checks import CHECKS

    found: set[str | None] = {allow} if isinstance(allow, str) else {str(one) for one in allow}
    slugs = {check.slug for check in CHECKS}
    for one in found - set(labels) - slugs:
        raise UsageError(f"allow needs labels or causes, but {one!r} is neither; causes are {', '.join(sorted(slugs))}")
    return found


def _asked(diagnosis: Diagnosis, names: list[str] | None) -> list[ClassDiagnosis]:
    if names is None:
        return list(diagnosis.classes)
    try:
        return [diagnosis[name] for name in names]
    except KeyError as error:
        raise UsageError(f"classes must be labels of the data, but there is {error.args[0]}") from error


def _fails(one: ClassDiagnosis, least_recall: float | None, strict: bool) -> bool:
    if one.verdict is Verdict.UNDECIDED:
        return strict
    if one.verdict is not Verdict.HEALTHY:
        return True
    if least_recall is None or one.recall is None or one.recall_interval is None or one.recall >= least_recall:
        return False
    # The interval reaches the bound: too few rows to say.
    return strict or one.recall_interval[1] < least_recall


def _paragraph(diagnosis: Diagnosis, failing: list[ClassDiagnosis], least_recall: float | None) -> str:
    n = len(diagnosis.classes)
    many = f"{len(failing)} of {n} classes {'is' if len(failing) == 1 else 'are'} not learned"
    told = "; ".join(_one(diagnosis, one, least_recall) for one in failing[:_MOST_CLASSES])
    left = len(failing) - _MOST_CLASSES
    more = f"; and {left} more" if left > 0 else ""
    first = failing[0]
    command = f"marginscope explain {first.cause}; " if first.cause else ""
    return (
        f"{many} by {diagnosis.model.kind} on {diagnosis.data.rows} rows: {told}{more}. {diagnosis.recall_note} "
        f"To go on: {command}marginscope.diagnose(model, X, y).remedy({first.label!r:.80}) tries the remedies."
    )


def _one(diagnosis: Diagnosis, one: ClassDiagnosis, least_recall: float | None) -> str:
    text = class_words(one)
    if one.verdict is Verdict.HEALTHY and least_recall is not None:
        text += f", but a recall of {least_recall:g} is asked for"
    if one.cause is None:
        return text
    finding = diagnosis.finding(one.cause)
    if finding.remedies:
        return f"{text}; remedies: {', '.join(finding.remedies)}"
    return f"{text}; {finding.advice[0].lower()}{finding.advice[1:].rstrip('.')}" if finding.advice else text
