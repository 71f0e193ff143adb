"""Losses made from class counts: their numbers by hand, what they move, and how they live as modules."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import marginscope.torch as mt
from marginscope import losses
from marginscope.exceptions import UsageError
from marginscope.losses import TEMPLATES, adjust
from marginscope.losses.adjust import MAKERS, Effects
from marginscope.torch import functional
from marginscope.torch.class_vectors import FIELD_OF
from marginscope.torch.loss_modules import name_of
from oracles.loss_cases import CASES, label, parameters

COUNTS = [16, 4, 1]
MARGINS = [1.0, 2.0, 4.0]
# module: the adjustment of NumPy that it is
MADE = {
    "BalancedWeightsLoss": adjust.balanced_weights(COUNTS),
    "ClassBalancedLoss": adjust.class_balanced_weights(COUNTS),
    "LogitAdjustedLoss": adjust.logit_adjustment(COUNTS),
    "BalancedSoftmaxLoss": adjust.logit_adjustment(COUNTS),
    "CDTLoss": adjust.cdt(COUNTS),
    "VSLoss": adjust.vs_loss(COUNTS),
    "LDAMLoss": adjust.Adjustment(own_shifts=adjust.ldam_margins(COUNTS).own_shifts, margins=[1 / 30] * 3),
    "ClassMarginLoss": adjust.class_margins(MARGINS),
}
every_module = pytest.mark.parametrize("name", MADE)
# within the bound of cosines
SCORES = torch.tensor([[0.9, 0.1, -0.3], [0.2, 0.6, 0.5], [-0.4, 0.0, 0.1], [0.3, 0.3, 0.3]], dtype=torch.float64)
TARGET = torch.tensor([0, 1, 2, 2])


def make(name: str, **options):
    return getattr(mt, name)(MARGINS if name == "ClassMarginLoss" else COUNTS, **options)


def test_every_named_adjustment_of_numpy_has_its_module():
    # a new maker in adjust.MAKERS: add its module, and one line here
    moved = {maker.__name__ for maker in MAKERS}
    assert moved == {
        "balanced_weights",
        "class_balanced_weights",
        "logit_adjustment",
        "ldam_margins",
        "cdt",
        "vs_loss",
        "class_margins",
    }
    public = {name for name in mt.__all__ if name.endswith("Loss")}
    assert public - {name_of(one) for one in TEMPLATES} - {"TemplateLoss", "ClassCountLoss"} == set(MADE)


# By hand


def test_balanced_weights_by_hand():
    loss = mt.BalancedWeightsLoss([16, 4, 1], loss="weston_watkins", reduction="none")
    assert loss.weight.tolist() == [21 / 48, 21 / 12, 21 / 3]
    # class 2: (1 - 0.5) + (1 - 0.1) of two rivals, times 7
    assert loss(SCORES[2:3], TARGET[2:3]).item() == pytest.approx(7.0 * (0.5 + 0.9), rel=1e-14)


def test_class_balanced_weights_by_hand():
    # effective numbers 1 + 1/2 + 1/4 + 1/8 and so on
    loss = mt.ClassBalancedLoss([4, 2, 1], beta=0.5, loss="weston_watkins", reduction="none")
    raw = np.array([1 / 1.875, 1 / 1.5, 1.0])
    np.testing.assert_allclose(loss.weight.numpy(), 3 * raw / raw.sum(), rtol=1e-14)
    found = loss(SCORES[2:3], TARGET[2:3]).item()
    assert found == pytest.approx(3 / raw.sum() * 1.4, rel=1e-14)


def test_logit_adjustment_by_hand():
    v = [0.2, 0.6, 0.5]
    terms = [n**2.0 * math.exp(one) for n, one in zip([16, 4, 1], v, strict=True)]
    loss = mt.LogitAdjustedLoss([16, 4, 1], tau=2.0)
    assert loss(SCORES[1:2], TARGET[1:2]).item() == pytest.approx(-math.log(terms[1] / sum(terms)), rel=1e-13)


def test_balanced_softmax_by_hand():
    terms = [16 * math.exp(0.2), 4 * math.exp(0.6), 1 * math.exp(0.5)]
    loss = mt.BalancedSoftmaxLoss([16, 4, 1])
    assert loss(SCORES[1:2], TARGET[1:2]).item() == pytest.approx(-math.log(terms[1] / sum(terms)), rel=1e-13)


def test_class_dependent_temperatures_by_hand():
    # factors 1, 1/2, 1/4 at gamma 1/2
    terms = [math.exp(0.2), math.exp(0.3), math.exp(0.125)]
    loss = mt.CDTLoss([16, 4, 1], gamma=0.5)
    assert loss(SCORES[1:2], TARGET[1:2]).item() == pytest.approx(-math.log(terms[1] / sum(terms)), rel=1e-13)


def test_vector_scaling_by_hand():
    terms = [16 * math.exp(0.2), 4 * math.exp(0.3), 1 * math.exp(0.125)]
    loss = mt.VSLoss([16, 4, 1], gamma=0.5, tau=1.0)
    assert loss(SCORES[1:2], TARGET[1:2]).item() == pytest.approx(-math.log(terms[1] / sum(terms)), rel=1e-13)


def test_class_margins_by_hand():
    # (v_y - v_k) / 2
    loss = mt.ClassMarginLoss([1.0, 2.0, 4.0], loss="pair_logistic")
    expected = math.log1p(math.exp(-0.2)) + math.log1p(math.exp(-0.05))
    assert loss(SCORES[1:2], TARGET[1:2]).item() == pytest.approx(expected, rel=1e-13)


def test_margins_on_cosines_by_hand():
    # largest margin 1/2 for one row, 1/4 for sixteen: fourth roots
    loss = mt.LDAMLoss([16, 16, 1], scale=10.0, loss="pair_logistic", reduction="none")
    expected = [
        math.log1p(math.exp(-10 * (0.9 - 0.25 - 0.1))) + math.log1p(math.exp(-10 * (0.9 - 0.25 + 0.3))),
        math.log1p(math.exp(-10 * (0.6 - 0.25 - 0.2))) + math.log1p(math.exp(-10 * (0.6 - 0.25 - 0.5))),
        math.log1p(math.exp(-10 * (0.1 - 0.5 + 0.4))) + math.log1p(math.exp(-10 * (0.1 - 0.5 - 0.0))),
    ]
    np.testing.assert_allclose(loss(SCORES[:3], TARGET[:3]).numpy(), expected, rtol=1e-12)


# NumPy, with every template


@every_module
@pytest.mark.parametrize("one", CASES, ids=label)
def test_a_module_is_the_adjustment_of_numpy_in_front_of_any_template(one, name):
    adjustment, y = MADE[name], TARGET.numpy()
    expected = np.exp(adjustment.log_sample_weights(y)) * one.value(adjustment.adjusted_margins(SCORES.numpy(), y))
    found = make(name, loss=one, reduction="none")(SCORES, TARGET)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)
    if not parameters(one).keys() & {"gamma"}:
        again = make(name, loss=one.name, reduction="none", **parameters(one))(SCORES, TARGET)
        torch.testing.assert_close(again, found, rtol=0.0, atol=0.0)


@every_module
def test_effects_are_those_that_numpy_measured(name):
    assert make(name).effects == MADE[name].effects
    text = " ".join((type(make(name)).__doc__ or "").split())
    says_limit = "and the max-margin limit" in text
    assert says_limit == make(name).effects.max_margin_limit, text


def test_effects_of_a_module_of_its_own_numbers():
    assert mt.CrossEntropyLoss().effects == Effects(False, False, False)
    assert mt.CrossEntropyLoss(weight=[1.0, 2.0]).effects == Effects(True, True, False)
    # a class without weight loses its support vectors
    assert mt.CrossEntropyLoss(weight=[1.0, 0.0]).effects == Effects(True, True, True)
    assert mt.CrossEntropyLoss(class_margins=[1.0, 2.0]).effects.max_margin_limit


# Modules


@pytest.mark.parametrize("one", TEMPLATES, ids=losses.names())
def test_the_module_of_a_template_is_its_function(one):
    module = getattr(mt, name_of(one))(weight=[1.0, 2.0, 3.0], shifts=[0.0, 0.5, 1.0], ignore_index=0, reduction="sum")
    function = getattr(functional, one.name)
    expected = function(SCORES, TARGET, weight=[1.0, 2.0, 3.0], shifts=[0.0, 0.5, 1.0], ignore_index=0, reduction="sum")
    assert torch.equal(module(SCORES, TARGET), expected)
    assert module.template == one


@pytest.mark.parametrize("one", CASES, ids=label)
def test_modules_of_templates_take_their_parameters(one):
    assert getattr(mt, name_of(one))(**parameters(one)).template == one


@every_module
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "state"])
def test_a_module_survives_copies(name, way):
    first = make(name, loss="focal", reduction="sum")
    if way == "state":
        again = type(first)([1.0, 1.0, 1.0], loss="focal", reduction="sum")
        assert again(SCORES, TARGET) != first(SCORES, TARGET)
        assert again.load_state_dict(first.state_dict()).missing_keys == []
    else:
        again = copy.deepcopy(first) if way == "deepcopy" else pickle.loads(pickle.dumps(first))
    assert torch.equal(again(SCORES, TARGET), first(SCORES, TARGET))
    assert {key: value.tolist() for key, value in again.state_dict().items()} == {
        key: value.tolist() for key, value in first.state_dict().items()
    }


@pytest.mark.parametrize("one", TEMPLATES, ids=losses.names())
def test_modules_of_templates_survive_pickling(one):
    first = getattr(mt, name_of(one))(weight=[1.0, 2.0, 3.0])
    again = pickle.loads(pickle.dumps(first))
    assert type(again) is type(first)
    assert torch.equal(again(SCORES, TARGET), first(SCORES, TARGET))


@every_module
def test_the_state_is_the_counts(name):
    kept = {"class_margins"} if name == "ClassMarginLoss" else {"counts"} | ({"epoch"} if name == "LDAMLoss" else set())
    assert set(make(name).state_dict()) == kept
    assert not list(make(name).parameters())


def test_counts_of_any_kind():
    for counts in (COUNTS, tuple(COUNTS), np.array(COUNTS), torch.tensor(COUNTS), torch.tensor(COUNTS).float()):
        loss = mt.CDTLoss(counts)
        assert loss.counts.tolist() == COUNTS
        assert loss.counts.dtype == torch.int64
    assert mt.CDTLoss([1.5, 3.0]).counts.tolist() == [1.5, 3.0]


@every_module
@pytest.mark.parametrize("cast", [lambda m: m.half(), lambda m: m.to(torch.bfloat16), lambda m: m.float()])
def test_a_cast_does_not_round_the_numbers_of_the_loss(name, cast):
    first, again = make(name), cast(nn.Sequential(make(name)))[0]
    for key, one in first.named_buffers():
        assert torch.equal(getattr(again, key), one), key
        assert getattr(again, key).dtype == one.dtype
    assert torch.equal(again(SCORES, TARGET), first(SCORES, TARGET))


@every_module
def test_buffers_follow_the_device(name):
    there = make(name).to("meta")
    assert {one.device.type for one in there.buffers()} == {"meta"}
    back = there.to_empty(device="cpu")
    back.load_state_dict(make(name).state_dict())
    assert torch.equal(back(SCORES, TARGET), make(name)(SCORES, TARGET))


def test_vectors_given_as_tensors_are_kept_apart_from_them():
    weight = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = mt.CrossEntropyLoss(weight=weight)
    assert not loss.weight.requires_grad
    with torch.no_grad():
        weight.zero_()
    assert loss.weight.tolist() == [1.0, 2.0, 3.0]


def test_a_template_of_ones_own():
    class Sharper(losses.Template):
        name = "sharper"

        def value(self, margins, xp=np):
            return 0.5 * xp.log1p(xp.exp(-2.0 * margins).sum(-1))

    own = mt.TemplateLoss(Sharper(), class_scales=[1.0, 0.5, 0.25])
    expected = 0.5 * torch.nn.functional.cross_entropy(2.0 * SCORES * torch.tensor([1.0, 0.5, 0.25]), TARGET)
    torch.testing.assert_close(own(SCORES, TARGET), expected)


def test_what_a_module_is_made_of_can_be_read():
    assert repr(mt.FocalLoss(gamma=1.0, weight=[1, 2])) == "FocalLoss(Focal(gamma=1.0), weight, reduction='mean')"
    text = repr(mt.VSLoss(COUNTS, ignore_index=2, reduction="sum"))
    assert text == "VSLoss(CrossEntropy(), class_scales, shifts, ignore_index=2, reduction='sum')"


@pytest.mark.parametrize(
    ("make_one", "words"),
    [
        (lambda: mt.CDTLoss([5, 0, 3]), "positive number of rows"),
        (lambda: mt.CDTLoss(torch.tensor([5])), "two or more classes"),
        (lambda: mt.ClassMarginLoss([1.0, -1.0]), "margins needs a list of positive"),
        (lambda: mt.CDTLoss([5, 3], weight=[1.0, 1.0, 1.0]), "give all the same length"),
        (lambda: mt.CrossEntropyLoss(weight=[1.0], shifts=[1.0, 2.0]), "give all the same length"),
        (lambda: mt.CrossEntropyLoss(weight=torch.tensor([1.0, -1.0])), "weight needs a list of finite numbers"),
        (lambda: mt.CrossEntropyLoss(reduction="average"), "a known reduction is needed"),
        (lambda: mt.CrossEntropyLoss(gamma=2.0), "parameter of the loss cross_entropy"),
        (lambda: mt.VSLoss(COUNTS, loss="fokal"), "did you mean 'focal'"),
        (lambda: mt.ClassBalancedLoss(COUNTS, beta=1.0), "below 1"),
        (lambda: mt.CDTLoss(COUNTS)(torch.zeros(2, 4), torch.tensor([0, 1])), "for each of the 4 classes"),
    ],
)
def test_what_cannot_be_meant_is_refused(make_one, words):
    with pytest.raises(UsageError, match=words):
        make_one()


def test_the_keywords_are_the_fields_of_the_adjustment():
    fields = set(adjust.Adjustment.__dataclass_fields__) - {"sample_weights"}
    assert set(FIELD_OF.values()) == fields
