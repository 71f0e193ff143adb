"""Labels and rows in every form that people have."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import marginscope as ms

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
