"""What the scores of a net say of every class: loss, recall, and the gradients of the last layer.

The gradient of the loss of one row with respect to a last linear layer is r_i h_i', where r_i is
the derivative with respect to the scores (softmax(v) - onehot(y) for cross-entropy) and h_i what
the layer reads, with a one where it has a bias. So the mean gradients M_c of the classes have

    <M_a, M_b> = mean over i in a, j in b of <r_i, r_j> <h_i, h_j>,

which is exact and needs no backward pass; with few classes the M_c themselves are less work.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marginscope.diagnosis.signal import auc
from marginscope.geometry.class_gradients import class_gradients_from_products, unknown_class_gradients

__all__ = ["ClassReadings", "read_classes", "readable_rows"]

Floats = NDArray[np.float64]


class ClassReadings(NamedTuple):
    """One look at a net; an entry per class, NaN where no row of the class was seen.

    A row whose scores are not finite (``readable_rows``) is given to no class, the loss and the
    information of its class are NaN, and so are the gradients of all classes.

    Attributes
    ----------
    loss : (K,)
        Mean training loss of the rows of the class.
    information : (K,)
        Nats gained over the shares: mean of log softmax(v)_y - log(share of the class). A
        model that knows only the shares has 0 in every class.
    recall, called : (K,)
        Share of its rows given to it, and share of all rows (weighted to the shares) given to it.
    rival : (K,) of int
        The class that gets most of its rows wrongly, or has the highest mean score after it.
    area : (K,)
        Area under the curve of v_c - v_rival between the rows of the two: 1 where the
        scores tell the two apart wherever the threshold is, 0.5 where they do not.
    gradient_norm : (K,)
        Length of the mean gradient of its rows.
    share : (K,)
        Its part in the lengths of the class gradients, each weighted by the share of the class.
    conflict : (K, K)
        Cosine of the mean gradients of two classes.
    opposition : (K,)
        Cosine of its gradient with the weighted sum of the others'.
    """

    loss: Floats
    information: Floats
    recall: Floats
    called: Floats
    rival: NDArray[np.int64]
    area: Floats
    gradient_norm: Floats
    share: Floats
    conflict: Floats
    opposition: Floats


def readable_rows(scores: Tensor) -> Tensor:
    """Return which rows have a highest score: none is NaN, and the highest is finite."""
    return torch.isfinite(scores.amax(dim=1))


def read_classes(
    scores: Tensor, codes: Tensor, losses: Tensor, slopes: Tensor, features: Tensor, shares: Floats
) -> ClassReadings:
    """Read every class from the rows of one look.

    Parameters
    ----------
    scores, slopes : (n, K) tensors
        Scores and the derivative of each row's loss with respect to them.
    codes, losses : (n,) tensors
    features : (n, m) tensor
        What the last linear layer reads, with a column of ones for its bias.
    shares : (K,) array
        Shares of the classes in training.
    """
    K = scores.shape[1]
    member = torch.nn.functional.one_hot(codes, K).to(slopes.dtype)
    sizes = _floats(member.sum(0))
    seen, n = sizes > 0, np.maximum(sizes, 1.0)
    readable = readable_rows(scores)
    log_own = torch.log_softmax(scores, dim=1).gather(1, codes[:, None])[:, 0]
    loss, information = _class_means(torch.stack([losses, log_own], dim=1), member, n)
    # The first of several NaN is no answer.
    called = torch.nn.functional.one_hot(scores.argmax(1), K).to(slopes.dtype) * readable[:, None]
    confusion = _floats(member.T @ called) / n[:, None]
    rival = _rivals(confusion, _floats(member.T @ scores) / n[:, None])
    if bool(readable.all()):
        products = _floats(_products(slopes, features, codes, member)) / np.outer(n, n)
        gradients = class_gradients_from_products(products, shares, seen)
    else:
        gradients = unknown_class_gradients(K)
    with np.errstate(divide="ignore"):
        information = information - np.log(shares)
    return ClassReadings(
        loss=_where(seen, loss),
        information=_where(seen, information),
        recall=_where(seen, np.diag(confusion)),
        called=(shares[:, None] * confusion)[seen].sum(0),
        rival=rival,
        area=_areas(_floats(scores), codes.cpu().numpy(), rival),
        gradient_norm=gradients.length,
        share=gradients.share,
        conflict=gradients.conflict,
        opposition=gradients.opposition,
    )


def _class_means(values: Tensor, member: Tensor, sizes: Floats) -> Floats:
    """Return the means of columns by class, shape (columns, K); NaN only for classes with a row that is not finite."""
    finite = torch.isfinite(values)
    sums = member.T @ torch.where(finite, values, 0.0)
    broken = member.T @ (~finite).to(member.dtype) > 0
    return (_floats(torch.where(broken, torch.nan, sums)) / sizes[:, None]).T


def _products(slopes: Tensor, features: Tensor, codes: Tensor, member: Tensor) -> Tensor:
    """Inner products of the summed gradients of the classes, by rows or by classes, whichever is less work."""
    n, K = slopes.shape
    if n * K + K**3 > n * n:
        return member.T @ ((slopes @ slopes.T) * (features @ features.T)) @ member
    of_class = [codes == k for k in range(K)]
    sums = torch.stack([(slopes[rows].T @ features[rows]).ravel() for rows in of_class])
    return sums @ sums.T


def _floats(values: Tensor) -> Floats:
    return values.detach().cpu().numpy().astype(np.float64)


def _where(seen: NDArray[np.bool_], values: Floats) -> Floats:
    return np.where(seen, values, np.nan)


def _rivals(confusion: Floats, mean_scores: Floats) -> NDArray[np.int64]:
    wrong = confusion - np.diag(np.diag(confusion))
    # Above the class itself, also where all are NaN.
    others = np.nan_to_num(mean_scores, nan=np.finfo(float).min)
    np.fill_diagonal(others, -np.inf)
    return np.asarray(np.where(wrong.max(1) > 0, wrong.argmax(1), others.argmax(1)))


def _areas(scores: Floats, codes: NDArray[np.int64], rival: NDArray[np.int64]) -> Floats:
    areas = np.full(rival.size, np.nan)
    rows = [np.flatnonzero(codes == k) for k in range(rival.size)]
    for k, other in enumerate(rival.tolist()):
        both = np.concatenate([rows[k], rows[other]])
        with np.errstate(invalid="ignore"):  # infinity less infinity
            gap = scores[both, k] - scores[both, other]
        if rows[k].size and rows[other].size and np.isfinite(gap).all():
            areas[k] = auc(gap, codes[both] == k)
    return areas
