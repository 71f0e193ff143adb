"""More units and a branch for each class: what they change, and where they cannot act."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import marginscope as ms
from marginscope.remedies.class_balanced_weights import ClassBalancedWeights
from marginscope.remedies.class_branches import ClassBranches
from marginscope.remedies.recipe import CannotAct
from marginscope.remedies.wider_network import WiderNetwork


@pytest.fixture(scope="module")
def network():
    nn = pytest.importorskip("torch").nn
    from marginscope.torch import NetworkClassifier

    def narrow(n_features, n_classes):
        return nn.Sequential(nn.Linear(n_features, 3), nn.Tanh(), nn.Linear(3, n_classes))

    return NetworkClassifier(narrow, n_epochs=3, random_state=0)


@pytest.mark.parametrize(("sizes", "wider"), [((5,), (20,)), ((5, 3), (20, 12)), (7, (28,))])
def test_a_perceptron_gets_wider_layers(sizes, wider, situation_of, uneven):
    situation = situation_of(make_pipeline(StandardScaler(), MLPClassifier(sizes, max_iter=3)))
    (recipe,) = WiderNetwork().recipes(situation)
    assert recipe.name == "wider-network x4"
    assert recipe.estimator[-1].hidden_layer_sizes == wider
    assert recipe.estimator[-1].max_iter == 3, "the number of steps stays"
    model = make_pipeline(StandardScaler(), MLPClassifier(sizes, max_iter=1))
    with pytest.warns(UserWarning, match="Maximum iterations"):
        exec(WiderNetwork().snippet(situation, recipe), {"model": model, "X": uneven[0], "y": uneven[1]})
    assert [w.shape[1] for w in model[-1].coefs_[:-1]] == list(wider)


def test_a_network_gets_weights_under_its_labels_alone(network, situation_of, uneven):
    """Labels that are written numbers get a second key for scikit-learn; a network refuses a key that is no label."""
    labels = np.array(["1", "2", "10"])[np.unique(uneven[1], return_inverse=True)[1]]
    (recipe,) = ClassBalancedWeights().recipes(situation_of(network, X=uneven[0], y=labels))
    assert set(recipe.estimator.class_weight) == {"1", "2", "10"}
    assert set(recipe.estimator.fit(uneven[0], labels).predict(uneven[0])) <= {"1", "2", "10"}


def test_a_torch_network_gets_copies_and_branches(network, situation_of, uneven):
    situation = situation_of(network)
    (wider,) = WiderNetwork().recipes(situation)
    (apart,) = ClassBranches().recipes(situation)
    assert wider.estimator.copies == 4
    assert apart.estimator.branches is True

    def n_parameters(model):
        fitted = model.fit(uneven[0], uneven[1])
        return sum(p.numel() for p in fitted.module_.parameters())

    one = n_parameters(network)
    assert n_parameters(wider.estimator) == 4 * one
    assert n_parameters(apart.estimator) == 3 * one, "a whole network for each of three classes"
    scope = {"model": network, "X": uneven[0], "y": uneven[1]}
    exec(ClassBranches().snippet(situation, apart), scope)
    assert scope["model"].branches is True
    scope["model"].set_params(branches=False)


def test_branches_share_nothing(network, situation_of, uneven):
    torch = pytest.importorskip("torch")
    (apart,) = ClassBranches().recipes(situation_of(network))
    module = apart.estimator.fit(uneven[0], uneven[1]).module_
    scores = module(torch.tensor(uneven[0][:20], dtype=torch.float32))
    parts = next(iter(module.children()))
    for k in range(3):
        slopes = torch.autograd.grad(scores[:, k].sum(), list(parts.parameters()), retain_graph=True, allow_unused=True)
        n = len(slopes) // 3
        touched = {i // n for i, one in enumerate(slopes) if one is not None and one.abs().sum() > 0}
        assert touched == {k}


def test_the_reasons_why_they_cannot_act(network, situation_of, uneven):
    for one in (WiderNetwork(), ClassBranches()):
        with pytest.raises(CannotAct, match="no network"):
            one.recipes(situation_of(LogisticRegression()))
        with pytest.raises(CannotAct, match="cannot be fitted again"):
            one.recipes(situation_of(ms.Predictions(uneven[1])))
    with pytest.raises(CannotAct, match="no network that can have a branch"):
        ClassBranches().recipes(situation_of(MLPClassifier((5,))))
    with pytest.raises(CannotAct, match="no hidden layer"):
        WiderNetwork().recipes(situation_of(MLPClassifier(())))
    with pytest.raises(CannotAct, match="already"):
        ClassBranches().recipes(situation_of(type(network)(branches=True)))
    many = np.arange(60) % 30
    with pytest.raises(CannotAct, match="30 classes would need as many networks"):
        ClassBranches().recipes(situation_of(network, X=uneven[0][:60], y=many))
