"""A configuration means what it says, or is refused with the key's name."""

from __future__ import annotations

import pytest

from marginscope.exceptions import DataError, UsageError
from marginscope.sweeps.cells import cells_of
from marginscope.sweeps.config import read_config
from marginscope.sweeps.data import canonical, rows_of

DATA = [{"n": 12, "d": 2, "K": 3, "separation": 4.0}]
LEAST = {"losses": ["cross_entropy"], "optimizers": ["gd"], "n_steps": 10, "data": DATA}


def test_the_least_and_its_defaults():
    config = read_config(LEAST)
    assert config.axes == {
        "seed": [0],
        "loss": [{"name": "cross_entropy"}],
        "optimizer": [{"name": "gd"}],
        "step_size": ["theory"],
    }
    assert config.shared == {
        "n_steps": 10,
        "record": "log",
        "batch_size": None,
        "fit_intercept": False,
        "init": "zero",
        "kernel": "auto",
    }
    assert config.data[0].name == "gaussian-n12-d2-K3-s4"


def test_the_grid_is_the_product_and_every_cell_is_another(config):
    config["data"] = [*DATA, {"n": 12, "d": 2, "K": 3, "separation": 5.0}]
    config["seeds"] = 3
    cells = cells_of(read_config(config))
    assert len(cells) == 2 * 3 * 2 * 2 * 2
    assert len({one.id for one in cells}) == len(cells)
    assert len({one.rng for one in cells}) == len(cells)
    assert [one.parameters["seed"] for one in cells[:9]] == [0] * 8 + [1]
    assert {tuple(one.labels()) for one in cells} == {("cell", "seed", "data", "loss", "optimizer", "step_size")}


def test_a_cell_is_named_by_what_decides_it(monkeypatch):
    first = cells_of(read_config(LEAST))[0]
    alike = [
        {**LEAST, "name": "another"},
        {**LEAST, "seeds": [0, 1], "optimizers": ["adam", "gd"]},
        {**LEAST, "data": [{**DATA[0], "name": "other", "separation": 4}]},
    ]
    assert all(first.id in {one.id for one in cells_of(read_config(config))} for config in alike)
    different = [
        {"n_steps": 11},
        {"seeds": [1]},
        {"losses": ["exponential"]},
        {"optimizers": [{"name": "momentum", "momentum": 0.5}]},
        {"step_sizes": [0.1]},
        {"batch_size": 3},
        {"record": 2},
        {"init": "normal"},
        {"kernel": "numpy"},
        {"fit_intercept": True},
        {"data": [{**DATA[0], "n": 13}]},
    ]
    names = {first.id, *(cells_of(read_config({**LEAST, **one}))[0].id for one in different)}
    assert len(names) == len(different) + 1
    monkeypatch.setattr("marginscope.sweeps.cells.package_versions", lambda: {"marginscope": "0.0.1"})
    assert cells_of(read_config(LEAST))[0].id not in names


def test_seeds_draw_other_data_and_losses_share_them():
    spec = canonical(read_config(LEAST).data[0].spec)
    (X, y), (Z, _) = rows_of(spec, None, 0), rows_of(spec, None, 1)
    rows_of.cache_clear()
    again, _ = rows_of(spec, None, 0)
    assert X.tobytes() == again.tobytes() != Z.tobytes()
    assert X.shape == (12, 2)
    assert sorted(y.tolist()) == [0] * 4 + [1] * 4 + [2] * 4


def test_separation_separates():
    """Centres at a distance of 1e6: every row is next to that of its class."""
    X, y = rows_of(canonical({"generator": "gaussian/1", "n": 60, "d": 8, "K": 3, "separation": 1e6}), None, 0)
    centres = [X[y == k].mean(axis=0) for k in range(3)]
    assert all(abs((centre @ centre) ** 0.5 - 1e6) < 10 for centre in centres)
    distances = [[((x - centre) @ (x - centre)) for centre in centres] for x in X]
    assert [min(range(3), key=one.__getitem__) for one in distances] == y.tolist()


