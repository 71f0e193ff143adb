"""Threads on weights and resampling that do nothing, or harm."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import marginscope as ms
from benchmarks.threads.case import Case, blobs, thread


class NativeCall(HistGradientBoostingClassifier):
    """Boosting behind a native call that never reads class_weight."""

    def fit(self, X, y, sample_weight=None):
        kept, self.class_weight = self.class_weight, None
        try:
            return super().fit(X, y)
        finally:
            self.class_weight = kept


class BinaryKnob(HistGradientBoostingClassifier):
    """Boosting with a weight that acts on two classes only."""

    def fit(self, X, y, sample_weight=None):
        kept, weights = self.class_weight, self.class_weight
        self.class_weight = weights if np.unique(y).size == 2 else None
        try:
            return super().fit(X, y)
        finally:
            self.class_weight = kept


class WeightsLost(MLPClassifier):
    """A network whose class weights never reach the loss."""

    def __init__(self, class_weight=None, hidden_layer_sizes=(32,), max_iter=200, random_state=0):
        super().__init__(hidden_layer_sizes, max_iter=max_iter, random_state=random_state)
        self.class_weight = class_weight


def _imbalanced(seed: int):
    rng = np.random.default_rng(seed)
    return blobs(rng, {"large": 1400, "middle": 500, "rare": 60}, [[0, 0, 0, 0], [3, 0, 0, 0], [1.5, 1.6, 0, 0]])


@thread("weights-to-the-native-call")
def native() -> Case:
    X, y = _imbalanced(3167)
    model = NativeCall(max_iter=40, class_weight="balanced", random_state=0)
    return Case("1960 rows, the rare class 3 %", "boosting that drops class_weight", ms.diagnose(model, X, y))


@thread("scale-pos-weight-of-many-classes")
def binary_only() -> Case:
    X, y = _imbalanced(5788)
    model = BinaryKnob(max_iter=40, class_weight={"large": 1.0, "middle": 1.0, "rare": 25.0}, random_state=0)
    return Case("1960 rows, the rare class 3 %", "boosting whose weight is for two classes", ms.diagnose(model, X, y))


@thread("any-weight-same-loss")
def same_loss() -> Case:
    X, y = _imbalanced(2071)
    model = WeightsLost(class_weight={"large": 1.0, "middle": 1.0, "rare": 1000.0})
    return Case(
        "1960 rows, the rare class 3 %, weighted 1000:1", "network that drops its weights", ms.diagnose(model, X, y)
    )


@thread("same-ratio-other-result")
def same_ratio() -> Case:
    # The reporter's own lines.
    rng = np.random.RandomState(0)
    y = rng.rand(100) > 0.8
    X = rng.rand(100, 10) > 0.5
    model = LogisticRegression(class_weight={False: 1, True: 2}, random_state=42)
    return Case("the reporter's 100 random rows", "logistic, weights 1:2", ms.diagnose(model, X.astype(float), y))


@thread("the-effect-of-weights-fades")
def fades() -> Case:
    rng = np.random.default_rng(2019)
    X, y = blobs(rng, {"a": 200, "b": 200, "c": 20}, [[0, 0, 0], [8, 0, 0], [0, 8, 0]])
    model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=3000)
    return Case("420 separable rows", "logistic without a penalty, balanced", ms.diagnose(model, X, y))


def _ledger(seed: int, gap: float):
    rng = np.random.default_rng(seed)
    X, y = blobs(rng, {"a": 1500, "b": 400, "c": 60}, [[0, 0, 0, 0], [gap, 0, 0, 0], [0, gap, 0, 0]])
    diagnosis = ms.diagnose(make_pipeline(StandardScaler(), LogisticRegression()), X, y)
    return X, y, diagnosis, diagnosis.remedy("c")


def _area(model, X, y) -> float:
    return float(roc_auc_score(y == "c", model.predict_proba(X)[:, list(model.classes_).index("c")]))


@thread("smote-gains-nothing")
def no_ranking_gain() -> Case:
    from imblearn.over_sampling import RandomOverSampler

    X, y, diagnosis, ledger = _ledger(1101, 2.0)
    half = np.arange(y.size) % 2 == 0
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[half], y[half])
    more = RandomOverSampler(random_state=0).fit_resample(X[half], y[half])
    other = make_pipeline(StandardScaler(), LogisticRegression()).fit(*more)
    move = _area(other, X[~half], y[~half]) - _area(plain, X[~half], y[~half])
    cost = ledger["over-sampling"].log_loss
    met = cost is not None and cost > 0 and abs(move) < 0.02
    came = f"log-loss {cost:+.3f}, area {move:+.4f}" if cost is not None else ledger["over-sampling"].reason
    name = "over-sampling raises the log-loss, and the area under the curve moves by less than 0.02"
    return Case("1960 rows, 3 % of c", "logistic", diagnosis, checks={name: (met, came)}, said=ledger.sentence)


@thread("probabilities-after-resampling")
def corrected() -> Case:
    _, _, diagnosis, ledger = _ledger(1128, 2.0)
    trial = ledger["under-sampling"]
    raw, after = trial.log_loss, getattr(trial, "log_loss_corrected", None)
    met = raw is not None and after is not None and raw > 0 and after < 0.5 * raw
    name = "the prior correction takes back most of what under-sampling costs in log-loss"
    came = f"log-loss {raw:+.3f}, after the correction {after:+.3f}" if after is not None else f"log-loss {raw}"
    return Case("1960 rows, 3 % of c", "logistic", diagnosis, checks={name: (met, came)}, said=ledger.sentence)


@thread("worse-after-smote")
def nothing_missing() -> Case:
    _, _, diagnosis, ledger = _ledger(777, 6.0)
    helped = ledger["smote"].helps
    name = "SMOTE is not named as a help for any class"
    return Case(
        "1960 rows, 3 % of c, far from the others",
        "logistic",
        diagnosis,
        checks={name: (not helped and ledger.winner != "smote", f"helps {list(helped)}, winner {ledger.winner}")},
        said=ledger.sentence,
    )
