"""Files are whole or not there."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap

import pytest

from marginscope.exceptions import IOFault, UsageError
from marginscope.runs import check_writable, write_bytes_atomically, write_text_atomically
from marginscope.runs.atomic import remove_orphans


def test_text_is_written_and_replaced(tmp_path):
    path = tmp_path / "report.html"
    write_text_atomically(path, "älter")
    write_text_atomically(path, "neuer")
    assert path.read_text(encoding="utf-8") == "neuer"
    assert os.listdir(tmp_path) == ["report.html"]


def test_the_file_has_the_rights_of_any_new_file(tmp_path):
    mask = os.umask(0o027)
    try:
        write_text_atomically(tmp_path / "a", "x")
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_pro008_a_folder_as_output(tmp_path):
    with pytest.raises(UsageError, match="directory"):
        check_writable(tmp_path)


def test_pro008_a_missing_folder(tmp_path):
    with pytest.raises(IOFault, match="does not exist; make it"):
        check_writable(tmp_path / "no" / "report.html")


def test_pro008_a_file_as_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(IOFault):
        check_writable(tmp_path / "file" / "report.html")


def test_the_probe_leaves_nothing(tmp_path):
    assert check_writable(tmp_path / "report.html") == tmp_path / "report.html"
    assert os.listdir(tmp_path) == []


def test_sec010_a_link_is_not_followed(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(UsageError, match="link"):
        check_writable(tmp_path / "link")
    assert (tmp_path / "target").read_text() == "old"


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs file size limits")
def test_pro006_pro007_a_full_disk_keeps_the_old_file(tmp_path):
    """The limit on file sizes stands in for a full disk; the child reports how it ended."""
    path = tmp_path / "report.html"
    path.write_text("old")
    code = textwrap.dedent(
        f"""
        import resource, signal
        from marginscope.exceptions import IOFault
        from marginscope.runs import write_text_atomically
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_text_atomically({str(path)!r}, "x" * 100_000)
        except IOFault as fault:
            print(fault.exit_code, "100000 bytes" in str(fault))
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "True"]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing that catches errors sees it."""


def killed_at(monkeypatch, n):
    """Kill the n-th system call that a write makes; return what was called."""
    calls = []
    for name in ("fsync", "chmod", "replace"):
        real = getattr(os, name)

        def call(*words, real=real, name=name):
            calls.append(name)
            if len(calls) == n:
                raise Killed
            return real(*words)

        monkeypatch.setattr(os, name, call)
    return calls


def test_pro004_killed_between_any_two_steps_the_file_is_old_or_new(tmp_path, monkeypatch):
    seen = []
    for n in range(1, 20):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / "file").write_bytes(b"old")
        with monkeypatch.context() as patch:
            killed_at(patch, n)
            try:
                write_bytes_atomically(folder / "file", b"new")
                break
            except Killed:
                pass
        seen.append((folder / "file").read_bytes())
        assert remove_orphans(folder) == (seen[-1] == b"old")
        assert os.listdir(folder) == ["file"]
    # file synced, rights, renamed, folder synced: killed before the rename there is the old file, after it the new
    assert seen == [b"old", b"old", b"old", b"new"]


def test_pro005_what_is_not_synced_may_be_lost_and_the_file_is_still_whole(tmp_path, monkeypatch):
    """A log of the calls is replayed without what was not synced when the power failed."""
    log = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}

    def fsync(handle):
        log.append(("sync", os.readlink(f"/proc/self/fd/{handle}")))
        return real["fsync"](handle)

    def replace(source, target):
        log.append(("rename", str(source), str(target)))
        return real["replace"](source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_bytes_atomically(tmp_path / "file", b"new")
    temporary = log[0][1]
    assert log == [("sync", temporary), ("rename", temporary, str(tmp_path / "file")), ("sync", str(tmp_path))]
    for power_fails_after in range(len(log) + 1):
        durable, names = set(), {"file": "old"}
        pending = dict(names)
        for event, *words in log[:power_fails_after]:
            if event == "rename":
                pending["file"] = "new" if words[0] in durable else "cut off"
            elif words[0] == str(tmp_path):
                names = dict(pending)
            else:
                durable.add(words[0])
        assert {names["file"], pending["file"]} <= {"old", "new"}


def test_pro007_a_write_error_without_a_number_is_a_write_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"old")

    def refuse(handle):
        raise OSError("100000 requested and 12484 written")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(IOFault, match="12484 written") as caught:
        write_bytes_atomically(tmp_path / "file", b"new")
    assert caught.value.exit_code == 5
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
