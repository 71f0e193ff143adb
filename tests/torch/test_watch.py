"""A watch sees what a training does, whatever the loop looks like."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import marginscope.torch as mt
from marginscope.exceptions import DataError, DataQualityWarning, ModelError, UsageError
from marginscope.torch.watch_schedule import WatchSchedule, schedule_of

DIGITS = load_digits()
X = torch.tensor(DIGITS.data / 16, dtype=torch.float32)
Y = torch.tensor(DIGITS.target)
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def net_of(width=32, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def train(net, n_steps=60, criterion=None, optimizer=None, X=X, y=Y, batch=200):
    criterion = criterion or nn.CrossEntropyLoss()
    optimizer = optimizer or torch.optim.Adam(net.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(0)
    for _ in range(n_steps):
        rows = torch.randint(len(X), (batch,), generator=draw)
        optimizer.zero_grad()
        criterion(net(X[rows]), y[rows]).backward()
        optimizer.step()


@pytest.fixture(scope="module")
def watched():
    net = net_of()
    with mt.watch(net, classes=NAMES, X=X, y=Y, every=5, deep=True) as w:
        train(net)
    return net, w


# What is seen


def test_looks_are_taken_where_they_are_asked_for(watched):
    _, w = watched
    np.testing.assert_array_equal(w.steps, np.arange(0, 61, 5))
    assert w.classes == tuple(NAMES)
    assert (np.diff(w.seconds) > 0).all()


def test_the_last_look_is_that_of_the_trained_net(watched):
    net, w = watched
    codes = torch.cat([torch.nonzero(k == Y)[:, 0] for k in range(10)])
    assert w.records[-1].rows.tolist() == [51] * 10
    with torch.no_grad():
        scores = net(X[codes])
    recall = np.array([(scores[Y[codes] == k].argmax(1) == k).double().mean() for k in range(10)])
    # 51 of about 180 rows a class were drawn
    np.testing.assert_allclose(w.column("recall")[-1], recall, atol=0.1)
    share = np.bincount(Y, minlength=10) / len(Y)
    np.testing.assert_allclose(w.records[-1].shares, share)
    assert w.prior_entropy == pytest.approx(-(share * np.log(share)).sum())
    assert w.total_information[-1] == pytest.approx(w.prior_entropy - w.total_loss[-1], rel=1e-5)


def test_a_class_has_a_timeline(watched):
    _, w = watched
    one = w["three"]
    np.testing.assert_array_equal(one.recall, w.column("recall")[:, 3])
    at = one.learned_at()
    assert (one.recall[one.steps >= at] >= 0.5).all()
    assert not one.recall[one.steps < at][-1] >= 0.5
    assert w.learned_at()["three"] == at
    assert one.lost_at() is None
    assert one.learned_at(1.01) is None
    with pytest.raises(KeyError, match="no class 'eleven'"):
        w["eleven"]


def test_conflict_is_a_matrix_over_the_looks(watched):
    _, w = watched
    path = w.conflict
    assert np.asarray(path).shape == (13, 10, 10)
    np.testing.assert_array_equal(path.at(22), path.values[4])
    np.testing.assert_array_equal(path.between("two", "five"), path.values[:, 2, 5])
    one, other, cosine = path.worst()
    assert cosine == np.nanmin(path.values[-1])
    assert path.between(one, other)[-1] == cosine
    assert "last layer" in str(path)
    assert w.deep_conflict.values.shape == (13, 10, 10)
    assert not np.allclose(w.deep_conflict.values, path.values)


def test_results_are_frames_text_and_json(watched):
    _, w = watched
    frame = w.frame()
    assert len(frame) == 130
    assert frame["class"][3] == "three"
    np.testing.assert_array_equal(frame["recall"].to_numpy().reshape(13, 10), w.column("recall"))
    assert len(w["one"].frame()) == 13
    assert len(w.conflict.frame()) == 13 * 45
    for one in (w, w["one"], w.conflict):
        text = json.dumps(one.to_dict(), allow_nan=False)
        assert json.loads(text) == one.to_dict()
    assert w.to_dict()["schema"] == "marginscope.watch/1"
    assert str(w).startswith("10 of 10 classes learned after 60 steps, 13 looks")
    assert repr(w).startswith("<Watch: 10 of 10")
    assert repr(w["one"]).startswith("<ClassTimeline: 'one': learned from step")


def test_a_lost_class_is_told_from_one_that_never_was():
    path = mt.watching.WatchResult(("a", "b"), "cross_entropy")
    columns = {"recall": np.array([0.0, 0.8, 0.2]), "loss": np.ones(3), "share": np.ones(3)}
    one = mt.class_timeline.ClassTimeline("a", np.array([0, 5, 9]), columns, ("b",) * 3)
    assert (one.learned_at(), one.lost_at()) == (None, 9)
    assert "learned, and lost by step 9" in str(one)
    assert "seen nothing yet" in str(path)


# How steps are told


def test_a_step_is_one_of_an_optimizer_of_this_net():
    net, other = net_of(8), net_of(8, seed=1)
    with mt.watch(net, X=X, y=Y, every=1) as w:
        train(other, 3)
        assert w.steps.tolist() == [0]
        train(net, 3)
        net(X[:5])  # evaluates, and is no step
    assert w.steps.tolist() == [0, 1, 2, 3]
    train(net, 2)
    assert w.steps.tolist() == [0, 1, 2, 3], "the watch is over"


def test_two_optimizers_of_one_net_make_one_step_together():
    net = net_of(8)
    parts = [torch.optim.SGD(net[0].parameters(), lr=0.1), torch.optim.SGD(net[2].parameters(), lr=0.1)]
    with mt.watch(net, X=X, y=Y, every=1) as w:
        for _ in range(4):
            nn.functional.cross_entropy(net(X), Y).backward()
            for one in parts:
                one.step()
    assert w.steps.tolist() == [0, 1, 2, 3, 4]


def test_a_closure_and_gathered_gradients_make_one_step():
    net = net_of(8)
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(X), Y)
        loss.backward()
        return loss

    with mt.watch(net, X=X, y=Y, every=1) as w:
        optimizer.step(closure)
        sgd = torch.optim.SGD(net.parameters(), lr=0.1)
        for part in X.split(600):
            net(part).sum().backward()
        sgd.step()  # an optimizer that was not seen before joins the step that is under way
        sgd.step()
    assert w.steps.tolist() == [0, 1, 2]


def test_a_loop_without_an_optimizer_of_torch_counts_itself():
    net = net_of(8)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with mt.watch(net, X=X, y=Y, every=2) as w:
        for _ in range(4):
            with torch.no_grad():
                net[0].bias.add_(0.01)
            w.step()
        optimizer.step()
    assert w.steps.tolist() == [0, 2, 4]


# What nets and rows may look like


class Odd(nn.Module):
    """Two inputs, and a dictionary as answer."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(32, 10), nn.Linear(32, 10)

    def forward(self, left, right):
        return {"hidden": 0, "logits": self.one(left) + self.two(right)}


