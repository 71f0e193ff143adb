"""A Keras model that can be trained again and again: a scikit-learn classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from marginscope._validation import check_rng
from marginscope.adapters.keras_building import Built, build_model, compiled_with, is_keras_model
from marginscope.adapters.keras_ending import KerasEnding, as_read, ending_of
from marginscope.adapters.keras_packing import PackedModel, pack_model
from marginscope.adapters.keras_part import keras_part
from marginscope.adapters.keras_recipe import KerasLoss, keras_loss, loss_name, make_optimizer
from marginscope.adapters.keras_training import train_model
from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.network_rows import NetworkRows, check_number, held_back, network_rows, rows_of_any_shape
from marginscope.exceptions import DataError, MissingExtra, UsageError

__all__ = ["KerasNetwork"]

Floats = NDArray[np.float64]


class KerasNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A Keras 3 model with the recipe of its training, as a scikit-learn classifier.

    ``fit`` trains a fresh model; the one that was given is never changed. It works on every
    backend of Keras. Rows may have any shape, such as (n, 28, 28, 1).

    Parameters
    ----------
    network : keras.Model, callable or None
        A model, made anew in every fit from the configuration of its layers. Frozen layers
        (``trainable = False``) and layers that were adapted to data keep their weights. A
        callable is called as ``network(n_features, n_classes)``, with the shape of a row in
        place of ``n_features`` where rows have more than one axis. ``None``: two hidden layers
        of 64 units. The model returns one column a class (or one for two classes): scores, or
        a softmax or sigmoid of them.
    loss : str, Template, Loss, callable or None
        ``None``: the loss that the model was compiled with, or else cross-entropy. A name of
        ``marginscope.losses.names()`` is trained on the scores, without a softmax at the end;
        ``"mse"`` and everything that ``compile`` takes is given what the model returns.
    optimizer : str, Optimizer, callable or None
        ``None``: that of the compiled model, or else Adam.
    learning_rate, weight_decay : float or None
        ``None``: those of the optimizer. A number takes the place of a schedule.
    n_epochs, batch_size : int
    class_weight : "balanced", mapping {label: weight} or (n_classes,) array, optional
        Weights are scaled to a mean of 1 over the rows, so that they do not change the
        length of the steps.
    copies : int
        Copies of the model side by side, initialised apart, their scores added.
    branches : bool
        A model of its own for every class: score k is that of model k.
    early_stopping : bool
        Whether to hold rows back, stop after ``patience`` epochs without a smaller loss on
        them, and keep the weights of the best epoch.
    validation_fraction : float
        Share of the rows of every class that is held back.
    patience : int
    random_state : int, Generator, RandomState or None
        Of initial weights, dropout, order of the rows and held back rows. Layers with seeds
        of their own in the configuration get others.

    Attributes
    ----------
    classes_ : (n_classes,) array
    model_ : keras.Model
        The trained model.
    history_ : dict
        Arrays over the epochs: "loss" and, with early stopping, "validation_loss"; and
        "prior_entropy", the entropy of the class shares in nats: a cross-entropy that stays there
        has learned the shares only.
    n_epochs_ : int
    n_features_in_ : int
        Numbers a row.

    Notes
    -----
    Copies, branches and losses of this package need a Sequential or functional model.
    Columns beyond the classes of y are trained and never predicted.

    Examples
    --------
    >>> import keras  # doctest: +SKIP
    >>> net = keras.Sequential([keras.layers.Dense(16, "relu"), keras.layers.Dense(3, "softmax")])  # doctest: +SKIP
    >>> net.compile("adam", "sparse_categorical_crossentropy")  # doctest: +SKIP
    >>> KerasNetwork(net, n_epochs=50, random_state=0).fit(X, y).predict(X[:2])  # doctest: +SKIP
    array(['setosa', 'setosa'], dtype='<U10')
    """

    def __init__(
        self,
        network: Any = None,
        *,
        loss: Any = None,
        optimizer: Any = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        n_epochs: int = 20,
        batch_size: int = 32,
        class_weight: Any = None,
        copies: int = 1,
        branches: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        random_state: Any = None,
    ) -> None:
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.copies = copies
        self.branches = branches
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state

    def __sklearn_clone__(self) -> KerasNetwork:
        # The model that was given is read and never changed: a clone may hold the same one.
        return type(self)(**self.get_params(deep=False))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in ("network", "model_"):
            if is_keras_model(state.get(name)):
                state[name] = pack_model(state[name])
        if "model_" in state:
            # graphs and losses made on the spot are made again
            del state["_loss"]
            del state["_ending"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        unpacked = {name: one.unpack() if isinstance(one, PackedModel) else one for name, one in state.items()}
        super().__setstate__(unpacked)
        if "model_" in unpacked:
            self._ending = ending_of(unpacked["model_"], as_read(np.zeros((2, *self._row_shape)), unpacked["model_"]))
            self._loss = self._loss_of(self._own_loss, self._ending)

    def in_use(self, name: str) -> Any:
        """Return what training uses where ``None`` stands for the model's own, ``None`` if that is a schedule."""
        value = getattr(self, name)
        if value is not None or not (self.network is None or is_keras_model(self.network)):
            return value
        if name == "loss":
            return loss_name(compiled_with(self.network, "loss") or "cross_entropy")
        if name not in ("learning_rate", "weight_decay"):
            return None
        own = compiled_with(self.network, "optimizer")
        found = make_optimizer(self.optimizer, own, learning_rate=None, weight_decay=None).get_config().get(name)
        return float(found) if isinstance(found, int | float) else None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> KerasNetwork:
        """Train a fresh model.

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
            If the model cannot be made anew, or has too few outputs.
        MissingExtra
            If Keras is not installed.
        """
        self._check_numbers()
        rows = rows_of_any_shape(X)
        if rows.ndim == 2:
            validate_data(self, X, skip_check_array=True)
        self._row_shape, self.n_features_in_ = rows.shape[1:], int(np.prod(rows.shape[1:]))
        checked = network_rows(rows, y, sample_weight, self.class_weight)
        self.classes_ = checked.classes
        rng = check_rng(self.random_state)[1]
        built, self._loss = self._built(rng)
        checked = checked._replace(X=as_read(checked.X, built.model))
        self.history_ = self._trained(built, checked, rng)
        self.model_, self._ending = built.model, ending_of(built.model, checked.X[:64])
        self.n_epochs_ = len(self.history_["loss"])
        return self

    def _built(self, rng: np.random.Generator) -> tuple[Built, KerasLoss]:
        """Return a fresh model and the loss to train it with."""
        try:
            import keras  # noqa: F401
        except ImportError as error:
            raise MissingExtra("keras", "keras", "training a Keras model") from error

        def build(on_scores: bool) -> Built:
            return build_model(
                self.network,
                self._row_shape,
                len(self.classes_),
                copies=int(self.copies),
                branches=bool(self.branches),
                on_scores=on_scores,
                rng=rng,
            )

        built = build(False)
        self._own_loss = compiled_with(built.given, "loss")
        loss = self._loss_of(self._own_loss, built.ending)
        return (build(True) if loss.on_scores else built), loss

    def _loss_of(self, own: Any, ending: KerasEnding) -> KerasLoss:
        return keras_loss(self.loss, own, is_single=ending.is_single, kind=ending.kind)

    def _trained(self, built: Built, rows: NetworkRows, rng: np.random.Generator) -> dict[str, Any]:
        """Train in place and return the history."""
        own = compiled_with(built.given, "optimizer")
        optimizer = make_optimizer(
            self.optimizer, own, learning_rate=self.learning_rate, weight_decay=self.weight_decay
        )
        built.model.compile(optimizer=optimizer, loss=self._loss.loss)
        targets = self._loss.targets(rows.codes, built.ending.n_outputs)
        arrays = (rows.X, targets) if rows.weights is None else (rows.X, targets, rows.weights)
        held = np.zeros(len(rows.codes), dtype=bool)
        if self.early_stopping:
            held = held_back(rows.codes, float(self.validation_fraction), rng)
        shares = np.bincount(rows.codes) / len(rows.codes)
        found = train_model(
            built.model,
            tuple(one[~held] for one in arrays),
            tuple(one[held] for one in arrays) if held.any() else None,
            n_epochs=int(self.n_epochs),
            batch_size=int(self.batch_size),
            patience=int(self.patience),
            rng=rng,
        )
        return {**found, "prior_entropy": float(-(shares * np.log(shares)).sum())}

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the largest score for each row."""
        best = self._scores(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> Floats:
        """Return probabilities (n_samples, n_classes), the softmax of the scores.

        A model that ends in one sigmoid a class has these divided by their sum.
        """
        scores = self._scores(X)
        return self._ending.probabilities(scores)

    def decision_function(self, X: Any) -> Floats:
        """Return scores (n_samples, n_classes), before any softmax; their difference (n_samples,) for two classes."""
        scores = self._scores(X)
        return np.asarray(scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores)

    def _scores(self, X: Any) -> Floats:
        check_is_fitted(self)
        return self._ending.scores(self._new_rows(X))[:, : len(self.classes_)]

    def network_part(self, X: Any, y: Any) -> NetworkPart:
        """Return the inside of the trained model on rows with labels."""
        check_is_fitted(self)
        return keras_part(self.model_, self._new_rows(X), y, self.classes_, self._ending, self._loss)

    def _new_rows(self, X: Any) -> NDArray[Any]:
        rows = rows_of_any_shape(X)
        if rows.ndim == 2 and len(self._row_shape) == 1:
            validate_data(self, X, reset=False, skip_check_array=True)
        elif rows.shape[1:] != self._row_shape:
            raise DataError(
                f"rows of the shape {self._row_shape} are needed, as in fit, but X has the shape {rows.shape}; "
                "give one row a sample"
            )
        return as_read(rows, self.model_)

    def _check_numbers(self) -> None:
        for name in ("n_epochs", "batch_size", "copies", "patience"):
            check_number(name, getattr(self, name), is_whole=True, least=1)
        for name in ("learning_rate", "weight_decay"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), is_whole=False, least=0.0)
        if self.early_stopping and not 0.0 < self.validation_fraction < 1.0:
            raise UsageError(
                f"a validation_fraction between 0 and 1 is needed, but got {self.validation_fraction!r}; 0.1 is usual"
            )
