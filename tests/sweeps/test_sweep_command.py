"""The command: exit codes, signals, what is printed, and sweeps that are killed."""

from __future__ import annotations

import functools
import json
import random
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from sweep_tasks import Poisoned

from marginscope.cli.main import main
from marginscope.cli.progress import ProgressLine
from marginscope.runs.lock import RunLock
from marginscope.sweeps.cells import cells_of
from marginscope.sweeps.config import read_config
from marginscope.sweeps.sweep import sweep

EXAMPLE = Path(__file__).parents[2] / "examples" / "sweeps" / "small.toml"
QUICK = """\
name = "quick"
seeds = [0, 3]
losses = ["cross_entropy", { name = "focal", gamma = 2.0 }]
optimizers = ["gd", "adam"]
step_sizes = ["theory", [0.05, 0.5]]
batch_size = 7
n_steps = 40
init = "normal"
[[data]]
name = "clouds"
n = 24
d = 3
K = 3
separation = 5.0
"""
# a cell that ends at once (compiled, in the cache) and one that takes a quarter of an hour
LONG = """\
losses = ["cross_entropy"]
optimizers = ["gd"]
n_steps = 1_000_000
[[data]]
name = "small"
n = 12
d = 2
K = 3
separation = 9.0
[[data]]
name = "large"
n = 1000
d = 400
K = 3
separation = 1.0
"""


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "quick.toml"
    path.write_text(QUICK)
    return path


