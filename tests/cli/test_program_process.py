"""The program as a process: pipes, locales, signals, full devices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "marginscope"]


def _run(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, check=False, timeout=120, **more)  # type: ignore[call-overload,no-any-return]


def test_alone_it_prints_three_examples_and_where_the_help_is() -> None:
    done = _run()
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["marginscope", "demo"],
        ["marginscope", "diagnose"],
        ["marginscope", "fix"],
        ["marginscope", "--help"],
    ]
    assert done.stderr == ""


def test_version() -> None:
    done = _run("--version")
    assert done.returncode == 0
    assert done.stdout.split()[0] == "marginscope"


@pytest.mark.parametrize("words", [["explain", "imbalance"], ["explain"], ["explain", "--json"], ["--help"], []])
def test_pro017_a_closed_pipe_is_a_quiet_stop(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, *words], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "0<&-"])
def test_pro017_closed_standard_streams(closed: str) -> None:
    line = " ".join([*PROGRAM, "explain", "few-rows", closed])
    assert (
        subprocess.run(line, shell=True, check=False, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
        == 0
    )


def test_pro017_plain_locale_without_home() -> None:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        if name in os.environ:
            environment[name] = os.environ[name]
    done = _run("explain", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.isascii()
    assert "Traceback" not in done.stderr
    assert _run("explain", "imbalance", env=environment).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize("words", [["explain", "imbalance"], ["explain", "--json"], []])
def test_pro006_standard_output_on_a_full_device(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 5
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["pro001_sigint", "pro002_sigterm"]
)
def test_signals_end_with_their_code_and_no_traceback(tmp_path: Path, number: int, code: int) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [*PROGRAM, "diagnose", str(fifo), "-t", "label", "--allow-stream"], stderr=subprocess.PIPE, text=True
    )
    writer = _wait_for_reader(fifo, process)
    process.send_signal(number)
    _, shown = process.communicate(timeout=20)
    os.close(writer)
    assert process.returncode == code
    assert shown.startswith("stopped: ")
    assert shown.count("\n") == 1


def _wait_for_reader(fifo: Path, process: subprocess.Popen[str]) -> int:
    """Open the writer's end, which works only once the program has opened its own and waits for data."""
    while process.poll() is None:
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(process.communicate()[1])


def test_no_colour_codes_through_a_pipe() -> None:
    assert "\x1b" not in _run("explain", "imbalance").stdout
