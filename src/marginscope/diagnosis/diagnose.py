"""Diagnose a classifier class by class: the main job."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import check_labels, check_rng
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
from marginscope.diagnosis.without_features import NEEDS_FEATURES, WITHOUT_FEATURES, check_only_answers, no_features
from marginscope.exceptions import CheckNotApplicable, DataError, MarginscopeError, UsageError
from marginscope.findings import Finding, Status
from marginscope.remedies import REMEDIES
from marginscope.tables.dataset import Dataset
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.feature_rows import aligned, stacked
from marginscope.tables.features import features_from
from marginscope.tables.preparation import describe_preparation

__all__ = ["diagnose", "diagnose_table"]

Progress = Callable[[int, int, str], None]


def diagnose(
    model: Any,
    X: Any,
    y: Any,
    *,
    X_test: Any = None,
    y_test: Any = None,
    cv: Any = 5,
    checks: Sequence[str] | None = None,
    budget: float | None = None,
    rng: Any = 0,
    progress: Progress | None = None,
) -> Diagnosis:
    """Find out which classes a classifier does not learn, and why.

    Parameters
    ----------
    model : object
        A scikit-learn classifier or pipeline, fitted or not (never changed); a network,
        ``marginscope.torch.NetworkClassifier`` or any ``torch.nn.Module``; ``Predictions``
        for answers without a model; ``None`` for the linear reference.
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features), or None
        For a network also an array or tensor of shape (n_samples, ...). ``None`` where only
        labels and answers are known: ``model`` is ``Predictions``.
    y : array-like of shape (n_samples,)
        Labels of any one kind.
    X_test, y_test : optional
        Rows on which recall is measured; default cross-validation.
    cv : int, splitter or iterable of index pairs, default 5
        Folds; classes with fewer rows than folds are coped with.
    checks : sequence of str, optional
        Slugs of the checks to run; default all.
    budget : float, optional
        Seconds after which no further refit is started; what was not checked is listed.
    rng : int, Generator or None, default 0
        Seed of folds, subsamples and permutations.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Returns
    -------
    Diagnosis
        Verdict, first cause and runner-up per class, with the evidence.

    Raises
    ------
    DataError
        If the data cannot be used as they are.
    ModelError
        If the model cannot be fitted, or answers in a wrong shape or scale.
    UsageError
        If an argument cannot be meant.

    Notes
    -----
    A cause is proved by refitting: the class's recall must rise, balanced recall must
    not fall, and the same intervention on permuted labels must not do as much. Causes,
    evidence and preferences are those of the documentation page ``causes``.

    Examples
    --------
    >>> import marginscope as ms
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> d = ms.diagnose(LogisticRegression(C=1e-6), X, y)
    >>> d["1"].cause
    'over-regularised'
    """
    if hasattr(y, "fit") and hasattr(y, "get_params") and not hasattr(model, "fit"):
        raise UsageError(
            f"the model comes first, but got a {type(model).__name__} there and the model {type(y).__name__} last; "
            "call diagnose(model, X, y)"
        )
    if X is None:
        return _diagnose_answers(
            model, y, X_test, y_test, cv=cv, checks=checks, budget=budget, rng=rng, progress=progress
        )
    if (X_test is None) != (y_test is None):
        raise UsageError("X_test and y_test are needed together, but got only one of them; pass both or neither")
    features = features_from(X)
    X, X_test = _indexable(X), _indexable(X_test)
    parts: tuple[Any, ...] = (X,)
    n_train = features.shape[0]
    values: tuple[Any, ...] = (features.values,)
    labels_given = [y]
    if X_test is not None:
        test = aligned(features_from(X_test, like=features), features)
        parts, values, labels_given = (X, X_test), (features.values, test.values), [y, y_test]
        features = stacked(features, test)
    encoded = _encode(labels_given, [n_train, features.shape[0] - n_train])
    subject = Subject(parts, encoded[1], encoded[0], n_train)
    prepared = Subject(values, encoded[1], encoded[0], n_train)
    data = DataSummary(rows=n_train, features=features.shape[1], n_classes=int(encoded[0].size))
    diagnosis = _run(
        model,
        subject,
        prepared,
        features,
        data,
        cv=cv,
        checks=checks,
        budget=budget,
        rng=rng,
        progress=progress,
        has_own_form=True,
    )
    diagnosis.notes = (*encoded[2], *features.notes, *diagnosis.notes)
    return diagnosis


def _diagnose_answers(model: Any, y: Any, X_test: Any, y_test: Any, **options: Any) -> Diagnosis:
    """Diagnose predictions of which only the true labels are known."""
    check_only_answers(model, X_test)
    labels_given = [y] if y_test is None else [y, y_test]
    lengths = [len(one) for one in labels_given]
    labels, codes, said = _encode(labels_given, lengths)
    features = no_features(sum(lengths))
    parts = tuple(np.empty((n, 0)) for n in lengths)
    subject = Subject(parts, codes, labels, lengths[0])
    data = DataSummary(rows=lengths[0], features=0, n_classes=int(labels.size))
    diagnosis = _run(model, subject, subject, features, data, **options)
    diagnosis.notes = (*said, *diagnosis.notes)
    return diagnosis


def diagnose_table(
    dataset: Dataset,
    *,
    model: Any = None,
    test: Dataset | None = None,
    checks: Sequence[str] | None = None,
    budget: float | None = None,
    rng: Any = 0,
    progress: Progress | None = None,
    command: str | None = None,
) -> Diagnosis:
    """Diagnose a table that was read from a file.

    Parameters
    ----------
    dataset, test : Dataset
        From ``read_table``; ``test`` read with ``like=dataset``.
    model : object, optional
        An estimator, fitted or not, or ``Predictions``; default the linear reference.
    command : str, optional
        The command line, for the record.

    Other parameters, results and errors are those of ``diagnose``.
    """
    from marginscope.adapters.prepared_model import behind_preparation

    features, n_train = dataset.features, dataset.features.shape[0]
    values: tuple[Any, ...] = (features.values,)
    labels_given = [dataset.target]
    if test is not None:
        values, labels_given = (features.values, test.features.values), [dataset.target, test.target]
        features = stacked(features, test.features)
    labels, codes, _ = _encode(labels_given, [n_train, features.shape[0] - n_train])
    labels, codes = _with_declared(labels, codes, dataset.absent_classes)
    prepared = Subject(values, codes, labels, n_train)
    data = DataSummary(
        rows=n_train,
        features=features.shape[1],
        n_classes=labels.size,
        file=dataset.file,
        sha256=dataset.sha256,
        target=dataset.target_name,
        test_rows=None if test is None else len(test.target),
        test_file=None if test is None else test.file,
    )
    if model is not None and not isinstance(model, Predictions):
        model = behind_preparation(model, dataset.features)
    diagnosis = _run(
        model,
        prepared,
        prepared,
        features,
        data,
        cv=5,
        checks=checks,
        budget=budget,
        rng=rng,
        progress=progress,
        command=command,
    )
    diagnosis.notes = (*dataset.notes, *(() if test is None else test.notes), *diagnosis.notes)
    return diagnosis


def _indexable(X: Any) -> Any:
    """Return sparse matrices in a form whose rows can be taken; anything else as it is."""
    return X.tocsr() if getattr(X, "format", "csr") not in ("csr", "csc") and hasattr(X, "tocsr") else X


def _encode(parts: list[Any], lengths: list[int]) -> tuple[NDArray[Any], NDArray[np.int64], tuple[str, ...]]:
    """Encode the labels of training and test rows together; the training rows need two classes."""
    first = check_labels(parts[0])
    encoded = first
    if len(parts) > 1:
        check_labels(parts[1], min_classes=1)
        encoded = check_labels(np.concatenate([np.asarray(part, dtype=object).ravel() for part in parts]))
    n = sum(lengths)
    if encoded.codes.size != n:
        raise DataError(
            f"one label per row is needed, but X and y have inconsistent numbers of samples: "
            f"[{n}, {encoded.codes.size}]; pass the same rows in both"
        )
    return encoded.labels, encoded.codes, first.notes


def _with_declared(
    labels: NDArray[Any], codes: NDArray[np.int64], declared: Sequence[str]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Add classes that the file declares and has no rows of."""
    every = np.unique(np.append(labels, np.array(declared, dtype=labels.dtype))) if declared else labels
    return every, np.searchsorted(every, labels)[codes]


def _run(
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
        found = tuple(_examine(check, case, chosen, report) for check in CHECKS)
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


def _examine(check: Check, case: Case, chosen: frozenset[str], report: _Reporter) -> Finding:
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
