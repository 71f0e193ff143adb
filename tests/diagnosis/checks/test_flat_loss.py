"""The loss has nearly no gradient where the class is wrong."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import marginscope as ms
from marginscope.diagnosis.checks.flat_loss import FlatLoss
from marginscope.diagnosis.pulls import pulls_of
from marginscope.exceptions import CheckNotApplicable

torch = pytest.importorskip("torch")
NetworkClassifier = pytest.importorskip("marginscope.torch.network_classifier").NetworkClassifier


def behind(offset):
    """A network whose last class starts ``offset`` below the others."""

    def make(n_features, n_classes):
        net = torch.nn.Sequential(torch.nn.Linear(n_features, 16), torch.nn.ReLU(), torch.nn.Linear(16, n_classes))
        torch.nn.init.constant_(net[2].bias[-1:], -offset)
        return net

    return make


def network(loss, offset=12.0, **settings):
    usual = {"optimizer": "sgd", "learning_rate": 0.05, "n_epochs": 15, "random_state": 0}
    return NetworkClassifier(behind(offset), loss=loss, **{**usual, **settings})


@pytest.fixture(scope="module")
def flat_case(case_of, penalised):
    return case_of(network("mae"), penalised)


def test_fires_for_the_mean_absolute_error_of_a_class_far_behind(flat_case, examine):
    found = examine(FlatLoss(), flat_case)
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert found.remedies == ("cross-entropy",)
    assert "mae" in found.sentence


def test_it_is_the_first_cause_although_longer_training_might_lift_the_class(penalised):
    found = penalised.diagnose(network("mae"))
    assert found["cow"].cause == "flat-loss"


def test_the_pull_of_a_network_is_that_of_its_loss_by_hand(flat_case, penalised):
    """Of 1 - p_y the derivative with respect to the scores is -p_y (e_y - p)."""
    pulls = pulls_of(flat_case)
    model = flat_case.fitted
    scores = model.decision_function(penalised.X)
    place = np.searchsorted(model.classes_, penalised.y)
    p = softmax(scores, axis=1)
    step = np.eye(3)[place] - p
    wrong = scores.argmax(axis=1) != place
    for k in np.unique(place[wrong]):
        rows = wrong & (place == k)
        own = np.linalg.norm(p[np.arange(p.shape[0]), place][:, None] * step, axis=1)[rows].mean()
        assert pulls.n_wrong[k] == rows.sum()
        assert pulls.own[k] == pytest.approx(own, rel=1e-3)
        assert pulls.cross_entropy[k] == pytest.approx(np.linalg.norm(step, axis=1)[rows].mean(), rel=1e-4)


@pytest.mark.parametrize("loss", ["mae", "cross_entropy", "squared_margin"])
def test_the_pull_of_linear_classifiers_is_the_slope_of_their_loss(loss, imbalanced, case_of):
    """Central differences of the template's value along each score."""
    case = case_of(ms.MarginClassifier(loss=loss), imbalanced)
    pulls = pulls_of(case)
    model = case.fitted
    scores = np.asarray(imbalanced.X @ model.coef_.T + model.intercept_)
    place = np.searchsorted(model.classes_, imbalanced.y)
    template = ms.losses.get(loss)

    def value(v):
        own = v[np.arange(len(v)), place]
        others = np.array([np.delete(row, k) for row, k in zip(v, place, strict=True)])
        return np.asarray(template.value(own[:, None] - others))

    h = 1e-6
    slope = np.stack([(value(scores + h * e) - value(scores - h * e)) / (2 * h) for e in np.eye(3)], axis=1)
    wrong = scores.argmax(axis=1) != place
    for k in np.unique(place[wrong]):
        rows = wrong & (place == k)
        assert pulls.own[k] == pytest.approx(np.linalg.norm(slope[rows], axis=1).mean(), rel=1e-4)


def test_stays_silent_for_cross_entropy(imbalanced, case_of, examine):
    case = case_of(ms.MarginClassifier(), imbalanced)
    assert case.poor
    found = examine(FlatLoss(), case)
    assert found.status == "passed"
    assert case.lab.tried() == {}
    np.testing.assert_allclose([one.value for one in found.evidence], 1.0, rtol=1e-6)


def test_stays_silent_where_the_classes_are_learned(healthy, case_of, examine):
    case = case_of(network("mae", offset=0.0), healthy)
    found = examine(FlatLoss(), case)
    assert found.status == "passed"
    assert case.lab.tried() == {}


def test_a_network_that_cannot_be_refitted_gets_a_tip(flat_case, penalised, examine, case_of):
    from dataclasses import replace

    class Frozen:
        can_refit = False

        def __init__(self, view, fitted):
            self.view, self.fitted = view, fitted

        def __getattr__(self, name):
            return getattr(self.view, name)

    frozen = replace(flat_case, view=Frozen(flat_case.view, flat_case.fitted), notebook={})
    found = examine(FlatLoss(), frozen)
    assert found.status == "tip"
    assert found.classes == ("cow",)


def test_other_models_and_answers_have_no_known_loss(given_case, imbalanced, case_of, examine):
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    for case in (given_case, case_of(scaled, imbalanced)):
        with pytest.raises(CheckNotApplicable, match="not known"):
            examine(FlatLoss(), case)
