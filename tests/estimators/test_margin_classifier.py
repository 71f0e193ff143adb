"""MarginClassifier against scikit-learn, statsmodels and cvxpy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.exceptions import DataError, UsageError
from oracles.pair_features import pair_matrix

TIGHT = 1e-11


def _data(n_classes: int, n: int = 120, d: int = 5, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]
    return rng.standard_normal((n, d)) + 0.8 * rng.standard_normal((n_classes, d))[y], y, rng.uniform(0.2, 3.0, n)


def _logistic(**parameters):
    return LogisticRegression(solver="newton-cholesky", tol=1e-13, max_iter=1_000, **parameters)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"C": 0.01}, {"C": 100.0}, {"fit_intercept": False}, {"class_weight": {0: 3.0, 1: 0.5}}],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_is_logistic_regression(n_classes, parameters, weighted):
    X, y, weights = _data(n_classes)
    weights = weights if weighted else None
    if "class_weight" in parameters:
        parameters = {"class_weight": dict.fromkeys(range(n_classes), 1.0) | parameters["class_weight"]}
    ours = ms.MarginClassifier(tol=TIGHT, **parameters).fit(X, y, sample_weight=weights)
    theirs = _logistic(**parameters).fit(X, y, sample_weight=weights)
    assert ours.coef_.shape == theirs.coef_.shape
    assert ours.intercept_.shape == theirs.intercept_.shape
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=1e-8)
    assert ours.intercept_ - ours.intercept_.mean() == pytest.approx(
        theirs.intercept_ - theirs.intercept_.mean(), abs=1e-8
    )
    if n_classes == 2:
        assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=1e-8)
    assert ours.predict_proba(X) == pytest.approx(theirs.predict_proba(X), abs=1e-8)
    assert ours.decision_function(X).shape == theirs.decision_function(X).shape
    assert np.array_equal(ours.predict(X), theirs.predict(X))


def test_balanced_weights_are_those_of_logistic_regression():
    X, y, _ = _data(3)
    ours = ms.MarginClassifier(tol=TIGHT, class_weight="balanced").fit(X, y)
    assert ours.coef_ == pytest.approx(_logistic(class_weight="balanced").fit(X, y).coef_, abs=1e-8)


def test_the_objective_is_not_above_that_of_logistic_regression():
    X, y = load_iris(return_X_y=True)
    ours, theirs = ms.MarginClassifier(tol=1e-10).fit(X, y), LogisticRegression(max_iter=10_000, tol=1e-8).fit(X, y)

    def objective(model) -> float:
        return -model.predict_log_proba(X)[np.arange(len(y)), y].sum() + 0.5 * (model.coef_**2).sum()

    assert objective(ours) <= objective(theirs) + 1e-10


def test_without_penalty_it_is_the_multinomial_logit_of_statsmodels():
    import statsmodels.api as sm

    X, y, _ = _data(3)
    ours = ms.MarginClassifier(C=np.inf, tol=1e-10).fit(X, y)
    theirs = sm.MNLogit(y, sm.add_constant(X)).fit(disp=0, tol=1e-12, maxiter=200).params
    W = np.column_stack([ours.intercept_, ours.coef_])
    assert pytest.approx(np.asarray(theirs), abs=1e-6) == (W[1:] - W[0]).T


def test_binary_losses_have_the_penalty_of_one_coefficient_row():
    # for two classes the pairwise logistic loss is the logistic loss
    X, y, _ = _data(2)
    ours = ms.MarginClassifier(loss="pair_logistic", tol=TIGHT).fit(X, y)
    assert ours.coef_ == pytest.approx(_logistic().fit(X, y).coef_, abs=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_squared_hinge_of_all_pairs_is_that_of_cvxpy(n_classes):
    import cvxpy as cp

    X, y, weights = _data(n_classes, n=40, d=3)
    C = 0.7
    ours = ms.MarginClassifier(loss="squared_weston_watkins", C=C, tol=1e-10).fit(X, y, sample_weight=weights)
    W, b = cp.Variable((n_classes, 3)), cp.Variable(n_classes)
    scores = X @ W.T + np.ones((len(X), 1)) @ cp.reshape(b, (1, n_classes), order="C")
    terms = [
        weights[i] * cp.square(cp.pos(1 - scores[i, y[i]] + scores[i, k]))
        for i in range(len(y))
        for k in range(n_classes)
        if k != y[i]
    ]
    # two rows -w/2 and w/2 have half the squared norm of w
    penalty = cp.sum_squares(W) * (1.0 if n_classes == 2 else 0.5)
    cp.Problem(cp.Minimize(C * sum(terms) + penalty)).solve(
        solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
    )
    expected = W.value[1:] - W.value[:1] if n_classes == 2 else W.value
    assert ours.coef_ == pytest.approx(expected, abs=1e-5)


def test_class_margins_are_the_loss_on_divided_rows():
    X, y, _ = _data(3)
    m = np.array([0.5, 1.0, 2.0])
    ours = ms.MarginClassifier(tol=TIGHT, class_margins=m, fit_intercept=False).fit(X, y)
    plain = _logistic(fit_intercept=False).fit(X / m[y][:, None], y)
    assert ours.coef_ == pytest.approx(plain.coef_, abs=1e-8)
    by_label = ms.MarginClassifier(tol=TIGHT, class_margins={0: 0.5, 2: 2.0}, fit_intercept=False).fit(X, y)
    assert by_label.coef_ == pytest.approx(ours.coef_, abs=1e-10)


def test_class_scales_are_another_metric_of_the_penalty():
    # with V_k = D_k W_k this is cross-entropy with the penalty sum ||V_k||^2 / D_k^2, here by L-BFGS on its own
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    X, y, _ = _data(3, d=3)
    D = np.array([0.5, 1.0, 1.5])

    def value(w):
        W = w.reshape(3, 4)
        scores = (X @ W[:, :3].T + W[:, 3]) * D
        return (logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]).sum() + 0.5 * (W[:, :3] ** 2).sum()

    expected = minimize(value, np.zeros(12), method="BFGS", options={"gtol": 1e-7, "maxiter": 2_000}).x.reshape(3, 4)
    ours = ms.MarginClassifier(tol=TIGHT, class_scales=D).fit(X, y)
    assert ours.coef_ == pytest.approx(expected[:, :3], abs=1e-4)
    # b_k + t / D_k are all the same in training; the shortest of them is kept
    assert ours.intercept_ @ (1.0 / D) == pytest.approx(0.0, abs=1e-10)
    shift = expected[:, 3] - ours.intercept_
    assert np.ptp(shift * D) == pytest.approx(0.0, abs=1e-3)


def test_logit_adjustment_shifts_the_intercepts_of_a_free_intercept():
    X, y, _ = _data(3)
    plain, adjusted = (ms.MarginClassifier(tol=TIGHT, logit_adjustment=tau).fit(X, y) for tau in (0.0, 1.0))
    log_share = np.log(np.bincount(y) / len(y))
    assert adjusted.coef_ == pytest.approx(plain.coef_, abs=1e-8)
    moved = plain.intercept_ - log_share
    assert adjusted.intercept_ == pytest.approx(moved - moved.mean(), abs=1e-8)


@pytest.mark.parametrize("parameters", [{}, {"class_weight": "balanced"}, {"logit_adjustment": 1.0}], ids=str)
def test_a_weight_is_so_many_copies_and_none_is_absence(parameters):
    X, y, _ = _data(3)
    weights = np.random.default_rng(1).integers(0, 4, len(y))
    copies = np.repeat(np.arange(len(y)), weights)
    weighted = ms.MarginClassifier(tol=TIGHT, **parameters).fit(X, y, sample_weight=weights)
    repeated = ms.MarginClassifier(tol=TIGHT, **parameters).fit(X[copies], y[copies])
    assert weighted.coef_ == pytest.approx(repeated.coef_, abs=1e-8)
    assert weighted.intercept_ == pytest.approx(repeated.intercept_, abs=1e-8)


def test_a_class_without_weight_is_no_class():
    X, y, _ = _data(3)
    model = ms.MarginClassifier().fit(X, y, sample_weight=(y != 1).astype(float))
    assert model.classes_.tolist() == [0, 2]
    assert model.coef_.shape == (1, 5)


def test_sparse_features_have_the_same_optimum():
    X, y, _ = _data(3)
    X = np.where(np.abs(X) > 0.7, X, 0.0)
    dense = ms.MarginClassifier(tol=TIGHT).fit(X, y)
    for made in (sp.csr_array, sp.coo_array, sp.csc_matrix):
        sparse = ms.MarginClassifier(tol=TIGHT).fit(made(X), y)
        assert sparse.coef_ == pytest.approx(dense.coef_, abs=1e-8)
        assert sparse.decision_function(made(X)) == pytest.approx(dense.decision_function(X), abs=1e-8)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-gram", "subsampled"])
def test_every_solver_finds_the_same_optimum(solver):
    X, y, weights = _data(4, n=300)
    model = ms.MarginClassifier(tol=1e-8, solver=solver, random_state=0).fit(X, y, sample_weight=weights)
    assert model.coef_ == pytest.approx(_logistic().fit(X, y, sample_weight=weights).coef_, abs=1e-5)
    assert model.gradient_norm_ <= 1e-8


@pytest.mark.parametrize(
    "y",
    [
        ["b", "a", "c"] * 20,
        np.array([True, False, True] * 20),
        np.array([7, -3, 100] * 20),
        np.array(["x", "yy", "zzz"] * 20, dtype=object),
    ],
    ids=["list", "bool", "int", "object"],
)
def test_labels_of_any_kind_come_back(y):
    X, _, _ = _data(3, n=60)
    X = X + 10.0 * np.unique(np.asarray(y), return_inverse=True)[1][:, None]
    model = ms.MarginClassifier().fit(X, y)
    assert model.predict(X).tolist() == np.asarray(y).tolist()
    assert model.classes_.tolist() == sorted(set(np.asarray(y).tolist()))


def test_names_of_a_frame_are_remembered_and_checked():
    pd = pytest.importorskip("pandas")
    X, y, _ = _data(3)
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = ms.MarginClassifier().fit(frame, y)
    assert model.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[list("edcba")])
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)


def test_polars_frames_are_taken():
    pl = pytest.importorskip("polars")
    X, y, _ = _data(3)
    frame = pl.DataFrame({name: X[:, j] for j, name in enumerate("abcde")})
    model = ms.MarginClassifier().fit(frame, y)
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9):  # older ones know the names of pandas only
        assert model.feature_names_in_.tolist() == list("abcde")
    assert model.coef_ == pytest.approx(ms.MarginClassifier().fit(X, y).coef_)


def test_too_few_iterations_are_a_warning():
    X, y, _ = _data(3)
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        model = ms.MarginClassifier(max_iter=1, solver="lbfgs").fit(X, y)
    assert model.n_iter_ == 1


def test_probabilities_are_there_only_where_the_loss_is_proper():
    proper = {name for name in ms.losses.names() if ms.losses.get(name).facts.strictly_proper}
    for name in ms.losses.names():
        model = ms.MarginClassifier(loss=name)
        assert hasattr(model, "predict_proba") == hasattr(model, "predict_log_proba") == (name in proper)
        assert hasattr(ms.MarginClassifier(loss=name, probability="calibrate"), "predict_proba")
    assert "cross_entropy" in proper
    assert not hasattr(ms.MarginClassifier(loss="no such loss"), "predict_proba")
    assert not hasattr(ms.MarginClassifier(class_margins=[1.0, 2.0]), "predict_proba")
    assert not hasattr(ms.MarginClassifier(class_scales={"a": 2.0}), "predict_proba")
    assert hasattr(ms.MarginClassifier(class_scales=[1.0, 1.0]), "predict_proba")


def test_calibrated_probabilities_are_about_right():
    # two normal classes with shares 3 : 1, whose conditional probabilities are known
    rng = np.random.default_rng(0)
    y = (rng.random(4_000) < 0.25).astype(int)
    X = rng.standard_normal((4_000, 2)) + 1.5 * y[:, None]
    truth = 1.0 / (1.0 + 3.0 * np.exp(-1.5 * X.sum(axis=1) + 1.5**2))
    model = ms.MarginClassifier(loss="squared_weston_watkins", probability="calibrate").fit(X, y)
    proba = model.predict_proba(X)
    assert proba.sum(axis=1) == pytest.approx(1.0)
    assert np.abs(proba[:, 1] - truth).mean() < 0.02
    assert not hasattr(model.set_params(probability="auto"), "predict_proba")


def test_probabilities_of_separable_scores_stay_finite():
    X, y = np.array([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0]]), np.array([0, 0, 0, 1, 1, 1])
    proba = ms.MarginClassifier(loss="pair_logistic", probability="calibrate").fit(X, y).predict_proba(X)
    # three rows of a class: Platt's targets are 4/5 and 1/5
    assert 0.5 < proba[:3, 0].min() <= proba[:3, 0].max() < 1.0


def test_a_single_row_of_a_class_cannot_be_calibrated():
    with pytest.raises(DataError, match="two rows"):
        ms.MarginClassifier(probability="calibrate").fit([[0.0], [1.0], [2.0]], [0, 0, 1])


def test_the_certificate_is_that_of_the_rows():
    X, y = load_iris(return_X_y=True)
    assert ms.MarginClassifier(tol=1e-3).fit(X[:100], y[:100]).certificate_.status == "complete"
    model = ms.MarginClassifier(tol=1e-3).fit(X, y)
    assert model.certificate_.status == "quasi_complete"
    assert model.certificate_.verify(X, y)
    assert model.certificate_ is model.certificate_


@pytest.mark.parametrize(
    "parameters",
    [
        {"C": 0.0},
        {"C": -1.0},
        {"C": "1"},
        {"C": True},
        {"loss": "no"},
        {"tol": 0.0},
        {"solver": "magic"},
        {"class_weight": "balance"},
        {"class_weight": {9: 1.0}},
        {"class_margins": [1.0, 2.0]},
        {"class_scales": [1.0, -2.0, 1.0]},
        {"logit_adjustment": np.nan},
        {"probability": "yes"},
        {"max_iter": 0},
        {"random_state": -1},
        {"loss": "weston_watkins"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(parameters):
    X, y, _ = _data(3)
    with pytest.raises(UsageError, match=r"but (got|9 is none)"):
        ms.MarginClassifier(**parameters).fit(X, y)


def test_bad_data_are_told_by_cell():
    X, y, weights = _data(3)
    X[3, 1] = np.nan
    with pytest.raises(DataError, match=r"row 3, column 1"):
        ms.MarginClassifier().fit(X, y)
    with pytest.raises(DataError, match="weight"):
        ms.MarginClassifier().fit(np.nan_to_num(X), y, sample_weight=-weights)
    with pytest.raises(DataError, match="one class"):
        ms.MarginClassifier().fit(np.nan_to_num(X), np.zeros(len(y), int))


def test_large_c_turns_to_the_largest_margin():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    y = (X @ rng.standard_normal((3, 3))).argmax(axis=1)
    limit = ms.solve_hard_margin(X, y).coef
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        angles = []
        for C in (1.0, 1e3, 1e6):
            W = ms.MarginClassifier(C=C, fit_intercept=False, tol=1e-12).fit(X, y).coef_
            angles.append(1.0 - (W * limit).sum() / np.linalg.norm(W) / np.linalg.norm(limit))
    assert angles[0] > angles[1] > angles[2]
    assert angles[2] < 5e-3


def test_every_smooth_loss_ends_where_its_gradient_is_zero():
    X, y = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
    for name in ms.losses.names():
        if ms.losses.get(name).facts.smoothness == 0:
            continue
        model = ms.MarginClassifier(loss=name, tol=1e-6).fit(X, y)
        template = ms.losses.get(name)

        def objective(W, template=template):
            scores = X @ W[:, :6].T + W[:, 6]
            own = scores[np.arange(len(y)), y][:, None]
            margins = np.array([np.delete(row, k) for row, k in zip(own - scores, y, strict=True)])
            return template.value(margins).sum() + 0.5 * (W[:, :6] ** 2).sum()

        W = np.column_stack([model.coef_, model.intercept_])
        gradient = np.zeros_like(W)
        for at in np.ndindex(W.shape):
            step = np.zeros_like(W)
            step[at] = 1e-5
            gradient[at] = (objective(W + step) - objective(W - step)) / 2e-5
        assert np.abs(gradient).max() / len(y) < 2e-6, name


def test_pair_matrix_agrees_with_the_margins_of_a_model():
    # the decision function orders the classes as the pair features do
    X, y, _ = _data(3)
    model = ms.MarginClassifier(fit_intercept=False).fit(X, y)
    pairs, A = pair_matrix(X, y, 3)
    margins = A.reshape(len(pairs), -1) @ model.coef_.ravel()
    scores = model.decision_function(X)
    assert margins == pytest.approx([scores[i, y[i]] - scores[i, k] for i, k in pairs])
