import numpy as np
import pytest
import scipy.sparse as sp

import marginscope as ms
from marginscope.descent.step_size import StepSize
from marginscope.exceptions import DataError, UsageError
from marginscope.losses.adjust import Adjustment
from oracles.descent_data import separable


def test_the_contract_of_a_trajectory():
    X, y = separable(0)
    path = ms.descend(X, np.array(["a", "b", "c"])[y], n_steps=1000, norms=["frobenius", "max"])
    n = len(path.steps)
    assert path.steps[0] == 0
    assert path.steps[-1] == 1000
    assert path.coef.shape == (n, 3, 5)
    assert path.intercept is None
    for values in (path.loss, path.log_loss, path.margin, path.bracket.lower, path.bracket.upper, path.norm_ratio):
        assert values.shape == (n,)
    assert path.direction_error.shape == (n,)
    assert path.per_class.share.shape == (n, 3)
    assert path.per_class.conflict.shape == (n, 3, 3)
    assert np.all(np.diff(path.loss) < 0)
    assert np.all(np.diff(path.bracket.upper) <= 0)
    assert path.status == "completed"
    assert path.verify(X, np.array(["a", "b", "c"])[y])
    assert not path.verify(X + 1.0, np.array(["a", "b", "c"])[y])
    assert not path.verify(X, np.array(["a", "c", "b"])[y])
    assert not path.verify(X[:-1], np.array(["a", "b", "c"])[y][:-1])
    assert not path.verify(X, y)
    frame = path.frame()
    assert len(frame) == n
    assert {"step", "loss", "margin", "bracket_upper", "direction_error"} <= set(frame)
    assert path.to_dict()["schema"] == "marginscope.trajectory/1"
    weights = path.dual_weights()
    assert np.isclose(weights.sum(), 1.0)
    assert weights.shape == (40, 3)
    assert path.margins("max")[-1] > 0
    with pytest.raises(UsageError, match="norms="):
        path.margins("nuclear")


def test_descent_goes_to_the_hard_margin():
    X, y = separable(3)
    path = ms.descend(X, y, n_steps=20_000)
    error = path.direction_error
    assert error[-1] < 0.08
    assert error[-1] < 0.6 * error[np.searchsorted(path.steps, 100)]
    assert np.isclose(path.limit.margin, ms.solve_hard_margin(X, y).margin)
    # in the limit R(t) = 1 / (gamma^2 eta t)
    late = path.limit.margin**2 * path.step_size.scale * path.steps[-1] * path.loss[-1]
    assert 0.5 < late < 1.5


def test_the_direction_error_is_that_of_the_definition():
    X, y = separable(2)
    path = ms.descend(X, y, n_steps=50, init="normal", rng=3)
    W = path.coef[-1] - path.coef[-1].mean(axis=0)
    best = ms.solve_hard_margin(X, y).coef
    expected = np.linalg.norm(W / np.linalg.norm(W) - best / np.linalg.norm(best))
    assert np.isclose(path.direction_error[-1], expected, rtol=1e-6)


def test_data_that_do_not_separate_have_no_limit():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 2)), rng.integers(0, 3, 60)
    path = ms.descend(X, y, n_steps=2000)
    assert path.status == "stationary"
    assert path.limit.status == "infeasible"
    assert np.isnan(path.norm_ratio).all()
    assert np.isnan(path.direction_error).all()
    assert np.isnan(path.margin_gap_ratio).all()
    assert "not all rows are separated" in str(path)
    assert path.verify(X, y)


def test_adjustments_move_the_limit_and_the_bracket_follows():
    X, y = separable(3)
    margins = {0: 1.0, 1: 3.0, 2: 1.0}
    path = ms.descend(X, y, n_steps=3000, class_margins=margins)
    assert np.isclose(path.limit.margin, ms.solve_hard_margin(X, y, class_margins=margins).margin)
    assert np.all(path.bracket.upper >= path.limit.bracket.lower)
    scaled = ms.descend(X, y, n_steps=3000, class_scales=[1.0, 2.0, 0.5])
    assert np.isclose(scaled.limit.margin, ms.solve_hard_margin(X, y, class_scales=[1.0, 2.0, 0.5]).margin)
    assert scaled.direction_error[-1] < scaled.direction_error[10]
    shifted = ms.descend(X, y, n_steps=3000, adjustment=Adjustment(shifts=[0.0, 1.0, 2.0]))
    assert np.all(shifted.bracket.upper >= shifted.limit.bracket.lower)
    balanced = ms.descend(X, y, n_steps=100, class_weight="balanced")
    counts = np.bincount(y)
    same = ms.descend(X, y, n_steps=100, class_weight=40 / (3 * counts))
    np.testing.assert_array_equal(balanced.coef, same.coef)


