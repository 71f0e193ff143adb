"""How the gradients of classes stand to each other, from their inner products.

With M_c the mean gradient of the rows of class c, pi_c its share and g_c = pi_c M_c,

    length_c = ||M_c||,    conflict_ac = cos(M_a, M_c),
    share_c = ||g_c|| / sum_a ||g_a||,    opposition_c = cos(g_c, sum over a != c of g_a).

Where training stands still the g_c add up to zero, and every opposition is -1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassGradients", "class_gradients_from_products", "mean_gradient_products", "unknown_class_gradients"]

Floats = NDArray[np.float64]


class ClassGradients(NamedTuple):
    """One entry a class, NaN for a class without rows, and everywhere if a product is not finite.

    Attributes
    ----------
    length, share, opposition : (K,)
    conflict : (K, K)
    """

    length: Floats
    share: Floats
    opposition: Floats
    conflict: Floats


def mean_gradient_products(
    slopes: Floats, inputs: Floats, codes: NDArray[np.int64], n_classes: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the inner products of the class means of slope_i input_i', and which classes have rows.

    Parameters
    ----------
    slopes : (n, K) array
        Derivative of each row's loss with respect to its scores.
    inputs : (n, m) array
        What the linear layer reads, with a column of ones for a bias.
    """
    rows = [np.flatnonzero(codes == k) for k in range(n_classes)]
    means = np.stack([slopes[one].T @ inputs[one] / max(1, one.size) for one in rows]).reshape(n_classes, -1)
    return means @ means.T, np.array([one.size > 0 for one in rows])


def unknown_class_gradients(n_classes: int) -> ClassGradients:
    """Return NaN for every class, as of a net whose scores are not finite."""
    row = np.full(n_classes, np.nan)
    return ClassGradients(row, row.copy(), row.copy(), np.full((n_classes, n_classes), np.nan))


def class_gradients_from_products(products: Floats, shares: Floats, seen: NDArray[np.bool_]) -> ClassGradients:
    """Return lengths, shares, oppositions and cosines.

    Parameters
    ----------
    products : (K, K) array
        <M_a, M_b>.
    shares : (K,) array
    seen : (K,) array of bool
        Classes that have rows.
    """
    if not np.isfinite(products).all():
        return unknown_class_gradients(seen.size)
    length = np.sqrt(np.maximum(np.diag(products), 0.0))
    live = np.where(length > 0, length, 1.0)
    cosines = np.clip(products / np.outer(live, live), -1.0, 1.0)
    weight = np.where(seen, shares, 0.0)
    pulls = weight[:, None] * products * weight
    rest = pulls.sum(1) - np.diag(pulls)
    rest_length = np.sqrt(np.maximum(pulls.sum() - 2.0 * pulls.sum(1) + np.diag(pulls), 0.0))
    scale = weight * length * rest_length
    opposition = np.clip(np.divide(rest, scale, out=np.zeros_like(rest), where=scale > 0), -1.0, 1.0)
    total = float(weight @ length)
    share = weight * length / total if total > 0 else np.zeros_like(length)

    def kept(values: Floats) -> Floats:
        return np.where(seen, values, np.nan)

    return ClassGradients(kept(length), kept(share), kept(opposition), np.where(np.outer(seen, seen), cosines, np.nan))
