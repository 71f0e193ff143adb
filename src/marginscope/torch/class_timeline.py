"""One class over the steps of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, make_frame

__all__ = ["ClassTimeline"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ClassTimeline(Displayed):
    """Readings of one class; every array has one entry a look.

    Attributes
    ----------
    label : str
    steps : ndarray
    columns : mapping
        Every reading by name; the common ones are attributes too.
    rivals : tuple of str
        The class that takes most of its rows, or comes second.
    good_recall : float
        Recall from which it counts as learned.
    """

    _report = "class_timeline_page"

    label: str
    steps: NDArray[np.int64]
    columns: Mapping[str, Floats]
    rivals: tuple[str, ...]
    good_recall: float = 0.5

    @property
    def loss(self) -> Floats:
        """Mean training loss of its rows."""
        return self.columns["loss"]

    @property
    def recall(self) -> Floats:
        """Share of its rows that it is given."""
        return self.columns["recall"]

    @property
    def share(self) -> Floats:
        """Its part in the lengths of the class gradients of the last layer."""
        return self.columns["share"]

    def learned_at(self, good: float | None = None) -> int | None:
        """Return the step from which its recall stays at ``good`` or above, ``None`` if it does not."""
        low = np.flatnonzero(~(self.recall >= (self.good_recall if good is None else good)))
        first = 0 if not low.size else int(low[-1]) + 1
        return int(self.steps[first]) if first < self.steps.size else None

    def lost_at(self) -> int | None:
        """Return the step at which a class that had been learned was last lost; ``None`` if it is learned."""
        if self.learned_at() is not None or not (self.recall >= self.good_recall).any():
            return None
        return int(self.steps[int(np.flatnonzero(self.recall >= self.good_recall)[-1]) + 1])

    def timeline(self, ax: Any = None) -> Any:
        """Draw loss, recall, gradient and rank against the rival over the steps; the same as ``plot``."""
        return self.plot(ax)

    def frame(self) -> Any:
        """Return one row a look as a data frame."""
        columns = {name: values.tolist() for name, values in self.columns.items()}
        return make_frame({"step": self.steps.tolist(), **columns, "rival": list(self.rivals)})

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document; a value that does not exist is ``null``."""
        read = {
            name: [float(v) if np.isfinite(v) else None for v in values] for name, values in self.columns.items()
        }  # fmt: skip
        return {
            "label": self.label,
            "learned_at": self.learned_at(),
            "lost_at": self.lost_at(),
            "steps": self.steps.tolist(),
            **read,
            "rival": list(self.rivals),
        }

    def __str__(self) -> str:
        learned, lost = self.learned_at(), self.lost_at()
        state = "not learned"
        if learned is not None:
            state = f"learned from step {learned} on"
        elif lost is not None:
            state = f"learned, and lost by step {lost}"
        pull = f"; {self.share[-1]:.0%} of the gradient of the last layer" if np.isfinite(self.share[-1]) else ""
        return (
            f"'{self.label:.60}': {state}, recall {self.recall[-1]:.2f} after {self.steps[-1]} steps\n"
            f"its rows go to '{self.rivals[-1]:.60}' else; loss {self.loss[0]:.3g} to {self.loss[-1]:.3g}{pull}"
        )
