"""Readings of every class, held to autograd on the last layer and to scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import recall_score, roc_auc_score
from torch import nn

from marginscope.torch import FocalLoss
from marginscope.torch.class_meter import read_classes
from marginscope.torch.deep_gradients import class_gradients_of
from marginscope.torch.endings import Ending
from marginscope.torch.loss_slopes import LossSlopes, name_of_loss
from marginscope.torch.watched_rows import Probe

K, M = 4, 5
SHARES = np.array([0.1, 0.2, 0.3, 0.4])


def batch_mean(scores, target):
    """A loss that gives one number a batch."""
    return nn.functional.cross_entropy(scores, target, label_smoothing=0.1)


LOSSES = {
    "by name": "cross_entropy",
    "a template": "pair_logistic",
    "weighted": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0, 4.0])),
    "ours": FocalLoss(gamma=1.0),
    "a function": batch_mean,
}
# What torch computes for the rows of one class, in the meaning of each loss.
ROW_MEANS = {
    "by name": nn.functional.cross_entropy,
    "a template": lambda v, y: nn.functional.softplus(v - v.gather(1, y[:, None])).sum(1).mean() - np.log(2),
    "weighted": lambda v, y: nn.CrossEntropyLoss(LOSSES["weighted"].weight, reduction="none")(v, y).mean(),
    "ours": lambda v, y: FocalLoss(gamma=1.0, reduction="none")(v, y).mean(),
    "a function": batch_mean,
}


@pytest.fixture
def rows():
    draw = torch.Generator().manual_seed(3)
    h = torch.randn(60, M, generator=draw)
    codes = torch.cat([torch.arange(K), torch.randint(K, (56,), generator=draw)])
    return h, codes


def read(head, h, codes, loss, ending=None):
    scores = head(h).detach()
    losses, slopes = LossSlopes(loss)(scores, codes, ending or Ending())
    ones = h.new_ones((len(h), 1 if head.bias is not None else 0))
    return read_classes(scores, codes, losses, slopes, torch.cat([h, ones], dim=1), SHARES)


def gradient(head, h, codes, k, mean_loss):
    """Mean gradient of class k on the last layer, by autograd."""
    own = codes == k
    parts = torch.autograd.grad(mean_loss(head(h[own]), codes[own]), list(head.parameters()))
    return torch.cat([one.ravel() for one in parts]).double().numpy()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", LOSSES)
def test_class_gradients_are_those_of_autograd(name, bias, rows):
    h, codes = rows
    torch.manual_seed(0)
    head = nn.Linear(M, K, bias=bias)
    readings = read(head, h, codes, LOSSES[name])
    g = np.stack([gradient(head, h, codes, k, ROW_MEANS[name]) for k in range(K)])
    norm = np.linalg.norm(g, axis=1)
    np.testing.assert_allclose(readings.gradient_norm, norm, rtol=2e-5)
    np.testing.assert_allclose(readings.conflict, (g @ g.T) / np.outer(norm, norm), atol=2e-5)
    weighted = SHARES[:, None] * g
    np.testing.assert_allclose(readings.share, SHARES * norm / (SHARES * norm).sum(), rtol=2e-5)
    for k in range(K):
        rest = weighted.sum(0) - weighted[k]
        cosine = weighted[k] @ rest / np.linalg.norm(weighted[k]) / np.linalg.norm(rest)
        assert readings.opposition[k] == pytest.approx(cosine, abs=3e-5)
        with torch.no_grad():
            own = codes == k
            assert readings.loss[k] == pytest.approx(float(ROW_MEANS[name](head(h[own]), codes[own])), rel=1e-5)


def test_recall_rival_and_area_are_those_of_scikit_learn(rows):
    h, codes = rows
    torch.manual_seed(1)
    head = nn.Linear(M, K)
    readings = read(head, h, codes, "cross_entropy")
    scores, y = head(h).detach().numpy(), codes.numpy()
    guess = scores.argmax(1)
    np.testing.assert_allclose(readings.recall, recall_score(y, guess, average=None))
    for k in range(K):
        wrong = np.bincount(guess[(y == k) & (guess != k)], minlength=K)
        rival = readings.rival[k]
        assert wrong[rival] == wrong.max()
        both = (y == k) | (y == rival)
        area = roc_auc_score(y[both] == k, scores[both, k] - scores[both, rival])
        assert readings.area[k] == pytest.approx(area, abs=1e-12)
        called = sum(SHARES[a] * np.mean(guess[y == a] == k) for a in range(K))
        assert readings.called[k] == pytest.approx(called)


def test_a_model_that_knows_the_shares_alone_has_gained_nothing(rows):
    h, codes = rows
    head = nn.Linear(M, K)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor(SHARES).log())
    readings = read(head, h, codes, "cross_entropy")
    np.testing.assert_allclose(readings.information, 0.0, atol=1e-6)
    np.testing.assert_allclose(readings.loss, -np.log(SHARES), rtol=1e-6)
    np.testing.assert_array_equal(readings.area, 0.5)


def test_a_class_without_rows_is_not_read(rows):
    h, codes = rows
    h, codes = h[codes != 2], codes[codes != 2]
    readings = read(nn.Linear(M, K), h, codes, "cross_entropy")
    for name in ("loss", "information", "recall", "gradient_norm", "share", "opposition"):
        values = getattr(readings, name)
        assert np.isnan(values[2])
        assert np.isfinite(np.delete(values, 2)).all()
    assert np.isnan(readings.conflict[2]).all()
    assert readings.called.shape == (K,)


@pytest.mark.parametrize(("kind", "loss"), [("softmax", nn.NLLLoss()), ("log_softmax", nn.NLLLoss())])
def test_slopes_are_taken_in_the_scores_before_a_softmax(kind, loss, rows):
    h, codes = rows
    torch.manual_seed(2)
    scores = nn.Linear(M, K)(h).detach()
    values, slopes = LossSlopes(loss)(scores, codes, Ending(kind))
    leaf = scores.clone().requires_grad_()
    ended = leaf.softmax(1) if kind == "softmax" else leaf.log_softmax(1)
    expected = -ended.gather(1, codes[:, None])[:, 0]
    (slope,) = torch.autograd.grad(expected.sum(), leaf)
    torch.testing.assert_close(values, expected.detach())
    torch.testing.assert_close(slopes, slope)


def test_losses_have_names():
    assert [name_of_loss(one) for one in LOSSES.values()][:3] == ["cross_entropy", "pair_logistic", "CrossEntropyLoss"]
    assert name_of_loss(batch_mean) == "batch_mean"


class Sorting(nn.Module):
    """Uses an operation in place, and a batch norm."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv1d(1, 3, 3), nn.BatchNorm1d(3), nn.Linear(9, K)

    def forward(self, x):
        hidden = self.norm(self.conv(x[:, None]))
        hidden.relu_()
        return self.head(hidden.flatten(1))


def test_gradients_of_all_layers_are_those_of_autograd(rows):
    h, codes = rows
    torch.manual_seed(4)
    net = Sorting().eval()
    for one in net.conv.parameters():
        one.requires_grad_(False)
    trained = {name: one for name, one in net.named_parameters() if one.requires_grad}
    found = class_gradients_of(trained, net, Probe((h,), codes, None), LossSlopes("cross_entropy"), Ending(), K)
    assert set(found) == set(trained)
    for k in range(K):
        own = codes == k
        loss = nn.functional.cross_entropy(net(h[own]), codes[own])
        for (name, _), slope in zip(trained.items(), torch.autograd.grad(loss, list(trained.values())), strict=True):
            torch.testing.assert_close(found[name][k], slope, rtol=1e-4, atol=1e-6)
    assert all(one.grad is None for one in net.parameters())
