"""Every engine gives the same outcomes, and a death is that of one item."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import worker_tasks as tasks

from marginscope.distributed.engine import ENGINES, Failure, open_engine
from marginscope.exceptions import UsageError

MANY = ["loky", "dask"]
SLOW_DASK = pytest.param("dask", marks=pytest.mark.slow)


def values(engine, function, items):
    """Outcomes in the order of the items."""
    found = sorted(engine.map(function, items), key=lambda one: one.index)
    assert [one.index for one in found] == list(range(len(items)))
    return [one.failure if one.failure is not None else one.value for one in found]


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_an_outcome_for_every_item(engine):
    assert values(engine, tasks.square, range(9)) == [x * x for x in range(9)]
    assert values(engine, tasks.square_late, range(6)) == [x * x for x in range(6)]
    assert values(engine, tasks.square, []) == []


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_an_exception_is_the_failure_of_its_item_and_not_repeated(engine):
    found = values(engine, tasks.fail_on_three, range(6))
    assert found[:3] + found[5:] == [0, 1, 2, 5]
    assert found[3] == Failure("ValueError: three", 1)
    assert found[4] == Failure("more memory was needed than there is (Unable to allocate 74.5 GiB)", 1)


@pytest.mark.parametrize("engine", MANY, indirect=True)
def test_pro016_work_is_done_in_other_processes_with_threads_here(engine):
    stop = threading.Event()
    busy = threading.Thread(target=stop.wait)
    busy.start()
    try:
        pids = set(values(engine, tasks.pid, range(8)))
    finally:
        stop.set()
        busy.join()
    assert len(pids) == 2
    assert os.getpid() not in pids


@pytest.mark.parametrize("engine", MANY, indirect=True)
def test_workers_have_one_thread_of_blas(engine):
    assert {one for found in values(engine, tasks.threads, range(2)) for one in found} == {1}


@pytest.mark.parametrize("engine", MANY, indirect=True)
def test_eng002_pro015_an_item_that_kills_its_worker_fails_alone(engine):
    found = values(engine, tasks.die_on_three, range(8))
    assert found[:3] + found[4:] == [0, 1, 2, 4, 5, 6, 7]
    assert found[3].attempts == 3
    assert "its worker died" in found[3].cause
    assert ("SIGKILL" in found[3].cause) == (engine.name == "loky")


@pytest.mark.parametrize("engine", ["loky", SLOW_DASK], indirect=True)
def test_eng001_pro015_a_worker_killed_once_costs_nothing_but_time(engine, tmp_path):
    assert values(engine, tasks.die_once, [(x, str(tmp_path)) for x in range(6)]) == list(range(6))
    assert sorted(os.listdir(tmp_path)) == ["1", "4"]


def test_what_cannot_be_sent_is_a_failure(loky_engine):
    with threading.Lock() as _:
        found = values(loky_engine, tasks.square, [2, threading.Lock(), 3])
    assert (found[0], found[2]) == (4, 9)
    assert "pickle" in found[1].cause


@pytest.mark.parametrize("name", MANY)
def test_closing_ends_busy_workers_at_once(name):
    if name == "dask":
        pytest.importorskip("distributed")
    engine = open_engine(name, n_workers=2)
    outcomes = engine.map(tasks.stubborn, [0, 1, 2])
    next(outcomes)
    begun = time.monotonic()
    engine.close()
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize("name", ["loky", SLOW_DASK])
def test_workers_end_with_a_driver_that_is_killed(name, tmp_path):
    if name == "dask":
        pytest.importorskip("distributed")
    script = tmp_path / "driver.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            sys.path.insert(0, {os.path.dirname(__file__)!r})
            import worker_tasks
            from marginscope.distributed.engine import open_engine
            if __name__ == "__main__":
                engine = open_engine({name!r}, n_workers=1)
                outcomes = engine.map(worker_tasks.sleep_long, [0, 1])
                print(next(outcomes).value, flush=True)
                next(outcomes)
            """
        )
    )
    driver = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    worker = int(driver.stdout.readline())
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    deadline = time.monotonic() + 20.0
    while is_alive(worker):
        assert time.monotonic() < deadline, "the worker outlived its driver"
        time.sleep(0.05)


def is_alive(pid):
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"name": "ray"}, "known are: serial, loky, dask"),
        ({"name": "laky"}, "did you mean 'loky'"),
        ({"name": "serial", "n_workers": 2}, "engine loky"),
        ({"name": "loky", "n_workers": 0}, "n_workers"),
        ({"name": "loky", "n_workers": True}, "n_workers"),
        ({"name": "loky", "retries": -1}, "retries"),
        ({"name": "loky", "address": "tcp://127.0.0.1:8786"}, "engine dask"),
        ({"name": "dask", "address": "tcp://127.0.0.1:8786", "n_workers": 2}, "its own workers"),
    ],
)
def test_options_that_cannot_be_meant(words, match):
    with pytest.raises(UsageError, match=match):
        open_engine(**words)
