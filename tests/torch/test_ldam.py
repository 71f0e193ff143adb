"""LDAM: its margin on cosines, its warning without them, and weights that are switched on late."""

import math
import pickle
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from marginscope.exceptions import DataQualityWarning, UsageError
from marginscope.losses.adjust import class_balanced_weights
from marginscope.torch import CosineHead, LDAMLoss

COUNTS = [100, 20, 5]
TARGET = torch.tensor([0, 1, 2, 2])
REASON = "vanishes beside it in the limit"


def cosines(scale: float = 1.0) -> torch.Tensor:
    torch.manual_seed(0)
    head = CosineHead(5, 3, scale=scale, dtype=torch.float64)
    return head(torch.randn(4, 5, dtype=torch.float64)).detach()


def published(v: torch.Tensor, y: torch.Tensor, counts, largest: float, s: float) -> torch.Tensor:
    """Return the loss as the authors' paper and code say it, with cross-entropy of torch."""
    margins = np.power(np.asarray(counts, dtype=float), -0.25)
    margins = torch.tensor(margins * largest / margins.max())
    lowered = v - margins[y][:, None] * nn.functional.one_hot(y, v.shape[1])
    return nn.functional.cross_entropy(s * lowered, y)


@pytest.mark.parametrize(("largest", "s"), [(0.5, 30.0), (0.3, 10.0)])
def test_it_is_the_published_loss(largest, s):
    v = cosines()
    loss = LDAMLoss(COUNTS, largest=largest, scale=s)
    torch.testing.assert_close(loss(v, TARGET), published(v, TARGET, COUNTS, largest, s), rtol=1e-12, atol=1e-12)


def test_a_head_that_scales_itself_declares_its_bound():
    loss = LDAMLoss(COUNTS, scale=30.0, bound=30.0)
    expected = published(cosines(), TARGET, COUNTS, 0.5, 30.0)
    torch.testing.assert_close(loss(cosines(scale=30.0), TARGET), expected, rtol=1e-12, atol=1e-12)


# The precondition


def test_cosines_do_not_warn():
    loss = LDAMLoss(COUNTS)
    for dtype in (torch.float32, torch.bfloat16):
        loss(cosines().to(dtype), TARGET)
    loss(torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.bfloat16) * 1.004, TARGET[:1])
    loss(torch.zeros(0, 3), TARGET[:0])


def test_a_linear_head_warns_once_and_says_why():
    loss = LDAMLoss(COUNTS)
    scores = torch.tensor([[1.5, 0.0, -0.5]])
    with pytest.warns(DataQualityWarning, match=f"at most 1 in size.*got 1.5; put a CosineHead.*{REASON}") as seen:
        [loss(scores, TARGET[:1]) for _ in range(3)]
    assert len(seen) == 1


def test_scores_that_grow_out_of_the_bound_are_seen_when_they_do():
    loss = LDAMLoss(COUNTS)
    for size in (0.2, 0.9, 1.0):
        loss(size * torch.ones(1, 3), TARGET[:1])
    with pytest.warns(DataQualityWarning, match=REASON):
        loss(1.2 * torch.ones(1, 3), TARGET[:1])


def test_a_head_with_another_scale_is_told_which():
    with pytest.warns(DataQualityWarning, match=r"CosineHead\(..., scale=1\)"):
        LDAMLoss(COUNTS)(cosines(scale=30.0), TARGET)


def test_scores_without_a_bound_warn_at_once_and_keep_the_formula():
    with pytest.warns(DataQualityWarning, match=f"bound=None.*{REASON}"):
        loss = LDAMLoss(COUNTS, scale=1.0, bound=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = loss(7.0 * cosines(), TARGET)
    torch.testing.assert_close(found, published(7.0 * cosines(), TARGET, COUNTS, 0.5, 1.0))


def excess(n: float, bound: float | None) -> float:
    """Return the share of the hinge of scores of size n that is due to the margin: two rivals, c = 1/2."""
    v, y = n * torch.tensor([[1.0, 0.4, 0.2]], dtype=torch.float64), torch.tensor([2])
    scale = 1.0 if bound is None else bound
    return LDAMLoss(COUNTS, scale=scale, bound=bound, loss="weston_watkins")(v, y).item() / (2.0 + n) - 1.0


@pytest.mark.filterwarnings("ignore:LDAM needs scores with a bound")
@pytest.mark.parametrize("n", [1.0, 10.0, 1000.0])
def test_the_reason_is_true(n):
    # the hinge without margins is (1 + 0.8 n) + (1 + 0.2 n)
    assert excess(n, bound=None) == pytest.approx(1.0 / (2.0 + n), rel=1e-9)
    assert excess(n, bound=n) == pytest.approx(n / (2.0 + n), rel=1e-9)


# Deferred re-weighting


def test_weights_are_equal_until_their_epoch_and_class_balanced_from_then_on():
    loss = LDAMLoss(COUNTS, drw_epoch=3, beta=0.99)
    expected = class_balanced_weights(COUNTS, 0.99).class_weights
    for epoch, weights in [(0, np.ones(3)), (2, np.ones(3)), (3, expected), (9, expected), (1, np.ones(3))]:
        loss.set_epoch(epoch)
        np.testing.assert_allclose(loss.weight.numpy(), weights, rtol=1e-14)


def test_deferred_weights_by_hand():
    # (1 - b) / (1 - b^n) at b = 1/2: 2/3 and 1 are 4/5 and 6/5 of their mean
    loss = LDAMLoss([2, 1], scale=1.0, loss="weston_watkins", drw_epoch=1, beta=0.5, reduction="none")
    v, y = torch.zeros(2, 2, dtype=torch.float64), torch.tensor([0, 1])
    plain = [1 + 0.5 * 2**-0.25, 1.5]
    np.testing.assert_allclose(loss(v, y).numpy(), plain, rtol=1e-14)
    loss.set_epoch(1)
    np.testing.assert_allclose(loss(v, y).numpy(), [0.8 * plain[0], 1.2 * plain[1]], rtol=1e-14)


def test_the_first_epoch_may_be_that_of_the_weights():
    assert LDAMLoss(COUNTS, drw_epoch=0).weight[2] > 1.5
    assert LDAMLoss(COUNTS).weight is None


def test_the_epoch_is_saved():
    first = LDAMLoss(COUNTS, drw_epoch=3)
    first.set_epoch(4)
    again = LDAMLoss([1, 1, 1], drw_epoch=3)
    again.load_state_dict(first.state_dict())
    assert int(again.epoch) == 4
    assert torch.equal(again.weight, first.weight)
    assert torch.equal(pickle.loads(pickle.dumps(first)).weight, first.weight)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale": 0.0}, "scale needs a positive finite number"),
        ({"largest": -0.5}, "largest needs a positive finite number"),
        ({"bound": math.inf}, "bound needs a positive finite number"),
        ({"drw_epoch": -1}, "epoch of 0 or later"),
        ({"drw_epoch": 5, "beta": 1.0}, "below 1"),
    ],
)
def test_numbers_out_of_range_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        LDAMLoss(COUNTS, **options)


def test_an_epoch_before_the_first_is_refused():
    with pytest.raises(UsageError, match="count from 0"):
        LDAMLoss(COUNTS).set_epoch(-1)
