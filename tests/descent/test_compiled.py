"""Compiled descent against steps of the objective, and its promises about bytes."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope import losses
from marginscope.descent.compiled import compiled_descent
from marginscope.exceptions import UsageError
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective

TEMPLATES = ["cross_entropy", "pair_logistic", "exponential"]
every_template = pytest.mark.parametrize("template", TEMPLATES)
every_kernel = pytest.mark.parametrize("kernel", ["fast", "portable"])

# of W after 2000 steps of each template, made on x86-64
GOLDEN = {
    "float64": "72350473e863dfa1d81814a19906d5d4fb1cf907e7543e3307cf49ac51032d09",
    "float32": "dcd89c2d93eb14f454c251729a15b616a946d5d328046ebbce32eecb4b4df387",
}


def problem(n, d, k, seed=0):
    """Rows that a random linear map labels, some of them on the wrong side."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    scores = X @ rng.normal(size=(d, k)) + 0.3 * rng.normal(size=(n, k))
    return X, scores.argmax(axis=1), rng


def objective(template, n=100, d=10, k=3, seed=0, **settings):
    X, y, _ = problem(n, d, k, seed)
    return LinearObjective(losses.get(template), X, y, k, **settings)


def adjustments(n, k):
    rng = np.random.default_rng(9)
    sample_weights = rng.uniform(0.5, 2.0, n)
    sample_weights[::5] = 0.0
    one = {
        "margins": rng.uniform(0.5, 2.0, k),
        "scales": rng.uniform(0.5, 2.0, k),
        "shifts": rng.normal(size=k),
        "own_shifts": rng.normal(size=k),
        "class_weights": rng.uniform(0.5, 2.0, k),
        "sample_weights": sample_weights,
    }
    return [{name: value} for name, value in one.items()] + [one]


def by_numpy(objective, W, step_size, n_steps):
    for _ in range(n_steps):
        W = W - step_size * objective.gradient(W)
    return W


def safe_step(objective):
    return 0.2 / np.linalg.norm(objective.X, 2) ** 2


@every_kernel
@every_template
def test_ten_thousand_steps_as_numpy_takes_them(template, kernel):
    one = objective(template)
    step_size = safe_step(one)
    W = compiled_descent(one, kernel=kernel)(np.zeros((3, 10)), step_size, 10_000)
    expected = by_numpy(one, np.zeros((3, 10)), step_size, 10_000)
    assert np.abs(W - expected).max() <= 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("kind", range(7))
