"""Parameters of a model that set how long it trains and what its network looks like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["NetworkKnobs", "TrainingKnob"]


@dataclass(frozen=True)
class TrainingKnob:
    """One parameter of the training of an iterative model.

    Attributes
    ----------
    path : str
        Deep parameter name, as ``set_params`` takes it.
    value : float
        Present value.
    kind : str
        ``"steps"``: a larger value trains longer (max_iter, n_epochs, rounds of boosting);
        ``"step_size"``: the learning rate.
    highest : float
        End of the range that lengthening keeps to.
    companions : tuple of (str, object)
        Parameters that must be set with it, such as an early stop that would undo it.
    """

    path: str
    value: float
    kind: str
    highest: float = math.inf
    companions: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class NetworkKnobs:
    """Where the parameters of a network stand in a model, by deep parameter name.

    A path is ``None`` where the network cannot be changed in that way. The values are the
    present ones.

    Attributes
    ----------
    width, width_value
        Number of copies of the trunk side by side (torch, Keras), or the tuple of hidden
        layer sizes (multilayer perceptrons of scikit-learn).
    branches, branches_value
        A trunk of its own for every class, ``True`` or ``False``.
    loss, loss_value
        Name of the training loss.
    activation, activation_value
        Name of the activation, where a parameter sets it.
    usual_start, usual_start_value
        Whether layers draw their first values as their kind usually does, ``True`` or ``False``.
    """

    width: str | None = None
    width_value: Any = None
    branches: str | None = None
    branches_value: Any = None
    loss: str | None = None
    loss_value: Any = None
    activation: str | None = None
    activation_value: Any = None
    usual_start: str | None = None
    usual_start_value: Any = None
