"""Losses by name that take the class counts of the rows that are trained on."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.nn import functional

from marginscope.exceptions import ModelError
from marginscope.remedies.network_loss import TORCH_LOSSES
from marginscope.torch.cosine_network import CosineNetwork
from marginscope.torch.count_losses import COUNT_LOSSES, counted_loss
from marginscope.torch.network_classifier import NetworkClassifier

COUNTS = np.array([16, 4, 1])
SCORES = torch.tensor([[1.0, -0.5, 0.3], [0.2, 0.1, -0.4], [0.0, 2.0, 1.0]], dtype=torch.float64)
TARGET = torch.tensor([0, 1, 2])


def by_row(loss):
    loss.reduction = "none"
    return loss.double()(SCORES, TARGET)


def plain(moved, *, weight=(1.0, 1.0, 1.0)):
    return functional.cross_entropy(moved, TARGET, reduction="none") * torch.tensor(weight, dtype=torch.float64)


def test_balanced_weights():
    expected = plain(SCORES, weight=(21 / 48, 21 / 12, 7.0))
    assert torch.allclose(by_row(counted_loss("balanced", COUNTS)), expected)


def test_class_balanced_weights_have_mean_one():
    effective = np.array([1 / (1 - 0.9999**n) for n in COUNTS])
    weight = effective / effective.mean()
    assert torch.allclose(by_row(counted_loss("class_balanced", COUNTS)), plain(SCORES, weight=tuple(weight)))


@pytest.mark.parametrize("name", ["logit_adjusted", "balanced_softmax"])
def test_shifts_by_the_log_shares(name):
    assert torch.allclose(by_row(counted_loss(name, COUNTS)), plain(SCORES + torch.tensor(COUNTS / 21).log()))


def test_ldam_subtracts_from_the_true_score():
    moved = SCORES.clone()
    for row, own in enumerate(TARGET.tolist()):
        moved[row, own] -= 3.0 * (1 / COUNTS[own]) ** 0.25
    assert torch.allclose(by_row(counted_loss("ldam", COUNTS)), plain(moved))


def test_temperatures_and_vector_scaling():
    scaled = SCORES * torch.tensor((COUNTS / 16) ** 0.3)
    assert torch.allclose(by_row(counted_loss("cdt", COUNTS)), plain(scaled))
    assert torch.allclose(by_row(counted_loss("vs", COUNTS)), plain(scaled + torch.tensor(COUNTS / 21).log()))


def test_class_margins_divide_the_margins_and_keep_the_total_weight():
    m = (16 / COUNTS) ** 0.25
    weight = m**2 * 21 / (m**2 @ COUNTS)
    expected = []
    for row, own in enumerate(TARGET.tolist()):
        rivals = [float(SCORES[row, k] - SCORES[row, own]) / m[own] for k in range(3) if k != own]
        expected.append(weight[own] * np.log1p(np.sum(np.exp(rivals))))
    assert torch.allclose(by_row(counted_loss("class_margins", COUNTS)), torch.tensor(expected))
    assert weight @ COUNTS == pytest.approx(21)


def test_other_losses_stay_what_they_are():
    module = torch.nn.CrossEntropyLoss()
    assert counted_loss(module, COUNTS) is module
    assert counted_loss("focal", COUNTS) == "focal"


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat(["ant", "bee", "cow"], [200, 60, 12])
    centres = np.repeat(np.array([[0.0, 0], [4, 0], [0, 2]]), [200, 60, 12], axis=0)
    return centres + rng.standard_normal((272, 2)), y


@pytest.mark.parametrize("name", [*sorted(set(COUNT_LOSSES) - {"ldam_cosine"}), "focal", "label_smoothing"])
def test_a_network_trains_with_every_named_loss_and_shows_its_inside(name, rows):
    X, y = rows
    model = NetworkClassifier(loss=name, n_epochs=3, random_state=0).fit(X, y)
    assert model.loss == name
    part = model.network_part(X, y)
    assert part.pull.shape == (272, 3)
    # Scores can be shifted together without a change of the loss, except under temperatures.
    if name not in ("cdt", "vs"):
        assert part.pull.sum(axis=1) == pytest.approx(0.0, abs=1e-5)


def test_a_cosine_head_bounds_the_scores_and_its_margins_are_subtracted_from_them(rows):
    X, y = rows
    model = NetworkClassifier(n_epochs=10, random_state=0).with_cosine_head()
    assert model.network.network is None
    fitted = clone(model).fit(X, y)
    assert np.abs(fitted.decision_function(X)).max() <= 30.0 + 1e-4
    moved = SCORES.clone()
    for row, own in enumerate(TARGET.tolist()):
        moved[row, own] -= 30.0 * 0.5 * (1 / COUNTS[own]) ** 0.25
    assert torch.allclose(by_row(counted_loss("ldam_cosine", COUNTS)), plain(moved))
    assert np.mean(fitted.predict(X) == y) > 0.8


def test_a_network_of_the_users_own_keeps_all_but_its_last_layer():
    own = torch.nn.Sequential(torch.nn.Linear(2, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))
    made = CosineNetwork(own)(2, 3)
    assert [type(one).__name__ for one in made] == ["Linear", "Tanh", "CosineHead"]
    assert type(own[2]) is torch.nn.Linear, "what was given stays"
    with pytest.raises(ModelError, match="3 outputs"):
        CosineNetwork(torch.nn.Sequential(torch.nn.Linear(2, 4)))(2, 3)


def test_counts_are_those_of_the_rows_that_are_fitted(rows):
    X, y = rows
    one = NetworkClassifier(loss="logit_adjusted", n_epochs=2, random_state=0)
    whole, half = one.fit(X, y)._loss, one.fit(X[y != "bee"], y[y != "bee"])._loss
    assert whole.counts.tolist() == [200, 60, 12]
    assert half.counts.tolist() == [200, 12]


def test_every_loss_that_a_remedy_names_is_known_and_has_a_module_to_paste():
    import marginscope.torch

    known = {*COUNT_LOSSES, "focal", "label_smoothing"}
    assert set(TORCH_LOSSES) <= known
    for name, code in TORCH_LOSSES.items():
        scope = {**vars(marginscope.torch), "counts": torch.tensor(COUNTS)}
        with np.errstate(all="ignore"):
            import warnings

            with warnings.catch_warnings():
                # LDAM says by itself that it is meant for cosines.
                warnings.simplefilter("ignore")
                made = eval(code, scope)
        made.reduction = "none"
        if name in ("class_margins",):
            continue  # the weights differ by a common factor
        if name in COUNT_LOSSES:
            assert torch.allclose(made.double()(SCORES, TARGET), by_row(counted_loss(name, COUNTS)), atol=1e-6)
