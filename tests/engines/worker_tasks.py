"""What workers do in tests; they import this file, so it needs no pytest."""

import os
import signal
import time
from pathlib import Path


def square(x):
    return x * x


def square_late(x):
    """The first items take longest, so that they end last."""
    time.sleep(0.05 * max(0, 4 - x))
    return x * x


def pid(x):
    time.sleep(0.05)
    return os.getpid()


def fail_on_three(x):
    if x == 3:
        raise ValueError("three")
    if x == 4:
        raise MemoryError("Unable to allocate 74.5 GiB")
    return x


def die_on_three(x):
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def die_once(item):
    """Kill the worker the first time an item is met."""
    x, folder = item
    marker = Path(folder) / str(x)
    if x in (1, 4) and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def threads(x):
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def sleep_long(x):
    time.sleep(60 if x else 0.05)
    return os.getpid()


def stubborn(x):
    """Take interrupts as a worker in compiled code would: not at all."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return sleep_long(x)
