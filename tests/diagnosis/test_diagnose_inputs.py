"""What may be diagnosed, in every form that people have, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

import marginscope as ms
from marginscope.exceptions import DataError, LabelTypeError, MarginscopeError, ModelError, UsageError

QUICK = ["class-absent", "few-rows", "imbalance"]


@pytest.fixture(scope="module")
def small(blobs):
    return blobs([40, 30, 20], [[0, 0, 0], [4, 0, 0], [0, 4, 0]], test=1)


def recalls(found):
    return {one.label: one.recall for one in found.classes}


@pytest.fixture(scope="module")
def expected(small):
    return small.diagnose(LogisticRegression(), checks=QUICK)


# labels --------------------------------------------------------------------------------------------------

LABELS = {
    "str": np.array(["ant", "bee", "cow"]),
    "object": np.array(["ant", "bee", "cow"], dtype=object),
    "int": np.array([0, 1, 2]),
    "negative": np.array([-3, 0, 9]),
    "gaps": np.array([5, 2**20, 2**40]),
    "uint64": np.array([3, 2**63 + 2**20, 2**63 + 2**40], dtype=np.uint64),
    "float": np.array([1.0, 2.0, 7.0]),
    "unicode": np.array(["ameise 🐜", "пчела", "牛"]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_dat025_labels_of_every_kind_give_the_same_answer(kind, small, expected):
    values = LABELS[kind]
    place = {"ant": 0, "bee": 1, "cow": 2}
    y, y_test = (values[[place[v] for v in part.tolist()]] for part in (small.y, small.y_test))
    found = replace(small, y=y, y_test=y_test).diagnose(LogisticRegression(), checks=QUICK)
    names = {str(values.tolist()[k]): name for name, k in place.items()}
    assert {one.label for one in found.classes} == set(names)
    assert {names[label]: value for label, value in recalls(found).items()} == recalls(expected)
    assert found[values.tolist()[1]].rows == 30


def test_dat021_boolean_labels_are_two_classes(small):
    y, y_test = small.y == "ant", small.y_test == "ant"
    found = replace(small, y=y, y_test=y_test).diagnose(LogisticRegression(), checks=QUICK)
    assert {one.label for one in found.classes} == {"True", "False"}


@pytest.mark.parametrize("form", ["list", "pandas", "polars"])
def test_labels_in_every_container(form, small, expected):
    y, y_test = small.y, small.y_test
    if form == "list":
        y, y_test = y.tolist(), y_test.tolist()
    else:
        library = pytest.importorskip(form)
        y, y_test = library.Series(y), library.Series(y_test)
    found = replace(small, y=y, y_test=y_test).diagnose(LogisticRegression(), checks=QUICK)
    assert found.to_dict()["classes"] == expected.to_dict()["classes"]


def test_labels_are_matched_to_rows_by_position_whatever_the_index(small, expected):
    pd = pytest.importorskip("pandas")
    y = pd.Series(small.y, index=np.arange(small.y.size)[::-1])
    found = replace(small, y=y).diagnose(LogisticRegression(), checks=QUICK)
    assert recalls(found) == recalls(expected)


# rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda X: X.tolist(),
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        sp.csr_matrix,
        sp.csc_matrix,
        sp.csr_array,
        sp.coo_matrix,
        sp.coo_array,
    ],
    ids=["Fortran", "lists", "strided", "csr", "csc", "csr array", "coo", "coo array"],
)
def test_rows_in_every_form_give_the_same_answer(form, small, expected):
    found = replace(small, X=form(small.X), X_test=form(small.X_test)).diagnose(LogisticRegression(), checks=QUICK)
    assert recalls(found) == recalls(expected)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.coo_array], ids=["csr", "coo"])
def test_sparse_rows_are_dealt_into_folds(form, small):
    found = ms.diagnose(LogisticRegression(), form(small.X), small.y, cv=3, checks=QUICK)
    plain = ms.diagnose(LogisticRegression(), small.X, small.y, cv=3, checks=QUICK)
    assert recalls(found) == recalls(plain)


def mixed(small, library):
    """Two numeric columns, one with gaps, and one of words with gaps."""
    rng = np.random.default_rng(0)

    def frame(X, y):
        gaps = np.where(rng.random(len(X)) < 0.1, np.nan, X[:, 1])
        words = np.where(y == "cow", "tall", np.where(rng.random(len(X)) < 0.5, "short", "round"))
        return library.DataFrame({"size": X[:, 0], "mass": gaps, "shape": words.tolist()})

    return replace(small, X=frame(small.X, small.y), X_test=frame(small.X_test, small.y_test))


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("model", ["reference", "pipeline"])
def test_frames_with_words_and_gaps(library, model, small):
    problem = mixed(small, pytest.importorskip(library))
    words = OneHotEncoder(handle_unknown="ignore")
    prepare = make_column_transformer((words, ["shape"]), (SimpleImputer(), ["size", "mass"]))
    estimator = None if model == "reference" else make_pipeline(prepare, LogisticRegression())
    found = problem.diagnose(estimator)
    assert not [one.sentence for one in found.findings if one.status == "errored"]
    assert found["cow"].recall > 0.8
    assert found.data.features == 3
    assert any("one-hot" in note and "shape" in note for note in found.notes)
    assert any("missing" in note and "mass" in note for note in found.notes)


def test_categorical_columns_reach_the_users_model_as_they_are(small):
    pd = pytest.importorskip("pandas")
    problem = mixed(small, pd)
    for frame in (problem.X, problem.X_test):
        frame["shape"] = frame["shape"].astype(pd.CategoricalDtype(["tall", "short", "round"]))
    model = HistGradientBoostingClassifier(max_iter=8, categorical_features="from_dtype")
    found = problem.diagnose(model, checks=QUICK)
    assert found["cow"].recall > 0.8


def test_dat011_a_constant_feature_is_accepted(small):
    wide = replace(small, X=np.c_[small.X, np.ones(90)], X_test=np.c_[small.X_test, np.ones(small.y_test.size)])
    found = wide.diagnose(LogisticRegression())
    assert not [one.sentence for one in found.findings if one.status == "errored"]


def test_dat052_a_feature_that_equals_the_target_is_reported(small):
    code = {"ant": 0.0, "bee": 1.0, "cow": 2.0}
    X, X_test = (np.c_[part, [code[v] for v in y]] for part, y in ((small.X, small.y), (small.X_test, small.y_test)))
    found = replace(small, X=X, X_test=X_test).diagnose(LogisticRegression())
    said = " ".join([*found.notes, *(one.sentence for one in found.findings)]).lower()
    assert "leak" in said or "equals the target" in said


def test_sixty_classes_of_a_few_rows(blobs):
    rng = np.random.default_rng(0)
    centres = 6 * rng.standard_normal((60, 4))
    names = tuple(f"class {k:02d}" for k in range(60))
    problem = blobs([5] * 60, centres, names=names, test=1)
    found = problem.diagnose(LogisticRegression(), checks=["class-absent", "few-rows", "over-regularised", "imbalance"])
    assert len(found.classes) == 60
    assert found.data.n_classes == 60
    assert not [one.sentence for one in found.findings if one.status == "errored"]
    assert found.to_json()


# models --------------------------------------------------------------------------------------------------


class NearestMean(ClassifierMixin, BaseEstimator):
    """Knows no probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        return self.classes_[((X[:, None] - self.means_) ** 2).sum(axis=2).argmin(axis=1)]


