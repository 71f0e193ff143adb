"""The models that the causes are shown on, and those that carry a cause themselves."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = [
    "ALL",
    "Deaf",
    "DeafBoosted",
    "DeafForest",
    "DeafLogistic",
    "boosted",
    "forest",
    "linear",
    "network",
    "only",
    "seeded",
    "slow_boosted",
    "torch_network",
]


def linear(**settings: Any) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(**{"max_iter": 1000, **settings}))


def boosted(**settings: Any) -> Any:
    usual = {"max_iter": 40, "learning_rate": 0.2, "max_leaf_nodes": 8, "min_samples_leaf": 5, "early_stopping": False}
    return HistGradientBoostingClassifier(**{**usual, **settings})


def slow_boosted() -> Any:
    """Boosting by full trees: histogram boosting leaps on rare classes in its first step and forgets them again."""
    return GradientBoostingClassifier(n_estimators=25, max_depth=2, min_samples_leaf=10)


def forest(**settings: Any) -> Any:
    return RandomForestClassifier(**{"n_estimators": 60, "min_samples_leaf": 2, **settings})


def network(**settings: Any) -> Any:
    usual = {"hidden_layer_sizes": (16,), "solver": "lbfgs", "alpha": 0.01, "max_iter": 200}
    return make_pipeline(StandardScaler(), MLPClassifier(**{**usual, **settings}))


# Every cause that is in the data is shown to these three, on synthetic data to all of them.
ALL = {"linear": linear, "boosted": boosted, "network": network}


def only(*names: str) -> dict[str, Any]:
    """Some of them."""
    return {name: ALL[name] for name in names}


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


class DeafBoosted(Deaf, HistGradientBoostingClassifier):
    """The same with boosting."""


def seeded(model: Any, seed: int) -> Any:
    """Set every random state that is free."""
    if model is None or not hasattr(model, "get_params"):
        return model
    free = {name: seed for name, value in model.get_params().items() if name.endswith("random_state") and value is None}
    return model.set_params(**free) if free else model


def torch_network(name: str, **settings: Any) -> Any:
    """A torch network of ``networks.NETWORKS`` behind a scaler, with the recipe of its training."""
    from benchmarks.gauntlet.networks import NETWORKS
    from marginscope.torch.network_classifier import NetworkClassifier

    usual = {"learning_rate": 0.01, "n_epochs": 30}
    return make_pipeline(StandardScaler(), NetworkClassifier(NETWORKS[name], **{**usual, **settings}))
