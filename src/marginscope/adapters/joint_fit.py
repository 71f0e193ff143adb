"""The joint (multinomial) form of a model that fits one class against the rest.

One against the rest minimises, for linear scores v_k and labels s_ik = +1 or -1,

    1/2 ||W||^2 + C sum_i sum_k phi(s_ik v_ik)

and the joint form with the same pieces, of Weston and Watkins (1999), is

    1/2 ||W||^2 + C sum_i sum_{k != y_i} phi(v_i,y_i - v_ik).

So C stays and only the coupling changes: every piece looks at the difference of two scores
that prediction compares, not at the sign of one. A class between two others has no score
of its own that is positive on its rows alone, but it has such differences.
"""

from __future__ import annotations

from typing import Any

from marginscope.adapters.components import children, default_of, is_named, own_params, values_in_use
from marginscope.adapters.joint_search import with_joint_inside

__all__ = ["joint_fit"]

# Pairs and codes of classes are votes of many models: there is no joint form with the same parameters.
_OTHER_REDUCTIONS = ("OneVsOneClassifier", "OutputCodeClassifier", "GaussianProcessClassifier")

# phi of one against the rest: the template that sums the same piece over the pairs of a row. The smooth
# hinge is a hinge with its corner rounded; the modified Huber loss is a squared hinge that ends in a line.
_JOINT_LOSSES = {
    "squared_hinge": "squared_weston_watkins",
    "modified_huber": "squared_weston_watkins",
    "hinge": "smooth_weston_watkins",
    "perceptron": "smooth_weston_watkins",
    "log_loss": "cross_entropy",
}

_LARGEST_C = 1e6
# of models without a penalty: a tenth of SGDClassifier's default
_LEAST_ALPHA = 1e-5


def joint_fit(estimator: Any) -> Any:
    """Return an unfitted model with the same penalty that fits all classes together, ``None`` without one.

    Parameters
    ----------
    estimator : object
        Not changed. Pipelines, searches and other wrappers of one model keep their
        shape; ``OneVsRestClassifier`` goes.

    Returns
    -------
    estimator or None
        ``None`` if the model is joint already, or made of pairs or codes of classes.

    Notes
    -----
    - ``OneVsRestClassifier`` of a model that knows many classes becomes that model.
    - ``LinearSVC``, ``SGDClassifier`` and ``Perceptron`` become a ``MarginClassifier`` whose loss has
      the same pieces; with an L1 penalty, which that one does not have, a multinomial
      ``LogisticRegression``.
    - ``RidgeClassifier``: the square of 1 - s v counts where s v is less than 1. A sum of whole
      squares, joint or not, hides a small class between two others all the same.
    - ``CalibratedClassifierCV`` bends the score of every class by itself, which hides a small class
      between two others even where the model inside is joint; one temperature for all does not.
    - Class weights are kept if they are "balanced" or name the labels. The weights of a model inside
      ``OneVsRestClassifier`` name 0 and 1, which mean nothing here.

    References
    ----------
    Weston & Watkins, ESANN 1999; Hastie, Tibshirani & Friedman, The Elements of Statistical
    Learning, section 4.2 (masking).
    """
    if is_named(estimator, *_OTHER_REDUCTIONS):
        return None
    if is_named(estimator, "OneVsRestClassifier"):
        return _of_one_against_the_rest(own_params(estimator).get("estimator"))
    if not hasattr(estimator, "get_params"):
        return None
    rule = next((rule for names, rule in _RULES if is_named(estimator, *names)), None)
    if rule is not None:
        return rule(estimator, values_in_use(estimator))
    if is_named(estimator, "CalibratedClassifierCV") and own_params(estimator)["method"] != "temperature":
        return _of_calibration(estimator)
    inside = children(estimator)
    if len(inside) != 1:
        return None
    name, part = inside[0]
    joint = joint_fit(part)
    return None if joint is None else with_joint_inside(estimator, name, joint)


def _of_one_against_the_rest(inner: Any) -> Any:
    from sklearn.base import clone
    from sklearn.utils import get_tags

    if inner is None or is_named(inner, *_OTHER_REDUCTIONS):
        return None
    joint = joint_fit(inner)
    if joint is None:
        tags = get_tags(inner).classifier_tags if hasattr(inner, "__sklearn_tags__") else None
        if tags is not None and not tags.multi_class:
            return None
        joint = clone(inner)
    binary = {
        path: None
        for path, value in joint.get_params(deep=True).items()
        if path.rpartition("__")[2] == "class_weight" and not (value is None or isinstance(value, str))
    }
    return joint.set_params(**binary) if binary else joint


