"""A torch network that can be trained again and again: a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from marginscope._validation import check_rng
from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.network_rows import check_number, held_back, network_rows
from marginscope.exceptions import DataError, UsageError
from marginscope.torch.cosine_network import CosineNetwork
from marginscope.torch.count_losses import counted_loss
from marginscope.torch.network_building import Built, build_network
from marginscope.torch.network_inputs import NetworkInputs, network_inputs, outputs_in_batches
from marginscope.torch.network_part import network_part
from marginscope.torch.row_losses import row_loss
from marginscope.torch.seeded_draws import SeededDraws
from marginscope.torch.training import Recipe, TrainingRows, train
from marginscope.torch.usual_start import UsualStart

__all__ = ["NetworkClassifier"]

Floats = NDArray[np.float64]


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A torch network with the recipe of its training, as a scikit-learn classifier.

    ``fit`` trains a fresh network; the module that was given is copied and never changed.
    Rows may have any shape, such as (n, 1, 28, 28), and may be arrays or tensors; integers
    stay integers where the network takes them (numbers of tokens).

    Parameters
    ----------
    network : torch.nn.Module, callable or None
        A module: copied, and initialised anew in every fit by the ``reset_parameters`` of its
        parts, or by its own method ``fresh()`` that returns a new module. Frozen parameters
        keep their values; what no ``reset_parameters`` draws does so too, with a warning.
        A callable is called as ``network(n_features, n_classes)``, with the shape of a row in
        place of ``n_features`` where rows have more than one axis. ``None``: two hidden layers
        of 64 units. The network returns one column a class (or one logit for two classes):
        scores, or a softmax, log-softmax or sigmoid of them.
    loss : str, Template, Module or callable
        A name of ``marginscope.losses.names()``; ``"mse"``, squares from one-hot rows; a name
        of ``COUNT_LOSSES``, made from the class counts of the rows ("balanced", "vs", ...); a
        loss module; or a function of (what the network returns, class numbers).
    optimizer : str or callable
        "sgd", "adam", "adamw", "sign", "normalized", "spectral", "muon", "nuclear"; or a
        callable (parameters, learning_rate) that makes one.
    learning_rate, weight_decay : float
    momentum : float
        Of "sgd" and of the optimizers of this package.
    n_epochs, batch_size : int
    class_weight : "balanced", mapping {label: weight} or (n_classes,) array, optional
        Weights are scaled to a mean of 1 over the rows, so that they do not change the
        length of the steps.
    copies : int
        Copies of the network side by side, initialised apart, their scores added.
    branches : bool
        A network of its own for every class: score k is that of network k.
    usual_start : bool
        Whether layers of ``torch.nn`` draw their first values as torch does, whatever the
        network does to them.
    early_stopping : bool
        Whether to hold rows back, stop after ``patience`` epochs without a smaller loss on
        them, and keep the weights of the best epoch.
    validation_fraction : float
        Share of the rows of every class that is held back.
    patience : int
    device : str or torch.device
    random_state : int, Generator, RandomState or None
        Of initial weights, order of the rows, held back rows and dropout. The global
        generators of torch are put back.
    train : callable, optional
        Trains in place of the loop here: ``train(network, X, y, sample_weight, rng)`` with
        tensors X and y (class numbers), weights or ``None``, and a NumPy generator. ``loss`` then
        only names what it minimises, for a diagnosis.

    Attributes
    ----------
    classes_ : (n_classes,) array
    module_ : Module
        The trained network, in evaluation mode.
    history_ : dict
        Arrays over the epochs: "loss" (n_epochs,), "class_loss" and "class_recall" (n_epochs,
        n_classes), all measured while training, before the step that used the row;
        "validation_loss" with early stopping; and "prior_entropy", the entropy of the class
        shares in nats: a cross-entropy that stays there has learned the shares only. Empty
        with ``train``.
    n_epochs_ : int
    n_features_in_ : int
        Numbers a row.

    Notes
    -----
    Rows and results are float32 unless the network is of another type. The rows lie in one
    tensor on the device. Outputs beyond the classes of y are left out of everything.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NetworkClassifier(n_epochs=60, random_state=0).fit(X / X.std(axis=0), y)
    >>> model.predict(X[:2] / X.std(axis=0)).tolist()
    [0, 0]
    """

    def __init__(
        self,
        network: Any = None,
        *,
        loss: Any = "cross_entropy",
        optimizer: Any = "adam",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        n_epochs: int = 20,
        batch_size: int = 64,
        class_weight: Any = None,
        copies: int = 1,
        branches: bool = False,
        usual_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        device: Any = "cpu",
        random_state: Any = None,
        train: Callable[..., Any] | None = None,
    ) -> None:
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.copies = copies
        self.branches = branches
        self.usual_start = usual_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.device = device
        self.random_state = random_state
        self.train = train

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkClassifier:
        """Train a fresh network.

        Parameters
        ----------
        X : (n_samples, ...) array or tensor, or data frame
        y : (n_samples,) labels of any kind
        sample_weight : (n_samples,) array, optional

        Raises
        ------
        DataError, UsageError
            If data or parameters cannot be meant.
        ModelError
            If the network does not take the rows, or has too few outputs.
        """
        recipe = self._recipe()
        inputs, codes, weights = self._checked_rows(X, y, sample_weight)
        self._loss = counted_loss(self.loss, np.bincount(codes, minlength=len(self.classes_)))
        device = torch.device(self.device)
        seed, rng = check_rng(self.random_state)
        with SeededDraws(seed, device) as draws:
            built = build_network(
                UsualStart(self.network) if self.usual_start else self.network,
                inputs,
                len(self.classes_),
                copies=int(self.copies),
                branches=bool(self.branches),
                device=device,
            )
            rows = TrainingRows(
                inputs.tensor(built.dtype, device),
                torch.as_tensor(codes, device=device),
                None if weights is None else torch.as_tensor(weights, device=device, dtype=built.example.dtype),
            )
            self.history_ = self._trained(built, rows, recipe, rng, draws)
        self.module_ = built.network.eval()
        self.n_epochs_ = len(self.history_.get("loss", ()))
        self._ending, self._dtype, self._example = built.ending, built.dtype, built.example
        return self

    def _trained(
        self, built: Built, rows: TrainingRows, recipe: Recipe, rng: np.random.Generator, draws: SeededDraws
    ) -> dict[str, Any]:
        """Train in place and return the history."""
        if self.train is not None:
            self.train(built.network.train(), rows.X, rows.codes, rows.weights, rng)
            return {}
        held = None
        if self.early_stopping:
            rows, held = _split(rows, float(self.validation_fraction), rng)
        draws.mark()
        return train(
            built.network,
            built.ending,
            row_loss(self._loss, built.example),
            rows,
            recipe,
            n_classes=len(self.classes_),
            seed=int(rng.integers(2**62)),
            validation=held,
            after_first_epoch=draws.release_if_unused,
        )

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the largest score for each row."""
        scores = self._scores(self._outputs(X))
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def predict_proba(self, X: Any) -> Floats:
        """Return probabilities (n_samples, n_classes), the softmax of the scores.

        A network that ends in one sigmoid a class has these divided by their sum.
        """
        outputs = self._outputs(X)
        return np.asarray(self._ending.probabilities(outputs).cpu().numpy())

    def decision_function(self, X: Any) -> Floats:
        """Return scores (n_samples, n_classes), before any softmax; their difference (n_samples,) for two classes."""
        scores = self._scores(self._outputs(X))
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def with_cosine_head(self) -> NetworkClassifier:
        """Return an unfitted copy whose last layer gives cosines times 30, trained with LDAM."""
        model: NetworkClassifier = clone(self).set_params(network=CosineNetwork(self.network), loss="ldam_cosine")
        return model

    def network_part(self, X: Any, y: Any) -> NetworkPart:
        """Return the inside of the trained network on rows with labels; see ``marginscope.torch.network_part``."""
        check_is_fitted(self)
        return network_part(self.module_, self._new_rows(X), y, self.classes_, self._loss)

    def _scores(self, outputs: Tensor) -> Floats:
        return np.asarray(self._ending.scores(outputs).double().cpu().numpy())

    def _outputs(self, X: Any) -> Tensor:
        """Return what the network gives for new rows, one column a class."""
        check_is_fitted(self)
        return self._ending.outputs(outputs_in_batches(self.module_, self._new_rows(X)))

    def _new_rows(self, X: Any) -> Tensor:
        inputs = network_inputs(X)
        if len(inputs.shape) == 2 and len(self._row_shape) == 1:
            validate_data(self, X, reset=False, skip_check_array=True)
        elif len(inputs.shape) != 1 + len(self._row_shape):
            raise DataError(
                f"rows of {len(self._row_shape)} axes are needed, as in fit, but X has the shape {inputs.shape}; "
                "give one row a sample"
            )
        return inputs.tensor(self._dtype, torch.device(self.device))

    def _checked_rows(self, X: Any, y: Any, sample_weight: Any) -> tuple[NetworkInputs, NDArray[Any], Any]:
        """Return the rows that have a weight, their class numbers, and weights of mean 1 or None."""
        inputs = network_inputs(X)
        self._row_shape = inputs.shape[1:]
        if len(inputs.shape) == 2:
            validate_data(self, X, skip_check_array=True)
        self.n_features_in_ = int(np.prod(inputs.shape[1:]))
        checked = network_rows(inputs.values, y, sample_weight, self.class_weight)
        self.classes_ = checked.classes
        return NetworkInputs(checked.X, inputs.is_whole), checked.codes, checked.weights

    def _recipe(self) -> Recipe:
        for name in ("n_epochs", "batch_size", "copies", "patience"):
            check_number(name, getattr(self, name), is_whole=True, least=1)
        for name in ("learning_rate", "momentum", "weight_decay"):
            check_number(name, getattr(self, name), is_whole=False, least=0.0)
        if self.early_stopping and not 0.0 < self.validation_fraction < 1.0:
            raise UsageError(
                f"a validation_fraction between 0 and 1 is needed, but got {self.validation_fraction!r}; 0.1 is usual"
            )
        return Recipe(
            optimizer=self.optimizer,
            learning_rate=float(self.learning_rate),
            momentum=float(self.momentum),
            weight_decay=float(self.weight_decay),
            n_epochs=int(self.n_epochs),
            batch_size=int(self.batch_size),
            patience=int(self.patience),
        )


def _split(rows: TrainingRows, fraction: float, rng: np.random.Generator) -> tuple[TrainingRows, TrainingRows]:
    """Hold back a share of the rows of every class; a class of one row is only trained on."""
    held = held_back(rows.codes.cpu().numpy(), fraction, rng)
    chosen = torch.as_tensor(held, device=rows.codes.device)
    return rows.at(~chosen), rows.at(chosen)
