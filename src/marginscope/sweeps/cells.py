"""The cells of a sweep: one run each, named by the SHA-256 of all that decides it."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginscope.runs.environment import package_versions
from marginscope.sweeps.config import SweepConfig
from marginscope.sweeps.data import canonical, key_words

__all__ = ["Cell", "cells_of"]

# changes with what a cell computes or stores
_REVISION = 1
_ID_LENGTH = 32


@dataclass(frozen=True, eq=False)
class Cell:
    """One run of a sweep.

    Attributes
    ----------
    id : str
        The first half of the SHA-256 of the parameters, the data and the versions.
    parameters : dict
        Plain JSON.
    data_name : str
    path : str or None
        Of the data, where they are a file.
    """

    id: str
    parameters: dict[str, Any]
    data_name: str
    path: str | None

    @property
    def rng(self) -> int:
        """The seed of batches and random starts: from the seed and the id, never from an order."""
        sequence = np.random.SeedSequence(self.parameters["seed"], spawn_key=key_words(self.id))
        return int(sequence.generate_state(1, np.uint64)[0])

    def labels(self) -> dict[str, Any]:
        """Return the parameters as a line of the table shows them."""
        step = self.parameters["step_size"]
        return {
            "cell": self.id,
            "seed": self.parameters["seed"],
            "data": self.data_name,
            "loss": _label(self.parameters["loss"]),
            "optimizer": _label(self.parameters["optimizer"]),
            "step_size": f"{step[0]!r} t^-{step[1]!r}" if isinstance(step, list) else str(step),
        }


def cells_of(config: SweepConfig) -> list[Cell]:
    """Return the cells in the order of the table: the first axis changes last."""
    versions = package_versions()
    cells = []
    for source in config.data:
        for values in itertools.product(*config.axes.values()):
            parameters = {**dict(zip(config.axes, values, strict=True)), **config.shared, "data": source.spec}
            text = canonical({"revision": _REVISION, "packages": versions, **parameters})
            name = hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]
            cells.append(Cell(name, parameters, source.name, source.path))
    return cells


def _label(named: dict[str, Any]) -> str:
    parts = ", ".join(f"{key}={value!r}" for key, value in named.items() if key != "name")
    return f"{named['name']}({parts})" if parts else str(named["name"])
