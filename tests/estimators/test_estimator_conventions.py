"""What every public classifier has beside its predictions: files, forms, routing, and its place in pipelines."""

from __future__ import annotations

import inspect
import pickle
from typing import ClassVar

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import marginscope as ms
from marginscope.adapters import load_model
from marginscope.exceptions import UntrustedModel

X, CODES = load_iris(return_X_y=True)
Y = np.array(["setosa", "versicolor", "<b>virginica</b>"])[CODES]

CLASSIFIERS = [
    ms.MarginClassifier(),
    ms.MarginClassifier(loss=ms.losses.get("focal", gamma=1.0), tol=1e-4, probability="calibrate"),
    ms.HardMarginClassifier(),
    ms.HardMarginClassifier(norm="max", probability="calibrate"),
    ms.GradientDescentClassifier(n_steps=50),
    ms.CostMatrixClassifier(cost_matrix={"setosa": {"versicolor": 3.0}}),
    ms.CostMatrixClassifier(ms.HardMarginClassifier()),
    ms.ClassThresholdClassifier(),
]
WRAPPERS = [ms.CostMatrixClassifier, ms.ClassThresholdClassifier]
every_classifier = pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda one: f"{one!r:.60}")
pytestmark = pytest.mark.filterwarnings("ignore::marginscope.DataQualityWarning")


def _answers(model):
    names = [name for name in ("predict", "decision_function", "predict_proba") if hasattr(model, name)]
    return {name: getattr(model, name)(X) for name in names}


@every_classifier
def test_a_pickle_answers_the_same(model):
    fitted = clone(model).fit(X, Y)
    read = pickle.loads(pickle.dumps(fitted))
    for name, answer in _answers(fitted).items():
        assert np.array_equal(getattr(read, name)(X), answer)


@every_classifier
def test_a_skops_file_needs_no_trust_in_code(model, tmp_path):
    skops_io = pytest.importorskip("skops.io")
    fitted = clone(model).fit(X, Y)
    skops_io.dump(fitted, tmp_path / "model.skops")
    read = load_model(tmp_path / "model.skops")
    for name, answer in _answers(fitted).items():
        assert np.array_equal(getattr(read, name)(X), answer)


def test_a_function_in_a_model_is_still_refused(tmp_path):
    skops_io = pytest.importorskip("skops.io")
    model = ms.ClassThresholdClassifier().fit(X, Y)
    model.scoring = ms.run_experiment
    skops_io.dump(model, tmp_path / "model.skops")
    with pytest.raises(UntrustedModel, match="run_experiment"):
        load_model(tmp_path / "model.skops")


def test_training_rows_are_in_no_file_of_a_margin_classifier():
    model = ms.MarginClassifier().fit(np.tile(X, (100, 1)), np.tile(Y, 100))
    assert model.certificate_.status == "quasi_complete"
    model = ms.MarginClassifier().fit(np.tile(X, (100, 1)), np.tile(Y, 100))
    data = pickle.dumps(model)
    assert len(data) < 3_000
    with pytest.raises(AttributeError, match="separability"):
        pickle.loads(data).certificate_


def test_the_certificate_of_a_hard_margin_is_in_its_file():
    read = pickle.loads(pickle.dumps(ms.HardMarginClassifier().fit(X[:100], Y[:100])))
    assert read.certificate_.verify(X[:100], Y[:100])


@every_classifier
def test_the_text_form_is_that_of_scikit_learn(model):
    fitted = clone(model).fit(X, Y)
    assert repr(fitted) == repr(model)
    assert repr(fitted).startswith(f"{type(model).__name__}(")
    assert fitted._repr_mimebundle_()["text/plain"] == repr(model)


@every_classifier
def test_the_notebook_shows_facts_beside_the_diagram(model):
    fitted = clone(model).fit(X, Y)
    for html, before in (
        (fitted._repr_mimebundle_()["text/html"], model._repr_mimebundle_()["text/html"]),
        (fitted._repr_html_(), model._repr_html_()),
    ):
        assert "sk-container-id" in html
        assert '<th scope="row">classes</th><td>3</td>' in html
        assert "ms-cell" not in before
        assert "<b>virginica" not in html.split("ms-cell")[-1]
    with sklearn.config_context(display="text"):
        assert "text/html" not in fitted._repr_mimebundle_()
        assert not hasattr(fitted, "_repr_html_")


def test_the_facts_say_what_the_fit_found():
    shown = ms.MarginClassifier().fit(X, Y)._repr_html_()
    assert "iterations" in shown
    assert "certificate_" not in shown
    assert "separability" not in shown
    model = ms.MarginClassifier().fit(X, Y)
    _ = model.certificate_
    assert "quasi-complete" in model._repr_html_()
    assert "between 1.05" in ms.HardMarginClassifier().fit(X[:100], Y[:100])._repr_html_()
    assert "least total violation" in ms.HardMarginClassifier().fit(X, Y)._repr_html_()
    assert "50, completed" in ms.GradientDescentClassifier(n_steps=50).fit(X, Y)._repr_html_()
    assert "standard error" in ms.ClassThresholdClassifier().fit(X, Y)._repr_html_()


