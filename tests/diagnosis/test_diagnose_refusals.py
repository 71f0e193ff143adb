"""What is refused, in a sentence and before anything is fitted; and what remains without time."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.exceptions import DataError, LabelTypeError, MarginscopeError, ModelError, UsageError

QUICK = ["class-absent", "few-rows", "imbalance"]


class Unfit(LogisticRegression):
    """Must not be reached."""

    def fit(self, X, y):
        raise RuntimeError("nothing should be fitted")


@pytest.fixture(scope="module")
def small(blobs):
    return blobs([40, 30, 20], [[0, 0, 0], [4, 0, 0], [0, 4, 0]], test=1)


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
        problem.diagnose(Unfit())
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