def test_several_inputs_and_answers_in_a_dictionary_are_read():
    net = Odd()
    with mt.watch(net, X=(X[:, :32], X[:, 32:]), y=Y, every=1, deep=True) as w:
        w.step()
    assert len(w.records) == 2
    assert not w.records[0].has_last_layer, "two layers end in the scores"
    assert "the scores" in str(w.conflict)


def test_places_of_a_map_are_rows():
    net = nn.Conv2d(1, 3, 3, padding=1)
    maps = X[:40].reshape(-1, 1, 8, 8)
    labels = (maps[:, 0] > 0.2).long() + (maps[:, 0] > 0.7).long()
    labels[:, 0, 0] = 255 - 355  # ignored
    with mt.watch(net, classes=["paper", "grey", "ink"], X=maps, y=labels, every=1) as w:
        w.step()
    assert w.records[0].rows.sum() == 40 * 63
    np.testing.assert_array_equal(w.records[0].rows, np.bincount(labels[labels >= 0]))


def test_one_logit_is_two_classes_and_a_softmax_at_the_end_is_seen_through():
    two = Y[:360] % 2
    torch.manual_seed(0)
    single = nn.Linear(64, 1)
    with mt.watch(single, classes=["even", "odd"], X=X[:360], y=two, loss="cross_entropy", every=1) as w:
        w.step()
    assert w.classes == ("even", "odd")
    p = torch.sigmoid(single(X[:360]))[:, 0].detach()
    loss = -torch.where(two == 1, p, 1 - p).log()
    expected = [float(loss[two == k].mean()) for k in (0, 1)]
    np.testing.assert_allclose(w.column("loss")[-1], expected, atol=0.01)
    body = nn.Linear(64, 10)
    with mt.watch(body, X=X, y=Y, every=1) as plain:
        plain.step()
    with mt.watch(nn.Sequential(body, nn.LogSoftmax(1)), X=X, y=Y, loss=nn.NLLLoss(), every=1) as ended:
        ended.step()
    for name in ("loss", "gradient_norm", "share", "information"):
        np.testing.assert_allclose(ended.column(name), plain.column(name), rtol=1e-4)
    assert ended.records[0].has_last_layer


