"""What a diagnosis may look at inside a network: units, last layer, pull of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NetworkPart", "UnitLayer"]


@dataclass(frozen=True)
class UnitLayer:
    """One hidden layer of units, on some rows.

    Attributes
    ----------
    name : str
        Where it stands in the network.
    outputs : ndarray of shape (n_samples, n_units)
        What the units give to the next layer; a map of a convolution is averaged over
        its places.
    reach : ndarray of shape (n_samples, n_units)
        Size of the derivative of the row's own score less the mean score, with respect
        to what goes into each unit before its activation. Zero means that no gradient of any
        loss passes through the unit on this row.
    """

    name: str
    outputs: NDArray[np.float64]
    reach: NDArray[np.float64]


@dataclass(frozen=True)
class NetworkPart:
    """The inside of a fitted network, on some rows.

    Attributes
    ----------
    layers : tuple of UnitLayer
        Hidden layers, the first one first; empty where the inside cannot be seen.
    features : ndarray of shape (n_samples, n_hidden)
        What the last linear layer reads.
    coef, intercept : ndarray of shape (n_classes, n_hidden) and (n_classes,)
        The last linear layer.
    scores : ndarray of shape (n_samples, n_classes)
        Its output, before any softmax.
    pull : ndarray of shape (n_samples, n_classes)
        Minus the derivative of the training loss of each row with respect to its scores;
        onehot(y) - softmax(scores) for cross-entropy. Class weights are left out.
    classes : ndarray of shape (n_classes,)
        Labels in the order of the columns.
    loss_name : str
        Name of the training loss, empty if unknown.
    """

    layers: tuple[UnitLayer, ...]
    features: NDArray[np.float64]
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    scores: NDArray[np.float64]
    pull: NDArray[np.float64]
    classes: NDArray[Any]
    loss_name: str = ""
