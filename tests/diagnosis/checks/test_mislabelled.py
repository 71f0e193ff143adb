"""Rows that have the name of one class and the features of another."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import marginscope as ms
from marginscope.diagnosis.checks.mislabelled import Mislabelled
from marginscope.diagnosis.label_blocks import valley_between
from marginscope.diagnosis.measured_columns import measured_columns
from marginscope.tables import features_from

CENTRES = [[0, 0, 0], [6, 0, 0], [0, 6, 0]]
CHECK = Mislabelled()
MODELS = {
    "logistic": LogisticRegression(),
    "tree": DecisionTreeClassifier(min_samples_leaf=5, random_state=0),
}


@pytest.fixture(scope="module")
def renamed(blobs):
    """A share of the rows of 'cow' go by the name 'bee'; returns the rows too."""

    def make(share, sizes=(200, 150, 150), seed=0, test=0.0):
        problem = blobs(list(sizes), CENTRES, seed=seed, test=test)
        rng = np.random.default_rng([seed, 1])
        rows = rng.permutation(np.flatnonzero(problem.y == "cow"))
        rows = np.sort(rows[: round(share * rows.size)])
        y = problem.y.copy()
        y[rows] = "bee"
        return replace(problem, y=y), rows

    return make


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("share", [0.6, 0.97])
def test_fires_for_a_class_under_its_rivals_name(share, model, renamed, case_of, examine):
    problem, rows = renamed(share)
    case = case_of(model, problem, cv=3)
    found = examine(CHECK, case)
    assert found.status == "issue"
    assert "cow" in found.classes
    assert "labelled 'bee' look like 'cow'" in found.sentence
    assert found.remedies == ("relabel",)
    assert set(found.rows) <= set(rows.tolist())
    cow = case.names.index("cow")
    named = {row for row, code in case.relabelling.items() if code == cow}
    assert len(named & set(rows.tolist())) >= 0.95 * rows.size
    assert len(named - set(rows.tolist())) <= 0.05 * rows.size


def test_a_part_of_a_rival_near_three_rows_is_no_issue(blobs, case_of, examine):
    """A fifth of 'bee' is another kind of bee; where three cows say nothing, it proves no wrong label."""
    problem = blobs(
        [120, 96, 24, 3], [[0, 0, 0], [6, 0, 0], [6, 6, 0], [6.5, 6.5, 0]], names=("ant", "bee", "fly", "cow"), test=0.0
    )
    problem = replace(problem, y=np.where(problem.y == "fly", "bee", problem.y))
    found = examine(CHECK, case_of(LogisticRegression(), problem, cv=3))
    assert found.status == "tip"
    assert "24 rows labelled 'bee' look like 'cow'" in found.sentence


def test_relabelling_is_the_proof_and_its_placebo_does_little(renamed, case_of, examine):
    case = case_of(LogisticRegression(), renamed(0.6)[0], cv=3)
    claim = next(one for one in examine(CHECK, case).counterfactuals if one.label == "cow")
    assert claim.is_proof
    assert claim.lift > 0.5
    assert claim.rival_cost < 0.05
    assert claim.placebo < 0.5 * claim.lift


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_first_cause_before_imbalance(seed, renamed):
    found = ms.diagnose(LogisticRegression(), *_xy(renamed(0.97, seed=seed)[0]), cv=3)
    assert found["cow"].cause == "mislabelled"
    assert found["bee"].verdict == "healthy"


def test_the_ledger_names_the_rows_and_learns_the_class(renamed):
    problem, rows = renamed(0.9)
    found = ms.diagnose(LogisticRegression(), *_xy(problem), cv=3)
    ledger = found.remedy("cow")
    assert ledger.winner == "relabel"
    truth = problem.y.copy()
    truth[rows] = "cow"
    assert np.mean(ledger.best_estimator_.predict(problem.X) == truth) > 0.95
    scope = {"model": LogisticRegression(), "X": problem.X, "y": problem.y}
    exec(compile(ledger.snippet, "snippet", "exec"), scope)
    assert np.mean(scope["model"].predict(problem.X) == truth) > 0.95


def _xy(problem):
    return problem.X, problem.y


def test_fires_for_a_block_of_any_shape(rings, case_of, examine):
    X, y = rings.X_test, rings.y_test.copy()
    rng = np.random.default_rng(0)
    rows = rng.permutation(np.flatnonzero(y == "ring"))[:75]
    y[rows] = "rim"
    model = RandomForestClassifier(30, min_samples_leaf=5, random_state=0)
    found = examine(CHECK, case_of(model, replace(rings, X=X, y=y, X_test=None, y_test=None), cv=3))
    assert found.status == "issue"
    assert "ring" in found.classes


def test_a_class_that_is_learned_all_the_same_makes_it_a_tip(renamed, case_of, examine):
    model = DecisionTreeClassifier(min_samples_leaf=25, random_state=0)
    found = examine(CHECK, case_of(model, renamed(0.24)[0], cv=3))
    assert found.status == "tip"
    assert "one direction" in found.sentence


def test_the_rival_whose_errors_are_the_block_is_named(renamed, case_of, examine):
    """Of the rows called 'bee' most are cows: 'bee' is lost."""
    problem, _ = renamed(0.4, sizes=(200, 30, 300))
    found = examine(CHECK, case_of(LogisticRegression(), problem, cv=3))
    assert found.status == "issue"
    assert "bee" in found.classes
    assert "look like 'cow'" in found.reasons["bee"]


def test_a_kind_of_rows_under_three_names_is_a_tip(blobs, case_of, examine):
    """Penguins of one species live on all islands: most of 'fly' are of a kind that 'ant' and 'bee' have too."""
    problem = blobs(
        [90, 60, 90, 60, 50],
        [[0, 0, 0], [6, 6, 0], [8, 0, 0], [6, 6, 0], [6, 6, 0]],
        names=("ant", "ant'", "bee", "bee'", "fly"),
        test=0.0,
    )
    problem = replace(problem, y=np.array([name.rstrip("'") for name in problem.y]))
    case = case_of(LogisticRegression(), problem, cv=3)
    found = examine(CHECK, case)
    assert found.status == "tip"
    assert "under the names 'ant', 'bee' look like 'fly'" in found.sentence
    assert set(found.classes) == {"ant", "bee", "fly"}
    assert found.rows
    assert not case.relabelling
    assert all(problem.y[row] in ("ant", "bee") for row in found.rows)


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_a_column_of_words_parts_are_no_block(seed):
    """'crash' is never on the web: the logins of phones stand apart from those of the web, and are logins."""
    rng = np.random.default_rng(seed)
    y = np.repeat(["billing", "login", "crash"], [270, 230, 75])
    phone, any_ = rng.choice(["ios", "android"], y.size), rng.choice(["ios", "android", "web"], y.size)
    X = pd.DataFrame(
        {
            "amount": rng.normal(np.where(y == "billing", 50, 5), 30),
            "z": rng.standard_normal(y.size),
            "platform": np.where(y == "crash", phone, any_),
        }
    )
    parts = make_column_transformer((StandardScaler(), ["amount", "z"]), (OneHotEncoder(), ["platform"]))
    diagnosis = ms.diagnose(make_pipeline(parts, LogisticRegression()), X, y)
    assert diagnosis.finding("mislabelled").status == "passed"
    assert diagnosis["crash"].cause != "mislabelled"


def test_a_block_is_found_beside_a_column_of_words(renamed):
    problem, _ = renamed(0.9)
    X = pd.DataFrame(problem.X, columns=list("abc")).assign(
        colour=np.random.default_rng(0).choice(["red", "blue"], len(problem.X))
    )
    parts = make_column_transformer((StandardScaler(), list("abc")), (OneHotEncoder(), ["colour"]))
    found = ms.diagnose(make_pipeline(parts, LogisticRegression()), X, problem.y, cv=3)
    assert found["cow"].cause == "mislabelled"
    assert "relabel 1" in found["cow"].reason
    assert "rows" in found["cow"].reason


def test_words_and_few_values_are_not_measured():
    X = pd.DataFrame(
        {"w": ["a", "b"] * 20, "n": np.arange(40.0), "few": np.arange(40.0) % 9, "ten": np.arange(40.0) % 10}
    )
    features = features_from(X)
    rows = np.arange(40)
    assert measured_columns(features, rows, 5, least_values=10).tolist() == [True, False, True, False, False]
    assert measured_columns(features, rows, 2, least_values=10).all(), "directions of a projection"
    assert not measured_columns(features, rows[:9], 5, least_values=10).any()


def test_stays_silent_where_all_is_learned(healthy_case, examine):
    found = examine(CHECK, healthy_case)
    assert found.status == "passed"
    assert found.evidence[0].value == 0, "no pair is worth a fit"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("distance", [0.7, 1.5, 2.2])
def test_stays_silent_for_classes_that_overlap(distance, seed, blobs, case_of, examine):
    centres = [[0, 0, 0], [6, 0, 0], [0, distance, 0]]
    for sizes in ([300, 100, 300], [400, 100, 40]):
        case = case_of(LogisticRegression(class_weight="balanced"), blobs(sizes, centres, seed=seed, test=0), cv=3)
        found = examine(CHECK, case)
        assert found.status == "passed"
        assert not case.relabelling


@pytest.mark.parametrize("seed", range(3))
def test_stays_silent_for_a_rival_with_a_cluster_near_the_class(seed, blobs, case_of, examine):
    """The near cluster stands apart from the other one, but is not the class."""
    problem = blobs([300, 150, 60], [[0, 0, 0], [6, 0, 0], [6, 2.5, 0]], seed=seed, test=0)
    y = np.where(problem.y == "bee", "ant", problem.y)
    case = case_of(LogisticRegression(), replace(problem, y=y), cv=3)
    confused = replace(CHECK, least_confused=0.0)
    assert examine(confused, case).status == "passed"


@pytest.mark.parametrize("seed", range(3))
def test_a_name_given_at_random_is_no_block_of_anything(seed, blobs, case_of, examine):
    """'fox' is a third of all rows, wherever they are."""
    problem = blobs([150, 150, 150], CENTRES, seed=seed, test=0)
    fox = np.random.default_rng(seed).random(450) < 0.33
    case = case_of(LogisticRegression(), replace(problem, y=np.where(fox, "fox", problem.y)), cv=3)
    assert examine(CHECK, case).status == "passed"
    assert not case.relabelling


def test_stays_silent_where_only_test_labels_are_wrong(healthy, case_of, examine):
    y_test = healthy.y_test.copy()
    y_test[np.flatnonzero(y_test == "cow")[:50]] = "bee"
    found = examine(CHECK, case_of(LogisticRegression(), replace(healthy, y_test=y_test)))
    assert found.status == "passed"


def test_stays_silent_for_labels_that_are_wrong_evenly(blobs, case_of, examine):
    problem = blobs([150, 150, 150], CENTRES, test=0)
    rng = np.random.default_rng(0)
    wrong = rng.random(450) < 0.25
    y = np.where(wrong, rng.choice(["ant", "bee", "cow"], 450), problem.y)
    found = examine(CHECK, case_of(LogisticRegression(), replace(problem, y=y), cv=3))
    assert found.status in ("passed", "tip")


@pytest.mark.parametrize(
    "threshold",
    [
        {"least_rows": 200},
        {"least_class": 100},
        {"most_depth": -1.0},
        {"level": 0.0},
        {"told_apart": 0.0},
        {"coin": -1.0},
        {"least_confused": 1.1},
    ],
    ids=lambda one: next(iter(one)),
)
def test_every_rule_of_a_block_is_a_threshold(threshold, renamed, case_of, examine):
    case = case_of(LogisticRegression(), renamed(0.6)[0], cv=3)
    assert examine(replace(CHECK, neighbour_rows=10_000, **threshold), case).status == "passed"


def test_needs_features():
    y = np.repeat(["ant", "bee", "cow"], [60, 50, 40])
    guess = np.where(y == "cow", "bee", y)
    found = next(one for one in ms.diagnose(ms.Predictions(guess), None, y).findings if one.slug == "mislabelled")
    assert found.status == "not_applicable"


def test_given_answers_are_enough_to_find_the_rows(renamed, case_of, examine):
    problem, _ = renamed(0.6)
    found = examine(CHECK, case_of(ms.Predictions(np.where(problem.y == "cow", "bee", problem.y)), problem))
    assert found.status in ("issue", "tip")
    assert "look like 'cow'" in found.sentence


def test_a_valley_is_where_a_count_by_hand_says():
    scores = np.concatenate([np.full(50, 0.0), np.full(5, 0.5), np.full(20, 1.0)])
    valley = valley_between(scores, 0.0, 1.0, width=0.2)
    assert valley.rows_inside == 0
    assert (valley.rows_below, valley.rows_above) == (50, 20)
    assert valley.p_value == pytest.approx(0.5**20)
    full = valley_between(np.linspace(0, 1, 101), 0.0, 1.0, width=0.2)
    assert full.depth > 0.8
    assert valley_between(scores, 1.0, 0.0, width=0.2) is None
