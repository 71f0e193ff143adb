"""Hold one diagnosis, and its remedies, against what was planted."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from benchmarks.gauntlet.models import seeded
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["judge", "judge_remedies", "score_one"]

# A remedy is as good as the best if its balanced recall is within this.
AS_GOOD = 0.02
NO_CAUSE_OF_A_RECALL = frozenset({"weights-vanish", "infinite-parameters", "non-identifiable"})


def score_one(case: Case, kind: str, seed: int, *, remedies: bool) -> dict[str, Any]:
    """Draw, diagnose, judge; one line of the results."""
    import marginscope as ms

    planted = case.planted(seed)
    line: dict[str, Any] = {"case": case.key, "model": kind, "seed": seed}
    X_test, y_test = planted.test or (None, None)
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            diagnosis = ms.diagnose(case.models[kind](), *planted.train, X_test=X_test, y_test=y_test, rng=seed)
            line["seconds"] = round(time.perf_counter() - begun, 2)
            line["cpu"] = round(time.process_time() - cpu, 2)
            line |= judge(case, planted, diagnosis)
            if remedies and case.shown_by in ("cure", "count"):
                begun, cpu = time.perf_counter(), time.process_time()
                line["remedy"] = judge_remedies(case, kind, planted, diagnosis, seed)
                line["remedy"]["seconds"] = round(time.perf_counter() - begun, 2)
                line["remedy"]["cpu"] = round(time.process_time() - cpu, 2)
    except Exception as error:  # a crash is a miss, and must not end a run of hours
        line |= {"right": False, "said": [f"crashed: {type(error).__name__}: {error}"[:500]]}
    return line


def judge(case: Case, planted: Planted, diagnosis: Any) -> dict[str, Any]:
    """Return whether the report is right, what was said instead, and what else was said."""
    said = []
    for name in planted.classes:
        one = diagnosis[name]
        # "Cannot be judged" is what few-rows means; anywhere else undecided is a miss.
        open_ = one.verdict == "undecided" and case.cause != "few-rows"
        if one.cause != case.cause or one.verdict == "healthy" or open_:
            said.append(_words(one))
    for slug in case.findings:
        finding = diagnosis.finding(slug)
        if finding.status != "issue":
            said.append(f"{slug}: {finding.status}: {finding.sentence[:150]}")
    errored = [f"{one.slug} errored: {one.sentence[:150]}" for one in diagnosis.findings if one.status == "errored"]
    alarms = [_words(diagnosis[name]) for name in planted.healthy if diagnosis[name].verdict != "healthy"]
    if case.shown_by == "control":
        alarms += [
            f"issue: {one.slug}"
            for one in diagnosis.findings
            if one.status == "issue" and one.slug not in NO_CAUSE_OF_A_RECALL
        ]
        said = alarms
    return {
        "right": not said and not errored,
        "right_classes": len(planted.classes) - sum(1 for name in planted.classes if _is_wrong(case, diagnosis[name])),
        "classes": len(planted.classes),
        "said": said + errored,
        "aside": [] if case.shown_by == "control" else alarms,
    }


def _is_wrong(case: Case, one: Any) -> bool:
    return one.cause != case.cause or one.verdict == "healthy"


def _words(one: Any) -> str:
    recall = "none" if one.recall is None else f"{one.recall:.2f}"
    return f"{one.label}: {one.verdict}/{one.cause} (then {one.runner_up}; recall {recall}; {one.reason[:160]})"


def judge_remedies(case: Case, kind: str, planted: Planted, diagnosis: Any, seed: int) -> dict[str, Any]:
    """Compare the winner with all that was tried, with nothing done, and with the right remedy.

    On fresh rows where there are any (models fitted on all training rows), else by the
    ledger's own folds.
    """
    ledger = diagnosis.remedy()
    folds = {"nothing": 0.0}
    for trial in ledger.trials:
        if trial.outcome == "tried" and trial.balanced is not None:
            folds[trial.slug] = round(trial.balanced.value, 4)
    winner = ledger.winner or "nothing"
    found: dict[str, Any] = {"winner": winner, "folds": folds, "helped": ledger.winner is not None}
    scores = folds
    if planted.fresh is not None:
        fresh = _on_fresh_rows(case, kind, planted, diagnosis, ledger, seed)
        found["fresh"], found["cured"] = fresh, _cured(case, kind, planted, seed)
        scores = fresh
    if winner in scores:
        found["right"] = scores[winner] >= max(scores.values()) - AS_GOOD
        found["best"] = max(scores, key=scores.get)
    return found


def _on_fresh_rows(case: Case, kind: str, planted: Planted, diagnosis: Any, ledger: Any, seed: int) -> dict[str, float]:
    from marginscope.diagnosis.final_fit import fit_winner

    bench = diagnosis._try_remedies.args[0]
    fresh = planted.fresh
    scores = {"nothing": balanced_recall(seeded(case.models[kind](), seed).fit(*planted.train), fresh)}
    for trial in ledger.trials:
        if trial.outcome == "tried":
            fitted = fit_winner(bench, bench.lab, trial).estimator
            if fitted is not None:
                scores[trial.slug] = balanced_recall(fitted, fresh)
    return scores


def _cured(case: Case, kind: str, planted: Planted, seed: int) -> float | None:
    """Balanced recall on fresh rows of the model without the planted cause; ``None`` if its features differ."""
    cured = planted.cured or planted
    if planted.fresh is None or cured.train.X.shape[1] != planted.fresh.X.shape[1]:
        return None
    model = (case.cured_models or case.models)[kind]()
    return balanced_recall(seeded(model, seed).fit(*cured.train), planted.fresh)


def balanced_recall(fitted: Any, rows: Rows) -> float:
    said = np.asarray(fitted.predict(rows.X)).astype(str)
    return round(float(np.mean([np.mean(said[rows.y == name] == name) for name in np.unique(rows.y)])), 4)
