"""The engine of several machines: a dask scheduler at an address, or a cluster on this one.

Whoever reaches the port of a scheduler runs code on its workers. So a cluster of our own
listens on the loopback only, and others must be there or use TLS.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from marginscope.distributed.engine.fingerprint import differences, fingerprint
from marginscope.distributed.engine.interface import Failure, Outcome, attempt, outcome_of
from marginscope.exceptions import EngineLost, EngineMismatch, MissingExtra, SecurityError

__all__ = ["DaskEngine"]

_LOOK_SECONDS = 0.01
_CONNECT_SECONDS = 10
_CLOSE_SECONDS = 5


class DaskEngine:
    """Workers of dask, checked to give the same bits as this process.

    Parameters
    ----------
    address : str, optional
        Of a scheduler; without it a cluster is started on this machine.
    n_workers : int, optional
        Of that cluster; all processors that this process may use by default.
    retries : int
        How often an item is tried again whose worker died.
    allow_inexact : bool
        Whether workers may differ in versions or processor.
    """

    name = "dask"

    def __init__(
        self,
        address: str | None = None,
        n_workers: int | None = None,
        *,
        retries: int = 2,
        allow_inexact: bool = False,
    ) -> None:
        import distributed

        _silence()
        self._retries, self._is_own = retries, address is None
        self._expected = None if allow_inexact else fingerprint()
        self._cluster = _start_cluster(n_workers) if address is None else None
        self._client: Any = None
        self.shares_files = self._is_own
        try:
            connect: Any = distributed.Client
            self._client = connect(
                self._cluster if address is None else address, timeout=_CONNECT_SECONDS, set_as_default=False
            )
            self._client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            info = self._client.scheduler_info(n_workers=-1)
            for place in (info["address"], *info["workers"]):
                check_address(place)
            self._shake_hands()
            self.n_workers = sum(int(one["nthreads"]) for one in info["workers"].values())
        except (OSError, TimeoutError) as error:
            self.close()
            raise EngineLost(
                f"a dask scheduler with workers is needed at {address or 'this machine'}, but none answered "
                f"({type(error).__name__}: {str(error)[:80]}); start it, or check the address"
            ) from error
        except BaseException:
            self.close()
            raise

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Outcome]:
        waiting = deque((index, 1) for index in range(len(items)))
        # items that were on a worker that died: which of them killed it is seen when they run alone
        suspects: deque[tuple[int, int]] = deque()
        running: dict[Any, tuple[int, int, bool]] = {}
        # a scheduler gives the value that it has for a key, and may serve several drivers
        head = f"marginscope-{uuid.uuid4().hex}"
        while waiting or suspects or running:
            while waiting and len(running) < self.n_workers:
                index, number = waiting.popleft()
                running[self._submit(function, items[index], f"{head}-{index}-{number}")] = (index, number, False)
            if suspects and not waiting and not running:
                index, number = suspects.popleft()
                running[self._submit(function, items[index], f"{head}-{index}-{number}")] = (index, number, True)
            for future in self._wait(running):
                index, number, is_alone = running.pop(future)
                outcome = self._outcome(future, index, number, is_alone)
                if outcome is None:
                    suspects.append((index, number + 1))
                else:
                    yield outcome

    def close(self) -> None:
        """End the workers at once, if they are ours."""
        stopped = threading.Event()
        if self._cluster is not None:
            threading.Thread(target=_keep_killing, args=(self._cluster, stopped), daemon=True).start()
        for one in (self._client, self._cluster):
            if one is not None:
                with contextlib.suppress(Exception):
                    one.close(timeout=_CLOSE_SECONDS)
        stopped.set()
        self._client = self._cluster = None

    def __enter__(self) -> DaskEngine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _shake_hands(self) -> None:
        """Compare every worker that is there; those that come later are compared by their first item."""
        if self._expected is None:
            return
        for place, found in self._client.run(fingerprint, on_error="return").items():
            if isinstance(found, Exception):
                raise EngineMismatch(
                    f"workers with marginscope installed are needed, but {place} answered "
                    f"{type(found).__name__}: {str(found)[:80]}; install the same version there"
                )
            _compare(self._expected, found, place)

    def _submit(self, function: Callable[[Any], Any], item: Any, key: str) -> Any:
        if self._client.status != "running":
            raise _lost()
        return self._client.submit(_checked_attempt, self._expected, function, item, key=key, pure=False, retries=0)

    def _wait(self, running: dict[Any, Any]) -> list[Any]:
        """Return the futures that ended, at least one."""
        while True:
            ended = [one for one in running if one.done()]
            if ended:
                return ended
            if self._client.status != "running":
                raise _lost()
            time.sleep(_LOOK_SECONDS)

    def _outcome(self, future: Any, index: int, number: int, is_alone: bool) -> Outcome | None:
        """Return how an attempt ended, or None if it is to be repeated alone."""
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):
            raise _lost()
        error = future.exception()
        if error is None:
            return outcome_of(index, future.result(), number)
        if isinstance(error, EngineMismatch):
            raise error
        if not isinstance(error, KilledWorker):
            return Outcome(index, failure=Failure(f"{type(error).__name__}: {error}", number))
        # a foreign scheduler has tried a few times itself
        if not is_alone or (self._is_own and number <= self._retries):
            return None
        cause = "its worker died: of a lack of memory, of a fault in compiled code, or by another's hand"
        return Outcome(index, failure=Failure(cause, number))


def check_installed() -> None:
    """Refuse where dask is not installed.

    Raises
    ------
    MissingExtra
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise MissingExtra("distributed", "dask", "the engine dask") from None


