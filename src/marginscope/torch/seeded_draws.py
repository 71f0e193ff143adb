"""Torch's random numbers from a seed, with the global generators as they were afterwards.

Initial weights and dropout draw from torch's global generator, and so does every thread of
the process. One lock keeps two seeded pieces of work apart.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import torch

__all__ = ["SeededDraws"]

_LOCK = threading.RLock()


class SeededDraws:
    """Context in which torch's global generators start from a seed.

    Parameters
    ----------
    seed : int
    device : torch.device
        Beside the CPU, the generator of this device is seeded and put back.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed, self._device = seed, device
        self._stack = ExitStack()
        self._mark: list[Any] = []

    def __enter__(self) -> SeededDraws:
        self._stack.enter_context(_LOCK)
        devices = [self._device] if self._device.type == "cuda" else []
        self._stack.enter_context(torch.random.fork_rng(devices=devices))
        torch.default_generator.manual_seed(self._seed)
        if devices:
            with torch.cuda.device(self._device):
                torch.cuda.manual_seed(self._seed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def mark(self) -> None:
        """Remember where the generators stand."""
        self._mark = self._states()

    def release_if_unused(self) -> None:
        """Let other threads draw, if nothing was drawn since ``mark``: the work draws nothing."""
        if all(torch.equal(before, now) for before, now in zip(self._mark, self._states(), strict=True)):
            self._stack.close()

    def _states(self) -> list[torch.Tensor]:
        states = [torch.get_rng_state()]
        return [*states, torch.cuda.get_rng_state(self._device)] if self._device.type == "cuda" else states
