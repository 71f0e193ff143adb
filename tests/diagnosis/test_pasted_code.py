"""The code that a ledger prints runs on the file that it was made from."""

import warnings
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from marginscope.adapters import named_model
from marginscope.adapters.prepared_model import behind_preparation
from marginscope.adapters.references import boosted_expression, boosted_reference, linear_reference
from marginscope.diagnosis.diagnose import diagnose, diagnose_table
from marginscope.diagnosis.model_code import code_on_features, code_on_text_labels, joined_code, model_code
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.relabel import Relabel
from marginscope.tables import features_from, read_table


def frame(*, words, gaps):
    rng = np.random.default_rng(5)
    code = np.repeat([0, 1, 2], [250, 50, 40])
    X = np.array([[0, 0], [3, 0], [0.3, 1.5]])[code] + rng.standard_normal((code.size, 2))
    table = pd.DataFrame({"width": X[:, 0] * 100, "height": X[:, 1], "depth, inner": rng.standard_normal(code.size)})
    if words:
        table["colour"] = np.where(rng.random(code.size) < 0.4, "dark red", "blue")
    if gaps:
        table = table.mask(rng.random(table.shape) < 0.08)
    return table.assign(label=np.array(["ant", "bee", "cow"])[code], id=range(code.size))


@pytest.fixture(scope="module")
def ledger_of_file(tmp_path_factory):
    """A ledger of the class 'cow', the data as read, and X and y as pandas reads them."""
    path = tmp_path_factory.mktemp("pasted") / "table.csv"
    frame(words=True, gaps=True).to_csv(path, index=False)
    data = read_table(path, "label", drop=["id"])
    ledger = diagnose_table(data, checks=["imbalance"]).remedy("cow")
    X = pd.read_csv(path)
    return ledger, data, X.drop(columns="label"), X["label"]


@pytest.fixture(scope="module")
def letters():
    """Texts of three classes, beside a number and a column of words, with gaps in all."""
    rng = np.random.default_rng(2)
    y = np.repeat(["ant", "bee", "cow"], [240, 120, 30])
    words = {
        "ant": ["hill", "queen", "leaf", "work"],
        "bee": ["hive", "queen", "honey", "work"],
        "cow": ["milk", "hill", "hive", "work"],
    }
    common = ["day", "sun", "leaf", "hill", "hive"]
    table = pd.DataFrame(
        {
            "age": rng.standard_normal(y.size) * 100,
            "post": [" ".join(rng.choice(words[one] + common, 6)) for one in y],
            "colour": rng.choice(["red", "blue"], y.size).astype(object),
        }
    )
    return table.mask(rng.random(table.shape) < 0.06).assign(label=y)


def test_the_code_reads_texts(letters, tmp_path):
    path = tmp_path / "letters.csv"
    letters.to_csv(path, index=False)
    data = read_table(path, "label", text=["post"])
    ledger = diagnose_table(data, checks=["imbalance"]).remedy("cow")
    X = pd.read_csv(path).drop(columns="label")
    wanted = linear_reference(data.features, seed=0).set_params(model__class_weight="balanced")
    wanted.fit(data.features.values, letters["label"])
    guess = pasted(ledger["class-weights"].snippet, X, letters["label"])
    assert (guess == wanted.predict(data.features.values)).all()
    tried = [one for one in ledger.trials if one.outcome == "tried"]
    assert {"class-weights", "scaling", "richer-model", "logit-adjustment"} <= {one.slug for one in tried}
    for one in tried:
        assert set(pasted(one.snippet, X, letters["label"])) <= {"ant", "bee", "cow"}


def test_the_code_reads_one_text_a_row(letters):
    texts = letters["post"].fillna("").tolist()
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    ledger = diagnose(model, texts, letters["label"].to_numpy(), checks=["imbalance"]).remedy("cow")
    tried = [one for one in ledger.trials if one.outcome == "tried"]
    assert {"class-weights", "richer-model", "scaling"} <= {one.slug for one in tried}
    for one in tried:
        assert set(pasted(MODEL + one.snippet, texts, letters["label"])) <= {"ant", "bee", "cow"}


def test_the_code_reads_a_frame_with_texts(letters):
    X, y = letters.drop(columns="label"), letters["label"]
    X["post"] = X["post"].fillna("")
    X["age"] = X["age"].fillna(0.0)
    parts = make_column_transformer((TfidfVectorizer(), "post"), (StandardScaler(), ["age"]))
    model = make_pipeline(parts, LogisticRegression())
    ledger = diagnose(model, X, y, checks=["imbalance"]).remedy("cow")
    tried = {one.slug: one.snippet for one in ledger.trials if one.outcome == "tried"}
    assert {"class-weights", "richer-model", "logit-adjustment"} <= set(tried)
    assert "TfidfVectorizer" in tried["richer-model"]
    for snippet in tried.values():
        scope = {"X": X, "y": y, "X_new": X, "model": clone(model)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(snippet, "pasted", "exec"), scope)
        assert set(scope["model"].predict(X)) <= {"ant", "bee", "cow"}


def test_a_frame_with_texts_and_test_rows_of_its_own(letters):
    X, y = letters.drop(columns="label").assign(post=letters["post"].fillna("")), letters["label"].to_numpy()
    parts = make_column_transformer((TfidfVectorizer(), "post"))
    train = np.arange(len(y)) % 3 > 0
    diagnosis = diagnose(
        make_pipeline(parts, LogisticRegression()), X[train], y[train], X_test=X[~train], y_test=y[~train]
    )
    assert not [one for one in diagnosis.findings if one.status == "errored"]
    assert any("'post' became" in note for note in diagnosis.notes)