def check_address(address: str) -> None:
    """Refuse an address that others may reach, unless by TLS.

    Raises
    ------
    SecurityError
        If it is neither on the loopback nor encrypted.
    """
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme in ("tls", "wss", "inproc"):
        return
    host = parts.hostname or ""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    if host == "localhost":
        return
    raise SecurityError(
        f"a scheduler and workers on the loopback (127.0.0.1) or with TLS are needed, but {address!r:.80} is open to "
        "others, who could run any code there; start them with --host 127.0.0.1, or with certificates and tls://"
    )


def _silence() -> None:
    """Stop the messages of dask: a death is an outcome here and a lost connection an error, told once."""
    for name in [*logging.root.manager.loggerDict, "distributed"]:
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _start_cluster(n_workers: int | None) -> Any:
    from distributed import LocalCluster
    from joblib import cpu_count

    start: Any = LocalCluster
    return start(
        n_workers=int(cpu_count()) if n_workers is None else n_workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        # this engine counts deaths itself; the port of the pages of dask is any free one, on the loopback too
        scheduler_kwargs={"allowed_failures": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"},
        silence_logs=logging.CRITICAL,
    )


def _keep_killing(cluster: Any, stopped: threading.Event) -> None:
    """Kill the workers of our own cluster, also those just being started: dask would first wait for what they do."""
    while not stopped.wait(_LOOK_SECONDS):
        for nanny in list(cluster.workers.values()):
            nanny.auto_restart = False
            process: Any = getattr(getattr(nanny, "process", None), "process", None)
            with contextlib.suppress(Exception):
                process._process.kill()


def _checked_attempt(expected: dict[str, str] | None, function: Callable[[Any], Any], item: Any) -> Any:
    """Compare this worker with who asks, then try the item."""
    if expected is not None:
        _compare(expected, fingerprint(), "this worker")
    return attempt(function, item)


def _compare(expected: dict[str, str], found: dict[str, str], place: str) -> None:
    if told := differences(expected, found):
        raise EngineMismatch(
            f"workers that give the same bits are needed, but {place} differs in {'; '.join(told)}; "
            "install the same versions on like processors, or allow inexact results"
        )


def _lost() -> EngineLost:
    return EngineLost(
        "the scheduler of dask was needed to the end, but it is gone; start it again and resume: what ended is kept"
    )
