"""The examination: set the model up, run every check, judge the classes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from marginscope._validation import check_rng
from marginscope.adapters.open_model import as_model_view
from marginscope.adapters.predictions import Predictions
from marginscope.adapters.references import linear_reference
from marginscope.adapters.sklearn_model import SklearnModel
from marginscope.diagnosis.bench import Bench, set_up
from marginscope.diagnosis.case import BudgetSpent, Case, Check, NotTried
from marginscope.diagnosis.checks import CHECKS
from marginscope.diagnosis.counterfactual import Laboratory, say_nothing
from marginscope.diagnosis.parameter_table import parameter_table
from marginscope.diagnosis.provenance import make_provenance
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.diagnosis.referee import Referee
from marginscope.diagnosis.remedy_trials import try_remedies
from marginscope.diagnosis.result import DataSummary, Diagnosis, ModelSummary
from marginscope.diagnosis.scores import whole_counts
from marginscope.diagnosis.trials import Subject, answers_on_scored_rows
from marginscope.diagnosis.want_of_time import with_want_of_time
from marginscope.diagnosis.without_features import NEEDS_FEATURES, WITHOUT_FEATURES
from marginscope.exceptions import CheckNotApplicable, MarginscopeError, UsageError
from marginscope.findings import Finding, Status
from marginscope.remedies import REMEDIES
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.preparation import describe_preparation

__all__ = ["Progress", "examine"]

Progress = Callable[[int, int, str], None]


def examine(
    model: Any,
    subject: Subject,
    prepared: Subject,
    features: FeatureMatrix,
    data: DataSummary,
    *,
    cv: Any,
    checks: Sequence[str] | None,
    budget: float | None,
    rng: Any,
    progress: Progress | None,
    command: str | None = None,
    has_own_form: bool = False,
) -> Diagnosis:
    """Diagnose rows as the model (``subject``) and as references (``prepared``) read them; see ``diagnose``."""
    from threadpoolctl import threadpool_limits

    started = time.monotonic()
    chosen = _chosen(checks)
    seed, _ = check_rng(rng)
    names = tuple(str(label) for label in subject.labels.tolist())
    report = _Reporter(progress, len(CHECKS) + 2)
    given = None
    if model is None:
        view: Any = SklearnModel(linear_reference(features, seed=seed % 2**31), seed=seed)
        subject = prepared
    elif isinstance(model, Predictions):
        view = model.for_labels(subject.labels)
        given = answers_on_scored_rows(view, view, subject)
    else:
        view = as_model_view(model, seed=seed % 2**31)
    bench = Bench(view, subject, prepared, features, names, cv, seed % 2**31, budget, report.say, has_own_form, given)
    with threadpool_limits(limits=1), quiet_fits():
        case, notes = set_up(bench)
        found = tuple(_run_check(check, case, chosen, report) for check in CHECKS)
        found = tuple(replace(one, remedies=tuple(filter(case.lab.can_act, one.remedies))) for one in found)
        classes, found = Referee().judge(case, found)
        classes = with_want_of_time(classes, found)
        parameters = parameter_table(case)
        can_be_remedied = view.can_refit or any(case.lab.can_act(one.slug) for one in REMEDIES)
    assert isinstance(case.lab, Laboratory)
    case.lab.progress = say_nothing  # the user's callback has no business in a stored result
    kind = "reference: multinomial logistic regression" if model is None else view.kind
    order = list(Status)
    return Diagnosis(
        classes=classes,
        findings=tuple(sorted(found, key=lambda one: order.index(one.status))),
        data=data,
        model=ModelSummary(kind, dict(view.params)),
        labels=names,
        provenance=make_provenance(seed, command),
        notes=(*describe_preparation(features), *notes),
        confusion=whole_counts(case.scores.confusion),
        n_repeats=int(case.base.predicted.shape[0]),
        recall_note=case.recall_note,
        parameters=parameters,
        thresholds=_thresholds(case),
        can_be_remedied=can_be_remedied,
        seconds=time.monotonic() - started,
        _try_remedies=partial(try_remedies, case),
    )


def _chosen(checks: Sequence[str] | None) -> frozenset[str]:
    known = [check.slug for check in CHECKS]
    if checks is None:
        return frozenset(known)
    if isinstance(checks, str):
        checks = [checks]
    for slug in checks:
        if slug not in known:
            raise UsageError(f"a check is needed, but {slug!r} is none; the checks are {', '.join(known)}")
    return frozenset(checks)


def _run_check(check: Check, case: Case, chosen: frozenset[str], report: _Reporter) -> Finding:
    """Run one check; whatever it does, exactly one finding comes back."""
    if check.slug not in chosen:
        return Finding(check.slug, Status.SKIPPED, "not asked for")
    if not case.has_features and check.slug not in WITHOUT_FEATURES:
        return Finding(check.slug, Status.NOT_APPLICABLE, NEEDS_FEATURES)
    report.step(check.title)
    try:
        return check.examine(case)
    except BudgetSpent as error:
        return Finding(check.slug, Status.SKIPPED, str(error))
    except (CheckNotApplicable, NotTried) as error:
        return Finding(check.slug, Status.NOT_APPLICABLE, str(error))
    except MarginscopeError as error:
        return Finding(check.slug, Status.ERRORED, str(error))
    except Exception as error:  # a bug in one check must not lose the others
        return Finding(
            check.slug, Status.ERRORED, f"the check failed ({type(error).__name__}: {error}); please report it"
        )


class _Reporter:
    """Counts steps for the progress callback."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done, self.title = progress, total, 0, ""

    def say(self, what: str) -> None:
        if self.progress is not None:
            self.progress(self.done, self.total, f"{self.title}: {what}" if self.title else what)

    def step(self, title: str) -> None:
        self.done += 1
        # A title alone would read as a finding.
        self.title = ""
        self.say(f"testing: {title}")
        self.title = f"testing: {title}"


def _thresholds(case: Case) -> dict[str, dict[str, float]]:
    judges: list[tuple[str, Any]] = [("verdicts", Referee()), ("proof", case.lab.proof)]
    judges += [(check.slug, check) for check in CHECKS]
    return {
        name: {
            field.name: float(value)
            for field in fields(one)
            if isinstance(value := getattr(one, field.name), int | float) and not isinstance(value, bool)
        }
        for name, one in judges
    }