def start(*words):
    command = [sys.executable, "-m", "marginscope", "sweep", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_file_is_the_configuration_of_these_tests(toml, config):
    assert read_config(toml).flat() == read_config(config).flat()


def test_the_command_prints_the_outcome_and_keeps_the_bytes(tmp_path, toml, expected, digest, capsys):
    assert main(["sweep", str(toml), "-o", str(tmp_path / "s")]) == 0
    out, err = capsys.readouterr()
    assert "Sweep 'quick': 16 of 16 cells done." in out
    assert f"table:  {tmp_path / 's' / 'table.csv'}" in out
    assert err == ""
    assert digest(tmp_path / "s") == expected
    assert main(["sweep", str(toml), "-o", str(tmp_path / "s"), "--resume", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "marginscope.sweep/1"
    assert (document["cells"], document["found"], document["failed"]) == (16, 16, [])
    assert len(document["rows"]) == 16


def test_exit_codes(tmp_path, toml, capsys):
    folder = tmp_path / "s"
    folder.mkdir()
    for words, code, match in (
        (["-o", str(folder), "--engine", "lokky"], 2, "did you mean 'loky'"),
        (["-o", str(folder), "--engine", "dask", "--address", "tcp://10.0.0.1:8786"], 6, "TLS"),
        (["-o", str(tmp_path / "no" / "s")], 5, "refused"),
        (["-o", str(toml)], 5, "refused"),
    ):
        assert main(["sweep", str(toml), *words]) == code
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert match in error
    lock = RunLock(folder)
    assert main(["sweep", str(toml), "-o", str(folder), "--resume"]) == 7
    assert "process " in capsys.readouterr().err
    lock.release()
    (tmp_path / "bad.toml").write_text(QUICK.replace("losses", "loses"))
    assert main(["sweep", str(tmp_path / "bad.toml"), "-o", str(folder)]) == 2
    assert "did you mean 'losses'" in capsys.readouterr().err


@pytest.mark.slow
def test_pro015_failed_cells_exit_with_one(tmp_path, toml, loky_engine, monkeypatch, capsys):
    cell = cells_of(read_config(toml))[2].id
    poisoned = Poisoned(loky_engine, cell)
    monkeypatch.setattr("marginscope.sweeps.sweep.open_engine", lambda *words, **more: _Open(poisoned))
    assert main(["sweep", str(toml), "-o", str(tmp_path / "s"), "--engine", "loky"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert f"cell {cell} failed" in out
    again = re.search(r"again: (marginscope .*--resume)", out)[1]
    monkeypatch.undo()
    assert main(shlex.split(again)[1:]) == 0


class _Open:
    """A context around an engine that stays open."""

    def __init__(self, engine):
        self.engine = engine

    def __enter__(self):
        return self.engine

    def __exit__(self, *error):
        pass


@pytest.mark.parametrize(
    ("engine", "number", "code"),
    [
        pytest.param("serial", signal.SIGINT, 130, marks=pytest.mark.slow),
        ("loky", signal.SIGINT, 130),
        pytest.param("loky", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("dask", signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param("dask", signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_pro001_pro002_a_signal_stops_within_two_seconds_and_keeps_what_ended(tmp_path, engine, number, code):
    path, folder = tmp_path / "long.toml", tmp_path / "s"
    path.write_text(LONG)
    words = ["-o", folder, "--engine", engine, *(["--workers", 2] if engine != "serial" else [])]
    process = start(path, *words)
    try:
        wait_for(lambda: list(folder.glob("cells/*.json")) or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        time.sleep(0.3)
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        seconds = time.monotonic() - begun
    finally:
        process.kill()
    assert process.returncode == code
    assert seconds < 2.0
    assert out == ""
    assert "Traceback" not in err
    assert re.search(r"^stopped: .*go on with: marginscope sweep .* --resume$", err, re.MULTILINE)
    assert len(list(folder.glob("cells/*.json"))) == 1
    # the cell that did not end keeps its checkpoints
    assert len(list(folder.glob("work/*/config.json"))) == 1


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_and_resume(toml, folder, moments, *words):
    """Kill the driver at moments counted from its first cell, then let it end."""
    hits = 0
    for moment in [*moments, None]:
        process = start(toml, "-o", folder, "--resume", *words)
        n_before = len(list(folder.glob("cells/*.json")))
        if moment is not None:
            wait_for(lambda n=n_before, p=process: len(list(folder.glob("cells/*.json"))) > n or p.poll() is not None)
            time.sleep(moment)
            process.kill()
        _, err = process.communicate(timeout=120)
        hits += process.returncode == -signal.SIGKILL
    assert process.returncode == 0, err
    return hits


def test_pro003_a_driver_that_is_killed_and_resumed_gives_the_same_bytes(tmp_path, toml, expected, digest):
    assert kill_and_resume(toml, tmp_path / "s", [0.05]) == 1
    assert digest(tmp_path / "s") == expected


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["serial", "loky", "dask"])
def test_pro003_many_kills_of_the_driver_on_every_engine(tmp_path, toml, expected, digest, engine):
    draw = random.Random(engine)
    words = ["--engine", engine, *(["--workers", 2] if engine != "serial" else [])]
    moments = [draw.uniform(0.0, 0.15) for _ in range(5)]
    assert kill_and_resume(toml, tmp_path / "s", moments, *words) >= 2
    assert digest(tmp_path / "s") == expected


def test_the_example_has_a_comment_for_every_key(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    config = tomllib.loads(text)
    blocks = [block.strip().splitlines() for block in text.split("\n\n")]
    keys = {line.partition(" =")[0] for lines in blocks for line in lines if re.match(r"\w+ =", line)}
    assert keys == {*config, *(key for one in config["data"] for key in one)} - {"data"}
    assert all(lines[0].startswith("#") for lines in blocks)
    from marginscope.sweeps.config import _KEYS

    assert set(_KEYS) <= {re.sub(r"^# ", "", line).partition(" =")[0] for line in text.splitlines()} | {"data"}
    short = {**config, "n_steps": 20, "seeds": 1, "optimizers": ["gd"]}
    for one in short["data"]:
        if "file" in one:
            one["file"] = str(EXAMPLE.parent / one["file"])
    result = sweep(short, tmp_path / "s")
    assert len(result.rows) == 4
    assert not result.failures


@pytest.mark.slow
def test_the_example_runs_as_it_says(tmp_path):
    command = re.search(r"marginscope sweep \S+ -o \S+ --engine loky", EXAMPLE.read_text())[0]
    words = shlex.split(command)[1:]
    words[1], words[3] = str(EXAMPLE), str(tmp_path / "small-sweep")
    assert main(words) == 0
    assert main([*words, "--resume"]) == 0


def test_progress_tells_the_time_left(toml, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("marginscope.cli.sweep.ProgressLine", functools.partial(ProgressLine, delay=0.0, pause=0.0))
    assert main(["sweep", str(toml), "-o", str(tmp_path / "s")]) == 0
    first, *lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"working: 0 of 16, \d+ s, cells", first)
    assert len(lines) == 16
    assert all(re.fullmatch(r"working: \d+ of 16, \d+ s, cells, about \d+ (s|min|h|d) left", one) for one in lines)
    assert re.fullmatch(r"working: 16 of 16, \d+ s, cells, about 0 s left", lines[-1])
    assert main(["sweep", str(toml), "-o", str(tmp_path / "t"), "-q"]) == 0
    assert capsys.readouterr().err == ""


LEAST = """\
losses = ["cross_entropy"]
optimizers = ["gd"]
n_steps = 5
seeds = 2
[[data]]
n = 12
d = 2
K = 3
separation = 5.0
"""


def test_pro017_pro018_few_descriptors_odd_names_no_home_no_locale(tmp_path):
    """Sixty-four open files, a name with a line end and one of 255 bytes, under LANG=C."""
    folder = tmp_path / "a\nb"
    folder.mkdir()
    (folder / "least.toml").write_text(LEAST)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64));"
        "from marginscope.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    out = folder / ("x" * 255)
    words = ["sweep", folder / "least.toml", "-o", out, "--engine", "loky", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env={"LANG": "C", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert r"a\x0ab" in done.stdout
    assert len(list(out.glob("cells/*.json"))) == 2
    assert main(["sweep", str(folder / "least.toml"), "-o", str(folder / ("x" * 256))]) == 5


@pytest.mark.slow
def test_eng004_a_scheduler_that_dies_ends_the_sweep_with_five_and_it_is_resumed(tmp_path, toml, expected, digest):
    pytest.importorskip("distributed")
    from own_scheduler import Scheduler

    folder = tmp_path / "s"
    scheduler = Scheduler(tmp_path)
    try:
        process = start(toml, "-o", folder, "--engine", "dask", "--address", scheduler.address)
        wait_for(lambda: list(folder.glob("cells/*.json")) or process.poll() is not None)
        scheduler.kill_scheduler()
        _, err = process.communicate(timeout=60)
    finally:
        scheduler.close()
    assert process.returncode == 5, err
    assert "error: the scheduler of dask was needed to the end, but it is gone" in err
    assert "Traceback" not in err
    assert 0 < len(list(folder.glob("cells/*.json"))) < 16
    assert main(["sweep", str(toml), "-o", str(folder), "--resume", "-q"]) == 0
    assert digest(folder) == expected


def test_pro006_a_full_disk_ends_with_five_and_keeps_the_cells(tmp_path, toml, expected, digest):
    """A limit on the size of files stands in for a full disk: it lets the records pass and not the tables."""
    code = (
        "import resource, signal, sys; from marginscope.cli.main import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); sys.exit(main(sys.argv[2:]))"
    )
    words = ["sweep", str(toml), "-o", str(tmp_path / "s"), "--resume"]
    pytest.importorskip("pyarrow")
    # arrays have 4.5 kB here, the larger table has 6
    for limit, name, n_cells in ((4_000, ".npz'", 0), (5_300, "table.parquet'", 16)):
        done = subprocess.run([sys.executable, "-c", code, str(limit), *words], capture_output=True, text=True)
        assert done.returncode == 5, done.stderr
        assert name in done.stderr
        assert "bytes had to be written" in done.stderr
        assert len(list((tmp_path / "s").glob("cells/*.json"))) == n_cells
        assert not list((tmp_path / "s").rglob(".marginscope-*"))
    assert main([*words, "-q"]) == 0
    assert digest(tmp_path / "s") == expected


def test_pro019_without_dask_nothing_is_begun(tmp_path, toml, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["sweep", str(toml), "-o", str(tmp_path / "s"), "--engine", "dask"]) == 2
    assert "marginscope[dask]" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
