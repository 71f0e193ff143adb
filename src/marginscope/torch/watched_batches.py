"""The last batches of a training: scores, targets and what the last layer read, kept for the next look."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marginscope.exceptions import UsageError
from marginscope.torch.endings import Ending
from marginscope.torch.last_layer_input import LastLayerInput
from marginscope.torch.quiet_look import scores_of
from marginscope.torch.watched_rows import class_numbers

__all__ = ["BatchRows", "RecentBatches"]


class BatchRows(NamedTuple):
    """Rows of some batches; the scores of each are those of the net as it was then."""

    scores: Tensor
    codes: Tensor
    features: Tensor | None
    ending: Ending


class RecentBatches:
    """Keeps as few batches as hold ``least_rows``, without the graphs behind them.

    Parameters
    ----------
    last : LastLayerInput or None
        Listens to the net; without it there are no features.
    least_rows : int
    """

    def __init__(self, last: LastLayerInput | None, least_rows: int = 512) -> None:
        self._last, self._least = last, least_rows
        self._kept: deque[tuple[Tensor, Any, Tensor | None]] = deque()
        self._ending = Ending()
        self._counts: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    @property
    def n_rows(self) -> int:
        """Rows that are kept."""
        return sum(one[0].shape[0] for one in self._kept)

    @property
    def is_full(self) -> bool:
        """Whether there are rows enough for a look."""
        return self.n_rows >= self._least

    def add(self, scores: Any, target: Any) -> None:
        """Keep a batch, and forget the first ones that are not needed any more."""
        flat, self._ending = scores_of(scores)
        flat = flat.detach()
        features = None if self._last is None else self._last.features_of(flat)
        self._kept.append((flat, target.detach() if isinstance(target, Tensor) else target, features))
        while self.n_rows - self._kept[0][0].shape[0] >= self._least:
            self._kept.popleft()

    def read(self, names: Sequence[str] | None) -> tuple[BatchRows, NDArray[np.int64]]:
        """Return the rows that are kept, and how many of every class were returned so far; then forget them.

        Raises
        ------
        UsageError
            If a target is none of class numbers.
        """
        parts = [(flat, self._numbers(flat, target, names), features) for flat, target, features in self._kept]
        self._kept.clear()
        scores, codes = torch.cat([one[0] for one in parts]), torch.cat([one[1] for one in parts])
        seen = [one[2] for one in parts if one[2] is not None]
        features = torch.cat(seen) if len(seen) == len(parts) else None
        known = (codes >= 0) & (codes < scores.shape[1])
        scores, codes = scores[known], codes[known]
        counts = np.bincount(codes.cpu().numpy(), minlength=scores.shape[1])
        self._counts = counts + self._counts if self._counts.size else counts
        return BatchRows(scores, codes, None if features is None else features[known], self._ending), self._counts

    @staticmethod
    def _numbers(scores: Tensor, target: Any, names: Sequence[str] | None) -> Tensor:
        codes, _ = class_numbers(target, names)
        if codes.size != scores.shape[0]:
            raise UsageError(
                f"a target must be one class number a row, but got the shape {codes.shape} for {scores.shape[0]} rows "
                "of scores; call batch(scores, target) with class numbers"
            )
        return torch.from_numpy(codes.reshape(-1)).to(scores.device)
