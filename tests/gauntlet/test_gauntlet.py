"""The gauntlet: its plantings are what they say, its score is strict, its runs go on after a kill."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
OTHER_SEEDS = [901, 902, 903]  # in neither list
QUICK = {"linear", "ridge", "lda", "stumps", "svm", "tree", "one-vs-rest logistic", "linear svm"}


@pytest.fixture(autouse=True)
def _root_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def _cases():
    from benchmarks.gauntlet.cases import CASES

    return CASES


def test_the_registry_covers_what_the_page_promises():
    from benchmarks.gauntlet.__main__ import seeds_of

    from marginscope.diagnosis.candidates import NEVER_A_CAUSE, PREFERENCE

    cases = _cases()
    assert len({case.key for case in cases}) == len(cases)
    causes = {case.cause for case in cases if case.cause}
    assert causes <= set(PREFERENCE) | NEVER_A_CAUSE
    assert len(causes) >= 16
    assert sum(case.shown_by == "control" for case in cases) >= 6
    assert len({case.source for case in cases} - {"synthetic"}) >= 10
    assert all(set(case.models) <= set(case.cured_models or case.models) for case in cases)
    lists = [seeds_of(name) for name in ("tuning", "fresh")]
    assert [len(set(one)) for one in lists] == [20, 20]
    assert not set(lists[0]) & set(lists[1])


def _quick_plantings():
    import sys

    sys.path.insert(0, str(ROOT))
    try:
        cases = _cases()
    finally:
        sys.path.remove(str(ROOT))
    return [
        pytest.param(case.key, kind, id=f"{case.key}/{kind}".replace(" ", "-"))
        for case in cases
        for kind in case.models
        if case.source == "synthetic" and case.shown_by in ("cure", "count") and kind in QUICK
    ]


@pytest.mark.parametrize(("key", "kind"), _quick_plantings())
def test_a_planted_cause_is_the_cause(key, kind):
    from benchmarks.gauntlet.verify import verify_case

    case = next(one for one in _cases() if one.key == key)
    found = verify_case(case, kind, OTHER_SEEDS)
    assert found["shown"], found


def test_a_seed_repeats_and_another_differs():
    case = next(one for one in _cases() if one.key == "imbalance/clouds")
    first, again, other = (case.planted(seed).train for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.X, other.X)


def _said(label, verdict, cause):
    return SimpleNamespace(label=label, verdict=verdict, cause=cause, runner_up=None, recall=0.3, reason="")


class _Diagnosis:
    def __init__(self, classes, issues=()):
        self.classes = {one.label: one for one in classes}
        self.findings = [SimpleNamespace(slug=slug, status=status, sentence="") for slug, status in issues]

    def __getitem__(self, label):
        return self.classes[label]

    def finding(self, slug):
        return next(one for one in self.findings if one.slug == slug)


def _judged(cause, shown_by, classes, issues=(), *, planted=("a",), healthy=("b",), findings=()):
    from benchmarks.gauntlet.planted import Case, Planted
    from benchmarks.gauntlet.score import judge

    case = Case(cause, "one", "synthetic", None, {}, findings=findings, shown_by=shown_by)
    planted = Planted(None, classes=planted, healthy=healthy)
    return judge(case, planted, _Diagnosis(classes, issues))


@pytest.mark.parametrize(
    ("cause", "verdict", "said", "right"),
    [
        ("imbalance", "weak", "imbalance", True),
        ("imbalance", "unlearned", "low-capacity", False),
        ("imbalance", "healthy", None, False),
        ("imbalance", "undecided", "imbalance", False),
        ("few-rows", "undecided", "few-rows", True),
        ("class-absent", "absent", "class-absent", True),
    ],
)
def test_only_the_planted_cause_with_a_verdict_is_right(cause, verdict, said, right):
    found = _judged(cause, "cure", [_said("a", verdict, said), _said("b", "healthy", None)])
    assert found["right"] is right


def test_every_planted_class_and_every_finding_must_be_right():
    classes = [_said("a", "weak", "overfit"), _said("c", "weak", "imbalance")]
    assert not _judged("overfit", "cure", classes, planted=("a", "c"), healthy=())["right"]
    for status, right in (("issue", True), ("passed", False)):
        found = _judged(
            "weights-vanish",
            "certificate",
            [],
            [("weights-vanish", status)],
            planted=(),
            healthy=(),
            findings=("weights-vanish",),
        )
        assert found["right"] is right


def test_an_error_is_a_miss():
    classes = [_said("a", "weak", "imbalance"), _said("b", "healthy", None)]
    assert not _judged("imbalance", "cure", classes, [("no-signal", "errored")])["right"]


@pytest.mark.parametrize(
    ("verdict", "issues", "right"),
    [
        ("healthy", [], True),
        ("healthy", [("infinite-parameters", "issue"), ("imbalance", "passed")], True),
        ("healthy", [("imbalance", "issue")], False),
        ("weak", [], False),
        ("undecided", [], False),
    ],
)
def test_a_control_is_alarmed_by_a_verdict_or_an_issue(verdict, issues, right):
    found = _judged("", "control", [_said("b", verdict, None)], issues, planted=())
    assert found["right"] is right


def test_a_run_that_was_cut_goes_on_with_what_is_missing(tmp_path):
    from benchmarks.gauntlet.runs import drop_lines, read_lines, run_all

    path = tmp_path / "tuning.jsonl"
    keys = [("x/one", "linear", seed) for seed in range(4)]

    def work(key):
        return {"case": key[0], "model": key[1], "seed": key[2], "right": key[2] != 1, "said": ["no"]}

    run_all(path, keys[:2], work, keys[:2], jobs=1)
    path.write_text(path.read_text() + '{"case": "x/one", "model": "linear", "se')  # killed while writing
    assert sorted(read_lines(path)) == keys[:2]
    run_all(path, keys[2:], work, keys[2:], jobs=1)
    assert {key for key, line in read_lines(path).items() if not line["right"]} == {keys[1]}
    assert sorted(read_lines(path)) == keys
    drop_lines(path, keys[:1])
    assert sorted(read_lines(path)) == keys[1:]


@pytest.mark.slow
def test_two_processes_do_what_one_does(tmp_path, monkeypatch):
    from benchmarks.gauntlet.runs import read_lines, run_all
    from benchmarks.gauntlet.tasks import verified

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    keys = [("class-absent/clouds", "linear", 1), ("healthy/small and clean", "linear", 1)]
    arguments = [(key, kind, [901]) for key, kind, _ in keys]
    run_all(tmp_path / "two.jsonl", keys, verified, arguments, jobs=2)
    found = read_lines(tmp_path / "two.jsonl")
    assert sorted(found) == sorted(keys)
    assert all(found[key] == verified(argument) for key, argument in zip(keys, arguments, strict=True))


def test_seeds_come_one_after_the_other():
    from benchmarks.gauntlet.runs import tasks

    keys = tasks(_cases(), [3, 4], "label-map/clouds")
    assert [key[2] for key in keys] == [3] * (len(keys) // 2) + [4] * (len(keys) // 2)
    assert len(keys) == 6


def test_frozen_is_checked_not_promised(tmp_path, monkeypatch):
    from benchmarks.gauntlet import frozen

    monkeypatch.setattr(frozen, "FILE", tmp_path / "frozen.toml")
    assert set(frozen.unfrozen()) == set(frozen.hashes())
    frozen.freeze()
    assert frozen.unfrozen() == []
    monkeypatch.setattr(frozen, "thresholds", lambda: {"Proof": {"least_lift": 0.04}})
    assert frozen.unfrozen() == ["thresholds"]


def test_fresh_seeds_are_refused_until_frozen(tmp_path, monkeypatch, capsys):
    from benchmarks.gauntlet import __main__ as gauntlet
    from benchmarks.gauntlet import frozen

    monkeypatch.setattr(frozen, "FILE", tmp_path / "frozen.toml")
    monkeypatch.setattr("sys.argv", ["gauntlet", "run", "fresh", "--only", "nothing"])
    assert gauntlet.main() == 2
    assert "thresholds" in capsys.readouterr().err


def test_rivals_are_read_by_the_table():
    from benchmarks.gauntlet.rivals.messages import named

    underrepresented = named("skore", ["SKD005 issue: Classes ['4'] each represent less than 10%"])
    assert {"imbalance", "few-rows"} <= underrepresented
    assert named("skore", ["SKD009 tip: Your model is on par with or better than a HistGradientBoosting"]) == set()
    assert "low-capacity" in named("skore", ["SKD009 tip: Test scores are significantly worse than a Hist"])
    assert named("cleanlab", ["outlier: 23 issues, score 0.6"]) == set()
    assert "mislabelled" in named("cleanlab", ["label issues on a planted class: 2, 0.85 of them"])
    assert "not-converged" in named("scikit-learn", ["ConvergenceWarning: lbfgs failed to converge after 100"])


def test_intervals_are_wilson_s():
    from benchmarks.gauntlet.report import wilson
    from statsmodels.stats.proportion import proportion_confint

    for k, n in ((0, 20), (19, 20), (371, 400)):
        np.testing.assert_allclose(wilson(k, n), proportion_confint(k, n, method="wilson"), atol=1e-12)


def test_a_report_counts_what_the_lines_say(tmp_path, monkeypatch):
    from benchmarks.gauntlet.report import summary, write_report

    monkeypatch.setenv("GAUNTLET_RESULTS", str(tmp_path))
    lines = [
        {
            "case": "imbalance/clouds",
            "model": "linear",
            "seed": s,
            "right": s > 0,
            "said": ["c2: weak/overfit (then x)"],
        }
        for s in range(3)
    ]
    lines[2]["remedy"] = {"right": True}
    (tmp_path / "tuning.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    row = summary("tuning", _cases())["rows"][0]
    assert (row["right"], row["of"], row["remedy right"], row["remedy of"]) == (2, 3, 1, 1)
    text = write_report("tuning", _cases(), write=False)
    assert "| imbalance | 1 | 2/3 (67%" in text
    assert "weak/overfit" in text


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_hashes_are_the_same_in_every_process(hash_seed):
    """Sets are read in another order under another seed of the hash function."""
    from benchmarks.gauntlet.frozen import hashes

    code = "import json; from benchmarks.gauntlet.frozen import hashes; print(json.dumps(hashes()))"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ended.stdout) == hashes()