def test_labels_may_be_words_and_are_put_in_the_order_of_the_names():
    words = np.array(NAMES)[Y.numpy()]
    order = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    net = net_of(8)
    with mt.watch(net, classes=order, X=X.numpy().astype(np.float64), y=words, every=1) as w:
        w.step()
    with mt.watch(net, X=X, y=Y, every=1) as numbered:
        numbered.step()
    np.testing.assert_allclose(w.column("loss"), numbered.column("loss"), rtol=1e-6)
    assert numbered.classes == tuple("0123456789")
    with mt.watch(nn.Linear(64, 10), X=X, y=words, every=1) as alphabetical:
        alphabetical.step()
    assert alphabetical.classes == tuple(sorted(NAMES))


def test_whole_numbers_go_to_nets_that_take_them():
    net = nn.Sequential(nn.EmbeddingBag(17, 6), nn.Linear(6, 10))
    tokens = (X * 16).long()
    with mt.watch(net, X=tokens, y=Y, every=1, deep=True) as w:
        w.step()
    assert np.isnan(w.column("reach")).all()
    assert w.records[-1].has_last_layer
    status = {one.slug: str(one.status) for one in w.findings()}
    assert status["dead-units"] == "not_applicable"


@pytest.mark.parametrize("how", ["wrapped", "in place"])
def test_a_compiled_net_is_looked_at_as_it_was_written(how):
    net = net_of(8)
    if how == "wrapped":
        watched = torch.compile(net, backend="eager")
    else:
        watched = net
        net.compile(backend="eager")
    with mt.watch(watched, X=X, y=Y, every=1) as w:
        train(watched, 2)
    assert w.steps.tolist() == [0, 1, 2]
    assert w.records[-1].has_last_layer


# Batches instead of rows


def test_a_criterion_shows_its_batches():
    net, criterion = net_of(), nn.CrossEntropyLoss(weight=torch.linspace(1, 2, 10))
    with mt.watch(net, classes=NAMES, loss=criterion, every=20) as w:
        train(net, 65, criterion)
        with torch.no_grad():
            criterion(net(X), Y)  # a validation pass is no batch of the training
    assert w.steps.tolist() == [20, 40, 60, 65]
    assert all(one.has_last_layer for one in w.records)
    assert [int(one.rows.sum()) for one in w.records] == [600, 600, 600, 600]
    assert w.column("recall")[-1].mean() > 0.9 > w.column("recall")[0].mean()
    assert not criterion._forward_hooks
    assert not any(one._forward_hooks for one in net.modules())


def test_batches_that_are_handed_in_are_read_as_rows_are():
    net = net_of()
    rows = torch.arange(600)
    with mt.watch(net, every=1) as w:
        w.step()
        w.batch(net(X[rows]), Y[rows])
    with mt.watch(net, X=X[rows], y=Y[rows], every=1, most_rows=10_000) as given:
        given.step()
    assert len(w.records) == 1
    for name in ("loss", "recall", "gradient_norm", "share", "opposition", "information"):
        np.testing.assert_allclose(w.column(name)[0], given.column(name)[-1], rtol=1e-4, atol=1e-6)


def test_a_target_of_another_kind_ends_the_watch_and_not_the_training():
    net = net_of(8)
    with pytest.warns(DataQualityWarning, match="watching ended at step 2"):  # noqa: PT031, SIM117
        with mt.watch(net, every=1) as w:
            w.batch(net(X[:5]), torch.eye(10)[:5])
            train(net, 2)
    assert "one class number a row" in w.problem


# When to look


