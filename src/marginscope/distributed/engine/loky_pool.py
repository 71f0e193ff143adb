"""The engine of one machine: processes of loky, each in a pool of its own.

A pool of loky is broken as a whole when one of its workers dies. With one worker a pool,
a death is that of one item, which is known, and nothing else is lost.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from marginscope.distributed.engine.interface import Failure, Outcome, attempt, outcome_of

__all__ = ["LokyEngine"]

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_LOOK_SECONDS = 0.5


class LokyEngine:
    """Workers on this machine that outlive the death of one of them.

    Parameters
    ----------
    n_workers : int, optional
        All processors that this process may use by default.
    retries : int
        How often an item is tried again whose worker died.
    """

    name = "loky"
    shares_files = True

    def __init__(self, n_workers: int | None = None, *, retries: int = 2) -> None:
        from joblib.externals.loky import cpu_count

        self.n_workers = int(cpu_count()) if n_workers is None else n_workers
        self._retries = retries
        self._pools: list[Any] = [None] * self.n_workers

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Outcome]:
        waiting = deque((index, 1) for index in range(len(items)))
        running: dict[Future[Any], tuple[int, int, int]] = {}
        free = list(range(self.n_workers))
        ended: list[Outcome] = []
        while waiting or running:
            while waiting and free:
                slot, (index, number) = free.pop(), waiting.popleft()
                running[self._pool(slot).submit(attempt, function, items[index])] = (slot, index, number)
            # what ended is handed on while the workers are busy again
            yield from ended
            ended = []
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                slot, index, number = running.pop(future)
                free.append(slot)
                outcome = self._outcome(future, slot, index, number)
                if outcome is None:
                    waiting.appendleft((index, number + 1))
                else:
                    ended.append(outcome)
        yield from ended

    def close(self) -> None:
        """End the workers at once."""
        for slot in range(self.n_workers):
            self._drop(slot)

    def __enter__(self) -> LokyEngine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _pool(self, slot: int) -> Any:
        if self._pools[slot] is None:
            from joblib.externals.loky import ProcessPoolExecutor
            from joblib.externals.loky.backend import get_context

            self._pools[slot] = ProcessPoolExecutor(
                1, context=get_context("loky"), initializer=_live_with, initargs=(os.getpid(),), env=_ONE_THREAD
            )
        return self._pools[slot]

    def _outcome(self, future: Future[Any], slot: int, index: int, number: int) -> Outcome | None:
        """Return how an attempt ended, or None if it is to be repeated."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        try:
            return outcome_of(index, future.result(), number)
        except BrokenProcessPool as error:
            self._drop(slot)
            return None if number <= self._retries else Outcome(index, failure=Failure(_cause(error), number))
        except Exception as error:  # the item or its value does not pickle
            return Outcome(index, failure=Failure(f"{type(error).__name__}: {error}", number))

    def _drop(self, slot: int) -> None:
        pool, self._pools[slot] = self._pools[slot], None
        if pool is not None:
            with contextlib.suppress(Exception):
                pool.shutdown(wait=True, kill_workers=True)


def _live_with(parent: int) -> None:
    """Leave the interrupt of a terminal to the parent, and end when it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _cause(error: Exception) -> str:
    codes = re.search(r"\{(.+?)\}", str(error))
    how = f" ({codes[1]})" if codes else ""
    return f"its worker died{how}: of a lack of memory, of a fault in compiled code, or by another's hand"
