"""Models by the names of the command line."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB

from marginscope.adapters import model_names, named_model
from marginscope.adapters.named_models import FRIENDLY, parse_value
from marginscope.exceptions import UsageError


@pytest.mark.parametrize("name", FRIENDLY)
def test_friendly_names_make_classifiers_with_defaults(name):
    model = named_model(name, {})
    assert is_classifier(model)
    assert type(model).__name__ == FRIENDLY[name]
    assert repr(model) == f"{FRIENDLY[name]}()"


def test_any_class_of_scikit_learn_by_its_name():
    assert type(named_model("ComplementNB", {"alpha": "0.5"})) is ComplementNB
    names = model_names()
    assert {"ComplementNB", "LogisticRegression", "forest"} <= set(names)
    assert not {"OneVsRestClassifier", "VotingClassifier", "Lasso", "KMeans", "StandardScaler"} & set(names)


def test_parameters_are_read_and_checked():
    model = named_model(
        "logistic", {"C": "1e-5", "class_weight": "balanced", "max_iter": "7", "fit_intercept": "false"}
    )
    assert isinstance(model, LogisticRegression)
    assert (model.C, model.class_weight, model.max_iter, model.fit_intercept) == (1e-5, "balanced", 7, False)
    assert math.isinf(named_model("logistic", {"C": "inf"}).C)
    assert named_model("mlp", {"hidden_layer_sizes": "(5, 3)"}).hidden_layer_sizes == (5, 3)
    assert named_model("logistic", {"class_weight": "{'a': 2}"}).class_weight == {"a": 2}


@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("logistc", {}, "did you mean 'logistic'"),
        ("RandomForest", {}, "did you mean 'RandomForestClassifier'"),
        ("LinearRegression", {}, "known model is needed"),
        ("../../model", {}, "known model is needed"),
        ("logistic", {"c": "1"}, r"known parameter of LogisticRegression is needed, but got 'c'"),
        ("logistic", {"max_iters": "1"}, "did you mean 'max_iter'"),
        ("logistic", {"C": "-1"}, "'C' parameter of LogisticRegression must be a float in the range"),
        ("tree", {"criterion": "gin"}, "'criterion' parameter of DecisionTreeClassifier must be"),
    ],
)
def test_what_is_unknown_is_a_usage_error(name, params, told):
    with pytest.raises(UsageError, match=told) as raised:
        named_model(name, params)
    assert raised.value.exit_code == 2
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("1e-5", 1e-5), ("True", True), ("none", None), ("None", None), ("rbf", "rbf"),
        ("[1, 'a']", [1, "a"]), ("-inf", -math.inf),
    ],
)  # fmt: skip
def test_values_are_literals_or_text(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


@given(st.text(max_size=30))
def test_sec016_values_are_never_evaluated(text):
    value = parse_value(text)
    assert isinstance(
        value, str | bytes | int | float | complex | bool | list | tuple | dict | set | type(None) | type(...)
    )


def test_sec016_calls_stay_text():
    for text in ("__import__('os').getcwd()", "print(1)", "{0.__class__}", "(" * 500):
        assert parse_value(text) == text
