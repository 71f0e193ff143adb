"""The data of a sweep: a file, or draws around class centres; both made again by every worker."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError

__all__ = ["GENERATOR_KEYS", "DataSource", "canonical", "file_source", "generated_source", "key_words", "rows_of"]

Floats = NDArray[np.float64]

GENERATOR_KEYS = ("n", "d", "K", "separation")


@dataclass(frozen=True, eq=False)
class DataSource:
    """Where rows come from.

    Attributes
    ----------
    name : str
    spec : dict
        All that decides the rows apart from a seed, as plain JSON: for a file the SHA-256
        of its bytes, not its path.
    path : str or None
        Where the file is now.
    """

    name: str
    spec: dict[str, Any]
    path: str | None = None


def canonical(value: Any) -> str:
    """Return the one JSON text of plain values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key_words(text: str) -> tuple[int, ...]:
    """Return the SHA-256 of a text as a spawn key: eight words of 32 bits."""
    return tuple(int(one) for one in np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=">u4"))


def generated_source(name: str, n: int, d: int, K: int, separation: float) -> DataSource:
    """Return draws around K centres on a sphere; seeds draw other centres and other rows.

    x = separation c_y + z,    |c_k| = 1, z standard normal, classes of equal size
    """
    return DataSource(name, {"generator": "gaussian/1", "n": n, "d": d, "K": K, "separation": separation})


def file_source(name: str, path: Path, target: str | int, standardise: bool, options: dict[str, Any]) -> DataSource:
    """Return a file that was read once, so that what is wrong with it is known before anything is computed.

    Raises
    ------
    UsageError, DataError
        As ``read_table``.
    """
    data = _read(str(path.absolute()), target, options)
    spec = {"sha256": data.sha256, "target": target, "standardise": standardise, **options}
    return DataSource(name, spec, str(path.absolute()))


@functools.lru_cache(maxsize=2)
def rows_of(spec: str, path: str | None, seed: int) -> tuple[Any, NDArray[Any]]:
    """Return the rows and labels of a canonical spec.

    Raises
    ------
    DataError
        If the file is no longer what it was.
    """
    parts = json.loads(spec)
    if path is None:
        return _gaussian(spec, parts, seed)
    from marginscope.tables.preparation import preparation

    sha256, target, standardise = parts.pop("sha256"), parts.pop("target"), parts.pop("standardise")
    data = _read(path, target, parts)
    if data.sha256 != sha256:
        raise DataError(f"the file of this sweep is needed, but {path!r} has changed since; put it back or start anew")
    prepare = preparation(data.features, scale=standardise)
    return prepare.fit_transform(data.features.values), data.target


def _read(path: str, target: str | int, options: dict[str, Any]) -> Any:
    from marginscope.tables import read_table

    return read_table(path, target, **options)


def _gaussian(spec: str, parts: dict[str, Any], seed: int) -> tuple[Floats, NDArray[Any]]:
    n, d, K = parts["n"], parts["d"], parts["K"]
    # first what may not fit
    X = np.empty((n, d))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key_words(spec)))
    centres = rng.standard_normal((K, d))
    centres /= np.sqrt(np.einsum("kd,kd->k", centres, centres))[:, None]
    y = np.arange(n) % K
    rng.standard_normal(out=X)
    X += parts["separation"] * centres[y]
    return X, y
