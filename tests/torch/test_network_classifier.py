"""NetworkClassifier: a scikit-learn classifier whose every fit trains a fresh network."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from marginscope import DataError, DataQualityWarning, ModelError
from marginscope.exceptions import UsageError
from marginscope.torch import CosineHead, NetworkClassifier
from marginscope.torch.network_classifier import _split
from marginscope.torch.training import TrainingRows

X, Y = make_classification(240, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0)
LABELS = np.array(["ash", "elm", "oak"])
NAMED = LABELS[Y]


def small(n_features=6, n_classes=3):
    return nn.Sequential(nn.Linear(n_features, 8), nn.ReLU(), nn.Linear(8, n_classes))


def fitted(network=None, X=X, y=Y, **settings):
    return NetworkClassifier(network, **{"n_epochs": 3, "random_state": 0, **settings}).fit(X, y)


# Copies of a row fall into other batches than a row of double weight, and float32 sums have another order.
UNEQUAL = {
    "check_sample_weight_equivalence_on_dense_data": "single precision; see the test of weights below",
    # scikit-learn 1.6 runs it for estimators that refuse sparse rows too
    "check_sample_weight_equivalence_on_sparse_data": "sparse rows are refused",
}


@pytest.mark.filterwarnings("ignore::marginscope.DataQualityWarning")
@parametrize_with_checks([NetworkClassifier()], expected_failed_checks=lambda _: UNEQUAL)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_a_linear_network_finds_the_optimum_of_logistic_regression():
    C = 0.5
    exact = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, Y)

    def train(network, X, y, weights, rng):
        optimizer = torch.optim.LBFGS(network.parameters(), max_iter=500, tolerance_grad=1e-10, tolerance_change=1e-14)

        def closure():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(X), y, reduction="sum")
            loss = C * loss + network.weight.square().sum() / 2
            loss.backward()
            return loss

        optimizer.step(closure)

    model = fitted(nn.Linear(6, 3, dtype=torch.float64), train=train)
    np.testing.assert_allclose(model.predict_proba(X), exact.predict_proba(X), atol=1e-5)
    assert model.history_ == {}


def test_answers_are_those_of_the_module():
    model = fitted(small(), y=NAMED)
    with torch.no_grad():
        scores = model.module_(torch.tensor(X, dtype=torch.float32)).double()
    np.testing.assert_allclose(model.decision_function(X), scores.numpy(), rtol=1e-6)
    np.testing.assert_allclose(model.predict_proba(X), scores.softmax(dim=1).numpy(), atol=1e-12)
    assert model.predict(X).tolist() == LABELS[scores.argmax(dim=1).numpy()].tolist()
    assert not model.module_.training


@pytest.mark.parametrize("end", [nn.Softmax(dim=1), nn.LogSoftmax(dim=1), nn.Sigmoid()])
def test_an_end_after_the_scores_is_seen_through(end):
    network = nn.Sequential(*small(), end)
    model = fitted(network, loss=nn.NLLLoss() if isinstance(end, nn.LogSoftmax) else "mse")
    with torch.no_grad():
        given = model.module_[:-1](torch.tensor(X, dtype=torch.float32)).double()
    scores = model.decision_function(X)
    if not isinstance(end, nn.Sigmoid):
        given, scores = (one - one.mean(1, keepdims=True) for one in (given.numpy(), scores))
        np.testing.assert_allclose(model.predict_proba(X), torch.tensor(scores).softmax(dim=1).numpy(), atol=1e-5)
    else:
        p = given.sigmoid().numpy()
        np.testing.assert_allclose(model.predict_proba(X), p / p.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(scores, given, atol=1e-4)


@pytest.mark.parametrize("end", [[], [nn.Sigmoid()]])
def test_one_output_for_two_classes(end):
    two = Y < 2
    network = nn.Sequential(nn.Linear(6, 1), *end)
    model = fitted(network, X[two], Y[two], loss=nn.BCELoss() if end else "cross_entropy")
    with torch.no_grad():
        logit = model.module_[0](torch.tensor(X[two], dtype=torch.float32))[:, 0].double().numpy()
    np.testing.assert_allclose(model.decision_function(X[two]), logit, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X[two])[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-6)


def test_the_loss_of_one_logit_is_binary_cross_entropy():
    two = Y < 2
    seen = []

    def train(network, X, y, weights, rng):
        from marginscope.torch.endings import ending_of
        from marginscope.torch.row_losses import row_loss

        returned = network(X)
        outputs = ending_of(returned, 2).outputs(returned)
        ours = row_loss("cross_entropy", outputs).by_row(outputs, y)
        theirs = nn.functional.binary_cross_entropy_with_logits(returned[:, 0], y.float(), reduction="none")
        seen.append(float((ours - theirs).detach().abs().max()))

    fitted(nn.Linear(6, 1), X[two], Y[two], train=train)
    assert seen[0] < 1e-6


def test_a_fit_is_the_same_whatever_was_drawn_before_and_leaves_the_generators_alone():
    network = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 3))
    torch.manual_seed(1)
    first = fitted(network).predict_proba(X)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    second = fitted(network).predict_proba(X)
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, fitted(network, random_state=1).predict_proba(X))


def test_fits_in_threads_are_those_of_one_thread():
    network = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 3))
    alone = [fitted(network, random_state=seed).predict_proba(X) for seed in range(4)]
    found = [None] * 4

    def one(seed):
        found[seed] = fitted(network, random_state=seed).predict_proba(X)

    before = torch.get_rng_state()
    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(alone, found)
    assert torch.equal(before, torch.get_rng_state())


def test_the_given_module_stays_as_it_is():
    network = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    network[0].bias.requires_grad_(False)
    calls = []
    network[3].register_forward_hook(lambda *_: calls.append(1))
    before = copy.deepcopy(network.state_dict())
    model = fitted(network)
    model.network_part(X, Y)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [p.requires_grad for p in network.parameters()] == [True, False, True, True, True, True]
    assert all(p.grad is None for p in network.parameters())
    assert network.training
    assert len(network[3]._forward_hooks) == 1
    assert model.module_ is not network


def test_rows_stay_as_they_are_where_the_network_works_in_place():
    rows = X.astype(np.float32)
    before = rows.copy()
    model = fitted(nn.Sequential(nn.ReLU(inplace=True), *small()), rows)
    model.predict(rows)
    model.network_part(rows, Y)
    np.testing.assert_array_equal(rows, before)


def test_a_trained_module_starts_anew():
    network = small()
    with torch.no_grad():
        for p in network.parameters():
            p.fill_(7.0)
    model = NetworkClassifier(network, random_state=0, train=lambda *_: None).fit(X, Y)
    assert all(float(p.detach().abs().max()) < 1.0 for p in model.module_.parameters())


def test_what_nothing_draws_anew_is_kept_and_said():
    head = CosineHead(8, 3, scale=11.0, learn_scale=True)
    with pytest.warns(DataQualityWarning, match=r"draws 1\.log_scale anew"):
        model = fitted(nn.Sequential(nn.Linear(6, 8), head), train=lambda *_: None)
    assert model.module_[1].scale.item() == pytest.approx(11.0)
    assert not torch.equal(model.module_[1].weight, head.weight)


def test_weights_that_are_made_of_others_are_drawn_anew():
    def made():
        return nn.Sequential(weight_norm(nn.Linear(6, 8)), nn.ReLU(), spectral_norm(nn.Linear(8, 3)))

    given = made()
    with torch.no_grad():
        given[0].bias.fill_(9.0)
        given[0].weight = torch.full((8, 6), 5.0)
    started = NetworkClassifier(given, random_state=0, train=lambda *_: None).fit(X, Y).module_
    for at, bound in ((0, 6**-0.5), (2, None)):
        weight = started[at].weight.detach()
        assert weight.isfinite().all()
        assert weight.unique().numel() == weight.numel()
        assert bound is None or float(weight.abs().max()) <= bound * (1 + 1e-5)
    assert float(started[0].bias.detach().abs().max()) <= 6**-0.5
    assert float(given[0].weight.detach().min()) == pytest.approx(5.0)
    loss = fitted(given, n_epochs=8, learning_rate=0.01).history_["loss"]
    assert loss[-1] < 0.9 * loss[0]


def test_frozen_parts_keep_their_values():
    network = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    network[1].running_mean.fill_(0.25)
    network[:2].requires_grad_(False)
    model = fitted(network, train=lambda *_: None)
    assert torch.equal(model.module_[0].weight, network[0].weight)
    assert torch.equal(model.module_[1].running_mean, network[1].running_mean)
    assert not torch.equal(model.module_[3].weight, network[3].weight)


class _OwnFresh(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner = small()
        self.width = width

    def fresh(self):
        return _OwnFresh(self.width + 1)

    def forward(self, rows):
        return self.inner(rows)


def test_a_module_may_make_a_new_one_itself():
    assert fitted(_OwnFresh(1)).module_.width == 2


def test_a_callable_gets_numbers_of_features_and_classes():
    asked = []

    def make(n_features, n_classes):
        asked.append((n_features, n_classes))
        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(n_features)), n_classes))

    fitted(make)
    fitted(make, X.reshape(240, 1, 2, 3))
    assert asked == [(6, 3), ((1, 2, 3), 3)]


def test_lazy_layers_get_their_shapes():
    model = fitted(nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3)), copies=2)
    assert [tuple(one[0].weight.shape) for one in model.module_.copies] == [(8, 6), (8, 6)]


def test_integers_stay_integers_where_the_network_takes_them():
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 30, size=(300, 5))
    y = (tokens == 7).any(axis=1)
    network = nn.Sequential(nn.EmbeddingBag(30, 8, padding_idx=0), nn.Linear(8, 2))
    model = fitted(network, tokens, y, learning_rate=0.05, n_epochs=30)
    for given in (tokens, torch.tensor(tokens), tokens.astype(np.int16)):
        assert model.score(given, y) > 0.95
    assert not model.module_[0].weight[0].any()
    # a network of numbers gets numbers
    assert fitted(small(), np.round(X).astype(int)).module_[0].weight.dtype == torch.float32


def test_images_as_arrays_and_tensors():
    images = np.repeat(X, 6, axis=1).reshape(240, 1, 6, 6)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 3)
    )
    first = fitted(network, images, batch_size=239)
    second = fitted(network, torch.tensor(images), batch_size=239)
    np.testing.assert_array_equal(first.predict_proba(images), second.predict_proba(torch.tensor(images)))
    assert first.n_features_in_ == 36
    with pytest.raises(DataError, match="3 axes are needed"):
        first.predict(X)


@pytest.mark.parametrize(("copies", "branches"), [(3, False), (1, True), (2, True)])
def test_copies_and_branches_are_sums_and_choices_of_scores(copies, branches):
    model = fitted(small(), copies=copies, branches=branches)
    rows = torch.tensor(X, dtype=torch.float32)

    def added(module):
        return sum(one(rows) for one in module.copies) if copies > 1 else module(rows)

    with torch.no_grad():
        expected = added(model.module_)
        if branches:
            expected = torch.stack([added(one)[:, k] for k, one in enumerate(model.module_.copies)], dim=1)
    np.testing.assert_allclose(model.decision_function(X), expected.double().numpy(), atol=1e-5)
    starts = [p for name, p in model.module_.named_parameters() if name.endswith("0.weight")]
    assert len(starts) == copies * (3 if branches else 1)
    assert not torch.equal(starts[0], starts[1])


@pytest.mark.parametrize("end", [nn.Softmax(dim=1), nn.LogSoftmax(dim=1), nn.Sigmoid()])
@pytest.mark.parametrize("branches", [False, True])
def test_copies_of_a_network_with_an_end_have_one_end(end, branches):
    model = fitted(nn.Sequential(*small(), end), copies=1 if branches else 2, branches=branches, loss="mse")
    rows = torch.tensor(X, dtype=torch.float32)
    with torch.no_grad():
        inner = [one[:-1](rows) for one in model.module_.copies]
        if branches:
            centred = [one if isinstance(end, nn.Sigmoid) else one - one.mean(1, keepdim=True) for one in inner]
            scores = torch.stack([one[:, k] for k, one in enumerate(centred)], dim=1)
        else:
            scores = sum(inner)
        np.testing.assert_allclose(model.module_(rows).numpy(), end(scores).numpy(), atol=1e-5)


def test_weights_count_rows():
    rows = [0, 0, 0, *range(1, 60)]
    weights = np.ones(60)
    weights[0] = 3.0
    settings = {"optimizer": "sgd", "learning_rate": 0.3, "n_epochs": 5, "batch_size": 1000}
    copies = fitted(small(), X[rows], Y[rows], **settings).decision_function(X)
    weighted = NetworkClassifier(small(), random_state=0, **settings).fit(X[:60], Y[:60], weights)
    np.testing.assert_allclose(weighted.decision_function(X), copies, atol=1e-5)
    longer = NetworkClassifier(small(), random_state=0, **settings).fit(X[:60], Y[:60], 10 * weights)
    np.testing.assert_allclose(longer.decision_function(X), copies, atol=1e-5)


def test_class_weights_are_sample_weights():
    by_class = {"ash": 1.0, "elm": 5.0, "oak": 2.0}
    by_row = np.array([by_class[label] for label in NAMED])
    a = fitted(small(), y=NAMED, class_weight=by_class)
    b = NetworkClassifier(small(), n_epochs=3, random_state=0).fit(X, NAMED, by_row)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    counts = np.bincount(Y)
    c = fitted(small(), class_weight="balanced")
    d = NetworkClassifier(small(), n_epochs=3, random_state=0).fit(X, Y, 240 / (3 * counts[Y]))
    np.testing.assert_allclose(c.predict_proba(X), d.predict_proba(X), atol=1e-6)


def test_a_class_of_weight_zero_is_no_class():
    model = NetworkClassifier(n_epochs=1, random_state=0).fit(X, NAMED, np.where(Y == 1, 0.0, 1.0))
    assert model.classes_.tolist() == ["ash", "oak"]
    assert model.predict_proba(X).shape == (240, 2)


@pytest.mark.parametrize("end", [[], [nn.Softmax(dim=1)], [nn.LogSoftmax(dim=1)], [nn.Sigmoid()]])
def test_outputs_beyond_the_classes_are_left_out(end):
    def kept(network):
        inner = copy.deepcopy(network)
        with torch.no_grad():
            inner[2].weight, inner[2].bias = nn.Parameter(inner[2].weight[:3]), nn.Parameter(inner[2].bias[:3])
        return inner

    starts = []

    def start(network, *_):
        starts.append(copy.deepcopy(network))

    settings = {"loss": "vs" if not end else "mse", "optimizer": "sgd", "learning_rate": 0.1}
    wide = nn.Sequential(*small(n_classes=5), *end)
    fitted(wide, train=start)
    model = fitted(wide, **settings)
    # the same start without the two outputs that no class has
    narrow = fitted(lambda d, K: kept(starts[0]), **settings)
    assert model.decision_function(X).shape == (240, 3)
    np.testing.assert_allclose(model.predict_proba(X), narrow.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, atol=1e-9)
    one, other = model.network_part(X, Y), narrow.network_part(X, Y)
    np.testing.assert_allclose(one.pull, other.pull, atol=1e-5)
    # up to what all scores of a row have in common
    np.testing.assert_allclose(_centred(one.scores), _centred(other.scores), atol=1e-4)
    np.testing.assert_allclose(_centred(one.coef.T), _centred(other.coef.T), atol=1e-4)


def _centred(columns):
    return columns - columns.mean(axis=1, keepdims=True)


def test_history_is_what_the_first_epoch_saw():
    model = fitted(small(), n_epochs=1, batch_size=1000, optimizer="sgd", learning_rate=1e-12)
    with torch.no_grad():
        scores = model.module_(torch.tensor(X, dtype=torch.float32)).double()
    losses = nn.functional.cross_entropy(scores, torch.tensor(Y), reduction="none").numpy()
    right = scores.argmax(dim=1).numpy() == Y
    for k in range(3):
        members = np.equal(Y, k)
        assert model.history_["class_loss"][0, k] == pytest.approx(losses[members].mean(), rel=1e-5)
        assert model.history_["class_recall"][0, k] == pytest.approx(right[members].mean())
    assert model.history_["loss"][0] == pytest.approx(losses.mean(), rel=1e-5)
    shares = np.bincount(Y) / Y.size
    assert model.history_["prior_entropy"] == pytest.approx(-(shares * np.log(shares)).sum())
    assert model.n_epochs_ == 1


def test_a_network_that_cannot_learn_stays_at_the_prior_entropy():
    model = fitted(nn.Linear(6, 3), np.zeros_like(X), n_epochs=60, learning_rate=0.02)
    assert model.history_["loss"][-1] == pytest.approx(model.history_["prior_entropy"], abs=0.01)


def test_early_stopping_keeps_the_best_epoch():
    settings = {"learning_rate": 0.05, "early_stopping": True, "patience": 3, "n_epochs": 200}
    model = fitted(X=X, y=Y, validation_fraction=0.25, **settings)
    outside = model.history_["validation_loss"]
    best = int(outside.argmin())
    assert model.n_epochs_ == len(outside) == best + 4 < 200
    short = fitted(X=X, y=Y, validation_fraction=0.25, **{**settings, "n_epochs": best + 1})
    np.testing.assert_array_equal(model.predict_proba(X), short.predict_proba(X))


def test_rows_held_back_are_of_every_class():
    codes = torch.tensor([0] * 40 + [1] * 10 + [2])
    rows, held = _split(TrainingRows(torch.zeros(51, 1), codes), 0.2, np.random.default_rng(0))
    assert torch.bincount(held.codes, minlength=3).tolist() == [8, 2, 0]
    assert torch.bincount(rows.codes, minlength=3).tolist() == [32, 8, 1]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "sign", "normalized", "spectral", "muon", "nuclear"])
def test_every_optimizer_lowers_the_loss(optimizer):
    loss = fitted(small(), optimizer=optimizer, learning_rate=0.01, n_epochs=8, momentum=0.5).history_["loss"]
    assert loss[-1] < 0.95 * loss[0]


@pytest.mark.parametrize(
    "loss",
    ["focal", "mse", "pair_logistic", nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0])), nn.MSELoss()],
)
def test_every_kind_of_loss_can_be_weighted(loss):
    model = fitted(small(), loss=loss, class_weight="balanced", learning_rate=0.01)
    assert np.isfinite(model.history_["class_loss"]).all()
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_mse_is_the_mean_of_squares_from_one_hot_rows():
    from marginscope.torch.row_losses import row_loss

    outputs, codes = torch.tensor([[0.5, 0.25, 0.0], [1.0, 0.0, 0.0]]), torch.tensor([0, 2])
    expected = torch.tensor([(0.25 + 0.0625) / 3, 2 / 3])
    for loss in ("mse", nn.MSELoss(), nn.MSELoss(reduction="sum")):
        torch.testing.assert_close(row_loss(loss, outputs).by_row(outputs, codes), expected)


def test_a_loss_of_the_batch_cannot_be_weighted():
    def mean_loss(outputs, codes):
        return nn.functional.cross_entropy(outputs, codes)

    plain = fitted(small(), loss=mean_loss)
    np.testing.assert_allclose(plain.predict_proba(X), fitted(small()).predict_proba(X), atol=1e-6)
    assert np.isnan(plain.history_["class_loss"]).all()
    with pytest.raises(UsageError, match="mean_loss gives one number a batch"):
        fitted(small(), loss=mean_loss, class_weight="balanced")


def test_training_that_diverges_keeps_the_last_finite_weights():
    with pytest.warns(ConvergenceWarning, match="diverged in epoch"):
        model = fitted(small(), loss="mse", optimizer="sgd", learning_rate=1e12)
    assert np.isfinite(model.predict_proba(X)).all()


def test_it_is_an_estimator_among_others():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), NetworkClassifier(small(), n_epochs=2, random_state=0)),
        {"networkclassifier__copies": [1, 2]},
        cv=2,
    ).fit(X, NAMED)
    assert set(search.predict(X)) <= set(LABELS)
    other = clone(NetworkClassifier(small(), loss=nn.NLLLoss(), patience=9))
    assert other.patience == 9
    again = pickle.loads(pickle.dumps(fitted(small())))
    np.testing.assert_array_equal(again.predict_proba(X), fitted(small()).predict_proba(X))


WRONG = {
    "too few outputs": (nn.Linear(6, 2), {}, ModelError, "3 outputs, one a class"),
    "one number a batch": (nn.Sequential(nn.Linear(6, 3), nn.Flatten(0)), {}, ModelError, "returned"),
    "other rows": (nn.Linear(5, 3), {}, ModelError, r"takes rows of shape \(6,\)"),
    "no network": ("mlp", {}, UsageError, "torch.nn.Module or a function"),
    "a function of something else": (lambda d, K: None, {}, UsageError, "returned NoneType"),
    "unknown loss": (None, {"loss": "cross_entropi"}, UsageError, "cross_entropy"),
    "unknown optimizer": (None, {"optimizer": "adm"}, UsageError, "adam"),
    "no epochs": (None, {"n_epochs": 0}, UsageError, "n_epochs"),
    "negative step": (None, {"learning_rate": -1.0}, UsageError, "learning_rate"),
    "nothing to train": (small().requires_grad_(False), {}, UsageError, "unfreeze"),
    "all rows held back": (None, {"early_stopping": True, "validation_fraction": 1.0}, UsageError, "between 0 and 1"),
}


@pytest.mark.parametrize(("network", "settings", "error", "match"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_meant_is_refused(network, settings, error, match):
    with pytest.raises(error, match=match):
        fitted(network, **settings)


def test_rows_that_are_no_numbers_of_the_network_are_refused():
    with pytest.raises(DataError, match="sparse"):
        fitted(X=sp.csr_array(X))
    with pytest.raises(DataError, match="NaN or infinity"):
        fitted(X=np.full((240, 2, 3), np.nan))
    with pytest.raises(DataError, match="scale the features first"):
        fitted(X=X * 1e60)
