"""Files are whole or not there."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap

import pytest

from marginscope.exceptions import IOFault, UsageError
from marginscope.runs import check_writable, write_text_atomically


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
    with pytest.raises(IOFault, match="refuses new files"):
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
