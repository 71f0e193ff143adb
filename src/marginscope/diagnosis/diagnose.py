"""Diagnose a classifier class by class: the main job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import check_labels
from marginscope.adapters.predictions import Predictions
from marginscope.diagnosis.examination import Progress, examine
from marginscope.diagnosis.result import DataSummary, Diagnosis
from marginscope.diagnosis.trials import Subject
from marginscope.diagnosis.without_features import check_only_answers, no_features
from marginscope.exceptions import DataError, UsageError
from marginscope.tables.dataset import Dataset
from marginscope.tables.feature_rows import aligned, stacked
from marginscope.tables.features import features_from
from marginscope.tables.wording import of_file

__all__ = ["diagnose", "diagnose_table"]


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
    diagnosis = examine(
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
    diagnosis = examine(model, subject, subject, features, data, **options)
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
    diagnosis = examine(
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
    said = dataset.notes if test is None else (*of_file(dataset.notes, dataset.file), *of_file(test.notes, test.file))
    diagnosis.notes = (*said, *diagnosis.notes)
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