def _of_calibration(estimator: Any) -> Any:
    import sklearn
    from sklearn.base import clone

    inner = own_params(estimator)["estimator"]
    # CalibratedClassifierCV() itself calibrates a LinearSVC
    joint = _linear_svc(None, _default_svc()) if inner is None else joint_fit(inner)
    joint = clone(inner) if joint is None else joint
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):
        return joint
    return clone(estimator).set_params(estimator=joint, method="temperature")


def _default_svc() -> dict[str, Any]:
    from sklearn.svm import LinearSVC

    return own_params(LinearSVC())


def _linear_svc(model: Any, params: dict[str, Any]) -> Any:
    if params["multi_class"] == "crammer_singer":
        return None
    if params["penalty"] == "l1":
        return _sparse_logistic(params, 1.0, params["C"])
    return _margin_classifier(params, _JOINT_LOSSES[params["loss"]], params["C"])


def _ridge(model: Any, params: dict[str, Any]) -> Any:
    # sum (1 - s v)^2 + alpha ||W||^2 is 2 alpha times C sum (1 - s v)^2 + 1/2 ||W||^2
    alphas = params["alphas"] if "alphas" in params else params["alpha"]
    strengths = [_inverse(2.0 * alpha) for alpha in (alphas if hasattr(alphas, "__iter__") else [alphas])]
    joint = _margin_classifier(params, "squared_weston_watkins", strengths[0])
    if len(strengths) == 1:
        return joint
    from sklearn.model_selection import GridSearchCV

    return GridSearchCV(joint, {"C": strengths}, cv=params.get("cv"))


def _descended(model: Any, params: dict[str, Any]) -> Any:
    from marginscope.adapters.penalty_per_row import PenaltyPerRow

    penalty = params.get("penalty")
    alpha = max(params.get("alpha", 0.0), _LEAST_ALPHA) if penalty is not None else _LEAST_ALPHA
    if penalty in ("l1", "elasticnet"):
        return PenaltyPerRow(_sparse_logistic(params, 1.0 if penalty == "l1" else params["l1_ratio"]), alpha)
    loss = "perceptron" if is_named(model, "Perceptron") else params.get("loss", "hinge")
    # squared and absolute errors of a coded label: the squares, as far as they are below the label
    return PenaltyPerRow(_margin_classifier(params, _JOINT_LOSSES.get(loss, "squared_weston_watkins")), alpha)


def _logistic(model: Any, params: dict[str, Any]) -> Any:
    """Multinomial with the same C: at equal scores its curvature is K / (K - 1) times that of one against the rest."""
    is_binary_solver = params["solver"] == "liblinear"
    if not is_binary_solver and params.get("multi_class") != "ovr":
        return None
    if "solver" not in own_params(model):
        return None
    from sklearn.base import clone

    ratio = 1.0 if params.get("penalty") == "l1" else params.get("l1_ratio") or 0.0
    # Before scikit-learn 1.8 the ratio counts for one kind of penalty alone.
    ratio = 0.0 if params.get("penalty") == "l2" else ratio
    joint = clone(model)
    if is_binary_solver:
        # liblinear penalises the intercept and reads the dual; saga is the solver for L1.
        joint.set_params(solver="saga" if ratio else "lbfgs", dual=False, intercept_scaling=1.0)
        if ratio:
            joint.set_params(max_iter=max(params["max_iter"], 1000))
    if "multi_class" in params:
        # Its default is multinomial; naming it is deprecated where the parameter still exists.
        joint.set_params(multi_class=default_of(model, "multi_class"))
    return joint


def _margin_classifier(params: dict[str, Any], loss: str, C: float = 1.0) -> Any:
    from marginscope.estimators.margin_classifier import MarginClassifier

    return MarginClassifier(
        loss,
        C=min(C, _LARGEST_C),
        fit_intercept=params.get("fit_intercept", True),
        class_weight=params.get("class_weight"),
        random_state=params.get("random_state"),
    )


def _sparse_logistic(params: dict[str, Any], ratio: float, C: float = 1.0) -> Any:
    from sklearn.linear_model import LogisticRegression

    joint = LogisticRegression(
        C=C,
        l1_ratio=ratio,
        solver="saga",
        max_iter=1000,
        fit_intercept=params.get("fit_intercept", True),
        class_weight=params.get("class_weight"),
        random_state=params.get("random_state"),
    )
    # Before scikit-learn 1.8 the kind of penalty has a parameter of its own.
    return joint if joint.penalty == "deprecated" else joint.set_params(penalty="elasticnet")


def _inverse(strength: float) -> float:
    return 1.0 / strength if strength > 0.0 else _LARGEST_C


_RULES = (
    (("LinearSVC",), _linear_svc),
    (("_RidgeClassifierMixin",), _ridge),
    (("BaseSGDClassifier",), _descended),
    (("LogisticRegression",), _logistic),
)
