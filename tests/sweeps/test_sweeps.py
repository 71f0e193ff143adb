"""A sweep has the same bytes on every engine, whatever dies on the way."""

from __future__ import annotations

import csv
import json
import os
import re

import numpy as np
import pytest
from sweep_tasks import Poisoned, Shuffled
from threadpoolctl import threadpool_limits

from marginscope.exceptions import ConfigMismatch, DataError, IOFault, RunLocked, UsageError
from marginscope.limits.descend import descend
from marginscope.runs.checkpoint import unpack_arrays
from marginscope.runs.lock import RunLock
from marginscope.sweeps.cells import cells_of
from marginscope.sweeps.config import read_config
from marginscope.sweeps.data import canonical, rows_of
from marginscope.sweeps.sweep import sweep
from marginscope.sweeps.table import COLUMNS, as_csv


def test_a_line_of_the_table_is_that_descent(tmp_path, config):
    result = sweep(config, tmp_path / "s")
    assert len(result.rows) == 16
    cells = cells_of(read_config(config))
    for number in (0, 5, 15):
        row, cell = result.rows[number], cells[number]
        p = cell.parameters
        X, y = rows_of(canonical(p["data"]), None, p["seed"])
        step = tuple(p["step_size"]) if isinstance(p["step_size"], list) else p["step_size"]
        loss = {k: v for k, v in p["loss"].items() if k != "name"}
        from marginscope import losses

        path = descend(
            X,
            y,
            loss=losses.get(p["loss"]["name"], **loss),
            optimizer=p["optimizer"]["name"],
            step_size=step,
            n_steps=40,
            batch_size=7,
            init="normal",
            rng=cell.rng,
        )
        assert row["cell"] == cell.id
        assert (row["status"], row["final_step"]) == (path.status, 40)
        for name in ("loss", "margin", "norm_ratio", "direction_error"):
            assert row["final_loss" if name == "loss" else name] == getattr(path, name)[-1]
        assert (row["lower"], row["upper"]) == (path.bracket.lower[-1], path.bracket.upper[-1])
        arrays = unpack_arrays((tmp_path / "s" / "cells" / f"{cell.id}.npz").read_bytes(), "x")
        assert arrays["W"].tobytes() == path.coef.tobytes()
        assert arrays["steps"].tobytes() == path.steps.tobytes()
    assert len(result.frame()) == 16
    assert str(result).splitlines()[0] == "Sweep 'quick': 16 of 16 cells done."
    assert repr(result) == "<SweepResult: Sweep 'quick': 16 of 16 cells done>"


