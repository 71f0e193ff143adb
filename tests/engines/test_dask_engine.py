"""What only a cluster can do wrong: answer late, differ, be open to others, or go away."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import worker_tasks as tasks
from own_scheduler import Scheduler

from marginscope.distributed.engine import fingerprint as fingerprint_module
from marginscope.distributed.engine import open_engine
from marginscope.distributed.engine.fingerprint import differences, fingerprint
from marginscope.exceptions import EngineLost, EngineMismatch, MissingExtra, SecurityError

distributed = pytest.importorskip("distributed")
dask_cluster = pytest.importorskip("marginscope.distributed.engine.dask_cluster")


@pytest.fixture
def scheduler(tmp_path):
    one = Scheduler(tmp_path)
    yield one
    one.close()


def test_eng004_a_cluster_at_an_address_works_until_its_scheduler_dies(scheduler):
    with open_engine("dask", address=scheduler.address) as engine:
        assert engine.n_workers == 1
        assert not engine.shares_files
        assert sorted(one.value for one in engine.map(tasks.square, range(4))) == [0, 1, 4, 9]
        outcomes = engine.map(tasks.sleep_long, [0, 1])
        assert next(outcomes).index == 0
        scheduler.kill_scheduler()
        begun = time.monotonic()
        with pytest.raises(EngineLost, match="resume") as caught:
            next(outcomes)
        assert time.monotonic() - begun < 10.0
        assert caught.value.exit_code == 5


def test_eng004_no_scheduler(monkeypatch):
    monkeypatch.setattr(dask_cluster, "_CONNECT_SECONDS", 1)
    with pytest.raises(EngineLost, match="none answered"):
        open_engine("dask", address="tcp://127.0.0.1:9")


def test_eng005_workers_that_would_give_other_bits_are_refused(dask_engine, monkeypatch):
    own = fingerprint()
    assert {"numpy", "scipy", "marginscope", "python", "blas", "machine", "probe"} <= set(own)
    monkeypatch.setattr(dask_engine, "_expected", {**own, "numpy": "1.0", "probe": "0" * 16})
    with pytest.raises(EngineMismatch, match=r"numpy \(1.0 here") as caught:
        dask_engine._shake_hands()
    assert caught.value.exit_code == 5
    # a worker that came after the handshake is compared by its first item
    with pytest.raises(EngineMismatch, match=r"this worker differs in numpy .*; probe"):
        list(dask_engine.map(tasks.square, [1]))
    monkeypatch.setattr(dask_engine, "_expected", None)
    dask_engine._shake_hands()
    assert [one.value for one in dask_engine.map(tasks.square, [3])] == [9]


@pytest.mark.slow
def test_eng005_the_probe_tells_another_kernel():
    """Another kernel of the BLAS, as on another processor; where it rounds alike it may also be called alike."""
    code = "from marginscope.distributed.engine.fingerprint import fingerprint; print(fingerprint())"
    found = []
    for kernel in ("Prescott", "Haswell", "Haswell"):
        words = {"OPENBLAS_CORETYPE": kernel, "PATH": "/usr/bin"}
        done = subprocess.run([sys.executable, "-c", code], env=words, capture_output=True, text=True, check=True)
        found.append(eval(done.stdout, {"__builtins__": {}}))
    assert found[1] == found[2]
    if found[0]["blas"] == found[1]["blas"]:
        pytest.skip("the BLAS has one kernel")
    assert "blas (" in differences(found[0], found[1])[0]
    assert found[0]["probe"] != found[1]["probe"]


def test_the_probe_does_not_depend_on_threads():
    fingerprint_module._fingerprint.cache_clear()
    from threadpoolctl import threadpool_limits

    probes = set()
    for n_threads in (1, 2):
        with threadpool_limits(limits=n_threads, user_api="blas"):
            probes.add(fingerprint_module._probe())
    assert len(probes) == 1


@pytest.mark.parametrize(
    "address",
    [
        "tcp://192.168.1.5:8786",
        "192.168.1.5:8786",
        "tcp://0.0.0.0:8786",
        "tcp://scheduler:8786",
        "tcp://[::]:1",
        "ws://10.0.0.1:1",
        "",
    ],
)
def test_eng007_an_address_that_others_reach_is_refused(address):
    with pytest.raises(SecurityError, match="TLS") as caught:
        open_engine("dask", address=address)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:8786", "localhost:8786", "tcp://[::1]:8786", "tls://192.168.1.5:8786"]
)
def test_eng007_the_loopback_and_tls_pass(address):
    dask_cluster.check_address(address)


def test_eng007_our_own_cluster_listens_on_the_loopback_only(dask_engine):
    """No socket of any of its processes waits for others."""
    import psutil

    info = dask_engine._client.scheduler_info(n_workers=-1)
    places = [info["address"], *info["workers"], *(one["nanny"] for one in info["workers"].values())]
    assert len(places) == 5
    assert all(one.startswith("tcp://127.0.0.1:") for one in places)
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    waiting = [
        one.laddr
        for process in processes
        for one in process.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    ]
    assert len(waiting) >= 5
    assert {one.ip for one in waiting} == {"127.0.0.1"}


@pytest.mark.slow
def test_eng007_a_scheduler_that_is_reached_here_but_open_to_others(scheduler, monkeypatch):
    """What a scheduler says of itself counts, not the address that was typed."""
    real = distributed.Client.scheduler_info

    def told(client, *words, **more):
        return {**real(client, *words, **more), "address": "tcp://172.17.0.2:8786"}

    monkeypatch.setattr(distributed.Client, "scheduler_info", told)
    with pytest.raises(SecurityError, match=r"172\.17\.0\.2"):
        open_engine("dask", address=scheduler.address)


def test_pro019_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"marginscope\[dask\]") as caught:
        open_engine("dask")
    assert caught.value.exit_code == 2
