"""Answers of models that break their contract."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from marginscope import diagnose
from marginscope.adapters import as_model_view
from marginscope.adapters.answers import must_not_change
from marginscope.exceptions import DataQualityWarning, ModelError

LABELS = np.array(["a", "b", "c"])
X = np.random.default_rng(0).normal(size=(12, 2))
GOOD = np.tile([[0.2, 0.5, 0.3]], (12, 1))


class Fixed:
    """Answers with what it was given."""

    def __init__(self, proba=None, predicted=None, scores=None, classes=LABELS):
        self._answers = {"predict_proba": proba, "predict": predicted, "decision_function": scores}
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def __getattr__(self, name):
        answer = self.__dict__.get("_answers", {}).get(name)
        if answer is None:
            raise AttributeError(name)
        return lambda X: answer(X) if callable(answer) else answer


def probabilities(proba, labels=LABELS, **other):
    model = Fixed(proba=proba, predicted=np.full(len(X), "b"), **other)
    view = as_model_view(model, seed=0)
    return view.probabilities(view.fitted, X, labels)


def test_num016_columns_follow_classes():
    shuffled = probabilities(GOOD[:, [1, 2, 0]], classes=["b", "c", "a"])
    np.testing.assert_array_equal(shuffled, GOOD)
    wider = probabilities(GOOD, labels=np.array(["a", "aa", "b", "c"]))
    np.testing.assert_array_equal(wider, np.insert(GOOD, 1, 0.0, axis=1))


def test_num016_without_classes_the_sorted_order_is_held_against_predict():
    np.testing.assert_array_equal(probabilities(GOOD, classes=None), GOOD)
    with pytest.raises(ModelError, match="agrees with predict on 0% of the rows; set classes_"):
        probabilities(GOOD[:, [1, 0, 2]], classes=None)


def test_num016_row_sums():
    probabilities(GOOD + 2e-7)
    off = GOOD.copy()
    off[3, 0] += 1e-5
    with pytest.raises(ModelError, match=r"row 3 sums to 1\.00001, and 1 of 12 rows are off") as raised:
        probabilities(off)
    assert raised.value.exit_code == 3
    with pytest.raises(ModelError, match="normalise"):
        probabilities(GOOD * 0.5)


def test_num016_single_precision_sums_as_well_as_it_can():
    K = 1000
    labels = np.arange(K)
    proba = np.random.default_rng(1).dirichlet(np.ones(K), size=12).astype(np.float32)
    model = Fixed(proba=proba, predicted=proba.argmax(axis=1), classes=labels)
    view = as_model_view(model, seed=0)
    assert view.probabilities(model, X, labels).dtype == np.float64
    model._answers["predict_proba"] = (proba * 1.001).astype(np.float32)
    with pytest.raises(ModelError, match="sum to 1"):
        view.probabilities(model, X, labels)


def test_num016_logits_are_called_by_their_name():
    with pytest.raises(ModelError, match=r"values go from -3 to 2: these look like logits; apply softmax"):
        probabilities(np.tile([[-3.0, 2.0, 2.0]], (12, 1)))
    with pytest.raises(ModelError, match="logits"):
        probabilities(np.tile([[0.0, 0.5, 7.0]], (12, 1)))


@pytest.mark.parametrize(
    ("proba", "told"),
    [
        (GOOD[:, :2], r"shape \(12, 3\).* has \(12, 2\)"),
        (GOOD[:5], r"has \(5, 3\)"),
        (GOOD[:, 0], r"has \(12,\)"),
        (np.where(np.eye(12, 3) > 0, np.nan, GOOD), "3 of 12 rows hold NaN"),
        (np.full((12, 3), "a"), "has to return numbers"),
    ],
)
def test_num017_shapes_and_gaps_of_probabilities(proba, told):
    with pytest.raises(ModelError, match=told):
        probabilities(proba)


@pytest.mark.parametrize(
    ("predicted", "told"),
    [
        (np.full(11, "a"), r"each of 12 rows, but returned an array of shape \(11,\)"),
        (GOOD, r"shape \(12, 3\); return labels, not scores"),
        (np.array([1.0] * 11 + [np.nan]), "NaN or None for 1 of 12 rows"),
        (np.array(["a"] * 10 + [None] * 2, dtype=object), "NaN or None for 2 of 12"),
    ],
)
def test_num017_shapes_and_gaps_of_predictions(predicted, told):
    view = as_model_view(Fixed(predicted=predicted), seed=0)
    with pytest.raises(ModelError, match=told):
        view.predict(view.fitted, X)


def test_a_column_of_predictions_is_flattened():
    view = as_model_view(Fixed(predicted=np.full((12, 1), "c")), seed=0)
    assert view.answer(view.fitted, X, LABELS)[0].tolist() == [2] * 12


def test_num017_predictions_and_classes_that_are_no_labels():
    view = as_model_view(Fixed(predicted=np.arange(12) % 2), seed=0)
    with pytest.raises(ModelError, match=r"labels 'a', 'b', 'c' are needed, but Fixed predicts 0, 1; encode y"):
        view.answer(view.fitted, X, LABELS)
    with pytest.raises(ModelError, match=r"columns for 0, 1, 2; encode y"):
        probabilities(GOOD, classes=[0, 1, 2])


def test_num017_the_original_error_is_the_cause():
    def fail(X):
        raise KeyError("petal\nwidth")

    view = as_model_view(Fixed(predicted=fail), seed=0)
    with pytest.raises(ModelError, match=r"Fixed\.predict has to work on 12 rows, but it raised KeyError") as raised:
        view.predict(view.fitted, X)
    assert isinstance(raised.value.__cause__, KeyError)
    assert "\n" not in str(raised.value)
    refit = as_model_view(LogisticRegression(), seed=0)
    with pytest.raises(ModelError, match=r"LogisticRegression\.fit has to work on 3 rows") as raised:
        refit.fit(np.full((3, 2), np.nan), ["a", "b", "c"])
    assert isinstance(raised.value.__cause__, ValueError)


def test_num017_memory_errors_are_the_machines_fault():
    def fail(X):
        raise MemoryError

    view = as_model_view(Fixed(predicted=fail), seed=0)
    with pytest.raises(MemoryError):
        view.predict(view.fitted, X)


def test_num017_a_model_that_changes_its_input_is_found_out():
    def spoil(X):
        X *= 2
        return np.full(len(X), "a")

    view = as_model_view(Fixed(predicted=spoil), seed=0)
    with pytest.raises(ModelError, match=r"Fixed\.predict changed X in place"):
        view.predict(view.fitted, X.copy())


def spoil(table, row):
    if isinstance(table, pd.DataFrame):
        table.loc[row, "w"] = "other"
    elif isinstance(table, np.ndarray):
        table[row, 1] = 5.0
    else:
        table.data[row] = 5.0


@pytest.mark.parametrize("row", [0, 11])
def test_num017_every_kind_of_table_is_watched(row):
    from scipy import sparse

    frame = pd.DataFrame(X, columns=["u", "v"]).assign(w=["text"] * 12)
    for table in (X.copy(), np.asfortranarray(X), sparse.csr_array(X), sparse.coo_array(X), frame, X.astype(object)):
        with must_not_change(table, "nothing"):
            pass
        with pytest.raises(ModelError, match="something changed X"), must_not_change(table, "something"):
            spoil(table, row)


def test_num017_a_model_that_throws_dice_is_warned_about():
    dice = np.random.default_rng(0)
    view = as_model_view(Fixed(predicted=lambda X: dice.choice(LABELS, len(X))), seed=0)
    with pytest.warns(DataQualityWarning, match="two calls of Fixed.predict on the same rows differ"):
        assert not view.is_repeatable(view.fitted, X)
    y = LABELS[np.arange(12) % 3]
    steady = as_model_view(RandomForestClassifier(n_estimators=3), seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert steady.is_repeatable(steady.fit(X, y), X)


def test_num017_a_given_model_that_throws_dice_has_a_note():
    dice = np.random.default_rng(0)
    rows = np.random.default_rng(1).normal(size=(90, 2))
    y = LABELS[np.arange(90) % 3]
    throwing = Fixed(predicted=lambda X: dice.choice(LABELS, len(X)))
    steady = Fixed(predicted=lambda X: np.full(len(X), LABELS[0]))
    told = [
        any("differ: its recall is one draw" in note for note in diagnose(one, rows, y, checks=["few-rows"]).notes)
        for one in (throwing, steady)
    ]
    assert told == [True, False]


def scores(values, classes=LABELS):
    view = as_model_view(Fixed(scores=values, predicted=np.full(12, "a"), classes=classes), seed=0)
    return view.scores(view.fitted, X, LABELS)


def test_num016_scores_are_placed_by_class():
    values = np.random.default_rng(2).normal(size=(12, 3))
    np.testing.assert_array_equal(scores(values[:, [2, 0, 1]], classes=["c", "a", "b"]), values)
    binary = scores(values[:, 0], classes=["a", "c"])
    np.testing.assert_array_equal(binary, np.column_stack([-values[:, 0] / 2, np.full(12, -np.inf), values[:, 0] / 2]))
    assert scores(values, classes=None) is None
    with pytest.raises(ModelError, match=r"3 columns for 12 rows, but returned shape \(12, 2\)"):
        scores(values[:, :2])
    with pytest.raises(ModelError, match="1 are NaN"):
        scores(np.where(np.arange(36).reshape(12, 3) == 4, np.nan, values))


def test_num016_scores_per_pair_are_no_scores_per_class():
    y = LABELS[np.arange(12) % 3]
    for n_classes in (3, 4):
        labels = np.array(["a", "b", "c", "d"])[:n_classes]
        y = labels[np.arange(12) % n_classes]
        pairs = as_model_view(SVC(decision_function_shape="ovo"), seed=0)
        assert pairs.scores(pairs.fit(X, y), X, labels) is None
        classes = as_model_view(SVC(), seed=0)
        fitted = classes.fit(X, y)
        np.testing.assert_array_equal(classes.scores(fitted, X, labels), fitted.decision_function(X))
