"""What a network is given: rows of any shape, as a tensor of a type that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from marginscope.adapters.network_rows import as_array, rows_of_any_shape
from marginscope.exceptions import DataError, ModelError

__all__ = ["NetworkInputs", "network_inputs", "outputs_in_batches", "try_types"]


@dataclass(frozen=True)
class NetworkInputs:
    """Checked rows.

    Attributes
    ----------
    values : ndarray or Tensor of shape (n_samples, ...)
    is_whole : bool
        Whether they came as integers, such as numbers of tokens.
    """

    values: Any
    is_whole: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of a row."""
        return tuple(int(length) for length in self.values.shape)

    def tensor(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return the rows in a type and on a device.

        Raises
        ------
        DataError
            If a number is too large for the type.
        """
        if isinstance(self.values, Tensor):
            moved = self.values.detach().to(device=device, dtype=dtype)
        else:
            # torch takes no memory that must not be written to
            values = np.require(self.values, requirements=["C", "W"])
            moved = torch.as_tensor(values).to(device=device, dtype=dtype)
        if moved.is_floating_point() and not bool(torch.isfinite(moved).all()):
            raise DataError(
                f"numbers that {dtype} holds are needed, but some of X are beyond it; scale the features first"
            )
        return moved


def network_inputs(X: Any) -> NetworkInputs:
    """Return checked rows of an array, tensor or frame of shape (n_samples, ...).

    Raises
    ------
    DataError, LabelTypeError
        If they are not real finite numbers, or there are no rows.
    """
    if isinstance(X, Tensor):
        return NetworkInputs(_checked_tensor(X), not X.is_floating_point() and X.dtype != torch.bool)
    if not hasattr(X, "tocsr") and not _is_frame(X):
        X = as_array(X)
    return NetworkInputs(rows_of_any_shape(X), _is_whole(X))


def _checked_tensor(X: Tensor) -> Tensor:
    if X.ndim < 2 or X.numel() == 0 or X.is_complex():
        raise DataError(
            f"a real tensor of shape (n_samples, ...) is needed, but got {X.dtype} of shape {tuple(X.shape)}; "
            "give one row a sample: X.reshape(-1, 1) for one feature"
        )
    if X.is_floating_point() and not bool(torch.isfinite(X).all()):
        raise DataError("finite numbers are needed for a network, but X has NaN or infinity; replace them")
    return X


def _is_frame(X: Any) -> bool:
    return hasattr(X, "columns") or hasattr(X, "column_names")


def _is_whole(X: Any) -> bool:
    kinds = {getattr(kind, "kind", "f") for kind in getattr(X, "dtypes", [])} if _is_frame(X) else {X.dtype.kind}
    return bool(kinds) and kinds <= {"i", "u"}


def try_types(network: nn.Module, rows: NetworkInputs, device: torch.device) -> tuple[torch.dtype, Tensor]:
    """Return the type of input that a network takes, and its output on the first two rows.

    Integers are offered to it first where the rows are integers: a network of embeddings
    takes nothing else, and most others refuse them. Else its own floating-point type.

    Raises
    ------
    ModelError
        If it takes neither.
    """
    parameter = next((p for p in network.parameters() if p.is_floating_point()), None)
    own = torch.float32 if parameter is None else parameter.dtype
    two = NetworkInputs(rows.values[:2], rows.is_whole)
    order = (torch.int64, own) if rows.is_whole else (own, torch.int64)
    told: list[str] = []
    was_training = [part.training for part in network.modules()]
    network.eval()
    try:
        for dtype in order:
            if dtype == torch.int64 and not rows.is_whole and not _are_whole(two.values):
                continue
            try:
                with torch.enable_grad():
                    returned = network(two.tensor(dtype, device).clone())
            except DataError:
                raise
            except Exception as error:
                told.append(f"{dtype}: {type(error).__name__}: {' '.join(str(error).split()):.200}")
                continue
            return dtype, _checked_output(network, returned, len(two.values))
    finally:
        for part, training in zip(network.modules(), was_training, strict=True):
            part.training = training
    raise ModelError(
        f"a network that takes rows of shape {rows.shape[1:]} is needed, but {type(network).__name__} raised for "
        f"{'; '.join(told)}; call it on X[:2] by itself"
    )


def _are_whole(values: Any) -> bool:
    return bool((values == values.round()).all()) if hasattr(values, "round") else False


def _checked_output(network: nn.Module, returned: Any, n_rows: int) -> Tensor:
    if not isinstance(returned, Tensor) or returned.ndim not in (1, 2) or len(returned) != n_rows:
        shape = tuple(returned.shape) if isinstance(returned, Tensor) else type(returned).__name__
        raise ModelError(
            f"a network that returns a tensor of scores, one row a sample and one column a class, is needed, but "
            f"{type(network).__name__} returned {shape} for {n_rows} rows; wrap it in a module that returns the scores"
        )
    return returned


@torch.no_grad()
def outputs_in_batches(network: nn.Module, X: Tensor, size: int = 4096) -> Tensor:
    """Return what the network gives for all rows, as it stands, without gradients."""
    # Copies, since a network that works in place would write into the rows of the caller.
    return torch.cat([network(X[start : start + size].clone()) for start in range(0, len(X), size)])
