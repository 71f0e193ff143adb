"""Fit one recipe on every split and keep what it answers out of sample."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.folds import Design, Split
from marginscope.exceptions import MarginscopeError

__all__ = [
    "Subject",
    "Trial",
    "answers_on_scored_rows",
    "merge_codes",
    "relabel_codes",
    "run_trial",
    "trial_of_predictions",
]

_TRAIN_ROWS_SCORED = 1000


@dataclass(frozen=True)
class Subject:
    """The rows a trial works on: inputs, label codes and all label values.

    ``parts`` are the training rows and, where there is a test set, the test rows, each
    in the user's own type; row numbers run through both.
    """

    parts: tuple[Any, ...]
    codes: NDArray[np.int64]
    labels: NDArray[Any]
    n_first: int

    @property
    def n_classes(self) -> int:
        """Number of classes, those without training rows included."""
        return int(self.labels.size)

    def take(self, rows: NDArray[np.int64]) -> Any:
        """Return rows of one part in its own type; rows of both parts do not mix."""
        from sklearn.utils import _safe_indexing

        if rows.size and int(rows.min()) >= self.n_first:
            return _safe_indexing(self.parts[1], rows - self.n_first)
        return _safe_indexing(self.parts[0], rows)

    def subset(self, rows: NDArray[np.int64]) -> Subject:
        """Return sorted rows as a subject of their own."""
        first, second = rows[rows < self.n_first], rows[rows >= self.n_first]
        parts = (self.take(first), *((self.take(second),) if len(self.parts) > 1 else ()))
        return Subject(parts, self.codes[rows], self.labels, int(first.size))


@dataclass(frozen=True)
class Trial:
    """Out-of-sample answers of one recipe.

    Attributes
    ----------
    predicted : ndarray of shape (n_repeats, n_rows)
        Class codes, -1 where a row is not scored.
    proba : ndarray of shape (n_repeats, n_rows, n_classes) or None
    train_recall : ndarray of shape (n_classes,)
        Recall on (a sample of) the training rows, NaN where there are none.
    seconds : float
        Time of all fits and predictions, summed over splits.
    error : MarginscopeError or None
        Why there is no answer.
    """

    name: str
    predicted: NDArray[np.int16]
    proba: NDArray[np.float32] | None
    train_recall: NDArray[np.float64]
    seconds: float
    error: MarginscopeError | None = None

    @property
    def failure(self) -> str:
        """Why there is no answer, as a sentence; empty if there is one."""
        return "" if self.error is None else str(self.error)

    def correct(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return per row the share of repeats that got it right, NaN if unscored."""
        return _row_mean(self.predicted == codes, self.predicted >= 0)

    def called(self, code: int) -> NDArray[np.float64]:
        """Return per row the share of repeats that called it ``code``, NaN if unscored."""
        return _row_mean(self.predicted == code, self.predicted >= 0)

    def mean_proba(self) -> NDArray[np.float64] | None:
        """Return probabilities (n_rows, n_classes) averaged over repeats; rows sum to 1 where scored."""
        if self.proba is None:
            return None
        scored = (self.predicted >= 0).sum(axis=0)
        mean: NDArray[np.float64] = self.proba.sum(axis=0, dtype=float) / np.maximum(scored, 1)[:, None]
        return mean


def _row_mean(hits: NDArray[np.bool_], scored: NDArray[np.bool_]) -> NDArray[np.float64]:
    n = scored.sum(axis=0)
    total = (hits & scored).sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def merge_codes(codes: NDArray[Any], merges: Mapping[int, int] | None) -> NDArray[Any]:
    """Apply a code-to-code mapping; -1 stays."""
    if not merges:
        return codes
    merged = codes.copy()
    for old, new in merges.items():
        merged[codes == old] = new
    return merged


def relabel_codes(codes: NDArray[Any], relabelling: Mapping[int, int] | None) -> NDArray[Any]:
    """Give single rows another code."""
    if not relabelling:
        return codes
    changed = codes.copy()
    changed[list(relabelling)] = list(relabelling.values())
    return changed


