"""Fashion-MNIST with a long tail, drawn by a seed, and its balanced test set.

The k-th most frequent class has round(n_max ratio^(-k / (K - 1))) training images, k = 0, ..., K - 1,
as in the long-tailed CIFAR of Cui et al. 2019 and Cao et al. 2019. Which class is the k-th is drawn too.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

__all__ = ["CLASSES", "Images", "LongTail", "counts", "long_tail", "read_images"]


CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
Images = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class LongTail:
    """Training images (n, 1, 28, 28) with labels, and what is known of the draw.

    ``order`` has the classes from frequent to rare, ``class_counts`` the counts by label.
    ``held_out`` is balanced and comes from the training file too: tuning is scored on it, and
    no choice ever sees the test set.
    """

    X: Tensor
    y: Tensor
    order: list[int]
    class_counts: Tensor
    held_out: Images


def read_images(folder: Path) -> dict[str, Images]:
    """Read the four files of the original release; pixels are standardised by one mean and deviation."""
    read = {}
    for part in ("train", "t10k"):
        pixels = _read_idx(folder / f"{part}-images-idx3-ubyte.gz").astype(np.float32) / 255.0
        labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz").astype(np.int64)
        read[part] = (torch.from_numpy((pixels[:, None] - 0.286) / 0.353), torch.from_numpy(labels))
    return read


def _read_idx(path: Path) -> np.ndarray:
    content = gzip.decompress(path.read_bytes())
    n_axes = content[3]
    shape = [int.from_bytes(content[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(n_axes)]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def counts(n_most: int, ratio: float, n_classes: int = 10) -> list[int]:
    """Return the numbers of images, from the most frequent class to the rarest."""
    return [round(n_most * ratio ** (-k / (n_classes - 1))) for k in range(n_classes)]


def long_tail(train: Images, seed: int, *, n_most: int, ratio: float, n_held_out: int = 500) -> LongTail:
    """Draw the order of the classes and their images."""
    rng = np.random.default_rng(seed)
    X, y = train
    order = [int(one) for one in rng.permutation(10)]
    sizes = counts(n_most, ratio)
    shuffled = [rng.permutation(np.flatnonzero(y.numpy() == k)) for k in order]
    used = torch.from_numpy(np.concatenate([rows[:size] for rows, size in zip(shuffled, sizes, strict=True)]))
    spare = torch.from_numpy(np.concatenate([rows[n_most : n_most + n_held_out] for rows in shuffled]))
    return LongTail(X[used], y[used], order, torch.bincount(y[used], minlength=10), (X[spare], y[spare]))
