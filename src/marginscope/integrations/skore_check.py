"""Classes that skore runs; loaded only where skore is installed."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from skore import Check, CheckNotApplicable

from marginscope.adapters.predictions import Predictions
from marginscope.diagnosis.diagnose import diagnose
from marginscope.diagnosis.result import Diagnosis
from marginscope.exceptions import MarginscopeError
from marginscope.findings import ClassDiagnosis, Status, Verdict
from marginscope.integrations.class_words import class_words

__all__ = ["ClassesCheck", "SharedDiagnosis", "SlugCheck"]

_PAGES = "https://github.com/marginscope/marginscope/blob/main"
_TASKS = ("binary-classification", "multiclass-classification")
_MOST_CLASSES = 6


class SharedDiagnosis:
    """One diagnosis per report, made when the first check asks for it.

    It lives as long as the report, and is left out of a pickle.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        self._known: WeakKeyDictionary[Any, Diagnosis | MarginscopeError] = WeakKeyDictionary()

    def of(self, report: Any) -> Diagnosis:
        """Return the diagnosis of a report.

        Raises
        ------
        CheckNotApplicable
            If the report is of no classifier, or its model or data cannot be diagnosed.
        """
        if report.ml_task not in _TASKS:
            raise CheckNotApplicable(f"marginscope diagnoses classifiers; the task of this report is {report.ml_task}.")
        if report not in self._known:
            try:
                self._known[report] = _diagnose(report, self.options)
            except MarginscopeError as error:
                self._known[report] = error
        found = self._known[report]
        if isinstance(found, MarginscopeError):
            raise CheckNotApplicable(str(found))
        return found

    def __getstate__(self) -> dict[str, Any]:
        return self.options

    def __setstate__(self, options: dict[str, Any]) -> None:
        self.__init__(**options)  # type: ignore[misc]


def _diagnose(report: Any, options: dict[str, Any]) -> Diagnosis:
    try:
        if hasattr(report, "split_indices"):
            return diagnose(report.estimator, report.X, report.y, cv=report.split_indices, **options)
        model, X_test, y_test = report.estimator_, report.X_test, report.y_test
        if report.X_train is not None and report.y_train is not None:
            return diagnose(model, report.X_train, report.y_train, X_test=X_test, y_test=y_test, **options)
    except (AttributeError, KeyError) as error:
        raise CheckNotApplicable(f"This report does not show its model and rows ({error!r:.80}).") from error
    # Without training rows the test rows alone are known, and what the model says of them.
    proba = model.predict_proba(X_test) if hasattr(model, "predict_proba") else None
    labels = None if proba is None else model.classes_
    return diagnose(Predictions(model.predict(X_test), proba, labels), X_test, y_test, **options)


class _OfReport(Check):  # type: ignore[misc]
    """What all checks have in common; ``severity`` is that of the last report."""

    report_types = ["estimator", "cross-validation"]  # noqa: RUF012
    slow = True

    def __init__(self, code: str, title: str, page: str, shared: SharedDiagnosis) -> None:
        self.code = code
        self.title = title
        self.docs_url = f"{_PAGES}/{page}"
        self.severity = "issue"
        self.shared = shared


class ClassesCheck(_OfReport):
    """Names the classes that are not learned, with the first cause of each."""

    def __init__(self, shared: SharedDiagnosis) -> None:
        super().__init__("MS-CLASSES", "classes that are not learned", "docs/causes.md", shared)

    def check_function(self, report: Any) -> str | None:
        """Return a sentence on the worst classes; a tip where all that is wrong is undecided."""
        diagnosis = self.shared.of(report)
        poor = diagnosis.not_learned
        if not poor:
            return None
        self.severity = "tip" if all(one.verdict is Verdict.UNDECIDED for one in poor) else "issue"
        return _sentence(poor, len(diagnosis.classes))


class SlugCheck(_OfReport):
    """Shows the finding of one check."""

    def __init__(self, slug: str, title: str, shared: SharedDiagnosis) -> None:
        super().__init__(f"MS-{slug.upper()}", f"{slug}: {title}", f"src/marginscope/explain/{slug}.md", shared)
        self.slug = slug

    def check_function(self, report: Any) -> str | None:
        """Return the sentence of an issue or a tip."""
        finding = self.shared.of(report).finding(self.slug)
        if finding.status is Status.PASSED:
            return None
        if not finding.status.is_decided:
            raise CheckNotApplicable(
                f"{finding.status}: {finding.sentence}" if _is_news(finding.status) else finding.sentence
            )
        self.severity = str(finding.status)
        told = [finding.sentence, finding.advice]
        if finding.remedies:
            told.append(f"Remedies that can act: {', '.join(finding.remedies)}.")
        return " ".join(one for one in told if one)


def _is_news(status: Status) -> bool:
    """Whether skore has no section of that name."""
    return status is not Status.NOT_APPLICABLE


def _sentence(poor: tuple[ClassDiagnosis, ...], n_classes: int) -> str:
    text = f"{len(poor)} of {n_classes} classes {'is' if len(poor) == 1 else 'are'} not learned: "
    text += "; ".join(class_words(one) for one in poor[:_MOST_CLASSES])
    left = len(poor) - _MOST_CLASSES
    return f"{text}; and {left} more." if left > 0 else f"{text}."