def test_looking_at_a_model_solves_nothing(monkeypatch):
    model = ms.MarginClassifier().fit(X, Y)
    monkeypatch.setattr("marginscope.estimators.linear_classifier.separability", lambda *_, **__: 1 / 0)
    assert "certificate_" in dir(model)
    make_pipeline(StandardScaler(), model)._repr_html_()
    assert "certificate_" in dir(model)
    with pytest.raises(ZeroDivisionError):
        _ = model.certificate_


@every_classifier
def test_a_clone_has_the_same_parameters_and_no_fit(model):
    fitted = clone(model).fit(X, Y)
    again = clone(fitted)
    assert repr(again) == repr(model)
    assert not hasattr(again, "classes_")
    assert set(type(model)().get_params(deep=False)) == set(inspect.signature(type(model).__init__).parameters) - {
        "self"
    }


@every_classifier
def test_every_parameter_and_attribute_is_documented(model):
    text = inspect.getdoc(type(model))
    for name in model.get_params(deep=False):
        assert name in text, name
    fitted = clone(model).fit(X, Y)
    for name in vars(fitted):
        if name.endswith("_") and not name.startswith("_"):
            assert name in text or name in ("calibration_",), name


@every_classifier
def test_tags_tell_what_is_taken(model):
    tags = get_tags(model)
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_class
    assert tags.input_tags.sparse


@every_classifier
def test_it_works_in_a_pipeline_with_frames_out(model):
    pytest.importorskip("pandas")
    pipeline = make_pipeline(StandardScaler(), clone(model)).set_output(transform="pandas").fit(X, Y)
    assert pipeline[-1].n_features_in_ == 4
    assert pipeline.score(X, Y) > 0.5


def test_it_can_be_searched_and_cross_validated():
    search = GridSearchCV(
        ms.MarginClassifier(),
        {"C": [0.1, 10.0], "loss": ["cross_entropy", "pair_logistic"]},
        cv=3,
        scoring="neg_log_loss",
    ).fit(X, CODES)
    assert search.best_params_["C"] == 10.0
    scores = cross_validate(ms.HardMarginClassifier(), X, Y, cv=3, return_estimator=True)
    assert len(scores["estimator"]) == 3


# Metadata routing


class Recorder(ms.MarginClassifier):
    """Remembers what its last fit got; ``note`` is metadata of its own."""

    seen: ClassVar[list[tuple[object, object]]] = []

    def fit(self, X, y, sample_weight=None, note=None):
        Recorder.seen.append((None if sample_weight is None else np.array(sample_weight), note))
        return super().fit(X, y, sample_weight)


def test_weights_are_requested_by_name():
    weights = np.arange(150.0) + 1.0
    direct = ms.MarginClassifier().fit(X, Y, sample_weight=weights)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = make_pipeline(ms.MarginClassifier().set_fit_request(sample_weight=True)).fit(
            X, Y, sample_weight=weights
        )
    assert routed[-1].coef_ == pytest.approx(direct.coef_)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_routes_to_the_estimator_and_to_the_splitter(wrapper):
    weights, groups = np.arange(150.0) + 1.0, np.arange(150) % 5
    with sklearn.config_context(enable_metadata_routing=True):
        inner = Recorder().set_fit_request(sample_weight=True, note=True)
        model = wrapper(inner, cv=GroupKFold(5), probability="calibrate")
        Recorder.seen.clear()
        model.fit(X, Y, sample_weight=weights, note=groups, groups=groups)
        assert len(Recorder.seen) == 6
        for got, note in Recorder.seen[1:]:
            # folds are whole groups, weights and notes come row by row
            assert len(set(note.tolist())) == 4
            assert np.array_equal(np.unique(got), np.unique(weights[np.isin(groups, note)]))
        assert np.array_equal(Recorder.seen[0][0], weights)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_gives_the_estimator_only_what_it_asked_for(wrapper):
    with sklearn.config_context(enable_metadata_routing=True):
        Recorder.seen.clear()
        model = wrapper(Recorder().set_fit_request(sample_weight=False))
        model.fit(X, Y, sample_weight=np.ones(150))
        assert all(got is None for got, _ in Recorder.seen)
        with pytest.raises(ValueError, match="note"):
            model.fit(X, Y, note=np.ones(150))
        assert np.array_equal(
            wrapper().fit(X, Y, sample_weight=np.ones(150)).predict(X), wrapper().fit(X, Y).predict(X)
        )


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_without_routing_weights_go_to_every_fit(wrapper):
    Recorder.seen.clear()
    wrapper(Recorder(), probability="calibrate", cv=3).fit(X, Y, sample_weight=np.full(150, 2.0))
    assert len(Recorder.seen) == 4
    assert all(np.all(got == 2.0) for got, _ in Recorder.seen)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "model", [ms.MarginClassifier(), ms.HardMarginClassifier(), ms.GradientDescentClassifier(n_steps=3)]
)
def test_labels_that_look_like_identifiers_are_said_once(model):
    rng = np.random.default_rng(0)
    y = np.r_[np.arange(16), np.arange(8)]
    with pytest.warns(ms.DataQualityWarning) as caught:
        _ = clone(model).fit(rng.standard_normal((24, 30)), y).certificate_
    assert len([one for one in caught if "more than half" in str(one.message)]) == 1
