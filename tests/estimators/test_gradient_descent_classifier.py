"""GradientDescentClassifier: the path of ``descend``, its rules to stop, and its weights."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

import marginscope as ms
from marginscope.descent import optimizer_names
from marginscope.exceptions import DataError, UsageError

IRIS, SPECIES = load_iris(return_X_y=True)
X = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)
NAMES = np.array(["setosa", "versicolor", "virginica"])


def _gradient_by_hand(W, X, y):
    Z = np.column_stack([X, np.ones(len(X))])
    scores = Z @ W.T
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    P[np.arange(len(y)), y] -= 1.0
    return P.T @ Z


def test_the_steps_are_those_of_gradient_descent_by_hand():
    model = ms.GradientDescentClassifier(step_size=0.01, n_steps=25).fit(X, SPECIES)
    W = np.zeros((3, 5))
    for _ in range(25):
        W -= 0.01 * _gradient_by_hand(W, X, SPECIES)
    assert model.coef_ == pytest.approx(W[:, :4], abs=1e-12)
    assert model.intercept_ == pytest.approx(W[:, 4], abs=1e-12)
    assert (model.n_iter_, model.record_, model.stop_reason_) == (25, len(model.path_.steps) - 1, "")


def test_the_path_is_a_trajectory_of_the_rows():
    model = ms.GradientDescentClassifier(n_steps=200).fit(X, NAMES[SPECIES])
    assert isinstance(model.path_, ms.Trajectory)
    assert model.path_.classes.tolist() == NAMES.tolist() == model.classes_.tolist()
    assert model.path_.coef[-1] == pytest.approx(model.coef_)
    assert model.certificate_.status == "quasi_complete"


def test_two_classes_have_one_row():
    model = ms.GradientDescentClassifier(n_steps=50).fit(X[:100], SPECIES[:100])
    W = model.path_.coef[-1]
    assert model.coef_ == pytest.approx((W[1] - W[0])[None])
    assert model.decision_function(X[:100]).shape == (100,)
    assert model.predict(X[:100]).tolist() == SPECIES[:100].tolist()


@pytest.mark.parametrize("optimizer", optimizer_names())
@pytest.mark.parametrize("loss", ["cross_entropy", "weston_watkins"])
def test_a_weight_is_so_many_copies_in_the_step_size_too(optimizer, loss):
    if optimizer == "sgd":
        pytest.skip("batches are drawn by rows")
    weights = np.random.default_rng(0).integers(0, 4, len(SPECIES))
    copies = np.repeat(np.arange(len(SPECIES)), weights)
    parameters = {"optimizer": optimizer, "loss": loss, "n_steps": 20, "class_weight": "balanced"}
    try:
        repeated = ms.GradientDescentClassifier(**parameters).fit(X[copies], SPECIES[copies])
    except UsageError:
        pytest.skip("this method takes no such loss")
    weighted = ms.GradientDescentClassifier(**parameters).fit(X, SPECIES, sample_weight=weights)
    assert weighted.path_.step_size.scale == pytest.approx(repeated.path_.step_size.scale, rel=1e-12)
    # sign and coordinate steps may turn on the rounding of an entry that is zero
    if optimizer not in ("sign", "coordinate", "adam"):
        assert weighted.coef_ == pytest.approx(repeated.coef_, abs=1e-9)


def test_balanced_is_the_weights_by_hand():
    rows = np.r_[0:50, 50:60, 100:125]
    counts = np.bincount(SPECIES[rows])
    by_hand = {k: len(rows) / (3 * n) for k, n in enumerate(counts)}
    balanced, given = (
        ms.GradientDescentClassifier(n_steps=50, class_weight=one).fit(X[rows], SPECIES[rows])
        for one in ("balanced", by_hand)
    )
    assert balanced.coef_ == pytest.approx(given.coef_, abs=1e-12)


def test_a_small_gradient_stops():
    model = ms.GradientDescentClassifier(tol=1e-2, n_steps=5_000, record=10).fit(X, SPECIES)
    assert model.stop_reason_ == "gradient"
    assert model.path_.status == "stopped"
    assert 0 < model.n_iter_ < 5_000
    W = np.column_stack([model.coef_, model.intercept_])
    assert np.abs(_gradient_by_hand(W, X, SPECIES)).max() / len(X) <= 1e-2
    before = np.column_stack([model.path_.coef[-2], model.path_.intercept[-2]])
    assert np.abs(_gradient_by_hand(before, X, SPECIES)).max() / len(X) > 1e-2


def test_callbacks_see_every_record_and_may_stop():
    seen = []

    def watch(step, W):
        seen.append((step, W.copy()))
        W[:] = np.nan  # what a callback does to its copy harms nobody
        return step >= 40

    model = ms.GradientDescentClassifier(callbacks=[watch], record=20, n_steps=100).fit(X, SPECIES)
    assert [step for step, _ in seen] == [0, 20, 40]
    assert (model.n_iter_, model.stop_reason_) == (40, "callback")
    assert seen[-1][1][:, :4] == pytest.approx(model.coef_)
    plain = ms.GradientDescentClassifier(record=20, n_steps=40).fit(X, SPECIES)
    assert model.coef_ == pytest.approx(plain.coef_, abs=1e-14)


def test_early_stopping_keeps_the_best_record_on_rows_left_out():
    rng = np.random.default_rng(0)
    noisy = np.column_stack([X, rng.standard_normal((len(X), 60))])
    y = np.where(rng.random(len(X)) < 0.2, rng.integers(0, 3, len(X)), SPECIES)
    model = ms.GradientDescentClassifier(
        early_stopping=True, validation_fraction=0.3, patience=3, record=20, n_steps=20_000, random_state=1
    ).fit(noisy, y)
    assert model.stop_reason_ == "validation"
    losses = model.validation_loss_
    assert len(losses) == len(model.path_.steps)
    assert model.record_ == losses.argmin() == len(losses) - 4
    assert model.coef_ == pytest.approx(model.path_.coef[model.record_])
    # 30 per cent of 150 rows are no part of the path
    assert len(model.path_.objective.y) == 105
    left_out = {tuple(row) for row in noisy} - {tuple(row) for row in model.path_.objective.X}
    rows = [i for i, row in enumerate(noisy) if tuple(row) in left_out]
    log_proba = model.predict_log_proba(noisy[rows])
    assert -log_proba[np.arange(len(rows)), y[rows]].mean() == pytest.approx(losses.min(), rel=1e-9)


def test_early_stopping_needs_rows_of_every_class():
    with pytest.raises(DataError, match="validation_fraction"):
        ms.GradientDescentClassifier(early_stopping=True).fit(X[:52], SPECIES[:52].clip(0, 1) + (np.arange(52) == 51))


def test_a_warm_start_goes_on():
    one = ms.GradientDescentClassifier(step_size=0.01, n_steps=30, warm_start=True).fit(X, SPECIES)
    one.fit(X, SPECIES)
    through = ms.GradientDescentClassifier(step_size=0.01, n_steps=60).fit(X, SPECIES)
    assert one.coef_ == pytest.approx(through.coef_, abs=1e-12)
    with pytest.raises(DataError, match="warm start"):
        one.fit(X[:, :2], SPECIES)
    with pytest.raises(DataError, match="warm start"):
        one.fit(X[:100], SPECIES[:100])


def test_seeds_decide_the_batches():
    fits = [
        ms.GradientDescentClassifier(optimizer="sgd", n_steps=30, step_size=0.01, random_state=seed).fit(X, SPECIES)
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(fits[0].coef_, fits[1].coef_)
    assert not np.allclose(fits[0].coef_, fits[2].coef_)


def test_divergence_is_a_warning():
    with pytest.warns(ConvergenceWarning, match="smaller step_size"):
        model = ms.GradientDescentClassifier(loss="squared_margin", step_size=1.0, n_steps=2_000).fit(X, SPECIES)
    assert np.all(np.isfinite(model.coef_))


def test_sparse_features_have_the_same_path():
    Z = np.where(X > 0.0, X, 0.0)
    dense, sparse = (ms.GradientDescentClassifier(n_steps=50).fit(one, SPECIES) for one in (Z, sp.csr_array(Z)))
    assert sparse.coef_ == pytest.approx(dense.coef_, abs=1e-9)


def test_probabilities_are_there_only_where_the_loss_is_proper():
    assert hasattr(ms.GradientDescentClassifier(), "predict_proba")
    assert not hasattr(ms.GradientDescentClassifier(loss="exponential"), "predict_proba")
    model = ms.GradientDescentClassifier(loss="exponential", n_steps=100, probability="calibrate").fit(X, SPECIES)
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_steps": -1},
        {"optimizer": "no"},
        {"step_size": 0.0},
        {"tol": -1.0},
        {"patience": 0},
        {"callbacks": [1]},
        {"class_weight": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(parameters):
    with pytest.raises(UsageError, match="but got"):
        ms.GradientDescentClassifier(**parameters).fit(X, SPECIES)


def test_descend_watches_single_runs_only():
    with pytest.raises(UsageError, match="on_record"):
        ms.descend(X, SPECIES, n_runs=2, init="normal", n_steps=5, on_record=lambda step, W: False)


def test_the_step_of_a_loss_with_kinks_counts_weights_once():
    weights = np.full(len(SPECIES), 4.0)
    plain = ms.descend(X, SPECIES, loss="weston_watkins", n_steps=1)
    weighted = ms.descend(X, SPECIES, loss="weston_watkins", n_steps=1, sample_weight=weights)
    assert weighted.step_size.scale == pytest.approx(plain.step_size.scale / 4.0)
