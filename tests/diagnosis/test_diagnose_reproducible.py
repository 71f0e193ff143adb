"""The same seed gives the same bytes, and nothing of the caller's is changed."""

import copy
import hashlib
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from threadpoolctl import threadpool_limits

import marginscope as ms

FEW = ["class-absent", "few-rows", "imbalance", "over-regularised", "no-signal"]


@pytest.fixture(scope="module")
def small(blobs):
    return blobs([40, 30, 12], [[0, 0], [2, 0], [0, 2]], test=0)


def test_the_same_seed_gives_the_same_bytes(small):
    one, two = (small.diagnose(LogisticRegression(C=0.01), checks=FEW, cv=3, rng=5).to_json() for _ in range(2))
    assert one == two


def test_a_generator_gives_the_same_bytes_as_its_copy(small):
    rng = np.random.default_rng(3)
    one = small.diagnose(LogisticRegression(), checks=FEW[:2], cv=3, rng=copy.deepcopy(rng)).to_json()
    assert small.diagnose(LogisticRegression(), checks=FEW[:2], cv=3, rng=rng).to_json() == one


def test_another_seed_deals_other_folds(small):
    one, two = (small.diagnose(LogisticRegression(), checks=FEW[:2], cv=3, rng=seed) for seed in (0, 1))
    assert [c.recall for c in one.classes] != [c.recall for c in two.classes]
    assert (one.provenance["seed"], two.provenance["seed"]) == (0, 1)


def test_models_without_a_seed_get_one(small):
    model = RandomForestClassifier(8)
    one, two = (small.diagnose(model, checks=FEW[:2], cv=3, rng=0).to_json() for _ in range(2))
    assert one == two


def test_the_number_of_threads_does_not_matter(small, monkeypatch):
    texts = []
    for n in (1, 3):
        monkeypatch.setattr("os.cpu_count", lambda n=n: n)
        with threadpool_limits(limits=n):
            texts.append(small.diagnose(RandomForestClassifier(8), checks=FEW, cv=3).to_json())
    assert texts[0] == texts[1]


SCRIPT = """
import hashlib, numpy as np, marginscope as ms
from sklearn.linear_model import LogisticRegression
rng = np.random.default_rng(0)
y = np.repeat(["ant", "bee", "cow"], [40, 30, 12])
X = rng.standard_normal((82, 6)) @ rng.standard_normal((6, 6)) + 2 * (y == "bee")[:, None]
found = ms.diagnose(LogisticRegression(), X, y, cv=3)
print(hashlib.sha256(found.to_json().encode()).hexdigest())
"""


@pytest.mark.slow
def test_other_processes_with_other_threads_and_hash_seeds_give_the_same_bytes():
    printed = []
    for threads, hashing in (("1", "0"), ("2", "12345")):
        environment = dict(os.environ, PYTHONHASHSEED=hashing)
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = threads
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        printed.append(done.stdout)
    assert printed[0] == printed[1]
    assert len(printed[0].strip()) == 64


def test_numpys_own_generator_is_left_alone(small):
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    small.diagnose(RandomForestClassifier(5), checks=FEW[:3], cv=3)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


MODELS = {
    "unfitted": lambda X, y: LogisticRegression(C=0.1),
    "fitted": lambda X, y: LogisticRegression(C=0.1).fit(X, y),
    "forest with a generator": lambda X, y: RandomForestClassifier(5, random_state=np.random.RandomState(0)).fit(X, y),
    "no seed": lambda X, y: SGDClassifier(loss="log_loss"),
}


@pytest.mark.parametrize("test_rows", [False, True], ids=["folds", "test rows"])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_dat054_the_model_and_the_data_are_never_changed(make, test_rows, small):
    X, y = small.X.copy(), small.y.copy()
    X_test, y_test = X[::2] + 0.01, y[::2].copy()
    options = {"X_test": X_test, "y_test": y_test} if test_rows else {"cv": 3}
    model = make(X, y)
    before = pickle.dumps(model)
    arrays = [hashlib.sha256(part.tobytes()).hexdigest() for part in (X, y, X_test, y_test)]
    found = ms.diagnose(model, X, y, checks=FEW, **options)
    found.remedy("cow", budget=0.2)
    assert pickle.dumps(model) == before
    assert [hashlib.sha256(part.tobytes()).hexdigest() for part in (X, y, X_test, y_test)] == arrays


def test_read_only_rows_will_do(small):
    X, y = small.X.copy(), small.y.copy()
    X.flags.writeable = y.flags.writeable = False
    assert len(ms.diagnose(LogisticRegression(), X, y, cv=3, checks=FEW[:3]).classes) == 3


def test_fits_do_not_talk(small, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small.diagnose(LogisticRegression(max_iter=1), checks=FEW[:4], cv=3)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_the_callers_warning_filters_come_back(small):
    before = list(warnings.filters)
    small.diagnose(LogisticRegression(), checks=FEW[:2], cv=3)
    assert list(warnings.filters) == before


def test_progress_is_told_in_order_and_never_beyond_the_end(small):
    told = []
    small.diagnose(LogisticRegression(), checks=FEW, cv=3, progress=lambda *one: told.append(one))
    assert told
    done = [one[0] for one in told]
    assert done == sorted(done)
    assert all(0 <= k <= total for k, total, _ in told)
    assert len({total for _, total, _ in told}) == 1
    assert all(what for _, _, what in told)


def test_asking_for_one_check_gives_the_answer_it_has_among_all(small):
    alone = small.diagnose(LogisticRegression(C=1e-4), cv=3, checks=["over-regularised"]).finding("over-regularised")
    among = small.diagnose(LogisticRegression(C=1e-4), cv=3, checks=FEW).finding("over-regularised")
    assert alone.status == among.status
    assert alone.classes == among.classes
    lifts = [[claim.lift for claim in one.counterfactuals] for one in (alone, among)]
    assert lifts[0] == lifts[1]
