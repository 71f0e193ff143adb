"""Small data and models that all tests of this folder share."""

import numpy as np
import pytest
from sklearn.datasets import load_wine
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session")
def wine():
    X, y = load_wine(return_X_y=True)
    return X, np.array(["chi", "alpha", "beta"])[y]


@pytest.fixture(scope="session")
def labels():
    return np.array(["alpha", "beta", "chi"])


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    # OpenMP threads wait for each other busily: on a shared machine that costs more than it gains.
    with threadpool_limits(limits=1):
        yield
