"""Threads on separation and on parameters that have no value."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import marginscope as ms
from benchmarks.threads.case import Case, blobs, thread


@thread("separation-in-mnlogit")
def iris() -> Case:
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf, max_iter=5000))
    return Case("iris", "multinomial logistic without a penalty", ms.diagnose(model, X, y))


@thread("separation-or-collinearity")
def both() -> Case:
    rng = np.random.default_rng(2282)
    X, y = blobs(rng, {"a": 120, "b": 120, "c": 120}, [[0, 0, 0], [1.5, 0, 0], [0, 1.5, 0]])
    dummy = (y == "c") & (rng.random(y.size) < 0.4)  # a column that only class c has: quasi-separation
    X = np.column_stack([X, dummy, X[:, 0] + X[:, 1]])
    model = LogisticRegression(C=np.inf, max_iter=5000)
    shape = "360 overlapping rows; a dummy that only c has, and a column that is the sum of two others"
    return Case(shape, "logistic without a penalty", ms.diagnose(model, X, y))


@thread("test-for-separability")
def separable() -> Case:
    rng = np.random.default_rng(15813)
    X, y = blobs(rng, {"a": 60, "b": 60, "c": 60}, [[0, 0], [9, 0], [0, 9]])
    mixed = rng.permutation(y)
    dummy = np.column_stack([rng.standard_normal((180, 1)), (y == "c") & (rng.random(180) < 0.5)])
    answers = []
    for data, labels in ((X, y), (dummy, np.where(y == "c", "c", mixed)), (X, mixed)):
        one = ms.separability(data, labels)
        answers.append((one.status, one.verify(data, labels)))
    met = [a for a, _ in answers] == ["complete", "quasi_complete", "overlap"] and all(ok for _, ok in answers)
    name = "complete, quasi_complete and overlap are told apart, each with a certificate that verifies"
    came = ", ".join(f"{a} ({'verified' if ok else 'NOT verified'})" for a, ok in answers)
    return Case("three data sets of 180 rows", "none", checks={name: (met, came)})


@thread("which-variable-separates")
def which_variable() -> Case:
    rng = np.random.default_rng(27)
    X, y = blobs(rng, {"a": 100, "b": 100, "c": 100}, [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    X = np.column_stack([X, (y == "b") & (rng.random(y.size) < 0.5)])
    certificate = ms.separability(X, y)
    infinite = np.abs(certificate.infinite).sum(axis=0)
    met = certificate.status == "quasi_complete" and infinite[3] > 0 and not infinite[:3].any()
    name = "only the coefficients of the separating feature are infinite"
    came = f"{certificate.status}; infinite coefficients per feature: {infinite.tolist()}"
    return Case("300 overlapping rows and a dummy that only b has", "none", checks={name: (met, came)})


@thread("a-tiny-ridge-hides-it")
def tiny_ridge() -> Case:
    rng = np.random.default_rng(753)
    X, y = blobs(rng, {"a": 100, "b": 100, "c": 30}, [[0, 0, 0], [9, 0, 0], [0, 9, 0]])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e8, max_iter=5000))
    return Case("230 separable rows", "logistic, C = 1e8", ms.diagnose(model, X, y))


@thread("coefficients-differ-by-library")
def gauges() -> Case:
    import statsmodels.api as sm

    rng = np.random.default_rng(49086721)
    X, y = blobs(rng, {"a": 200, "b": 200, "c": 200}, [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    ours = ms.class_coefficients(LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(X, y), gauge="a")
    codes = np.unique(y, return_inverse=True)[1]
    theirs = sm.MNLogit(codes, sm.add_constant(X)).fit(disp=0, method="newton").params
    gap = float(np.abs(np.asarray(ours.coef)[1:] - np.asarray(theirs)[1:].T).max())
    name = "contrasts of statsmodels and scikit-learn agree after conversion of the gauge"
    came = f"largest difference {gap:.1e}"
    return Case("600 overlapping rows", "logistic without a penalty", checks={name: (gap < 1e-4, came)})
