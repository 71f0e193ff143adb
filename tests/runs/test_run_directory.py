"""A run directory belongs to one configuration and one process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from marginscope.exceptions import CheckpointError, ConfigMismatch, IOFault, RunLocked, RunWarning, UsageError
from marginscope.runs import directory as directory_module
from marginscope.runs.directory import RunDirectory, check_run_name, saved_config
from marginscope.runs.lock import RunLock, kind_of_mount

CONFIG = {"loss": "cross_entropy", "n_steps": 100}
HOLDER = """
import sys, time
from marginscope.runs.directory import RunDirectory
with RunDirectory(sys.argv[1], {"loss": "cross_entropy", "n_steps": 100}):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_record_says_what_is_computed_on_what(tmp_path):
    with RunDirectory(tmp_path / "run", CONFIG, data_sha256="abc") as directory:
        assert (directory.path / "lock").exists()
    record = json.loads((tmp_path / "run" / "config.json").read_text())
    assert record["config"] == CONFIG
    assert record["data_sha256"] == "abc"
    assert {"marginscope", "numpy", "scipy", "python"} <= set(record["packages"])
    assert record["blas"]
    assert all(isinstance(one["num_threads"], int) and one["architecture"] for one in record["blas"])
    # neither paths nor names of hosts and users
    assert os.sep not in json.dumps(record["blas"])
    assert sorted(os.listdir(tmp_path / "run")) == ["config.json"]


def test_pro010_a_second_process_is_refused_within_a_second(tmp_path, holder):
    begun = time.monotonic()
    with pytest.raises(RunLocked, match=rf"process {holder.pid} on '{socket.gethostname()}'") as caught:
        RunDirectory(tmp_path / "run", CONFIG, resume=True)
    assert time.monotonic() - begun < 1.0
    assert caught.value.exit_code == 7


def test_pro010_the_lock_of_a_dead_process_is_taken_over(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert json.loads((tmp_path / "run" / "lock").read_text())["pid"] == holder.pid
    with RunDirectory(tmp_path / "run", CONFIG, resume=True):
        assert json.loads((tmp_path / "run" / "lock").read_text())["pid"] == os.getpid()


def test_pro010_patience_waits_for_a_holder_that_ends(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    with RunDirectory(tmp_path / "run", CONFIG, resume=True, patience=5.0):
        pass


def test_pro010_the_lock_of_another_host_is_not_taken_over(tmp_path):
    (tmp_path / "lock").write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    with pytest.raises(RunLocked, match=r"process 1 on 'elsewhere'.*remove 'lock'"):
        RunLock(tmp_path)
    (tmp_path / "lock").unlink()
    RunLock(tmp_path).release()


def test_pro010_a_network_file_system_is_told(tmp_path, monkeypatch):
    lines = [
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw",
        "40 22 0:35 / /home rw shared:9 - nfs4 server:/home rw",
        "41 40 8:2 / /home/local\\040disk rw - xfs /dev/sdb rw",
        "nonsense",
    ]
    assert kind_of_mount("/home/me/run", lines) == "nfs4"
    assert kind_of_mount("/home/local disk/run", lines) is None
    assert kind_of_mount("/homely/run", lines) is None
    monkeypatch.setattr("marginscope.runs.lock._network_kind", lambda folder: "nfs4")
    with pytest.warns(RunWarning, match="nfs4"):
        RunLock(tmp_path).release()


def test_sec010_a_link_in_place_of_the_lock_or_the_directory(tmp_path):
    (tmp_path / "target").write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(IOFault):
        RunDirectory(tmp_path / "run", CONFIG)
    assert (tmp_path / "target").read_text() == "precious"
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with pytest.raises(UsageError, match="link"):
        RunDirectory(tmp_path / "link", CONFIG)


def test_pro009_a_directory_with_a_run_needs_resume_or_overwrite(tmp_path):
    RunDirectory(tmp_path / "run", CONFIG).close()
    with pytest.raises(UsageError, match="resume it, overwrite it") as caught:
        RunDirectory(tmp_path / "run", CONFIG)
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="both"):
        RunDirectory(tmp_path / "run", CONFIG, resume=True, overwrite=True)
    RunDirectory(tmp_path / "run", CONFIG, resume=True).close()
    # refusals give the lock back
    assert not (tmp_path / "run" / "lock").exists()


def test_pro009_another_configuration_is_refused_with_its_keys(tmp_path, monkeypatch):
    RunDirectory(tmp_path, CONFIG, data_sha256="abc").close()
    with pytest.raises(ConfigMismatch, match=r"n_steps \(was 100, now 200\)") as caught:
        RunDirectory(tmp_path, {"n_steps": 200, "new": 1}, data_sha256="abd", resume=True)
    assert caught.value.keys == ("data_sha256", "loss", "n_steps", "new")
    assert caught.value.exit_code == 2
    versions = directory_module.package_versions()
    monkeypatch.setattr(directory_module, "package_versions", lambda: {**versions, "numpy": "0.1"})
    with pytest.raises(ConfigMismatch) as caught:
        RunDirectory(tmp_path, CONFIG, data_sha256="abc", resume=True)
    assert caught.value.keys == ("packages.numpy",)


def test_overwriting_removes_the_run_and_nothing_else(tmp_path):
    RunDirectory(tmp_path, CONFIG).close()
    (tmp_path / "run-00000").mkdir()
    (tmp_path / "run-00000" / "checkpoint-00000001.npz").write_text("x")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "table.csv").write_text("old")
    with RunDirectory(tmp_path, {"n_steps": 5}, overwrite=True):
        pass
    assert sorted(os.listdir(tmp_path)) == ["config.json", "notes.txt"]
    assert saved_config(tmp_path)["config"] == {"n_steps": 5}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_directory_of_something_else_is_left_alone(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        RunDirectory(tmp_path, CONFIG, overwrite=overwrite, resume=not overwrite)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_pro004_killed_before_the_record_was_written_the_directory_is_new(tmp_path):
    (tmp_path / "lock").write_text("")
    (tmp_path / ".marginscope-abc").write_text('{"schema": "marginsc')
    with RunDirectory(tmp_path, CONFIG):
        assert sorted(os.listdir(tmp_path)) == ["config.json", "lock"]


def test_a_record_that_is_none(tmp_path):
    for text in ("", "{", "[]", '{"schema": "other/1", "config": {}}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(CheckpointError):
            RunDirectory(tmp_path, CONFIG, resume=True)


def test_pro008_the_place_is_probed_before_anything_is_computed(tmp_path):
    (tmp_path / "file").write_text("x")
    for wrong in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / "no" / "run"):
        with pytest.raises(IOFault) as caught:
            RunDirectory(wrong, CONFIG)
        assert caught.value.exit_code == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_pro008_a_read_only_place(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(IOFault):
        RunDirectory(tmp_path / "run", CONFIG)
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    "name", ["../../x", "/abs", "a\0b", "x" * 65, "", "..", ".", "a b", "é", "a\n", "{0.__class__}", "%s"]
)
def test_sec008_a_name_is_never_a_path(name):
    with pytest.raises(UsageError):
        check_run_name(name)


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 64])
def test_sec008_plain_names_pass(name):
    assert check_run_name(name) == name
