"""A torch network without the recipe of its training, as a ModelView: a frozen model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marginscope.adapters.frozen_network import FrozenNetworkView
from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.open_model import register_view
from marginscope.exceptions import ModelError
from marginscope.torch.network_building import checked_ending
from marginscope.torch.network_inputs import network_inputs, outputs_in_batches, try_types
from marginscope.torch.network_part import network_part
from marginscope.torch.quiet_look import own_module, quiet_look

__all__ = ["FrozenNetwork", "NetworkView"]


class FrozenNetwork:
    """A trained network that answers like a classifier, as it stands.

    Its columns are the labels in sorted order, or one logit for two classes. It answers in
    evaluation mode and is never changed.

    Parameters
    ----------
    network : Module
    labels : (n_classes,) array, optional
        In the order of the columns; without them it answers nothing yet.
    """

    def __init__(self, network: nn.Module, labels: NDArray[Any] | None = None) -> None:
        self.network = network
        self.classes_ = labels

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return scores (n_samples, n_classes), before any softmax; their difference for two classes."""
        outputs, ending = self._outputs(X)
        scores = np.asarray(ending.scores(outputs).double().cpu().numpy())
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the softmax of the scores, (n_samples, n_classes)."""
        outputs, ending = self._outputs(X)
        return np.asarray(ending.probabilities(outputs).cpu().numpy())

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the largest column."""
        return np.asarray(self._labels[self._outputs(X)[0].argmax(dim=1).cpu().numpy()])

    def network_part(self, X: Any, y: Any) -> NetworkPart:
        """Return the inside of the network; the loss is taken to be cross-entropy, since nobody tells."""
        return network_part(self.network, X, y, self._labels)

    @property
    def _labels(self) -> NDArray[Any]:
        if self.classes_ is None:
            raise ModelError("labels of the columns of the network are needed, but none are known yet; give them")
        return self.classes_

    def _outputs(self, X: Any) -> tuple[Tensor, Any]:
        net, n_classes = own_module(self.network), len(self._labels)
        device = next((p.device for p in net.parameters()), torch.device("cpu"))
        inputs = network_inputs(X)
        with quiet_look(net):
            dtype, returned = try_types(net, inputs, device)
            ending = checked_ending(net, returned, n_classes)
            if ending.n_kept is not None:
                raise ModelError(
                    f"one output a class is needed, but {type(net).__name__} has {returned.shape[1]} outputs and y has "
                    f"{n_classes} labels; give y all classes, or wrap the network in NetworkClassifier"
                )
            return ending.outputs(outputs_in_batches(net, inputs.tensor(dtype, device))), ending


class NetworkView(FrozenNetworkView):
    """View of a bare network; it cannot be refitted."""

    def __init__(self, network: nn.Module, *, seed: int) -> None:
        self._network = network
        super().__init__(FrozenNetwork(network), seed=seed)

    @property
    def kind(self) -> str:
        """See ``ModelView``."""
        return type(own_module(self._network)).__name__


register_view("torch", NetworkView)