@every_template
def test_every_adjustment_with_an_intercept(template, kind):
    adjustment = Adjustment(**adjustments(60, 4)[kind])
    one = objective(template, 60, 5, 4, seed=1, adjustment=adjustment, fit_intercept=True)
    start = np.random.default_rng(2).normal(size=(4, 6)) * 0.1
    W = compiled_descent(one)(start, safe_step(one), 300)
    expected = by_numpy(one, start, safe_step(one), 300)
    np.testing.assert_allclose(W, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


# two classes, more rivals than registers, more features than are written out, classes of one row
@pytest.mark.parametrize("shape", [(17, 1, 2), (90, 3, 20), (60, 150, 4), (40, 33, 13)], ids=str)
@every_kernel
def test_sizes_at_the_edges_of_the_tiles(shape, kernel):
    one = objective("cross_entropy", *shape)
    start = np.random.default_rng(3).normal(size=one.shape) * 0.1
    W = compiled_descent(one, kernel=kernel)(start, safe_step(one), 50)
    expected = by_numpy(one, start, safe_step(one), 50)
    np.testing.assert_allclose(W, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_a_class_without_rows():
    X, y, _ = problem(30, 4, 3)
    one = LinearObjective(losses.get("pair_logistic"), X, np.where(y == 1, 0, y), 3)
    W = compiled_descent(one)(np.zeros((3, 4)), 0.01, 50)
    np.testing.assert_allclose(W, by_numpy(one, np.zeros((3, 4)), 0.01, 50), rtol=0, atol=1e-14)


@every_template
def test_rows_far_on_the_wrong_side(template):
    one = objective(template)
    scale = 1.0 if template == "exponential" else 2000.0  # whose weights would overflow
    start = scale * np.random.default_rng(4).normal(size=(3, 10))
    step_size = 1e-12 if template == "exponential" else 1e-6
    assert one.margins(start).min() < (-3.0 if template == "exponential" else -5000.0)
    W = compiled_descent(one)(start, step_size, 20)
    expected = by_numpy(one, start, step_size, 20)
    np.testing.assert_allclose(W - start, expected - start, rtol=0, atol=1e-11 * np.abs(start).max())


@every_kernel
@every_template
def test_single_precision(template, kernel):
    one = objective(template)
    W = compiled_descent(one, kernel=kernel, dtype=np.float32)(np.zeros((3, 10)), safe_step(one), 200)
    assert W.dtype == np.float32
    expected = by_numpy(one, np.zeros((3, 10)), safe_step(one), 200)
    np.testing.assert_allclose(W, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


def test_steps_that_diverge_end_as_no_numbers():
    one = objective("exponential")
    W = compiled_descent(one)(np.zeros((3, 10)), 10.0, 200)
    assert not np.isfinite(W).all()


@every_kernel
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_going_on_gives_the_bytes_of_one_run(kernel, dtype):
    descend = compiled_descent(objective("cross_entropy"), kernel=kernel, dtype=dtype)
    W = np.random.default_rng(5).normal(size=(4, 3, 10))
    sizes = [0.001, 0.002, 0.003, 0.004]
    whole = descend(W, sizes, 500)
    parts = W
    for n_steps in (1, 0, 123, 376):
        parts = descend(parts, sizes, n_steps)
    assert whole.tobytes() == parts.tobytes()
    alone = np.stack([descend(one, size, 500) for one, size in zip(W, sizes, strict=True)])
    assert whole.tobytes() == alone.tobytes()


def test_the_number_of_threads_changes_no_bit():
    W = np.random.default_rng(6).normal(size=(23, 3, 10))
    sizes = np.linspace(0.001, 0.01, 23)
    one = objective("pair_logistic")
    found = {compiled_descent(one, n_threads=n)(W, sizes, 400).tobytes() for n in (1, 2, 5, None)}
    assert len(found) == 1
    assert len(compiled_descent(one, n_threads=5)._parts(23, 400)) > 5


def test_it_can_be_sent_to_another_process():
    descend = compiled_descent(objective("cross_entropy"), n_threads=2)
    W = np.random.default_rng(6).normal(size=(23, 3, 10))
    expected = descend(W, 0.001, 400)
    assert "_pool" in vars(descend)
    assert pickle.loads(pickle.dumps(descend))(W, 0.001, 400).tobytes() == expected.tobytes()


def test_every_run_with_data_of_its_own():
    several = [objective("cross_entropy", n, 10, 3, seed=n) for n in (50, 100, 77)]
    descend = compiled_descent(several, n_threads=2)
    W = np.random.default_rng(7).normal(size=(3, 3, 10))
    together = descend(W, 0.002, 5000)
    for one, start, end in zip(several, W, together, strict=True):
        assert compiled_descent(one)(start, 0.002, 5000).tobytes() == end.tobytes()
    mixed = [several[0], objective("cross_entropy", adjustment=Adjustment(margins=[1.0, 2.0, 1.0]))]
    together = compiled_descent(mixed)(W[:2], 0.002, 100)
    for one, start, end in zip(mixed, W, together, strict=False):
        np.testing.assert_allclose(end, by_numpy(one, start, 0.002, 100), rtol=1e-12)


def portable_bytes(dtype):
    """Return the hash of many steps on raw integers, so that no random stream of NumPy is in it."""
    bits = np.random.PCG64(0).random_raw(60 * 5).reshape(60, 5)
    X = (bits >> np.uint64(40)).astype(float) / 2.0**23 - 1.0
    y = (np.arange(60) * 7 % 11 % 4).astype(np.intp)
    X[np.arange(60), y] += 1.0
    total = hashlib.sha256()
    sixths = np.arange(1.0, 5.0) / 6.0
    adjusted = Adjustment(
        margins=sixths + 0.5,
        scales=1.5 - sixths,
        shifts=sixths,
        class_weights=sixths,
        sample_weights=np.arange(60) / 30,
    )
    for template in TEMPLATES:
        for adjustment in (None, adjusted):
            one = LinearObjective(losses.get(template), X, y, 4, adjustment=adjustment)
            W = compiled_descent(one, kernel="portable", dtype=dtype)(np.zeros((4, 5)), 0.01, 2000)
            assert np.abs(W).max() > 0.5
            total.update(W.astype(W.dtype.newbyteorder("<")).tobytes())
    return total.hexdigest()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_portable_kernel_gives_the_committed_bytes(dtype):
    assert portable_bytes(dtype) == GOLDEN[dtype]


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
        {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"},
        {"NUMBA_OPT": "0"},
        {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX", "OPENBLAS_CORETYPE": "Prescott"},
    ],
    ids=["generic", "haswell", "not optimised", "another NumPy"],
)
def test_another_processor_gives_the_committed_bytes(settings, tmp_path):
    program = "import sys; sys.path.insert(0, sys.argv[1]); import test_compiled as t; "
    program += "print(t.portable_bytes('float64'), t.portable_bytes('float32'))"
    environment = {**os.environ, **settings, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, os.path.dirname(__file__)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [GOLDEN["float64"], GOLDEN["float32"]]


def test_what_has_no_compiled_descent():
    one = objective("cross_entropy")
    X, y = one.X, one.y
    assert compiled_descent(objective("cross_entropy", ridge=0.1)) is None
    assert compiled_descent(objective("focal")) is None
    assert compiled_descent(LinearObjective(one.template, sp.csr_array(X), y, 3)) is None
    assert compiled_descent(objective("cross_entropy", 20_000, 10, 3)) is None
    assert compiled_descent([one, objective("cross_entropy", ridge=0.1)]) is None


def test_misuse_is_refused():
    one = objective("cross_entropy")
    descend = compiled_descent(one)
    for W in (np.zeros((3, 9)), np.zeros((2, 2, 3, 10)), np.zeros(30)):
        with pytest.raises(UsageError, match="W needs the shape"):
            descend(W, 0.1, 1)
    with pytest.raises(UsageError, match="descent does not go back"):
        descend(np.zeros((3, 10)), 0.1, -1)
    with pytest.raises(UsageError, match="W needs the shape"):
        compiled_descent([one, one])(np.zeros((3, 3, 10)), 0.1, 1)
    with pytest.raises(UsageError, match="known kernel"):
        compiled_descent(one, kernel="quick")
    with pytest.raises(UsageError, match="float64 or float32"):
        compiled_descent(one, dtype=np.int64)
    with pytest.raises(UsageError, match="one template and shape"):
        compiled_descent([one, objective("pair_logistic")])
    with pytest.raises(UsageError, match="got none"):
        compiled_descent([])
