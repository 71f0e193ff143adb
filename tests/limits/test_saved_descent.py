"""A descent that was killed and resumed is the one that was not, bit by bit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from killed_descent import CASES
from killed_descent import run as run_case

from marginscope.batches import MinibatchObjective
from marginscope.descent import OPTIMIZERS
from marginscope.descent.run import Descent
from marginscope.descent.saved import SavedRun, position_arrays, restored_position
from marginscope.descent.schedule import record_steps
from marginscope.descent.step_size import StepSize
from marginscope.exceptions import CheckpointError, ConfigMismatch, RunLocked, RunWarning, UsageError
from marginscope.limits.descend import descend
from marginscope.runs.checkpoint import Checkpoints, arrays_sha256, pack_arrays, unpack_arrays
from marginscope.runs.lock import RunLock
from oracles.descent_data import objective, separable

CHILD = Path(__file__).with_name("killed_descent.py")


def final_hashes(folder):
    """The SHA-256 of everything in the newest state of every run."""
    found = {}
    for run in sorted(Path(folder).glob("*/run-*")):
        newest = max(run.glob("checkpoint-*.npz"))
        found[f"{run.parent.name}/{run.name}"] = arrays_sha256(unpack_arrays(newest.read_bytes(), "x"))
    return found


def kill_until_done(folder, moments):
    """Start the child again and again, kill it at these moments, then let it end; return how many kills hit."""
    hits = 0
    for moment in [*moments, None]:
        child = subprocess.Popen([sys.executable, str(CHILD), str(folder)], stdout=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "go\n"
        if moment is not None:
            time.sleep(moment)
            child.send_signal(signal.SIGKILL)
        _, ended = child.communicate(), child.returncode
        assert ended in (0, -signal.SIGKILL)
        hits += ended != 0
        if ended == 0:
            return hits
    raise AssertionError("the last one is never killed")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    begun = time.monotonic()
    for name in CASES:
        run_case(name, folder)
    return final_hashes(folder), time.monotonic() - begun


def check_kills(folder, undisturbed, n_kills, seed):
    hashes, seconds = undisturbed
    draw = random.Random(seed)
    # so many kills must fit into one run, and most of what is done is kept
    moments = [draw.uniform(0.0, 1.6 * seconds / n_kills) for _ in range(n_kills)]
    hits = kill_until_done(folder, moments)
    assert final_hashes(folder) == hashes
    return hits


def test_pro003_three_kills_and_the_bytes_of_the_undisturbed_run(tmp_path, undisturbed):
    assert check_kills(tmp_path, undisturbed, 3, seed=1) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_pro003_twenty_kills_and_the_bytes_of_the_undisturbed_run(tmp_path, undisturbed, seed):
    assert check_kills(tmp_path, undisturbed, 20, seed) >= 5


def test_saving_changes_no_bit(tmp_path):
    X, y = separable(3)
    for name, words in CASES.items():
        words = {**words, "n_steps": 200}
        plain, saved = descend(X, y, **words), descend(X, y, **words, run_dir=tmp_path / name, checkpoint_seconds=0.0)
        assert plain.coef.tobytes() == saved.coef.tobytes()
        assert plain.status == saved.status


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: one.name)
@pytest.mark.parametrize("batch_size", [None, 7])
def test_every_optimizer_goes_on_from_a_state_on_disk(optimizer, batch_size):
    """Cut at random steps, through the bytes of a checkpoint, with an objective made again."""

    def descent():
        one = objective(2)
        batches = None if batch_size is None else MinibatchObjective(one, batch_size, np.random.default_rng(5))
        return Descent(one, optimizer, StepSize(0.05), record_steps("log", 60).tolist(), batches)

    whole = descent()
    start = np.random.default_rng(0).standard_normal(whole.objective.shape)
    expected = whole.run(whole.start(start))
    draw = random.Random(optimizer.name)
    part = descent()
    position = part.start(start)
    for _ in range(6):
        left = draw.randrange(15)

        def until():
            nonlocal left
            left -= 1
            return left < 0

        part.run(position, until=until)
        state = unpack_arrays(pack_arrays(position_arrays(position, part.batches)), "x")
        part = descent()
        position = restored_position(state, part.batches)
    part.run(position)
    ends = [position_arrays(p, d.batches) for p, d in ((expected, whole), (position, part))]
    assert arrays_sha256(ends[0]) == arrays_sha256(ends[1])


def test_pro003_at_most_one_interval_is_repeated(tmp_path, monkeypatch):
    """On a clock that ticks once a look: killed after any step, less than an interval is lost."""
    interval, ticks = 10, 0

    def clock():
        nonlocal ticks
        ticks += 1
        return float(ticks)

    class Killed(BaseException):
        pass

    for last in (5, 37, 64, 91):
        folder = tmp_path / str(last)
        one = objective(2)
        descent = Descent(one, OPTIMIZERS[0], StepSize(0.1), [0, 500])
        true_step, taken = Descent._advance, 0

        def advance(self, position, n_steps, *, last=last, true_step=true_step):
            nonlocal taken
            if taken == last:
                raise Killed
            taken += 1
            true_step(self, position, n_steps)

        with monkeypatch.context() as patch:
            patch.setattr("marginscope.descent.saved.time.monotonic", clock)
            patch.setattr(Descent, "_advance", advance)
            with pytest.raises(Killed):
                SavedRun(folder, float(interval), os.getpid()).run(descent, np.zeros(one.shape))
        saved = sorted(folder.glob("checkpoint-*"))
        step = restored_position(unpack_arrays(saved[-1].read_bytes(), "x"), None).step if saved else 0
        assert 0 <= last - step <= interval


def test_pro013_the_clock_on_the_wall_is_not_asked(tmp_path, monkeypatch):
    def wrong(*words):
        raise AssertionError("the wall clock was read")

    X, y = separable(1)
    for name in ("time", "time_ns", "localtime"):
        monkeypatch.setattr(time, name, wrong)
    saved = descend(X, y, n_steps=50, run_dir=tmp_path / "run", checkpoint_seconds=0.0)
    monkeypatch.undo()
    assert saved.coef.tobytes() == descend(X, y, n_steps=50).coef.tobytes()


def test_runs_in_processes_are_saved_each_in_its_place(tmp_path, monkeypatch):
    X, y = separable(4)
    words = {"optimizer": "sgd", "n_steps": 800, "n_runs": 2, "record": 200}
    monkeypatch.setattr("marginscope.limits.descend._WORTH_PROCESSES", 0)
    side_by_side = descend(X, y, **words, n_jobs=2, run_dir=tmp_path / "a", checkpoint_seconds=0.05)
    one_by_one = descend(X, y, **words, n_jobs=1)
    assert side_by_side.coef.tobytes() == one_by_one.coef.tobytes()
    assert sorted(os.listdir(tmp_path / "a")) == ["config.json", "run-00000", "run-00001"]
    # one run is lost, the other is not computed again
    kept = sorted((tmp_path / "a" / "run-00000").iterdir())
    for path in (tmp_path / "a" / "run-00001").iterdir():
        path.unlink()
    again = descend(X, y, **words, n_jobs=1, run_dir=tmp_path / "a", resume=True)
    assert again.coef.tobytes() == one_by_one.coef.tobytes()
    assert sorted((tmp_path / "a" / "run-00000").iterdir()) == kept


def test_pro009_resuming_another_run(tmp_path):
    X, y = separable(1)
    folder = tmp_path / "run"
    descend(X, y, n_steps=20, run_dir=folder)
    with pytest.raises(UsageError, match="resume it"):
        descend(X, y, n_steps=20, run_dir=folder)
    for words, keys in (
        ({"n_steps": 30}, {"n_steps", "record"}),
        ({"optimizer": "adam"}, {"optimizer", "step_size"}),
        ({"loss": "exponential"}, {"loss", "step_size"}),
        ({"rng": 1}, {"seed"}),
        ({"class_weight": "balanced"}, {"adjustment.class_weights", "step_size"}),
        ({"dtype": "float32"}, {"dtype"}),
        ({"batch_size": 4}, {"batch_size", "step_size"}),
        ({"init": "normal"}, {"init"}),
        ({"kernel": "portable"}, {"loop"}),
    ):
        with pytest.raises(ConfigMismatch) as caught:
            descend(X, y, **{"n_steps": 20, **words}, run_dir=folder, resume=True)
        assert set(caught.value.keys) == keys
    with pytest.raises(ConfigMismatch) as caught:
        descend(X, np.asarray(y) + 10, n_steps=20, run_dir=folder, resume=True)
    assert caught.value.keys == ("data_sha256",)
    with pytest.raises(ConfigMismatch) as caught:
        descend(X[:, ::-1], y, n_steps=20, run_dir=folder, resume=True)
    # on some processors the last bit of the largest singular value knows the order of columns
    assert {"data_sha256"} <= set(caught.value.keys) <= {"data_sha256", "step_size"}


def test_the_compiled_loop_stops_to_save_and_goes_on(tmp_path, monkeypatch):
    X, y = separable(1)
    words = {"kernel": "fast", "n_steps": 3_000, "record": 1_500}
    whole = descend(X, y, **words)
    monkeypatch.setattr("marginscope.descent.run._PRODUCTS_AT_ONCE", 70 * X.size * 3)
    saves = []
    monkeypatch.setattr("marginscope.descent.saved.position_arrays", lambda *words: saves.append(1) or save(*words))

    save = position_arrays

    class Killed(BaseException):
        pass

    def kill(self, arrays, real=Checkpoints.save):
        if len(saves) == 20:
            raise Killed
        return real(self, arrays)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", kill)
        with pytest.raises(Killed):
            descend(X, y, **words, run_dir=tmp_path / "run", checkpoint_seconds=0.0)
    newest = max((tmp_path / "run" / "run-00000").glob("checkpoint-*"))
    assert restored_position(unpack_arrays(newest.read_bytes(), "x"), None).step == 18 * 70
    again = descend(X, y, **words, run_dir=tmp_path / "run", resume=True)
    assert again.coef.tobytes() == whole.coef.tobytes()


def test_a_seed_that_was_drawn_is_that_of_the_run(tmp_path):
    X, y = separable(1)
    words = {"optimizer": "sgd", "n_steps": 30, "run_dir": tmp_path / "run"}
    first = descend(X, y, **words, rng=None)
    again = descend(X, y, **words, rng=None, resume=True)
    assert first.coef.tobytes() == again.coef.tobytes()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"resume": True}, "directory"),
        ({"run_dir": "x", "checkpoint_seconds": -1}, "checkpoint_seconds"),
        ({"run_dir": "x", "checkpoint_seconds": float("nan")}, "checkpoint_seconds"),
        ({"run_dir": "x", "checkpoint_seconds": True}, "checkpoint_seconds"),
    ],
)
def test_misuse(words, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=match):
        descend(*separable(1), n_steps=5, **words)
    assert os.listdir(tmp_path) == []


def test_pro010_a_run_in_use(tmp_path):
    X, y = separable(1)
    descend(X, y, n_steps=20, run_dir=tmp_path / "run")
    lock = RunLock(tmp_path / "run")
    with pytest.raises(RunLocked):
        descend(X, y, n_steps=20, run_dir=tmp_path / "run", resume=True)
    lock.release()


def test_pro012_a_damaged_state_costs_an_interval_and_no_bit(tmp_path):
    X, y = separable(1)
    words = {"optimizer": "adam", "batch_size": 7, "n_steps": 80, "run_dir": tmp_path / "run"}
    whole = descend(X, y, **words, checkpoint_seconds=0.0)
    newest = max((tmp_path / "run" / "run-00000").iterdir())
    newest.write_bytes(newest.read_bytes()[:-50])
    with pytest.warns(RunWarning, match="the one before"):
        again = descend(X, y, **words, resume=True)
    assert whole.coef.tobytes() == again.coef.tobytes()
    for path in (tmp_path / "run" / "run-00000").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(CheckpointError):
        descend(X, y, **words, resume=True)


def test_a_state_of_another_run_is_refused(tmp_path):
    X, y = separable(1)
    descend(X, y, n_steps=20, run_dir=tmp_path / "run")
    (path,) = (tmp_path / "run" / "run-00000").iterdir()
    state = unpack_arrays(path.read_bytes(), "x")
    path.write_bytes(pack_arrays({**state, "W": state["W"][:, :2]}))
    with pytest.raises(CheckpointError, match="shape"):
        descend(X, y, n_steps=20, run_dir=tmp_path / "run", resume=True)
    path.write_bytes(pack_arrays({"W": state["W"]}))
    with pytest.raises(CheckpointError, match="something else"):
        descend(X, y, n_steps=20, run_dir=tmp_path / "run", resume=True)


def test_num003_the_last_finite_record_of_a_diverged_run_is_kept(tmp_path):
    X, y = separable(1)
    words = {"loss": "squared_margin", "step_size": 50.0, "n_steps": 3_000, "record": 10, "run_dir": tmp_path / "run"}
    with np.errstate(all="ignore"):
        path = descend(X, y, **words)
        again = descend(X, y, **words, resume=True)
    assert path.status == again.status == "diverged"
    assert path.step_size.is_safe is False
    assert path.step_size.limit < 50.0
    (saved,) = (tmp_path / "run" / "run-00000").iterdir()
    state = unpack_arrays(saved.read_bytes(), "x")
    assert len(state["coefs"]) >= 1
    assert np.all(np.isfinite(state["coefs"]))
    # told within one check: a record, or a thousand steps
    assert json.loads(state["position"].tobytes())["step"] <= state["steps"][-1] + 1_000


@dataclass(frozen=True)
class OddOptimizer:
    """An optimizer of someone else, whose state is no numbers."""

    name = "odd"
    norm = None
    is_normalized = False

    def init(self, W):
        return {"memory": {"a": 1}}

    def step(self, slope, state, step_size):
        return step_size * slope.scaled().entries, state


def test_a_state_that_no_file_can_hold_is_told(tmp_path):
    with pytest.raises(UsageError, match="'memory'"):
        descend(*separable(1), optimizer=OddOptimizer(), step_size=0.1, n_steps=5, run_dir=tmp_path / "run")