def test_rows_of_weight_zero_are_absent():
    X, y = separable(4)
    weight = np.ones(40)
    weight[::4] = 0.0
    kept = weight > 0
    size = 0.01
    one = ms.descend(X, y, sample_weight=weight, n_steps=300, step_size=size)
    other = ms.descend(X[kept], y[kept], n_steps=300, step_size=size)
    np.testing.assert_allclose(one.coef[-1], other.coef[-1], rtol=1e-9)
    assert np.isclose(one.limit.margin, other.limit.margin)


def test_sparse_is_dense_and_an_intercept_is_a_column():
    X, y = separable(5)
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    dense = ms.descend(X, y, n_steps=200, fit_intercept=True)
    sparse = ms.descend(sp.csr_array(X), y, n_steps=200, fit_intercept=True)
    np.testing.assert_allclose(sparse.coef, dense.coef, rtol=1e-8, atol=1e-12)
    column = ms.descend(np.column_stack([X, np.ones(40)]), y, n_steps=200)
    np.testing.assert_allclose(dense.coef, column.coef[..., :-1], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(dense.intercept, column.coef[..., -1], rtol=1e-8, atol=1e-12)
    assert np.isclose(dense.margin[-1], column.margin[-1])


def test_runs_side_by_side_are_the_runs_alone():
    X, y = separable(6)
    sizes = [0.001, 0.01, (0.02, 0.3)]
    path = ms.descend(X, y, n_steps=300, n_runs=3, step_size=sizes)
    assert path.coef.shape[0] == 3
    assert path.status == ["completed"] * 3
    for r, size in enumerate(sizes):
        alone = ms.descend(X, y, n_steps=300, step_size=size)
        np.testing.assert_array_equal(path.coef[r], alone.coef)
        np.testing.assert_array_equal(path.margin[r][1:], alone.margin[1:])


def test_workers_and_seeds(monkeypatch):
    monkeypatch.setattr("marginscope.limits.descend._WORTH_PROCESSES", 10)
    X, y = separable(7)
    parts = {"optimizer": "sgd", "batch_size": 5, "n_runs": 3, "n_steps": 500, "record": [300]}
    one = ms.descend(X, y, **parts, n_jobs=1, rng=5)
    two = ms.descend(X, y, **parts, n_jobs=2, rng=5)
    other = ms.descend(X, y, **parts, n_jobs=1, rng=6)
    np.testing.assert_array_equal(one.coef, two.coef)
    assert not np.array_equal(one.coef, other.coef)
    assert not np.array_equal(one.coef[0], one.coef[1])


def test_a_run_that_ends_early_is_filled_with_nan():
    X, y = separable(8)
    path = ms.descend(X, y, loss="squared_margin", step_size=[1e-4, 10.0], n_runs=2, n_steps=2000)
    assert path.status == ["completed", "diverged"]
    assert np.isnan(path.loss[1][-1])
    assert np.isfinite(path.loss[0][-1])
    assert "diverged" in str(path)
    assert len(path.frame()) < 2 * len(path.steps)
    assert path.verify(X, y)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"loss": "cross_entrpy"}, "did you mean 'cross_entropy'"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"optimizer": 3}, "methods init and step"),
        ({"momentum": 0.5}, "it has none"),
        ({"optimizer": "momentum", "momentum": 1.0}, "below 1"),
        ({"n_steps": -1}, "n_steps needs"),
        ({"n_steps": 2.5}, "n_steps needs"),
        ({"n_steps": True}, "n_steps needs"),
        ({"batch_size": 0}, "batch_size needs"),
        ({"batch_size": 41}, "batch_size needs"),
        ({"n_runs": 2}, "something to differ by"),
        ({"n_runs": 2, "step_size": [0.1]}, "pass n_runs=1"),
        ({"init": np.zeros((2, 5))}, "init needs"),
        ({"init": "zeros"}, "init needs"),
        ({"dtype": "float16"}, "dtype needs"),
        ({"norms": []}, "norms needs"),
        ({"norms": ["frob"]}, "norm"),
        ({"norms": "frob"}, "got 'frob'"),
        ({"init": np.full((3, 5), np.nan)}, "got NaN"),
        ({"n_jobs": "a"}, "n_jobs needs"),
        ({"n_jobs": 0}, "n_jobs needs"),
        ({"run_dir": 3}, "run_dir needs"),
        ({"class_weight": "even"}, "class_weight needs"),
        ({"class_weight": [1, 2]}, "class_weight"),
        ({"class_margins": [1, 2, 3], "adjustment": Adjustment()}, "put all into the adjustment"),
        ({"rng": -1}, "seed"),
    ],
)
def test_misuse_is_told_in_a_sentence(parts, match):
    X, y = separable(0)
    with pytest.raises(UsageError, match=match):
        ms.descend(X, y, **{"n_steps": 10, **parts})