def test_the_default_schedule_is_log_spaced_and_within_its_share():
    schedule, step, now, looks = WatchSchedule(), 0, 0.0, []
    for step in range(1, 20_001):
        now += 0.002
        if schedule.is_due(step, now):
            looks.append(step)
            schedule.looked(step, 0.005)
            now += 0.005
    assert schedule.seconds <= 0.03 * (now - schedule.seconds) + 0.04
    gaps = np.diff(np.log(looks))
    assert 15 <= len(looks) <= 30
    # what is due at the beginning has to wait for what the training pays
    assert gaps[np.array(looks[:-1]) > 500].max() < np.log(1.5) + 0.01


def test_dear_looks_are_put_off_until_they_are_paid_for():
    schedule, now = WatchSchedule(), 0.0
    schedule.looked(0, 1.0)
    for step in range(1, 2001):
        now += 0.01
        if schedule.is_due(step, now + schedule.seconds):
            schedule.looked(step, 1.0)
    assert schedule.seconds == 1.0, "20 s of training pay for no second look of a second"


def test_an_odd_schedule_is_refused_in_words():
    assert schedule_of([3, 1]).is_due(3, 0.0)
    assert not schedule_of([3, 1]).is_due(2, 1e9)
    for bad in ("often", 0, True, [], [1.5], None, 2.5):
        with pytest.raises(UsageError, match="every must be"):
            schedule_of(bad)


# What is refused


def test_what_cannot_be_meant_is_said_before_the_training():
    net = net_of(8)
    with pytest.raises(UsageError, match=r"torch\.nn\.Module is needed"):
        mt.watch("net")
    with pytest.raises(UsageError, match="together"):
        mt.watch(net, X=X)
    with pytest.raises(UsageError, match="deeper layers need rows"):
        mt.watch(net, deep=True)
    with pytest.raises(DataError, match="same rows"):
        mt.watch(net, X=X, y=Y[:-1])
    with pytest.raises(DataError, match="names of all classes"):
        mt.watch(net, classes=["a", "b"], X=X, y=Y)
    with pytest.raises(DataError, match="must be among the classes"):
        mt.watch(net, classes=NAMES, X=X[:2], y=["zero", "ten"])
    with pytest.raises(UsageError, match="must hold numbers"):
        mt.watch(net, X=np.array([["a"]]), y=[0])
    with pytest.raises(UsageError, match="a name for each score"), mt.watch(net, classes=NAMES[:3], X=X, y=Y % 3):
        pass
    with pytest.raises(ModelError, match="scores of shape"), mt.watch(nn.GRU(8, 4), X=X.reshape(-1, 8, 8), y=Y):
        raise AssertionError("not reached")
    with mt.watch(net, X=X, y=Y) as w, pytest.raises(UsageError, match="entered already"), w:
        pass
    with pytest.raises(UsageError, match="deep=True"):
        _ = w.deep_conflict


@pytest.mark.parametrize(
    ("make", "rows", "came"),
    [
        (lambda: nn.Linear(64, 10), X[:, :3], r"rows of shape \(3,\), torch.float32, Linear raised RuntimeError"),
        (lambda: nn.Bilinear(64, 64, 10), X, r"rows of shape \(64,\), torch.float32, Bilinear raised TypeError"),
        (lambda: nn.Embedding(5, 10), Y, r"rows of shape \(\), torch.int64, Embedding raised IndexError"),
    ],
    ids=["width", "inputs", "words"],
)
def test_rows_that_the_net_does_not_take_are_named_before_the_training(make, rows, came):
    net = make()
    sentence = rf"^X must be what the net takes, but on {came}: .*; pass X as the loop"
    with pytest.raises(DataError, match=sentence) as told, mt.watch(net, X=rows, y=Y):
        raise AssertionError("not reached")
    assert "\n" not in str(told.value)
    assert not net._forward_hooks


def test_what_is_wrong_with_the_loss_is_not_blamed_on_the_rows():
    def loss(scores, target):
        raise RuntimeError("of the loss itself")

    with pytest.raises(RuntimeError, match="of the loss itself"), mt.watch(net_of(8), X=X, y=Y, loss=loss):
        pass


def test_a_net_and_its_watch_can_be_copied_and_stored_afterwards(watched):
    net, w = watched
    copy.deepcopy(net)
    pickle.dumps(net.state_dict())
    assert pickle.loads(pickle.dumps(w["one"])).label == "one"