MODEL = (
    "from sklearn.feature_extraction.text import TfidfVectorizer\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "from sklearn.pipeline import make_pipeline\n"
    "model = make_pipeline(TfidfVectorizer(), LogisticRegression())\n"
)


def pasted(snippet, X, y):
    scope = {"X": X, "y": y, "X_new": X}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(snippet, "pasted", "exec"), scope)
    return np.asarray(scope["predicted"] if "predicted" in scope else scope["model"].predict(X)).astype(str)


def test_the_winners_code_predicts_what_the_best_estimator_does(ledger_of_file):
    ledger, data, X, y = ledger_of_file
    guess = pasted(ledger.snippet, X, y)
    assert np.mean(guess == ledger.best_estimator_.predict(data.features.values)) > 0.99
    assert "cow" in guess
    assert "SimpleImputer" in ledger.snippet
    assert "OneHotEncoder" in ledger.snippet


def test_all_code_runs_and_imports_a_module_once(ledger_of_file):
    ledger, _, X, y = ledger_of_file
    tried = [one for one in ledger.trials if one.outcome == "tried"]
    assert {"class-weights", "logit-adjustment", "over-sampling"} <= {one.slug for one in tried}
    for one in tried:
        assert set(pasted(one.snippet, X, y)) <= {"ant", "bee", "cow"}
        modules = [line.split(" import ")[0] for line in one.snippet.splitlines() if line.startswith("from ")]
        assert len(modules) == len(set(modules)), one.snippet


@pytest.mark.parametrize("name", ["tree", "svm"])
def test_a_named_model_is_made_behind_its_preparation(name):
    table = frame(words=True, gaps=True).drop(columns="id")
    y = table.pop("label")
    features = features_from(table)
    model = behind_preparation(named_model(name), features)
    wanted = model.set_params(**({"model__random_state": 0} if name == "tree" else {})).fit(features.values, y)
    code = model_code(wanted, features, is_file=True) + "\nmodel.fit(X, y)"
    assert np.mean(pasted(code, table, y) == wanted.predict(features.values)) > 0.99


def test_boosted_trees_are_put_behind_the_preparation():
    table = frame(words=True, gaps=True).drop(columns="id")
    y = table.pop("label")
    features = features_from(table)
    call = boosted_expression(features, n_classes=3, seed=0)
    code = f"from sklearn.ensemble import HistGradientBoostingClassifier\n\nmodel = {call}\nmodel.fit(X, y)"
    wanted = boosted_reference(features, n_classes=3, seed=0).fit(features.values, y).predict(features.values)
    assert np.mean(pasted(code_on_features(code, features, is_file=True), table, y) == wanted) > 0.99


def test_numbers_without_gaps_take_one_line():
    features = features_from(frame(words=False, gaps=False)[["width", "height"]])
    code = model_code(linear_reference(features, seed=0), features, is_file=True)
    assert code.splitlines()[-1] == (
        'model = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(max_iter=300, random_state=0))])'
    )
    assert code_on_features("model.fit(X, y)", features, is_file=True) == "model.fit(X, y)"


def test_imports_of_one_module_share_a_line_and_later_ones_stand():
    code = joined_code(
        "from sklearn.pipeline import Pipeline\n\nmodel = 1",
        "import numpy as np\nfrom sklearn.pipeline import make_pipeline\nfrom imblearn.pipeline import Pipeline\n\nx",
    )
    assert code.splitlines() == [
        "from sklearn.pipeline import Pipeline, make_pipeline",
        "import numpy as np",
        "from imblearn.pipeline import Pipeline",
        "",
        "model = 1",
        "x",
    ]


def test_a_relabelling_says_whose_rows_it_counts():
    names = np.array(["ant", "bee"])
    situation = Situation(None, None, names, np.array([3, 2]), 0, {}, relabelling={4: 0, 1: 1, 9: 0})
    scope = {"y": ["ant", "ant", "ant", "bee", "bee"], "X": None, "model": Mock()}
    snippet = Relabel().snippet(situation, Recipe("relabel"))
    assert "count from 0 over the whole file" in snippet
    exec(snippet, scope)
    assert scope["y"].tolist() == ["ant", "bee", "ant", "bee", "ant"]


def test_code_that_names_classes_runs_where_they_are_numbers(tmp_path):
    path = tmp_path / "numbers.csv"
    table = frame(words=False, gaps=False).drop(columns="id")
    table["label"] = table["label"].map({"ant": 1, "bee": 2, "cow": 10})
    table.to_csv(path, index=False)
    ledger = diagnose_table(read_table(path, "label"), checks=["imbalance"]).remedy("10")
    X = pd.read_csv(path)
    y = X.pop("label")
    named = [one for one in ledger.trials if "'10'" in one.snippet]
    assert {"class-margins", "vs-loss"} <= {one.slug for one in named}
    for one in named:
        assert set(pasted(one.snippet, X, y)) <= {"1", "2", "10"}


@pytest.mark.parametrize(
    ("labels", "first"),
    [
        (["1", "20"], "y = y.astype(str)  # labels are texts here, as in the file"),
        (["01", "20"], "# y holds the labels as texts"),
        (["-1", "1"], "y = y.astype(str)"),
        (["1.50", "2"], "# y holds the labels as texts"),
        (["1", "x"], "a = '1'"),
    ],
)
def test_labels_become_texts_only_where_pandas_reads_numbers(labels, first):
    assert code_on_text_labels(f"import x\n\na = {labels[0]!r}", labels).split("\n\n")[-1].startswith(first)
    assert code_on_text_labels("a = 1", labels) == "a = 1"
