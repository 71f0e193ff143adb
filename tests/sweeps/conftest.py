"""A sweep of a second, its bytes, and real engines."""

import hashlib
import sys
from pathlib import Path

import pytest

from marginscope.distributed.engine import open_engine

sys.path.insert(0, str(Path(__file__).parents[1] / "engines"))

CONFIG = {
    "name": "quick",
    "seeds": [0, 3],
    "losses": ["cross_entropy", {"name": "focal", "gamma": 2.0}],
    "optimizers": ["gd", "adam"],
    "step_sizes": ["theory", [0.05, 0.5]],
    "batch_size": 7,
    "n_steps": 40,
    "init": "normal",
    "data": [{"name": "clouds", "n": 24, "d": 3, "K": 3, "separation": 5.0}],
}


def bytes_of(folder):
    """The SHA-256 of everything that a sweep promises: tables, arrays and numbers."""
    found = {}
    for path in sorted([*folder.glob("table.*"), *folder.glob("cells/*")]):
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture
def config():
    return dict(CONFIG)


@pytest.fixture
def digest():
    return bytes_of


@pytest.fixture(scope="session")
def expected(tmp_path_factory):
    """What the sweep gives in one process."""
    from marginscope.sweeps.sweep import sweep

    folder = tmp_path_factory.mktemp("sweeps") / "serial"
    result = sweep(CONFIG, folder)
    assert not result.failures
    return bytes_of(folder)


@pytest.fixture(scope="session")
def loky_engine():
    with open_engine("loky", n_workers=2) as engine:
        yield engine


@pytest.fixture(scope="session")
def dask_engine():
    pytest.importorskip("distributed")
    with open_engine("dask", n_workers=2) as engine:
        yield engine
