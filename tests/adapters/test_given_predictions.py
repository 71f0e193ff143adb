"""Predictions without a model."""

import numpy as np
import pytest

from marginscope.adapters import Predictions, as_model_view
from marginscope.exceptions import DataError, ModelError, UsageError

LABELS = np.array(["a", "b", "c"])
PROBA = np.array([[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])
X = np.zeros((3, 2))


def test_labels_alone_are_enough():
    view = as_model_view(Predictions(["b", "b", "c"]), seed=0)
    codes, proba = view.answer(view.fitted, X, LABELS)
    assert codes.tolist() == [1, 1, 2]
    assert proba is None
    assert (view.kind, view.params, view.can_refit, view.has_proba, view.estimator) == (
        "Predictions",
        {},
        False,
        False,
        None,
    )


def test_probabilities_alone_are_enough_and_ties_go_to_the_first():
    view = as_model_view(Predictions(proba=PROBA), seed=0)
    codes, proba = view.answer(view.fitted, X, LABELS)
    assert codes.tolist() == [0, 0, 2]
    np.testing.assert_array_equal(proba, PROBA)
    with pytest.raises(ModelError, match="pass labels=sorted"):
        view.predict(view, X)


def test_labels_name_the_columns():
    view = Predictions(proba=PROBA, labels=["c", "b", "a"])
    codes, proba = view.answer(view, X, LABELS)
    assert codes.tolist() == [2, 2, 0]
    np.testing.assert_array_equal(proba, PROBA[:, ::-1])
    fewer = Predictions(proba=PROBA[:, :2] / PROBA[:, :2].sum(axis=1, keepdims=True), labels=["a", "c"])
    assert (fewer.probabilities(fewer, X, LABELS)[:, 1] == 0).all()


def test_predictions_may_differ_from_the_largest_probability():
    view = Predictions(["c", "c", "c"], PROBA, LABELS)
    assert view.answer(view, X, LABELS)[0].tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("proba", "told"),
    [
        (PROBA * 2, "logits"),
        (PROBA * 0.9, "sum to 1"),
        (np.where(PROBA > 0.7, np.nan, PROBA), "NaN"),
        (PROBA[:, 0], r"shape \(n_samples, n_classes\), but has \(3,\)"),
        (np.array([["x", "y"]]), "has to hold numbers"),
        (np.log(PROBA), "logits"),
    ],
)
def test_num016_probabilities_are_held_to_their_contract(proba, told):
    with pytest.raises(ModelError, match=told):
        Predictions(proba=proba)


def test_num016_columns_have_to_fit_the_labels():
    with pytest.raises(ModelError, match="has 3 columns and y has 2 labels; pass labels="):
        Predictions(proba=PROBA).for_labels(np.array(["a", "b"]))
    with pytest.raises(ModelError, match=r"has to have shape \(3, 2\).* has \(3, 3\)"):
        Predictions(proba=PROBA, labels=["a", "b"])
    with pytest.raises(ModelError, match="the columns of proba name 'q'"):
        Predictions(proba=PROBA, labels=["a", "b", "q"]).probabilities(None, X, LABELS)
    with pytest.raises(UsageError, match="remove the repeats"):
        Predictions(proba=PROBA, labels=["a", "b", "b"])


def test_num017_rows_and_labels_have_to_fit():
    with pytest.raises(ModelError, match="3 predictions for 5 rows"):
        Predictions(["a", "b", "c"]).predict(None, np.zeros((5, 2)))
    with pytest.raises(ModelError, match="the given predictions name 0, 1"):
        Predictions([0, 1, 0]).answer(None, X, LABELS)
    with pytest.raises(DataError, match="inconsistent numbers of samples"):
        Predictions(["a", "b"], PROBA)
    with pytest.raises(DataError, match="1 of 3 rows have none"):
        Predictions(["a", None, "b"])
    with pytest.raises(ModelError, match=r"shape \(3, 3\); pass probabilities as proba="):
        Predictions(PROBA)
    with pytest.raises(UsageError, match="need y_pred or proba"):
        Predictions()


def test_there_is_no_model_to_refit():
    view = Predictions(["a", "b", "c"])
    for call in (lambda: view.fit(X, LABELS), lambda: view.with_params(C=1), lambda: view.with_step_in_front(None)):
        with pytest.raises(ModelError, match="only its predictions are known"):
            call()
    assert view.penalty_knobs() == ()
    assert view.weight_route() is None
    assert view.linear_part(view, X) is None
    assert view.scores(view, X, LABELS) is None
    assert not view.penalty_is_absent(view)
    assert [view.has_scaler(), view.is_scale_free(), view.is_flexible()] == [False, False, False]
    assert view.class_weight_params() == {}
