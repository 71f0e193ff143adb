"""Shapes, targets, ignored rows and reductions: what is accepted, what comes out, what is refused."""

import math

import pytest
import torch

from marginscope import losses
from marginscope.exceptions import DataError, UsageError
from marginscope.losses import TEMPLATES
from marginscope.torch import functional
from marginscope.torch.functional import template_loss

every_template = pytest.mark.parametrize("one", TEMPLATES, ids=losses.names())
SCORES = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [1.0, 3.0, 2.5], [0.5, 0.0, 0.0]])
TARGET = torch.tensor([0, 2, 1, 1])
# by hand: max(0, 1 - u) over the two rivals
HINGES = torch.tensor([0.0, 2.0, 0.5, 2.5])
WEIGHT = torch.tensor([1.0, 2.0, 3.0])


# Reductions


def test_reductions_are_what_they_are_called():
    def loss(reduction):
        return functional.weston_watkins(SCORES, TARGET, weight=WEIGHT, reduction=reduction)

    each = torch.tensor([0.0, 6.0, 1.0, 5.0])
    torch.testing.assert_close(loss("none"), each)
    assert loss("sum").item() == 12.0
    assert loss("mean").item() == 12.0 / (1 + 3 + 2 + 2)
    assert loss("mean_over_rows").item() == 12.0 / 4
    assert functional.weston_watkins(SCORES, TARGET, weight=WEIGHT) == loss("mean")


def test_without_weights_both_means_are_one():
    means = [functional.weston_watkins(SCORES, TARGET, reduction=one).item() for one in ("mean", "mean_over_rows")]
    assert means == [5.0 / 4, 5.0 / 4]


def test_ignored_rows_count_in_no_mean():
    target = torch.tensor([0, -100, 1, 1])
    for one, expected in {"none": [0.0, 0.0, 1.0, 5.0], "sum": 6.0, "mean": 6.0 / 5, "mean_over_rows": 2.0}.items():
        found = functional.weston_watkins(SCORES, target, weight=WEIGHT, reduction=one)
        torch.testing.assert_close(found, torch.tensor(expected))


def test_means_over_probabilities_are_over_rows_as_in_torch():
    target = torch.nn.functional.one_hot(TARGET, 3).float()
    for one in ("mean", "mean_over_rows"):
        assert functional.weston_watkins(SCORES, target, weight=WEIGHT, reduction=one).item() == 12.0 / 4


# Ignored rows and empty batches


@every_template
def test_what_ignored_rows_hold_does_not_matter(one):
    inf = float("inf")
    rows = [[2.0, 0.0, -1.0], [inf, float("nan"), 0.0], [1e30, -1e30, 0.0], [-inf, 0.0, 0.0]]
    scores = torch.tensor(rows, requires_grad=True)
    loss = template_loss(one, scores, torch.tensor([0, -100, -100, -100]), weight=WEIGHT)
    loss.backward()
    alone = scores.detach()[:1].requires_grad_()
    expected = template_loss(one, alone, torch.tensor([0]), weight=WEIGHT)
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(scores.grad, torch.cat([alone.grad, torch.zeros(3, 3)]))


@every_template
@pytest.mark.parametrize("n", [0, 3])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_nothing_to_count_sums_to_zero_has_no_mean_and_moves_nothing(one, n, weight):
    target = torch.full((n,), -100)
    for reduction in ("none", "sum", "mean", "mean_over_rows"):
        scores = SCORES[:n].clone().requires_grad_()
        loss = template_loss(one, scores, target, weight=weight, reduction=reduction)
        loss.sum().backward()
        assert torch.equal(scores.grad, torch.zeros(n, 3))
        assert loss.isnan().all() if "mean" in reduction else torch.equal(loss, torch.zeros_like(loss))
        assert loss.shape == ((n,) if reduction == "none" else ())


def test_a_mean_over_nothing_is_that_of_torch():
    for n in (0, 3):
        target = torch.full((n,), -100)
        scores = SCORES[:n].clone().requires_grad_()
        own = torch.nn.functional.cross_entropy(scores, target)
        own.backward()
        assert own.isnan()
        assert not scores.grad.any()


def test_no_weight_at_all_has_no_mean_and_moves_nothing():
    scores = SCORES.clone().requires_grad_()
    loss = functional.cross_entropy(scores, torch.ones(4, dtype=torch.long), weight=[1.0, 0.0, 1.0])
    loss.backward()
    assert loss.isnan()
    assert not scores.grad.any()
    assert functional.cross_entropy(SCORES, TARGET, weight=[0.0, 0.0, 0.0], reduction="mean_over_rows") == 0.0


def test_a_mean_over_no_distributions_is_not_a_number():
    assert functional.cross_entropy(torch.zeros(0, 3), torch.zeros(0, 3)).isnan()
    assert functional.cross_entropy(torch.zeros(0, 3), torch.zeros(0, 3), reduction="sum") == 0.0


# Masked classes


@every_template
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_rival_of_minus_infinity_is_no_rival(one, dtype):
    if one.name in ("label_smoothing", "squared_margin"):
        pytest.skip("these rise again as a margin grows")
    inf = float("inf")
    rows = torch.tensor([[0.5, -inf, 1.0, 0.2], [0.3, 0.1, -inf, 0.2]], dtype=dtype, requires_grad=True)
    loss = template_loss(one, rows, torch.tensor([0, 3]), reduction="sum")
    loss.backward()
    left = torch.tensor([[0.5, 1.0, 0.2], [0.3, 0.1, 0.2]], dtype=dtype, requires_grad=True)
    expected = template_loss(one, left, torch.tensor([0, 2]), reduction="sum")
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(rows.grad[rows.isfinite()], left.grad.flatten())
    assert not rows.grad[~rows.isfinite()].any()
    alone = torch.tensor([[0.5, -inf, -inf]], dtype=dtype, requires_grad=True)
    template_loss(one, alone, torch.tensor([0])).backward()
    assert not alone.grad.any()


