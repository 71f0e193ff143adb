"""The real sets, as numbers and string labels; read from ../shared/data or $GAUNTLET_DATA."""

from __future__ import annotations

import gzip
import io
import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.gauntlet.planted import Rows

__all__ = ["SETS", "folder", "load", "some_rows", "split_rows"]


def folder() -> Path:
    return Path(os.environ.get("GAUNTLET_DATA", Path(__file__).parents[3] / "shared" / "data"))


def _csv(name: str, target: int | str, *, drop: tuple = (), **how) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.read_csv(folder() / name, **{"header": None, **how})
    return frame.drop(columns=[target, *drop]), frame[target]


def _blanks(name: str, target: int, **how):
    return _csv(name, target, sep=r"\s+", **how)


def _penguins():
    return _csv("penguins/penguins.csv", "species", header=0, drop=("island", "sex", "year"))


def _dermatology():
    lines = [line.strip() for line in (folder() / "dermatology/dermatology.arff").read_text().splitlines()]
    body = "\n".join(line for line in lines[[one.lower() for one in lines].index("@data") + 1 :] if line)
    frame = pd.read_csv(io.StringIO(body), header=None, na_values="?", skipinitialspace=True)
    return frame.drop(columns=[34]), frame[34]


def _nsl_kdd(part: str):
    frame = pd.read_csv(folder() / f"nsl-kdd/{part}.txt.gz", header=None)
    return frame.drop(columns=[1, 2, 3, 41, 42]), frame[41]


def _fashion():
    """Images averaged over squares of four by four pixels: 49 features."""

    def read(name):
        raw = gzip.decompress((folder() / "fashion-mnist" / name).read_bytes())
        shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(raw[3])]
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)

    images = read("t10k-images-idx3-ubyte.gz").astype(float) / 255
    names = np.array(["top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"])
    X = images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49)
    return pd.DataFrame(X), pd.Series(names[read("t10k-labels-idx1-ubyte.gz")])


def _two_files(one: str, other: str, target: int, **how):
    parts = [_csv(name, target, **how) for name in (one, other)]
    return tuple(pd.concat(pair, ignore_index=True) for pair in zip(*parts, strict=True))


SETS = {
    "penguins": _penguins,
    "dermatology": _dermatology,
    "satimage": lambda: _two_files("satimage/sat.trn.gz", "satimage/sat.tst.gz", 36, sep=r"\s+"),
    "pendigits": lambda: _two_files("pendigits/pendigits.tra.gz", "pendigits/pendigits.tes.gz", 16),
    "letter": lambda: _csv("letter/letter-recognition.data.gz", 0),
    "covtype": lambda: _csv("covtype/covtype.20k.data.gz", 54),
    "shuttle": lambda: _blanks("shuttle/shuttle.trn.gz", 9),
    "yeast": lambda: _blanks("yeast/yeast.data", 9, drop=(0,)),
    "ecoli": lambda: _blanks("ecoli/ecoli.data", 8, drop=(0,)),
    "abalone": lambda: _csv("abalone/abalone.csv", 8),
    "soybean": lambda: _csv("soybean/soybean-large.data", 0, na_values="?"),
    "cnae9": lambda: _csv("cnae9/cnae9.csv.gz", 0),
    "winequality-white": lambda: _csv("winequality/winequality-white.csv", "quality", header=0, sep=";"),
    "students-dropout": lambda: _csv("students-dropout/data.csv.gz", "Target", header=0, sep=";", encoding="utf-8-sig"),
    "nsl-kdd": lambda: _nsl_kdd("KDDTrain+_20Percent"),
    "nsl-kdd-test": lambda: _nsl_kdd("KDDTest+"),
    "fashion-mnist": _fashion,
}


@cache
def load(name: str) -> Rows:
    """Return a set as floats (categories one-hot, gaps filled with the median) and string labels."""
    frame, target = SETS[name]()
    words = [column for column in frame if not pd.api.types.is_numeric_dtype(frame[column])]
    numbers = frame.drop(columns=words).astype(float)
    numbers = numbers.fillna(numbers.median())
    parts = [numbers.to_numpy()]
    if words:
        parts.append(pd.get_dummies(frame[words].fillna("none")).to_numpy(dtype=float))
    return Rows(np.hstack(parts), target.astype(str).str.strip().to_numpy(dtype=str))


def some_rows(rng: np.random.Generator, name: str, sizes: dict[str, int]) -> tuple[Rows, Rows]:
    """Draw ``sizes[label]`` rows of every class named; return them and the rest of those classes."""
    return split_rows(rng, load(name), sizes)


def split_rows(rng: np.random.Generator, rows: Rows, sizes: dict[str, int], most: int = 600) -> tuple[Rows, Rows]:
    """Split rows class by class into ``sizes[label]`` and at most ``most`` others, both in random order."""
    taken, left = [], []
    for label, n in sizes.items():
        own = rng.permutation(np.flatnonzero(rows.y == label))
        taken.append(own[:n])
        left.append(own[n : n + most])
    one, other = (rng.permutation(np.concatenate(part)) for part in (taken, left))
    return Rows(rows.X[one], rows.y[one]), Rows(rows.X[other], rows.y[other])
