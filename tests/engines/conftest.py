"""Engines for tests: real workers, ended after the module."""

import contextlib

import pytest

from marginscope.distributed.engine import open_engine


@pytest.fixture(scope="session")
def dask_engine():
    """A real cluster of two processes, shared: starting one takes seconds."""
    pytest.importorskip("distributed")
    with open_engine("dask", n_workers=2) as engine:
        yield engine


@pytest.fixture(scope="session")
def loky_engine():
    with open_engine("loky", n_workers=2) as engine:
        yield engine


@pytest.fixture
def engine(request):
    """The engine that a parameter names."""
    if request.param == "serial":
        return contextlib.nullcontext(open_engine("serial")).__enter__()
    return request.getfixturevalue(f"{request.param}_engine")
