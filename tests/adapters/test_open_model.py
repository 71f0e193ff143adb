"""What counts as a model, and the sentence for what does not."""

import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from marginscope.adapters import Predictions, SklearnModel, as_model_view, open_model, register_view
from marginscope.exceptions import ModelError


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (LogisticRegression, r"got the class LogisticRegression; make one: LogisticRegression\(\)"),
        (LinearRegression(), "LinearRegression: it is a regressor"),
        (SVR(), "SVR: it is a regressor"),
        (make_pipeline(StandardScaler(), Ridge()), "Pipeline: it is a regressor"),
        (GridSearchCV(Ridge(), {}), "GridSearchCV: it is a regressor"),
        (KMeans(), "KMeans: it is a clusterer"),
        (IsolationForest(), "it detects outliers"),
        (StandardScaler(), "StandardScaler, which is a transformer"),
        (make_pipeline(StandardScaler()), "Pipeline, which is a transformer"),
        (GridSearchCV(SVC(), {}, refit=False), "keeps no model"),
        ("logistic", r"got a str \('logistic'\)"),
        (None, "got a NoneType"),
        (print, "got a builtin_function_or_method"),
        ({"a": 1}, "got a dict"),
    ],
)
def test_what_is_no_classifier_gets_a_sentence(model, told):
    with pytest.raises(ModelError, match=told) as raised:
        as_model_view(model, seed=0)
    assert raised.value.exit_code == 3


def test_predictions_are_their_own_view():
    given = Predictions(["a", "b"])
    assert as_model_view(given, seed=0) is given


def test_estimators_get_the_view_of_estimators():
    for model in (GaussianNB(), GridSearchCV(SVC(), {"C": [1.0]}), make_pipeline(StandardScaler(), SVC())):
        assert isinstance(as_model_view(model, seed=0), SklearnModel)


def test_an_object_that_cannot_be_copied_or_fitted_is_still_judged_by_its_answers():
    class Stubborn:
        answers_ = 1

        def __init__(self):
            self.fitted_ = True

        def fit(self, X, y):
            return self

        def predict(self, X):
            return X

        def __deepcopy__(self, memo):
            raise RuntimeError("no copies")

    model = Stubborn()
    view = as_model_view(model, seed=0)
    assert view.fitted is model
    assert not view.can_refit
    del model.fitted_
    with pytest.raises(ModelError, match="Stubborn is neither; call fit first"):
        as_model_view(model, seed=0)


def test_other_packages_can_bring_their_own_view(monkeypatch):
    monkeypatch.setattr(open_model, "_OTHERS", {})

    class Net:
        __module__ = "somewhere.nets"

    register_view("somewhere", lambda model, seed: ("view", model, seed))
    net = Net()
    assert as_model_view(net, seed=4) == ("view", net, 4)