def test_one_norm_may_be_named_alone():
    X, y = separable(0)
    alone, listed = (ms.descend(X, y, n_steps=10, norms=one) for one in ("max", ["max"]))
    assert alone.norm == "max"
    assert alone.margin[1:].tolist() == listed.margin[1:].tolist()


def test_bad_data_are_told():
    with pytest.raises(DataError):
        ms.descend([[1.0], [np.nan]], [0, 1])
    with pytest.raises(DataError):
        ms.descend([[1.0], [2.0]], [0, 0])


def test_zero_steps_are_the_start():
    X, y = separable(0)
    path = ms.descend(X, y, n_steps=0, step_size=StepSize(0.1))
    assert path.steps.tolist() == [0.0]
    assert np.isclose(path.loss[0], 40 * np.log(3))
    assert np.isnan(path.margin[0])
    assert "there is no margin yet" in str(path)
    assert len(path.plot().axes) == 3
    assert "<table" in path._repr_html_()


def test_every_loop_takes_the_same_steps():
    X, y = separable(1)
    paths = {kernel: ms.descend(X, y, n_steps=5000, kernel=kernel) for kernel in ("numpy", "fast", "portable")}
    for kernel in ("fast", "portable"):
        np.testing.assert_allclose(paths[kernel].coef, paths["numpy"].coef, rtol=1e-11, atol=1e-14)
    short = ms.descend(X, y, n_steps=5000)
    np.testing.assert_array_equal(short.coef, paths["numpy"].coef)
    long = ms.descend(X, y, n_steps=20_000, record=[5000])
    np.testing.assert_array_equal(long.coef[1], ms.descend(X, y, n_steps=5000, kernel="fast").coef[-1])


def test_the_compiled_loop_is_one_of_runs_side_by_side():
    X, y = separable(1)
    both = ms.descend(X, y, n_steps=15_000, record=[10], n_runs=2, init="normal", step_size=[0.01, 0.02])
    one = ms.descend(X, y, n_steps=15_000, record=[10], n_runs=2, init="normal", step_size=[0.01, 0.02], n_jobs=1)
    np.testing.assert_array_equal(both.coef, one.coef)
    single = ms.descend(X, y, n_steps=3000, kernel="fast", dtype="float32")
    np.testing.assert_array_equal(single.coef, single.coef.astype(np.float32))


@pytest.mark.parametrize(
    "parts", [{"optimizer": "adam"}, {"step_size": (0.1, 0.5)}, {"batch_size": 5}, {"loss": "focal"}]
)
def test_a_kernel_that_there_is_not_is_refused(parts):
    X, y = separable(1)
    with pytest.raises(UsageError, match="leave kernel at auto"):
        ms.descend(X, y, n_steps=10, kernel="portable", **parts)
    with pytest.raises(UsageError, match="known kernel"):
        ms.descend(X, y, n_steps=10, kernel="quick")
