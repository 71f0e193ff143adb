"""Where class weights are, and how they can be brought in."""

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.class_weight import compute_sample_weight

from marginscope.adapters import as_model_view
from marginscope.exceptions import ModelError

CLASS, SAMPLE = "class_weight", "sample_weight"

ROUTES = [
    (LogisticRegression(), (CLASS, "class_weight")),
    (make_pipeline(StandardScaler(), SVC()), (CLASS, "svc__class_weight")),
    (make_pipeline(StandardScaler(), GaussianNB()), (SAMPLE, "gaussiannb__sample_weight")),
    (make_pipeline(make_pipeline(GaussianNB())), (SAMPLE, "pipeline__gaussiannb__sample_weight")),
    (
        make_imbalanced_pipeline(RandomOverSampler(sampling_strategy={"rare": 10}), LinearSVC()),
        (CLASS, "linearsvc__class_weight"),
    ),
    (OneVsRestClassifier(LogisticRegression()), (CLASS, "estimator__class_weight")),
    (OneVsRestClassifier(make_pipeline(RidgeClassifier())), (CLASS, "estimator__ridgeclassifier__class_weight")),
    (OneVsOneClassifier(LinearSVC()), (CLASS, "estimator__class_weight")),
    (OneVsRestClassifier(GaussianNB()), None),
    (CalibratedClassifierCV(LinearSVC(), cv=2), (SAMPLE, "sample_weight")),
    (GaussianNB(), (SAMPLE, "sample_weight")),
    (GradientBoostingClassifier(n_estimators=3), (SAMPLE, "sample_weight")),
    (KNeighborsClassifier(), None),
    (LinearDiscriminantAnalysis(), None),
    (GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2), (CLASS, "estimator__class_weight")),
    (GridSearchCV(LogisticRegression(), {"class_weight": [None]}, cv=2), (SAMPLE, "sample_weight")),
    (GridSearchCV(make_pipeline(GaussianNB()), {}, cv=2), (SAMPLE, "gaussiannb__sample_weight")),
    (VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())]), (SAMPLE, "sample_weight")),
    (VotingClassifier([("a", GaussianNB()), ("b", KNeighborsClassifier())]), None),
    (StackingClassifier([("a", GaussianNB())], LogisticRegression(), cv=2), (SAMPLE, "sample_weight")),
]


def rare():
    rng = np.random.default_rng(0)
    counts = (60, 50, 8)
    X = rng.normal(size=(sum(counts), 2)) + np.repeat([[0, 0], [2.0, 0], [1.0, 1.2]], counts, axis=0)
    return X, np.repeat(["big", "mid", "rare"], counts)


@pytest.mark.parametrize(("model", "route"), ROUTES, ids=lambda one: type(one).__name__)
def test_the_route_leads_where_it_says(model, route):
    X, y = rare()
    view = as_model_view(model, seed=0)
    assert view.weight_route() == route
    assert view.class_weight_params() == {}
    if route is None:
        with pytest.raises(ModelError, match="takes sample_weight is needed"):
            view.fit(X, y, sample_weight=np.ones(len(y)))
        return
    plain = view.fit(X, y)
    if route[0] == CLASS:
        weighted = view.with_params(**{route[1]: "balanced"}).fit(X, y)
        assert as_model_view(weighted, seed=0).class_weight_params() == {route[1]: "balanced"}
    else:
        weighted = view.fit(X, y, sample_weight=compute_sample_weight("balanced", y))
    called = [np.sum(one.predict(X) == "rare") for one in (plain, weighted)]
    assert called[1] > called[0]


def test_weights_in_use_are_found_however_deep():
    deep = OneVsRestClassifier(make_pipeline(StandardScaler(), SVC(class_weight="balanced")))
    assert as_model_view(deep, seed=0).class_weight_params() == {"estimator__svc__class_weight": "balanced"}
    two = VotingClassifier([("a", SVC(class_weight={"x": 2})), ("b", RandomForestClassifier(class_weight="balanced"))])
    assert as_model_view(two, seed=0).class_weight_params() == {
        "a__class_weight": {"x": 2},
        "b__class_weight": "balanced",
    }
