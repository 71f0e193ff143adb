"""What a subsample costs: the error that it brings into a recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope._display import signed
from marginscope.findings import Evidence

__all__ = ["ClassCounts", "SubsampleError", "subsample_error"]

# A class with more than this many times its share in the subsample is named.
_OVERDRAWN = 1.5
_LEAST_GAP = 0.005


@dataclass(frozen=True)
class ClassCounts:
    """Rows per class, training and scored, in the subsample and in the data."""

    drawn: NDArray[np.int64]
    whole: NDArray[np.int64]
    drawn_scored: NDArray[np.int64]
    whole_scored: NDArray[np.int64]


@dataclass(frozen=True)
class SubsampleError:
    """The error of every class's recall on a subsample.

    Attributes
    ----------
    what : str
        What was measured on the subsample.
    names : tuple of str
    standard_error : ndarray of shape (n_classes,)
        Of the recall as an estimate of that on all rows; 0 for a class that is whole, NaN
        for one that is not scored.
    overdrawn : ndarray of shape (n_classes,)
        Share of the class among the training rows of the subsample over its share in the data.
    gap : ndarray of shape (n_classes,)
        Recall on the subsample less that on more rows, NaN where only one is known. It
        holds the sampling error and what fewer training rows cost.
    """

    what: str
    names: tuple[str, ...]
    standard_error: NDArray[np.float64]
    overdrawn: NDArray[np.float64]
    gap: NDArray[np.float64]

    @property
    def sentence(self) -> str:
        """Say how large the error is at most, and which class is drawn beyond its share."""
        if np.isnan(self.standard_error).all():
            return ""
        k = int(np.nanargmax(self.standard_error))
        text = f"That adds a standard error of at most {self.standard_error[k]:.3f} to a recall ('{self.names[k]:.40}')"
        if not np.isnan(self.gap).all():
            g = int(np.nanargmax(np.abs(self.gap)))
            if abs(self.gap[g]) >= _LEAST_GAP:
                text += f"; with fewer training rows besides, recall differs by at most {signed(self.gap[g])} "
                text += f"('{self.names[g]:.40}')"
        j = int(np.nanargmax(self.overdrawn))
        if self.overdrawn[j] > _OVERDRAWN:
            text += f"; '{self.names[j]:.40}' has {self.overdrawn[j]:.1f} times its share there"
        return f"{text}."

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The largest standard error as a number."""
        if np.isnan(self.standard_error).all():
            return ()
        k = int(np.nanargmax(self.standard_error))
        name = f"standard error that the subsample for {self.what} adds, at most ('{self.names[k]:.60}')"
        return (Evidence(name, float(self.standard_error[k])),)


def subsample_error(
    what: str,
    names: tuple[str, ...],
    counts: ClassCounts,
    recall: NDArray[np.float64],
    recall_of_more: NDArray[np.float64] | None = None,
) -> SubsampleError:
    """Compute the error from counts and recalls per class (NaN where not scored).

    Notes
    -----
    Simple random sampling within a class, without replacement: the variance is
    r(1 - r)/n (1 - n/N) with n of N rows scored (Cochran 1977, section 3.2). For r two
    hits and two misses are added, so that a recall of 0 or 1 on few rows is not free of
    error (Agresti and Coull 1998).
    """
    n, whole = counts.drawn_scored, counts.whole_scored
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (np.nan_to_num(recall) * n + 2) / (n + 4)
        error = np.sqrt(r * (1 - r) / n * np.maximum(0.0, 1 - n / whole))
        overdrawn = (counts.drawn / counts.drawn.sum()) / (counts.whole / counts.whole.sum())
    gap = np.full(len(names), np.nan) if recall_of_more is None else recall - recall_of_more
    return SubsampleError(
        what, names, np.where(n > 0, error, np.nan), np.where(counts.whole > 0, overdrawn, np.nan), gap
    )