# SEC012: what is wrong, and what the message must name
WRONG = {
    "unknown key": ({"lossses": []}, "did you mean 'losses'"),
    "unknown key of data": ({"data": [{**DATA[0], "seperation": 1}]}, "did you mean 'separation'"),
    "unknown key of a file": ({"data": [{"file": "x.csv", "target": "y", "delimeter": ","}]}, "'delimiter'"),
    "unknown loss": ({"losses": ["cross_entropi"]}, "cross_entropy"),
    "unknown parameter": ({"losses": [{"name": "focal", "gama": 2.0}]}, "gama"),
    "unknown optimizer": ({"optimizers": ["adams"]}, "adam"),
    "parameter out of range": ({"optimizers": [{"name": "momentum", "momentum": 1.5}]}, "momentum"),
    "parameter of another type": ({"losses": [{"name": "focal", "gamma": "2"}]}, r"losses\[0\]\.gamma"),
    "loss without a name": ({"losses": [{"gamma": 2.0}]}, r"losses\[0\]"),
    "no list": ({"losses": "cross_entropy"}, "losses"),
    "empty": ({"optimizers": []}, "optimizers"),
    "twice": ({"losses": ["focal", "focal"]}, "twice"),
    "seed below zero": ({"seeds": [-1]}, "seeds"),
    "seed as text": ({"seeds": ["1"]}, "seeds"),
    "no seeds": ({"seeds": 0}, "seeds"),
    "seed twice": ({"seeds": [1, 1]}, "seeds"),
    "steps as text": ({"n_steps": "10"}, "n_steps"),
    "steps as flag": ({"n_steps": True}, "n_steps"),
    "too many steps": ({"n_steps": 10**13}, "n_steps"),
    "step size below zero": ({"step_sizes": [-0.1]}, "step_sizes"),
    "step size infinite": ({"step_sizes": [float("inf")]}, "step_sizes"),
    "step size of three": ({"step_sizes": [[1.0, 2.0, 3.0]]}, "step_sizes"),
    "record": ({"record": "often"}, "record"),
    "batch": ({"batch_size": 0}, "batch_size"),
    "start": ({"init": "norml"}, "did you mean 'normal'"),
    "kernel": ({"kernel": "portible"}, "did you mean 'portable'"),
    "intercept": ({"fit_intercept": 1}, "fit_intercept"),
    "fewer rows than classes": ({"data": [{**DATA[0], "n": 2}]}, r"data\[0\]\.n"),
    "separation missing": ({"data": [{"n": 9, "d": 1, "K": 2}]}, r"data\[0\]\.separation"),
    "data no table": ({"data": ["x.csv"]}, r"data\[0\]"),
    "target missing": ({"data": [{"file": "x.csv"}]}, "target"),
    "names alike": ({"data": [{**DATA[0], "name": "a"}, {**DATA[0], "d": 3, "name": "a"}]}, "'a' stands twice"),
    "too many cells": ({"seeds": 10**6, "optimizers": ["gd", "adam"]}, "split"),
    "SEC008 name": ({"name": "../../x"}, "plainer"),
    "SEC008 name of data": ({"data": [{**DATA[0], "name": "a/b"}]}, "plainer"),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_sec012_a_key_that_is_wrong_is_named(case):
    changes, match = WRONG[case]
    with pytest.raises(UsageError, match=match) as caught:
        read_config({**LEAST, **changes})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("key", ["losses", "optimizers", "n_steps", "data"])
def test_sec012_a_key_that_is_missing_is_named(key):
    with pytest.raises(UsageError, match=key):
        read_config({name: value for name, value in LEAST.items() if name != key})


def test_the_same_data_twice():
    with pytest.raises(DataError, match="the same"):
        read_config({**LEAST, "data": [DATA[0], {**DATA[0], "name": "b"}]})


TOML = """\
losses = ["cross_entropy"]
optimizers = ["gd"]
n_steps = 10
[[data]]
n = 12
d = 2
K = 3
separation = 4
"""


def test_a_file_is_its_mapping(tmp_path):
    (tmp_path / "a.toml").write_text(TOML)
    assert read_config(tmp_path / "a.toml").flat() == read_config(LEAST).flat()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (TOML.replace("n_steps = 10", "n_steps = 10\nn_steps = 11"), "n_steps = 11"),
        ("losses = [", "TOML"),
        ("a = " + "[" * 5000 + "]" * 5000, "TOML|deep"),
        (TOML.replace("separation = 4", "separation = 1e400"), "separation"),
        ("\x00", "TOML"),
        ("x = '" + "a" * 1_000_001 + "'", "bytes"),
    ],
    ids=["doubled key", "cut off", "deep", "1e400", "NUL", "huge"],
)
def test_sec011_sec012_text_that_is_no_configuration(tmp_path, text, match):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UsageError, match=match):
        read_config(tmp_path / "a.toml")


def test_sec011_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(UsageError, match="TOML"):
        read_config(tmp_path / "a.toml")


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.YAML"])
def test_sec011_yaml_is_refused(tmp_path, name):
    (tmp_path / name).write_text("losses: !!python/object/apply:os.system ['true']")
    with pytest.raises(UsageError, match="TOML"):
        read_config(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="there is none"):
        read_config(tmp_path / "a.toml")


@pytest.mark.parametrize(
    "options",
    [{"drop": "a"}, {"drop": [1.5]}, {"header": "no"}, {"missing": [1]}, {"delimiter": 3}, {"encoding": ""}],
    ids=str,
)
def test_options_of_the_reader_are_checked(tmp_path, options):
    (tmp_path / "x.csv").write_text("a,y\n1,u\n2,v\n")
    (key,) = options
    with pytest.raises(UsageError, match=rf"data\[0\]\.{key}"):
        read_config({**LEAST, "data": [{"file": str(tmp_path / "x.csv"), "target": "y", **options}]})