# Shapes


@every_template
@pytest.mark.parametrize("as_probabilities", [False, True])
def test_further_axes_are_further_rows(one, as_probabilities):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 3, (2, 4, 5), generator=generator)
    rows, numbers = scores.movedim(1, -1).reshape(-1, 3), target.reshape(-1)
    if as_probabilities:
        target = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64).softmax(1)
        numbers = target.movedim(1, -1).reshape(-1, 3)
    each = template_loss(one, scores, target, weight=WEIGHT, reduction="none")
    assert each.shape == (2, 4, 5)
    flat = template_loss(one, rows, numbers, weight=WEIGHT, reduction="none")
    torch.testing.assert_close(each.reshape(-1), flat)
    torch.testing.assert_close(
        template_loss(one, scores, target, weight=WEIGHT), template_loss(one, rows, numbers, weight=WEIGHT)
    )


@every_template
def test_one_vector_of_scores_takes_one_number(one):
    for k in range(3):
        found = template_loss(one, SCORES[2], torch.tensor(k), weight=WEIGHT, reduction="none")
        torch.testing.assert_close(
            found, template_loss(one, SCORES[2:3], torch.tensor([k]), weight=WEIGHT, reduction="none")[0]
        )
        assert found.shape == ()


@every_template
def test_a_distribution_on_one_class_is_that_class(one):
    target = torch.nn.functional.one_hot(TARGET, 3).float()
    for reduction in ("none", "sum", "mean_over_rows"):
        found = template_loss(one, SCORES, target, weight=WEIGHT, shifts=[0.0, 1.0, 0.5], reduction=reduction)
        expected = template_loss(one, SCORES, TARGET, weight=WEIGHT, shifts=[0.0, 1.0, 0.5], reduction=reduction)
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64], ids=str)
def test_class_numbers_of_any_integer_type(dtype):
    assert functional.weston_watkins(SCORES, TARGET.to(dtype), reduction="sum") == HINGES.sum()


def test_class_vectors_of_any_kind_and_type():
    for weight in ([1, 2, 3], (1.0, 2.0, 3.0), WEIGHT.numpy(), WEIGHT.double(), WEIGHT.half()):
        found = functional.weston_watkins(SCORES, TARGET, weight=weight, reduction="sum")
        assert found.dtype == torch.float32
        assert found == 12.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_single(dtype):
    scores = SCORES.to(dtype).requires_grad_()
    loss = functional.cross_entropy(scores, TARGET)
    loss.backward()
    assert loss.dtype == torch.float32
    assert scores.grad.dtype == dtype
    torch.testing.assert_close(loss, functional.cross_entropy(scores.detach().float(), TARGET))


def test_two_classes_are_the_logistic_loss():
    scores = torch.tensor([[1.0, -0.5]])
    expected = math.log1p(math.exp(-1.5))
    for name in ("cross_entropy", "pair_logistic"):
        assert getattr(functional, name)(scores, torch.tensor([0])).item() == pytest.approx(expected, rel=1e-6)


# Refusals


@pytest.mark.parametrize(
    ("input", "target", "words"),
    [
        (SCORES, torch.tensor([0, 1, 2]), r"shape \(4,\) is needed.*got \(3,\)"),
        (SCORES, torch.ones(4, 3, dtype=torch.long), "one-hot ones too, are given as floats"),
        (SCORES, torch.ones(4), r"shape of the input, \(4, 3\)"),
        (SCORES, torch.ones(4, 3, dtype=torch.bool), "torch.bool"),
        (SCORES, [0, 1, 2, 0], "got list; make one with torch.as_tensor"),
        (SCORES, torch.tensor([0, 1, 3, 0]), "class numbers from 0 to 2 are needed.*index 3 is out of bounds"),
        (SCORES, torch.tensor([0, 1, -1, 0]), "index -1 is out of bounds"),
        (SCORES[:, :1], torch.zeros(4, dtype=torch.long), "two or more classes.*give a two-class network two scores"),
        (SCORES[0, 0], torch.tensor(0), r"got the shape \(\)"),
        (SCORES.long(), TARGET, "real scores.*got torch.int64"),
        (SCORES.numpy(), TARGET, "got ndarray"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(input, target, words):
    with pytest.raises(DataError, match=words):
        functional.cross_entropy(input, target)


def test_rows_with_probabilities_cannot_be_ignored():
    with pytest.raises(UsageError, match="class numbers are needed as target where rows are to be ignored"):
        functional.cross_entropy(SCORES, SCORES.softmax(1), ignore_index=1)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"weight": [1.0, 2.0]}, r"weight needs one number for each of the 3 classes, but got the shape \(2,\)"),
        ({"weight": torch.ones(3, 1)}, "one number for each of the 3 classes"),
        ({"weight": [1.0, -1.0, 1.0]}, "weight needs a list of finite numbers that are not negative"),
        ({"class_margins": [1.0, 0.0, 1.0]}, "margins needs a list of positive finite numbers"),
        ({"class_scales": [1.0, -1.0, 1.0]}, "scales needs a list of positive finite numbers"),
        ({"shifts": [float("nan"), 0.0, 0.0]}, "shifts needs a list of finite numbers"),
        ({"own_shifts": 0.5}, "own_shifts needs a list of finite numbers"),
    ],
)
def test_class_vectors_that_do_not_fit_are_refused(keywords, words):
    with pytest.raises(UsageError, match=words):
        functional.cross_entropy(SCORES, TARGET, **keywords)
