"""The two kinds of models on which every cause is shown."""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

__all__ = ["MODELS", "DeafForest", "DeafLogistic"]


class Deaf:
    """Takes class weights and forgets them, as several libraries have done."""

    def fit(self, X, y, sample_weight=None):
        kept, self.class_weight = self.class_weight, None
        try:
            return super().fit(X, y)
        finally:
            self.class_weight = kept


class DeafLogistic(Deaf, LogisticRegression):
    """A linear model that does."""


class DeafForest(Deaf, RandomForestClassifier):
    """The same with trees."""


def logistic():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


def forest():
    return RandomForestClassifier(60, min_samples_leaf=2)


MODELS = {
    "over-regularised": {
        "logistic": lambda: LogisticRegression(C=1e-5),
        "ridge": lambda: RidgeClassifier(alpha=1e6),
    },
    "imbalance": {"logistic": logistic, "forest": lambda: RandomForestClassifier(60, min_samples_leaf=10)},
    "no-signal": {"logistic": logistic, "forest": forest},
    "unscaled-features": {"logistic": lambda: LogisticRegression(max_iter=500), "ridge": lambda: RidgeClassifier()},
    "low-capacity": {"logistic": logistic, "lda": LinearDiscriminantAnalysis},
    "separable": {
        "logistic C=inf": lambda: LogisticRegression(C=np.inf, class_weight="balanced", max_iter=2000),
        "pipeline C=1e9": lambda: make_pipeline(
            StandardScaler(), LogisticRegression(C=1e9, class_weight="balanced", max_iter=2000)
        ),
    },
    "label-map": {"logistic": logistic, "knn": lambda: KNeighborsClassifier(9)},
    "class-absent": {"logistic": logistic, "forest": forest},
    "few-rows": {"logistic": logistic, "svm": lambda: make_pipeline(StandardScaler(), SVC())},
    "conflicting-labels": {"logistic": logistic, "tree": lambda: DecisionTreeClassifier(min_samples_leaf=3)},
    "knob-ignored": {
        "deaf logistic": lambda: DeafLogistic(class_weight="balanced", max_iter=500),
        "deaf forest": lambda: DeafForest(60, min_samples_leaf=10, class_weight="balanced"),
    },
    "rival-overlap": {"logistic": logistic, "forest": forest},
    "healthy": {"logistic": logistic, "forest": forest},
    "healthy-rare": {"logistic": logistic, "forest": forest},
    "healthy-overlap": {"logistic": logistic, "forest": lambda: RandomForestClassifier(100, min_samples_leaf=5)},
    "healthy-many": {"logistic": logistic, "forest": lambda: RandomForestClassifier(100, min_samples_leaf=2)},
}