def answers_on_scored_rows(
    view: Any, fitted: Any, subject: Subject
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Return codes and probabilities on the test rows, or on all rows where there is no test set.

    Training rows before a test set have code -1 and probability 0.
    """
    codes, proba = view.answer(fitted, subject.parts[-1], subject.labels)
    unscored = subject.codes.size - codes.size
    if unscored and proba is not None:
        proba = np.vstack([np.zeros((unscored, proba.shape[1])), proba])
    return np.concatenate([np.full(unscored, -1), codes]), proba


def trial_of_predictions(
    name: str, predicted: NDArray[np.int64], proba: NDArray[np.float64] | None, n_classes: int
) -> Trial:
    """Wrap answers that somebody else computed, one repeat."""
    return Trial(
        name,
        predicted[None].astype(np.int16),
        None if proba is None else proba[None].astype(np.float32),
        np.full(n_classes, np.nan),
        0.0,
    )


def run_trial(
    name: str,
    view: Any,
    subject: Subject,
    design: Design,
    *,
    merges: Mapping[int, int] | None = None,
    relabelling: Mapping[int, int] | None = None,
) -> Trial:
    """Fit ``view.estimator`` on every split and collect its answers.

    Rows of ``relabelling`` (row of the subject to code) train under their new code and
    are not scored. A model that fails on some split gives a trial with ``failure`` set.
    """
    started = time.perf_counter()
    shape = (design.n_repeats, subject.codes.size)
    predicted = np.full(shape, -1, dtype=np.int16)
    proba: NDArray[np.float32] | None = np.zeros((*shape, subject.n_classes), dtype=np.float32)
    hits = np.zeros((2, subject.n_classes))
    codes = relabel_codes(merge_codes(subject.codes, merges), relabelling)
    spent = 0.0

    def one(split: Split) -> tuple[Split, Any, Any, Any, float]:
        begun = time.perf_counter()
        answers = _fit_and_score(view, subject, codes, split)
        return split, *answers, time.perf_counter() - begun

    try:
        for split, guess, p, train_hits, seconds in _in_threads(one, design.splits):
            predicted[split.repeat, split.test] = guess
            hits += train_hits
            spent += seconds
            if p is None:
                proba = None
            elif proba is not None:
                proba[split.repeat, split.test] = p
    except MarginscopeError as error:
        # Own estimators refuse with errors of their own, which must not end the other trials.
        blank = np.full(subject.n_classes, np.nan)
        return Trial(name, predicted, None, blank, time.perf_counter() - started, error)
    with np.errstate(invalid="ignore"):
        train_recall = hits[0] / hits[1]
    predicted[:, list(relabelling or ())] = -1
    return Trial(name, predicted, proba, train_recall, spent)


def _in_threads(function: Any, items: tuple[Split, ...]) -> Any:
    workers = min(len(items), os.cpu_count() or 1)
    if workers == 1:
        return map(function, items)
    with ThreadPoolExecutor(workers, initializer=_one_thread_each) as pool:
        # Results come in the order of the splits, whatever thread was faster.
        return list(pool.map(function, items))


def _one_thread_each() -> None:
    # OpenMP keeps its thread count per calling thread; two pools must not multiply.
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="openmp")


def _fit_and_score(
    view: Any, subject: Subject, codes: NDArray[np.int64], split: Split
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None, NDArray[np.float64]]:
    y = subject.labels[codes[split.train]]
    fitted = view.fit(subject.take(split.train), y)
    X_test = subject.take(split.test)
    guess, proba = view.answer(fitted, X_test, subject.labels)
    step = max(1, split.train.size // _TRAIN_ROWS_SCORED)
    seen = split.train[::step] if step > 1 else split.train
    rare = np.setdiff1d(codes[split.train], codes[seen])
    if rare.size:
        seen = np.concatenate([seen, split.train[np.isin(codes[split.train], rare)]])
    fit_guess, _ = view.answer(fitted, subject.take(seen), subject.labels, with_proba=False)
    K = subject.n_classes
    right = fit_guess == codes[seen]
    counts = np.stack([np.bincount(codes[seen][right], minlength=K), np.bincount(codes[seen], minlength=K)])
    return guess, proba, counts.astype(float)
