"""One text a row, and wide sparse features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

import marginscope as ms
from marginscope.exceptions import DataError
from marginscope.tables import features_from

TOPICS = {
    "cats": "purr whisker paw kitten tail",
    "dogs": "bark leash bone puppy tail",
    "cars": "engine wheel brake road gear",
}
FILLER = "the a of and to in was near with on"
CHECKS = ["class-absent", "conflicting-labels", "over-regularised", "few-rows", "non-identifiable"]


def texts(sizes: dict[str, int], seed: int = 0) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for topic, n in sizes.items():
        for _ in range(n):
            words = [*rng.choice(TOPICS[topic].split(), 3), *rng.choice(FILLER.split(), 6)]
            rows.append(" ".join(rng.permutation(words)))
            labels.append(topic)
    return rows, np.array(labels)


SIZES = {"cats": 80, "dogs": 60, "cars": 25}
FORMS = {
    "list": list,
    "tuple": tuple,
    "strings": np.array,
    "objects": lambda rows: np.array(rows, dtype=object),
    "pandas": lambda rows: pytest.importorskip("pandas").Series(rows),
    "polars": lambda rows: pytest.importorskip("polars").Series(rows),
}


@pytest.mark.parametrize("form", ["list", "strings", "objects", "pandas"])
def test_a_pipeline_reads_raw_strings(form: str) -> None:
    rows, y = texts(SIZES)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=1e-6))
    d = ms.diagnose(model, FORMS[form](rows), y, checks=["over-regularised", "class-absent"])
    assert d["dogs"].cause == "over-regularised"
    assert any("one text a row" in note for note in d.notes)
    assert not [one for one in d.findings if str(one.status) == "errored"]


def test_the_recall_is_that_of_the_pipeline_on_the_same_folds() -> None:
    rows, y = texts(SIZES)
    folds = [(np.flatnonzero(np.arange(y.size) % 4 != k), np.flatnonzero(np.arange(y.size) % 4 == k)) for k in range(4)]
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    d = ms.diagnose(model, rows, y, cv=folds, checks=["class-absent"])
    guess = np.empty(y.size, dtype=y.dtype)
    for train, test in folds:
        guess[test] = model.fit([rows[i] for i in train], y[train]).predict([rows[i] for i in test])
    for label in SIZES:
        assert d[label].recall == pytest.approx(np.mean(guess[y == label] == label))


def test_test_texts_are_read_in_the_vocabulary_of_training() -> None:
    rows, y = texts(SIZES)
    other, truth = texts({"cats": 10, "dogs": 10, "cars": 10}, seed=1)
    other[0] += " zebra"
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(rows, y)
    d = ms.diagnose(model, rows, y, X_test=other, y_test=truth, checks=["class-absent", "no-signal", "low-capacity"])
    assert d["cats"].recall == pytest.approx(np.mean(model.predict(other[:10]) == "cats"))
    assert not [one for one in d.findings if str(one.status) == "errored"]


def test_the_linear_reference_reads_the_words() -> None:
    rows, y = texts(SIZES)
    d = ms.diagnose(None, rows, y, checks=["class-absent", "few-rows"])
    assert all(one.recall > 0.9 for one in d.classes)


@pytest.mark.parametrize("form", FORMS)
def test_the_weights_are_those_of_scikit_learn(form: str) -> None:
    rows, _ = texts(SIZES)
    found = features_from(FORMS[form](rows))
    expected = TfidfVectorizer(sublinear_tf=True).fit(rows)
    assert found.names == tuple(expected.get_feature_names_out())
    np.testing.assert_allclose(found.values.toarray(), expected.transform(rows).toarray())
    again = features_from(FORMS[form](rows[:5]), like=found)
    np.testing.assert_allclose(again.values.toarray(), expected.transform(rows[:5]).toarray())


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (["a text", 3.0, "more"], "Expected 2D array"),
        (np.array([1.0, 2.0]), "Expected 2D array"),
        (["!", "?", "."], "must hold words"),
    ],
)
def test_what_is_no_text_is_refused(X: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        features_from(X)


def test_texts_and_numbers_do_not_mix() -> None:
    rows, y = texts({"cats": 6, "dogs": 6})
    with pytest.raises(DataError, match="pass the same kind of X in both"):
        ms.diagnose(MultinomialNB(), np.ones((12, 2)), y, X_test=rows, y_test=y)


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.coo_matrix])
def test_wide_sparse_features_stay_sparse(kind: Any) -> None:
    """Twenty thousand columns: every check says something, none makes the matrix dense."""
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [60, 50, 20])
    X = sp.random(130, 20_000, density=5e-4, random_state=rng, format="lil")
    for k, label in enumerate("abc"):
        X[np.flatnonzero(y == label), k] = 3.0
    d = ms.diagnose(LogisticRegression(C=np.inf, max_iter=50), kind(X.tocsr()), y, checks=CHECKS)
    assert not [one for one in d.findings if str(one.status) == "errored"]
    assert d["c"].recall > 0.9
