"""The rows on which a net is watched: labels as class numbers, and a probe with a fair number a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marginscope.exceptions import DataError, UsageError

__all__ = ["Probe", "class_numbers", "make_probe"]

# Rows a class below which its numbers would be noise alone.
_LEAST_A_CLASS = 4


@dataclass(frozen=True)
class Probe:
    """Inputs, class numbers, and how many rows of every class there were to draw from."""

    inputs: tuple[Tensor, ...]
    codes: Tensor
    counts: NDArray[np.int64]

    def on(self, net: nn.Module) -> Probe:
        """Return the probe where the net is, in its floating type."""
        weight = next((one for one in net.parameters() if one.is_floating_point()), None)
        if weight is None:
            return self
        inputs = tuple(
            one.to(weight.device, weight.dtype if one.is_floating_point() else one.dtype) for one in self.inputs
        )
        return Probe(inputs, self.codes.to(weight.device), self.counts)

    def few(self, rows_a_class: int) -> Probe:
        """Return the first few rows of every class, or two rows of maps."""
        if self.codes.ndim > 1:
            return Probe(tuple(one[:2] for one in self.inputs), self.codes[:2], self.counts)
        codes = self.codes.cpu().numpy()
        rows = np.sort(np.concatenate([np.flatnonzero(codes == k)[:rows_a_class] for k in np.unique(codes)]))
        chosen = torch.from_numpy(rows).to(self.codes.device)
        return Probe(tuple(one[chosen] for one in self.inputs), self.codes[chosen], self.counts)


def class_numbers(y: Any, names: Sequence[str] | None) -> tuple[NDArray[np.int64], tuple[str, ...] | None]:
    """Return labels as class numbers, and the names of the classes as far as they are known.

    Whole numbers from 0 are class numbers already, as torch has them; -100 and the like stay below 0.
    Other labels are looked up among the names, or numbered in sorted order.

    Raises
    ------
    DataError
        If a label has no name, or a number no class.
    """
    values = y.detach().cpu().numpy() if isinstance(y, Tensor) else np.asarray(y)
    known = None if names is None else tuple(names)
    if values.dtype.kind in "iub" and (known is None or not set(map(str, np.unique(values).tolist())) <= set(known)):
        codes = values.astype(np.int64)
        if known is not None and codes.size and codes.max() >= len(known):
            raise DataError(
                f"class numbers from 0 to {len(known) - 1} are needed for {len(known)} classes, but got "
                f"{int(codes.max())}; give the names of all classes"
            )
        return codes, known
    labels = values.astype(str)
    found = np.unique(labels)
    known = tuple(found.tolist()) if known is None else known
    if missing := sorted(set(found.tolist()) - set(known)):
        raise DataError(
            f"a label of y must be among the classes, but got {missing[0]!r}; give the names of all classes in the "
            "order of the scores"
        )
    place = {name: k for k, name in enumerate(known)}
    return np.vectorize(place.__getitem__, otypes=[np.int64])(labels), known


def make_probe(
    X: Any, y: Any, names: Sequence[str] | None, most_rows: int, seed: int
) -> tuple[Probe, tuple[str, ...] | None]:
    """Draw the rows to look at: the same number of every class, as far as there are that many.

    Raises
    ------
    DataError
        If X and y do not have the same number of rows, or none.
    UsageError
        If X holds no numbers.
    """
    codes, names = class_numbers(y, names)
    inputs = tuple(_tensor(one) for one in (X if isinstance(X, tuple | list) and _holds_arrays(X) else (X,)))
    if any(one.shape[0] != codes.shape[0] for one in inputs) or not codes.size:
        lengths = ", ".join(str(one.shape[0]) for one in inputs)
        raise DataError(f"X and y need the same rows, but X has {lengths} and y {codes.shape[0]}; pass them together")
    K = max(int(codes.max()) + 1, 0 if names is None else len(names))
    counts = np.bincount(codes[codes >= 0], minlength=K)
    rows = _drawn(codes, counts, most_rows, np.random.default_rng(seed))
    chosen = torch.from_numpy(rows)
    return Probe(tuple(one[chosen] for one in inputs), torch.from_numpy(codes[rows]), counts), names


def _drawn(
    codes: NDArray[np.int64], counts: NDArray[np.int64], most_rows: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    if codes.ndim > 1:  # a map of labels has all classes in one row
        places = int(np.prod(codes.shape[1:]))
        n = min(codes.shape[0], max(1, 16 * most_rows // places))
        return np.sort(rng.choice(codes.shape[0], n, replace=False))
    share = max(_LEAST_A_CLASS, most_rows // max(1, int((counts > 0).sum())))
    parts = [np.flatnonzero(codes == k) for k in range(counts.size)]
    return np.sort(np.concatenate([rng.choice(one, min(one.size, share), replace=False) for one in parts]))


def _holds_arrays(X: tuple[Any, ...] | list[Any]) -> bool:
    return all(isinstance(one, Tensor | np.ndarray) and one.ndim >= 1 for one in X)


def _tensor(values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise UsageError(
            f"X must hold numbers, one row a sample, but got {type(values).__name__} of {array.dtype}; "
            "pass the tensors that the net takes"
        )
    return torch.from_numpy(np.ascontiguousarray(array))
