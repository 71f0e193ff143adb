"""Which classes pull against each other, over the steps of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, make_frame

__all__ = ["ConflictPath"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ConflictPath(Displayed):
    """Cosines of the mean gradients of every two classes: -1 is opposite, +1 the same.

    Attributes
    ----------
    classes : tuple of str
    steps : ndarray of shape (n_records,)
    values : ndarray of shape (n_records, n_classes, n_classes)
        NaN for a class without rows.
    where : str
        On which weights.
    """

    _report = "conflict_page"

    classes: tuple[str, ...]
    steps: NDArray[np.int64]
    values: Floats
    where: str

    def __array__(self, dtype: Any = None, copy: Any = None) -> Floats:
        return np.array(self.values, dtype=dtype)

    def at(self, step: int) -> Floats:
        """Return the matrix of the look nearest to a step."""
        return np.asarray(self.values[int(np.abs(self.steps - step).argmin())])

    def between(self, one: Any, other: Any) -> Floats:
        """Return the cosine of two classes at every look."""
        return np.asarray(self.values[:, self.classes.index(str(one)), self.classes.index(str(other))])

    def worst(self) -> tuple[str, str, float]:
        """Return the two classes that oppose each other most at the last look, and their cosine."""
        last = np.where(np.isnan(self.values[-1]), np.inf, self.values[-1])
        a, b = np.unravel_index(int(last.argmin()), last.shape)
        return self.classes[int(a)], self.classes[int(b)], float(last[a, b])

    def frame(self) -> Any:
        """Return one row a look and pair of classes as a data frame."""
        first, second = np.triu_indices(len(self.classes), 1)
        return make_frame(
            {
                "step": np.repeat(self.steps, first.size).tolist(),
                "class": [self.classes[a] for a in first] * self.steps.size,
                "other": [self.classes[b] for b in second] * self.steps.size,
                "cosine": self.values[:, first, second].ravel().tolist(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document; a value that does not exist is ``null``."""
        values = self.values.astype(object)
        values[np.isnan(self.values)] = None
        return {
            "classes": list(self.classes),
            "where": self.where,
            "steps": self.steps.tolist(),
            "cosine": values.tolist(),
        }

    def __str__(self) -> str:
        one, other, cosine = self.worst()
        return (
            f"gradients of {len(self.classes)} classes on {self.where}, {self.steps.size} looks\n"
            f"most opposed at the end: '{one:.60}' and '{other:.60}', cosine {cosine:+.2f}"
        )