def test_the_table_and_the_times(tmp_path, config):
    pyarrow = pytest.importorskip("pyarrow.parquet")
    result = sweep(config, tmp_path / "s")
    with open(tmp_path / "s" / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS
    assert "seconds" not in COLUMNS
    table = pyarrow.read_table(tmp_path / "s" / "table.parquet").to_pylist()
    for line, row, columns in zip(lines, result.rows, table, strict=True):
        assert {name: row[name] for name in COLUMNS} == columns
        for name in COLUMNS:
            assert line[name] == str(row[name])
    with open(tmp_path / "s" / "timings.csv", newline="") as file:
        times = {line["cell"]: float(line["seconds"]) for line in csv.DictReader(file)}
    assert times.keys() == {row["cell"] for row in result.rows}
    assert all(one >= 0.0 for one in times.values())
    assert sorted(os.listdir(tmp_path / "s")) == [
        "cells",
        "config.json",
        "table.csv",
        "table.parquet",
        "timings.csv",
    ]


def test_sec007_no_text_of_the_table_is_run_by_a_spreadsheet():
    for text in ("=1+1", "+1", "-1", "@A1", "\t=1"):
        line = list(csv.reader(as_csv([{"data": text, "final_loss": -1.5}]).splitlines()))[1]
        assert line[COLUMNS.index("data")] == "'" + text
        assert line[COLUMNS.index("final_loss")] == "-1.5"


def test_what_does_not_exist_is_empty(tmp_path):
    config = {"losses": ["cross_entropy"], "optimizers": ["gd"], "n_steps": 5}
    result = sweep({**config, "data": [{"n": 40, "d": 1, "K": 4, "separation": 0.0}]}, tmp_path / "s")
    assert result.rows[0]["direction_error"] is None
    assert (tmp_path / "s" / "table.csv").read_text().splitlines()[1].endswith(",,")
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("n_workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_eng006_pro011_loky_gives_the_same_bytes(tmp_path, config, expected, digest, n_workers):
    sweep(config, tmp_path / "s", engine="loky", n_workers=n_workers)
    assert digest(tmp_path / "s") == expected


def test_threads_of_the_driver_are_not_seen(tmp_path, config, digest):
    """On data whose products round by the number of threads."""
    config = {**config, "seeds": 1, "losses": ["cross_entropy"], "optimizers": ["gd"], "batch_size": 250}
    config["data"] = [{"n": 300, "d": 1200, "K": 3, "separation": 5.0}]
    for n_threads in (1, 2):
        with threadpool_limits(limits=n_threads, user_api="blas"):
            sweep({**config, "n_steps": 3}, tmp_path / str(n_threads))
    assert digest(tmp_path / "1") == digest(tmp_path / "2")


@pytest.mark.slow
def test_eng006_the_order_in_which_cells_end_is_not_seen(tmp_path, config, expected, digest, loky_engine):
    sweep(config, tmp_path / "s", engine=Shuffled(loky_engine, ""))
    assert digest(tmp_path / "s") == expected


def test_eng001_eng003_dask_with_a_worker_killed_gives_the_same_bytes(tmp_path, config, expected, digest, dask_engine):
    cell = cells_of(read_config(config))[5].id
    result = sweep(config, tmp_path / "s", engine=Poisoned(dask_engine, cell, str(tmp_path / "died")))
    assert (tmp_path / "died").exists()
    assert not result.failures
    assert digest(tmp_path / "s") == expected


def test_pro011_cells_done_twice_are_equal_bytes(tmp_path, config, expected, digest):
    """Half of the cells are lost; the others are kept as they are."""
    sweep(config, tmp_path / "s")
    cells = [one.id for one in cells_of(read_config(config))]
    for cell in cells[::2]:
        (tmp_path / "s" / "cells" / f"{cell}.json").unlink()
    kept = {cell: (tmp_path / "s" / "cells" / f"{cell}.npz").stat().st_mtime_ns for cell in cells[1::2]}
    told = []
    result = sweep(config, tmp_path / "s", resume=True, progress=lambda *words: told.append(words))
    assert result.n_found == 8
    assert told[0] == (8, 16, None)
    assert [one[0] for one in told] == list(range(8, 17))
    assert told[-1][2] == 0.0
    assert digest(tmp_path / "s") == expected
    for cell, moment in kept.items():
        assert (tmp_path / "s" / "cells" / f"{cell}.npz").stat().st_mtime_ns == moment


def test_pro012_a_damaged_cell_is_computed_again(tmp_path, config, expected, digest):
    sweep(config, tmp_path / "s")
    cells = [one.id for one in cells_of(read_config(config))]
    folder = tmp_path / "s" / "cells"
    (folder / f"{cells[0]}.npz").write_bytes((folder / f"{cells[0]}.npz").read_bytes()[:-1] + b"x")
    (folder / f"{cells[1]}.npz").unlink()
    (folder / f"{cells[2]}.json").write_text("{")
    (folder / f"{cells[3]}.json").write_text("[]")
    (folder / ".marginscope-orphan").write_text("half")
    with open(tmp_path / "s" / "timings.csv", "a") as file:
        file.write("torn")
    assert sweep(config, tmp_path / "s", resume=True).n_found == 12
    assert digest(tmp_path / "s") == expected
    assert len((tmp_path / "s" / "timings.csv").read_text().splitlines()) == 1 + 16 + 4
    assert "torn" not in (tmp_path / "s" / "timings.csv").read_text()


class Killed(BaseException):
    """Stands for SIGKILL."""


def test_pro004_killed_between_arrays_and_numbers(tmp_path, config, expected, digest, monkeypatch):
    """The cell is not done without its numbers, and no cell is lost."""
    for n in (1, 3, 4):
        with monkeypatch.context() as patch:
            numbers = []
            real = os.replace

            def replace(source, target, numbers=numbers, n=n, real=real):
                if target.parent.name == "cells" and target.suffix == ".json":
                    numbers.append(target)
                    if len(numbers) == n:
                        raise Killed
                return real(source, target)

            patch.setattr(os, "replace", replace)
            with pytest.raises(Killed):
                sweep(config, tmp_path / "s", resume=True)
        assert numbers[-1].with_suffix(".npz").exists()
        assert not numbers[-1].exists()
    assert sweep(config, tmp_path / "s", resume=True).n_found == 0 + 2 + 3
    assert digest(tmp_path / "s") == expected


@pytest.mark.parametrize("name", ["loky", pytest.param("dask", marks=pytest.mark.slow)])
def test_pro015_eng002_a_cell_that_kills_its_worker_is_reported_and_the_rest_goes_on(
    request, tmp_path, config, expected, digest, name
):
    engine = request.getfixturevalue(f"{name}_engine")
    cell = cells_of(read_config(config))[4].id
    result = sweep(config, tmp_path / "s", engine=Poisoned(engine, cell))
    assert list(result.failures) == [cell]
    assert result.failures[cell].attempts == 3
    assert [row["status"] for row in result.rows].count("failed") == 1
    assert f"cell {cell} failed (tried 3 times): its worker died" in str(result)
    assert json.loads((tmp_path / "s" / "failures.json").read_text())[cell]["attempts"] == 3
    # cured, the same directory becomes the sweep that never failed
    assert not sweep(config, tmp_path / "s", resume=True).failures
    assert digest(tmp_path / "s") == expected
    assert not (tmp_path / "s" / "failures.json").exists()


def test_pro014_a_cell_that_needs_more_memory_than_there_is(tmp_path):
    huge = {"name": "huge", "n": 10**9, "d": 10**6, "K": 2, "separation": 1.0}
    small = {"name": "small", "n": 12, "d": 2, "K": 2, "separation": 1.0}
    config = {"losses": ["cross_entropy"], "optimizers": ["gd"], "n_steps": 5, "data": [huge, small]}
    result = sweep(config, tmp_path / "s")
    assert [row["status"] for row in result.rows] == ["failed", "completed"]
    (failure,) = result.failures.values()
    assert re.search(r"more memory was needed than there is \(Unable to allocate .*iB", failure.cause)


def test_a_cell_whose_parameters_do_not_go_together(tmp_path):
    config = {
        "losses": ["polynomial", "cross_entropy"],
        "optimizers": ["gd"],
        "n_steps": 5,
        "batch_size": 13,
        "data": [
            {"name": "few", "n": 12, "d": 2, "K": 2, "separation": 1.0},
            {"name": "more", "n": 13, "d": 2, "K": 2, "separation": 1.0},
        ],
    }
    result = sweep(config, tmp_path / "s")
    assert [row["status"] for row in result.rows[:2]] == ["failed", "failed"]
    assert all("batch_size" in one.cause for one in result.failures.values())
    assert result.rows[3]["status"] == "completed"


def test_pro009_pro010_the_directory_is_guarded(tmp_path, config):
    config = {**config, "optimizers": ["gd"], "losses": ["cross_entropy"], "seeds": 1}
    sweep(config, tmp_path / "s")
    with pytest.raises(UsageError, match="resume it"):
        sweep(config, tmp_path / "s")
    with pytest.raises(ConfigMismatch, match="n_steps") as caught:
        sweep({**config, "n_steps": 41}, tmp_path / "s", resume=True)
    assert caught.value.keys == ("n_steps",)
    lock = RunLock(tmp_path / "s")
    with pytest.raises(RunLocked):
        sweep(config, tmp_path / "s", resume=True)
    lock.release()
    assert sweep({**config, "n_steps": 41}, tmp_path / "s", overwrite=True).n_found == 0


def test_pro008_the_place_is_probed_before_anything_is_computed(tmp_path, config, monkeypatch):
    monkeypatch.setattr("marginscope.sweeps.sweep.open_engine", lambda *words, **more: pytest.fail("too late"))
    for wrong in (tmp_path / "no" / "s", tmp_path / "file"):
        (tmp_path / "file").write_text("x")
        with pytest.raises(IOFault):
            sweep(config, wrong)


def table(tmp_path, shift=0.0):
    rng = np.random.default_rng(0)
    rows = [f"{a + shift},{b},{'xyz'[i % 3]}" for i, (a, b) in enumerate(rng.standard_normal((30, 2)))]
    (tmp_path / "t.csv").write_text("a,b,label\n" + "\n".join(rows) + "\n")
    return {"name": "t", "file": str(tmp_path / "t.csv"), "target": "label"}


def test_a_file_is_known_by_its_bytes(tmp_path):
    config = {"losses": ["cross_entropy"], "optimizers": ["gd"], "n_steps": 5, "data": [table(tmp_path)]}
    first = sweep(config, tmp_path / "s")
    assert first.rows[0]["status"] == "completed"
    (tmp_path / "moved").mkdir()
    (tmp_path / "t.csv").rename(tmp_path / "moved" / "t.csv")
    moved = {**config, "data": [{**config["data"][0], "file": str(tmp_path / "moved" / "t.csv")}]}
    assert sweep(moved, tmp_path / "s", resume=True).n_found == 1
    table(tmp_path, shift=1.0)
    with pytest.raises(ConfigMismatch) as caught:
        sweep(config, tmp_path / "s", resume=True)
    assert caught.value.keys == ("data.t", "data_sha256")
    # neither path nor user in what is kept
    assert str(tmp_path) not in "".join(path.read_text() for path in (tmp_path / "s").rglob("*.json"))


def test_a_file_that_changes_during_the_sweep_fails_its_cells(tmp_path):
    config = {"losses": ["cross_entropy"], "optimizers": ["gd"], "n_steps": 5, "data": [table(tmp_path)]}
    checked = read_config(config)
    table(tmp_path, shift=1.0)
    rows_of.cache_clear()
    with pytest.raises(DataError, match="changed since"):
        rows_of(canonical(checked.data[0].spec), checked.data[0].path, 0)


def test_what_a_file_cannot_be_is_told_before_anything_is_computed(tmp_path):
    config = {"losses": ["cross_entropy"], "optimizers": ["gd"], "n_steps": 5}
    with pytest.raises(UsageError):
        sweep({**config, "data": [{"file": str(tmp_path / "none.csv"), "target": "y"}]}, tmp_path / "s")
    (tmp_path / "x.csv").write_text("a,y\n1,u\n")
    with pytest.raises(DataError):
        sweep({**config, "data": [{"file": str(tmp_path / "x.csv"), "target": "y"}]}, tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_long_cells_are_saved_on_the_way_and_cleaned_up(tmp_path, config, monkeypatch):
    monkeypatch.setattr("marginscope.sweeps.cell_run._WORTH_SAVING", 10)
    config = {**config, "seeds": 1, "losses": ["cross_entropy"]}
    plain = sweep(config, tmp_path / "a")
    monkeypatch.setattr("marginscope.sweeps.cell_run._WORTH_SAVING", 10**9)
    saved = sweep(config, tmp_path / "b")
    assert plain.rows == saved.rows
    assert not (tmp_path / "a" / "work").exists()
    # what an interrupted run of another version left does no harm
    cell = cells_of(read_config(config))[0]
    (tmp_path / "c").mkdir()
    monkeypatch.setattr("marginscope.sweeps.cell_run._WORTH_SAVING", 10)
    from marginscope.sweeps.cell_run import CellTask, run_cell

    (tmp_path / "c" / cell.id).mkdir()
    (tmp_path / "c" / cell.id / "config.json").write_text("{")
    value = run_cell(CellTask(cell, tmp_path / "c" / cell.id, 0.0))
    assert value.numbers["final_loss"] == saved.rows[0]["final_loss"]
