"""How strongly the training loss pulls on the rows that a model gets wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from marginscope import losses
from marginscope.adapters.components import is_named, own_params, unwrap
from marginscope.diagnosis.case import Case
from marginscope.geometry.label_code import margins_of_scores, scores_of_weights

__all__ = ["Pulls", "pulls_of"]

Floats = NDArray[np.float64]
_OWN_CLASSIFIERS = ("MarginClassifier", "GradientDescentClassifier")


@dataclass(frozen=True)
class Pulls:
    """Mean size of the pull of the loss on the wrongly predicted training rows of each class.

    The pull of a row is minus the derivative of its loss with respect to its scores.

    Attributes
    ----------
    loss_name : str
    own, cross_entropy : ndarray of shape (n_classes,)
        Of the training loss, and of cross-entropy on the same scores; NaN where no row
        of the class is wrong.
    n_wrong : ndarray of shape (n_classes,)
    """

    loss_name: str
    own: Floats
    cross_entropy: Floats
    n_wrong: NDArray[np.int64]

    @property
    def ratio(self) -> Floats:
        """Pull of the training loss as a share of that of cross-entropy."""
        shares: Floats = self.own / self.cross_entropy
        return shares


def pulls_of(case: Case) -> Pulls | None:
    """Measure the pulls once per case; ``None`` where the loss of the model is not known.

    Known are networks, and the linear classifiers of this package with any template.
    """
    if "pulls" not in case.notebook:
        case.notebook["pulls"] = _measured(case)
    found: Pulls | None = case.notebook["pulls"]
    return found


def _measured(case: Case) -> Pulls | None:
    rows = case.shown_rows
    codes = case.subject.codes[rows]
    part = case.network_part
    if part is not None:
        own = np.searchsorted(case.subject.labels, part.classes)
        return _by_class(part.loss_name, part.scores, part.pull, codes, own, case.n_classes)
    linear = case.linear_part
    model = unwrap(case.fitted)[1]
    if linear is None or not is_named(model, *_OWN_CLASSIFIERS):
        return None
    own = np.searchsorted(case.subject.labels, linear.classes)
    scores = np.asarray(linear.features[rows] @ linear.coef.T + linear.intercept)
    template = losses.get(own_params(model)["loss"])
    place = np.minimum(np.searchsorted(own, codes), own.size - 1)
    pull = scores_of_weights(template.weights(margins_of_scores(scores, place)), place)
    return _by_class(template.name, scores, pull, codes, own, case.n_classes)


def _by_class(
    loss_name: str, scores: Floats, pull: Floats, codes: NDArray[np.int64], columns: NDArray[np.int64], n_classes: int
) -> Pulls:
    known = np.isin(codes, columns)
    codes, scores, pull = codes[known], scores[known], pull[known]
    place = np.searchsorted(columns, codes)
    wrong = scores.argmax(axis=1) != place
    target = np.zeros_like(scores)
    target[np.arange(codes.size), place] = 1.0
    sizes = np.linalg.norm(pull, axis=1), np.linalg.norm(target - softmax(scores, axis=1), axis=1)
    n_wrong = np.bincount(codes[wrong], minlength=n_classes)
    with np.errstate(invalid="ignore"):
        own, reference = (np.bincount(codes[wrong], size[wrong], n_classes) / n_wrong for size in sizes)
    return Pulls(loss_name, own, reference, n_wrong)
