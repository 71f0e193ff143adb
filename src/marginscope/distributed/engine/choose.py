"""From a name to an engine."""

from __future__ import annotations

from marginscope._validation import look_up
from marginscope.distributed.engine.interface import Engine
from marginscope.distributed.engine.loky_pool import LokyEngine
from marginscope.distributed.engine.serial import SerialEngine
from marginscope.exceptions import UsageError

__all__ = ["ENGINES", "check_engine", "open_engine"]

ENGINES = ("serial", "loky", "dask")


def open_engine(
    name: str = "serial",
    *,
    n_workers: int | None = None,
    address: str | None = None,
    retries: int = 2,
    allow_inexact: bool = False,
) -> Engine:
    """Return an engine, its workers started; close it, or use it as a context.

    Parameters
    ----------
    name : {"serial", "loky", "dask"}
    n_workers : int, optional
        Of loky, or of the cluster of dask on this machine; all processors by default.
    address : str, optional
        Of the scheduler of dask.
    retries : int
        How often an item is tried again whose worker died.
    allow_inexact : bool
        Whether workers may differ from this machine in versions or processor.

    Raises
    ------
    UsageError, MissingExtra
        If the engine does not exist, or does not take the options.
    EngineLost, EngineMismatch, SecurityError
        If its workers cannot be reached, give other bits, or are open to others.
    """
    check_engine(name, n_workers=n_workers, address=address, retries=retries)
    if name == "serial":
        return SerialEngine()
    if name == "loky":
        return LokyEngine(n_workers, retries=retries)
    from marginscope.distributed.engine.dask_cluster import DaskEngine

    return DaskEngine(address, n_workers, retries=retries, allow_inexact=allow_inexact)


def check_engine(name: str, *, n_workers: int | None = None, address: str | None = None, retries: int = 2) -> None:
    """Refuse what ``open_engine`` would, without starting anything.

    Raises
    ------
    UsageError, MissingExtra, SecurityError
        If the engine does not exist, does not take the options, or others may reach the address.
    """
    look_up("engine", name, dict.fromkeys(ENGINES))
    for option, value, least in (("n_workers", n_workers, 1), ("retries", retries, 0)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            raise UsageError(f"{option} needs a whole number of at least {least}, but got {value!r:.40}")
    if address is not None and name != "dask":
        raise UsageError(f"an address is that of a dask scheduler, but the engine is {name!r}; use the engine dask")
    if name == "serial" and n_workers not in (None, 1):
        raise UsageError(f"the serial engine has one worker, but got {n_workers}; use the engine loky")
    if name == "dask":
        if address is not None and n_workers is not None:
            raise UsageError("the cluster at an address has its own workers, but got n_workers too; leave one out")
        from marginscope.distributed.engine.dask_cluster import check_address, check_installed

        if address is not None:
            check_address(address)
        check_installed()