class OnlyScores(BaseEstimator):
    """Has ``decision_function`` and no ``predict``."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def decision_function(self, X):
        return self.inner_.decision_function(X)


class Frozen:
    """A rule that somebody wrote down: it can predict and nothing else."""

    def predict(self, X):
        return np.where(X[:, 0] > 2, "bee", np.where(X[:, 1] > 2, "cow", "ant"))


class FrozenScores:
    """The same rule as scores."""

    classes_ = np.array(["ant", "bee", "cow"])

    def decision_function(self, X):
        return np.stack([np.full(len(X), 2.0), X[:, 0], X[:, 1]], axis=1)


@pytest.mark.parametrize("model", [NearestMean(), OnlyScores(), LinearSVC()], ids=["predict", "scores", "svm"])
@pytest.mark.parametrize("test_rows", [True, False])
def test_models_with_only_predict_or_decision_function(model, test_rows, small):
    problem = small if test_rows else small.without_test()
    found = problem.diagnose(model, cv=3, checks=[*QUICK, "over-regularised", "unscaled-features"])
    assert min(one.recall for one in found.classes) > 0.8
    assert not [one.sentence for one in found.findings if one.status == "errored"]


@pytest.mark.parametrize("model", [Frozen(), FrozenScores()], ids=["predict", "scores"])
def test_models_that_cannot_be_fitted_again_are_judged_on_test_rows(model, small):
    found = small.diagnose(model)
    assert min(one.recall for one in found.classes) > 0.8
    assert not [one.sentence for one in found.findings if one.status == "errored"]


def test_a_frozen_estimator_is_judged_on_test_rows(small):
    from sklearn.frozen import FrozenEstimator

    model = FrozenEstimator(LogisticRegression().fit(small.X, small.y))
    found = small.diagnose(model, checks=QUICK)
    expected = LogisticRegression().fit(small.X, small.y).predict(small.X_test)
    assert found["cow"].recall == pytest.approx(np.mean(expected[small.y_test == "cow"] == "cow"))


def test_a_model_that_cannot_be_fitted_again_needs_test_rows(small):
    with pytest.raises(ModelError, match=r"X_test|test rows"):
        small.without_test().diagnose(Frozen())


def test_a_fitted_model_is_judged_as_it_is_on_test_rows(small):
    """Fitted on other rows than those given: its own answers count, not those of a refit."""
    bad = LogisticRegression().fit(small.X, np.roll(small.y, 1))
    found = small.diagnose(bad, checks=QUICK)
    answers = bad.predict(small.X_test)
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(answers[small.y_test == one.label] == one.label))


def test_a_fitted_model_is_refitted_on_folds(small):
    X, y = small.X, small.y
    one = ms.diagnose(LogisticRegression().fit(X, np.roll(y, 1)), X, y, cv=3, checks=QUICK)
    two = ms.diagnose(LogisticRegression(), X, y, cv=3, checks=QUICK)
    assert recalls(one) == recalls(two)


def test_a_search_is_a_model(small):
    search = GridSearchCV(LogisticRegression(), {"C": [1e-3, 1.0]}, cv=2)
    found = small.diagnose(search, checks=[*QUICK, "over-regularised"])
    assert min(one.recall for one in found.classes) > 0.8


@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("test_rows", [True, False])
def test_predictions_alone_can_be_diagnosed(kind, test_rows, small):
    problem = small if test_rows else small.without_test()
    rows = small.X_test if test_rows else small.X
    fitted = LogisticRegression().fit(small.X, small.y)
    given = {"y_pred": fitted.predict(rows)} if kind == "labels" else {"proba": fitted.predict_proba(rows)}
    found = problem.diagnose(ms.Predictions(**given))
    y = small.y_test if test_rows else small.y
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(fitted.predict(rows)[y == one.label] == one.label))
    assert not [one.sentence for one in found.findings if one.status == "errored"]


def test_predictions_for_another_number_of_rows_are_refused(small):
    with pytest.raises(ModelError, match="89 predictions for 90 rows"):
        ms.diagnose(ms.Predictions(small.y[:-1]), small.X, small.y)


def test_a_prediction_that_is_no_label_is_refused(small):
    with pytest.raises(ModelError, match="yak"):
        ms.diagnose(ms.Predictions(np.where(small.y == "cow", "yak", small.y)), small.X, small.y)


class Fails(LogisticRegression):
    def __init__(self, at="fit"):
        super().__init__()
        self.at = at

    def fit(self, X, y):
        if self.at == "fit":
            raise RuntimeError("out of paper")
        return super().fit(X, y)

    def predict(self, X):
        if self.at == "predict":
            raise RuntimeError("out of paper")
        return super().predict(X)

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        return {"nan": proba * np.nan, "half": proba / 2, "narrow": proba[:, :2]}.get(self.at, proba)


@pytest.mark.parametrize("test_rows", [True, False])
@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("fit", "out of paper"),
        ("predict", "out of paper"),
        ("nan", "finite"),
        ("half", "sum to 1"),
        ("narrow", "shape"),
    ],
)
def test_a_model_that_fails_is_an_error_that_names_it(at, said, test_rows, small):
    problem = small if test_rows else small.without_test()
    with pytest.raises(ModelError, match=said) as caught:
        problem.diagnose(Fails(at))
    assert "Fails" in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("model", [LinearRegression(), LogisticRegression, "logistic", OneHotEncoder()])
def test_what_is_no_classifier_is_refused(model, small):
    with pytest.raises(ModelError, match="needed"):
        small.diagnose(model)


# refusals ------------------------------------------------------------------------------------------------


def test_test_rows_need_labels_and_labels_need_test_rows(small):
    with pytest.raises(UsageError, match="X_test and y_test"):
        ms.diagnose(LogisticRegression(), small.X, small.y, X_test=small.X)
    with pytest.raises(UsageError, match="X_test and y_test"):
        ms.diagnose(LogisticRegression(), small.X, small.y, y_test=small.y)


BAD = {
    "dat003": ({"y": np.append(["ant"] * 89, None)}, DataError, "1 of 90 rows"),
    "dat004": ({"y": np.repeat("ant", 90)}, DataError, "'ant'"),
    "dat005": ({"X": np.empty((0, 3)), "y": np.empty(0)}, DataError, "0 sample"),
    "dat006": ({"X": np.empty((90, 0))}, DataError, "0 feature"),
    "dat008": ({"y": np.repeat(["ant", "bee"], 44)}, DataError, "inconsistent numbers of samples"),
    "dat020": ({"y": np.repeat([b"ant", b"bee"], 45)}, LabelTypeError, "bytes"),
    "dat022": ({"y": ["ant"] * 45 + [1] * 45}, LabelTypeError, "45"),
    "dat023": ({"y": np.linspace(0, 1, 90)}, DataError, "continuous"),
    "dat026": ({"y": np.eye(3)[np.arange(90) % 3]}, DataError, "1d array"),
    "dat002": ({"X": np.full((90, 3), np.inf)}, DataError, "infinity"),
    "dat033": ({"X": np.full((90, 3), 1e300)}, DataError, "1e"),
    "dat049": ({"X": "twice"}, DataError, "more than once"),
}


@pytest.mark.parametrize("row", BAD)
def test_bad_data_are_refused_before_anything_is_fitted(row, small):
    changed, kind, said = BAD[row]
    if isinstance(changed.get("X"), str):
        pd = pytest.importorskip("pandas")
        changed = {"X": pd.DataFrame(small.X, columns=["a", "a", "b"])}
    problem = replace(small.without_test(), **changed)
    with pytest.raises(kind, match=said) as caught:
        problem.diagnose(Fails("fit"))
    assert caught.value.exit_code == 3
    assert isinstance(caught.value, ValueError)


def test_dat009_test_rows_with_other_columns_are_refused(small):
    with pytest.raises(DataError, match="features"):
        replace(small, X_test=small.X_test[:, :2]).diagnose(LogisticRegression())


def test_dat010_test_columns_with_other_names_are_refused(small):
    pd = pytest.importorskip("pandas")
    X, X_test = pd.DataFrame(small.X, columns=list("abc")), pd.DataFrame(small.X_test, columns=list("abz"))
    with pytest.raises(DataError, match=r"missing c.*not in training: z"):
        replace(small, X=X, X_test=X_test).diagnose(None)


def test_dat001_missing_cells_that_the_model_cannot_take_are_its_failure(small):
    X = small.X.copy()
    X[3, 1] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        replace(small, X=X).diagnose(LogisticRegression())
    found = replace(small, X=X).diagnose(None, checks=QUICK)
    assert any("missing" in note or "imput" in note for note in found.notes)


@pytest.mark.parametrize("checks", [["nope"], "nope", ["few-rows", "nope"]])
def test_an_unknown_check_is_refused_with_the_known_ones(checks, small):
    with pytest.raises(UsageError, match=r"nope.*class-absent"):
        small.diagnose(LogisticRegression(), checks=checks)


@pytest.mark.parametrize("rng", [-1, 1.5, "0", True])
def test_what_is_no_seed_is_refused(rng, small):
    with pytest.raises(UsageError, match="seed"):
        small.diagnose(LogisticRegression(), rng=rng)


@pytest.mark.parametrize(("X", "y"), [([[0.0], [1.0]], ["a", "b"]), (np.arange(8.0)[:, None], list("abcdefgh"))])
def test_nothing_but_classes_of_one_row_cannot_be_scored(X, y):
    """Either an error in a sentence or a table without recalls; never a fault of the machinery."""
    try:
        classes = ms.diagnose(LogisticRegression(), X, y).classes
    except MarginscopeError:
        classes = ()
    assert all(one.recall is None and one.verdict == "undecided" for one in classes)


# time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("test_rows", [True, False])
def test_without_time_refits_are_skipped_and_verdicts_remain(test_rows, penalised):
    problem = penalised if test_rows else penalised.without_test()
    found = problem.diagnose(LogisticRegression(C=1e-5), cv=3, budget=0)
    skipped = [one for one in found.findings if one.status == "skipped"]
    assert {"low-capacity", "over-regularised", "unscaled-features", "imbalance"} <= {one.slug for one in skipped}
    assert all("time budget" in one.sentence for one in skipped)
    assert found["cow"].verdict == "unlearned"
    assert found["cow"].recall == 0.0
    assert found.finding("class-absent").status == "passed"
    assert found.finding("conflicting-labels").status == "passed"
    assert {one["slug"] for one in found.to_dict()["not_checked"]} >= {one.slug for one in skipped}


def test_with_time_enough_nothing_is_skipped(small):
    found = small.diagnose(LogisticRegression(), budget=600)
    assert not [one.slug for one in found.findings if one.status == "skipped"]
