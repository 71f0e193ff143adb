"""Whatever small problem comes, a whole and consistent document comes back."""

import json

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import marginscope as ms
from marginscope.diagnosis.checks import CHECKS
from marginscope.findings import Status, Verdict

MODELS = [
    LogisticRegression(),
    LogisticRegression(C=np.inf, class_weight="balanced"),
    None,
    LinearSVC(),
    SVC(class_weight="balanced"),
    RidgeClassifier(),
    RandomForestClassifier(5),
    HistGradientBoostingClassifier(max_iter=5),
    GaussianNB(),
    KNeighborsClassifier(2),
    LinearDiscriminantAnalysis(),
    DummyClassifier(),
    SGDClassifier(loss="hinge"),
    OneVsRestClassifier(LogisticRegression(C=np.inf)),
    OneVsOneClassifier(LogisticRegression()),
    make_pipeline(StandardScaler(), LogisticRegression(C=1e9)),
    "labels",
    "probabilities",
]
LABELS = [np.arange(5), np.array(["a", "b", "c ", "C", "e"]), np.arange(5) / 1.0, np.arange(5) * 10**9 - 7]


def draw(seed):
    """Return model, rows and labels (and test rows in half the cases): sizes of 1 to 40, some features degenerate."""
    rng = np.random.default_rng(seed)
    n_classes, n_features = int(rng.integers(2, 6)), int(rng.integers(1, 5))
    centres = rng.standard_normal((n_classes, n_features)) * rng.choice([0, 0.5, 2, 8])

    def rows(sizes):
        codes = rng.permutation(np.repeat(np.arange(n_classes), sizes))
        return centres[codes] + rng.standard_normal((codes.size, n_features)), LABELS[seed % 4][codes]

    X, y = rows(np.append(rng.choice([1, 2, 3, 5, 8, 20, 40], n_classes - 1), 20))
    X = [X, np.round(X), X * [0, *np.ones(n_features - 1)], X * 1e-7][seed % 5 % 4]
    X_test, y_test = rows(np.append(rng.choice([0, 1, 5, 30], n_classes - 1), 5)) if seed % 2 else (None, None)
    model = MODELS[seed % len(MODELS)]
    scored = y if y_test is None else y_test
    if model == "labels":
        model = ms.Predictions(rng.choice(y, scored.size))
    elif model == "probabilities":
        labels = np.unique(y if y_test is None else np.append(y, y_test))
        model = ms.Predictions(proba=rng.dirichlet(np.ones(labels.size), scored.size), labels=labels)
    return model, X, y, X_test, y_test


def hold_together(seed):
    model, X, y, X_test, y_test = draw(seed)
    found = ms.diagnose(model, X, y, X_test=X_test, y_test=y_test, cv=3, rng=seed)
    assert [one.sentence for one in found.findings if one.status is Status.ERRORED] == []
    assert sorted(one.slug for one in found.findings) == sorted(one.slug for one in CHECKS)
    assert json.loads(found.to_json()) == found.to_dict()
    for one in found.classes:
        assert one.reason
        assert one.cause is None or one.cause in one.findings, one
        assert one.verdict is not Verdict.HEALTHY or one.cause is None
        assert one.runner_up is None or (one.runner_up_reason and one.runner_up != one.cause)
        assert one.recall is not None or one.verdict in (Verdict.UNDECIDED, Verdict.ABSENT)
        proofs = [c for f in found.findings if f.status is Status.ISSUE for c in f.counterfactuals if c.is_proof]
        assert one.verdict is not Verdict.HEALTHY or one.label not in {proof.label for proof in proofs}
    assert str(found)
    assert found._repr_html_()
    if isinstance(model, ms.Predictions):
        return
    ledger = found.remedy()
    assert json.loads(json.dumps(ledger.to_dict(), allow_nan=False)) == ledger.to_dict()
    assert ledger._repr_html_()
    if ledger.best_estimator_ is not None:
        assert set(np.asarray(ledger.best_estimator_.predict(X)).tolist()) <= set(y.tolist())


@pytest.mark.parametrize("seed", [1, 4, 6, 14, 21, 22, 24, 27, 30, 35, 43, 49, 51, 55, 63, 69, 71])
def test_a_small_problem(seed):
    hold_together(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_small_problems(seed):
    hold_together(seed)
