"""The command ``diagnose``: what it accepts, prints and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginscope.cli.main import main

FAST = ["--check", "class-absent", "--check", "conflicting-labels", "--quiet"]
Capture = pytest.CaptureFixture[str]
Make = Callable[..., Any]


def _json(words: list[str], capsys: Capture, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def _refused(words: list[str], capsys: Capture) -> tuple[int, str]:
    code = main(words)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    return code, shown.err


def test_the_table_names_every_class_and_what_to_do_next(table: Path, capsys: Capture) -> None:
    assert main(["diagnose", str(table), "-t", "label", "--model", "logistic", "--param", "C=1e-6", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "unlearned  over-regularised" in shown.out
    assert f"next:   marginscope fix {table} -t label --model logistic --param C=1e-6\n" in shown.out
    assert "why:    marginscope explain over-regularised\n" in shown.out


def test_what_fail_on_goes_by_is_on_the_screen(table: Path, capsys: Capture) -> None:
    """Findings that lost against the first cause of their class count as well, and have to be seen."""
    words = ["diagnose", str(table), "-t", "label", "--model", "logistic", "--param", "C=1e-6", "--quiet"]
    document = _json(words, capsys)
    found = {one["slug"] for one in document["findings"] if one["status"] in ("issue", "tip")}
    lost = found - {one["cause"] for one in document["classes"]}
    assert lost, "the case has to have a finding beside the first causes"
    assert main([*words, "--fail-on", min(lost)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert all(slug in shown for slug in found)


def test_json_is_one_document_of_the_schema(table: Path, capsys: Capture) -> None:
    document = _json(["diagnose", str(table), "-t", "label", *FAST], capsys)
    assert document["schema"] == "marginscope.diagnosis/1"
    assert document["data"]["rows"] == 102
    assert document["data"]["target"] == "label"
    assert {one["label"] for one in document["classes"]} == {"lynx", "fox", "owl"}
    assert document["provenance"]["seed"] == 0
    assert document["provenance"]["command"].startswith("marginscope diagnose ")


@pytest.mark.parametrize("target", ["label", "-1", "2"])
def test_the_target_by_name_or_index(target: str, table: Path, capsys: Capture) -> None:
    assert _json(["diagnose", str(table), "-t", target, *FAST], capsys)["data"]["target"] == "label"


def test_a_table_without_a_header(bare_table: Path, capsys: Capture) -> None:
    document = _json(["diagnose", str(bare_table), "-t", "-1", "--no-header", *FAST], capsys)
    assert (document["data"]["rows"], document["data"]["features"]) == (102, 2)


def test_reader_options_reach_the_reader(
    tmp_path: Path, capsys: Capture, three_groups: Make, write_table: Make
) -> None:
    rows = [[f"{x};{y};17;{label}"] for x, y, label in three_groups()]
    rows[0] = ["-999;0;17;lynx"]
    path = write_table(tmp_path / "s.csv", rows, ["x;y;id;label"])
    words = ["diagnose", str(path), "-t", "-1", "--drop", "id", "--delimiter", "semicolon", "--missing", "-999", *FAST]
    assert _json(words, capsys)["data"]["features"] == 2


def test_equal_seeds_give_equal_documents_and_others_are_recorded(table: Path, capsys: Capture) -> None:
    words = ["diagnose", str(table), "-t", "label", *FAST, "--seed"]
    huge = str(2**70)
    one, two, other = (_json([*words, seed], capsys) for seed in ("7", "7", huge))
    assert one == two
    assert other["provenance"]["seed"] == 2**70
    assert " --seed 7 " in one["provenance"]["command"]


@pytest.mark.parametrize("seed", ["-1", "1.5", "x"])
def test_num019_a_seed_that_is_none(seed: str, table: Path, capsys: Capture) -> None:
    assert _refused(["diagnose", str(table), "-t", "label", "--seed", seed], capsys)[0] == 2


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf"])
def test_num004_a_budget_that_is_none(budget: str, capsys: Capture) -> None:
    # The file does not exist: the option is refused before anything is read.
    code, shown = _refused(["diagnose", "missing.csv", "-t", "label", "--budget", budget], capsys)
    assert code == 2
    assert "--budget" in shown


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "'FILE'"),
        (["x.csv"], "--target"),
        (["x.csv", "-t"], "-t"),
        (["x.csv", "-t", "y", "--nope"], "--nope"),
        (["x.csv", "-t", "y", "--model", "logistic", "--pred", "p.csv"], "--pred"),
        (["x.csv", "-t", "y", "--param", "C=1"], "--model"),
        (["x.csv", "-t", "y", "--model", "logistic", "--param", "C"], "KEY=VALUE"),
        (["x.csv", "-t", "y", "--model", "logistic", "--param", "C=1", "--param", "C=2"], "twice"),
        (["x.csv", "-t", "y", "--model", "logistik"], "logistic"),
        (["x.csv", "-t", "y", "--model", "m.skops", "--param", "C=1"], "--param"),
        (["x.csv", "-t", "y", "--fail-on", "isue"], "'issue'"),
        (["x.csv", "-t", "y", "--fail-on", "everything"], "weights-vanish"),
        (["x.csv", "-t", "y", "--max-bytes", "0"], "--max-bytes"),
    ],
)
def test_usage_errors_name_what_is_wrong(words: list[str], part: str, capsys: Capture) -> None:
    code, shown = _refused(["diagnose", *words], capsys)
    assert code == 2
    assert part in shown


def test_an_unknown_check_is_refused(table: Path, capsys: Capture) -> None:
    assert _refused(["diagnose", str(table), "-t", "label", "--check", "astrology"], capsys)[0] == 2


def test_fil020_paths_that_are_no_file(tmp_path: Path, capsys: Capture) -> None:
    import os

    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "missing.csv", tmp_path / "broken", tmp_path / "fifo", Path("/dev/zero")):
        assert _refused(["diagnose", str(path), "-t", "label"], capsys)[0] in (2, 5)


def test_bad_data_exit_3(tmp_path: Path, capsys: Capture, write_table: Make) -> None:
    path = write_table(tmp_path / "one.csv", [[1, "a"], [2, "a"], [3, "a"]], ["x", "label"])
    assert _refused(["diagnose", str(path), "-t", "label"], capsys)[0] == 3


def test_pro008_a_report_that_cannot_be_written_is_refused_first(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()
    for place, code in [("no/such/r.html", 5), ("file/r.html", 5), (".", 2)]:
        words = ["diagnose", "missing.csv", "-t", "label", "-o", str(tmp_path / place)]
        assert _refused(words, capsys)[0] == code


def test_a_report_never_overwrites_what_is_read(table: Path, capsys: Capture) -> None:
    before = table.read_bytes()
    code, shown = _refused(["diagnose", str(table), "-t", "label", "-o", str(table)], capsys)
    assert code == 2
    assert "overwrite" in shown
    assert table.read_bytes() == before


def test_the_report_is_written_and_replaced(table: Path, tmp_path: Path, capsys: Capture) -> None:
    report = tmp_path / "r.html"
    report.write_text("old")
    assert main(["diagnose", str(table), "-t", "label", *FAST, "-o", str(report)]) == 0
    assert capsys.readouterr().out.endswith(f"report: {report}\n")
    assert "<html" in report.read_text(encoding="utf-8")[:500].lower()


def test_pro018_names_with_line_ends_and_of_full_length(
    tmp_path: Path, capsys: Capture, three_groups: Make, write_table: Make
) -> None:
    for name in ("two\nlines\x1b[2J.csv", "x" * 251 + ".csv"):
        path = write_table(tmp_path / name, three_groups(), ["x", "y", "label"])
        assert main(["diagnose", str(path), "-t", "label", *FAST]) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert "unlearned" not in shown


@pytest.mark.parametrize(
    ("name", "code"), [("issue", 1), ("passed", 1), ("conflicting-labels", 1), ("class-absent", 0), ("errored", 0)]
)
def test_fail_on_a_status_or_a_cause(name: str, code: int, tmp_path: Path, capsys: Capture, write_table: Make) -> None:
    rows = [[x, y, label] for x in range(6) for y in range(2) for label in ("a", "b", "c")]
    path = write_table(tmp_path / "c.csv", rows, ["x", "y", "label"])
    document = _json(["diagnose", str(path), "-t", "label", "--fail-on", name, *FAST], capsys, code)
    status = {one["slug"]: one["status"] for one in document["findings"]}
    assert status["conflicting-labels"] == "issue"
    assert status["class-absent"] == "passed"


def test_a_test_file(table: Path, tmp_path: Path, capsys: Capture, three_groups: Make, write_table: Make) -> None:
    test = write_table(tmp_path / "test.csv", three_groups((5, 5, 5))[::-1], ["x", "y", "label"])
    document = _json(["diagnose", str(table), "-t", "label", "--test", str(test), *FAST], capsys)
    assert {one["recall"] * 5 for one in document["classes"]} <= {0, 1, 2, 3, 4, 5}


def test_predictions_instead_of_a_model(
    table: Path, tmp_path: Path, capsys: Capture, three_groups: Make, write_table: Make
) -> None:
    truth = [label for _, _, label in three_groups()]
    said = ["lynx" if label == "owl" else label for label in truth]
    pred = write_table(tmp_path / "p.csv", [[one] for one in said], ["predicted"])
    document = _json(["diagnose", str(table), "-t", "label", "--pred", str(pred), *FAST], capsys)
    recalls = {one["label"]: one["recall"] for one in document["classes"]}
    assert recalls == {"lynx": 1.0, "fox": 1.0, "owl": 0.0}


def test_predicted_probabilities_by_class_name(
    table: Path, tmp_path: Path, capsys: Capture, three_groups: Make, write_table: Make
) -> None:
    names = ["owl", "lynx", "fox"]
    truth = [label for _, _, label in three_groups()]
    rows = [[0.8 if name == label else 0.1 for name in names] for label in truth]
    pred = write_table(tmp_path / "p.csv", rows, names)
    document = _json(["diagnose", str(table), "-t", "label", "--pred", str(pred), *FAST], capsys)
    assert [one["recall"] for one in document["classes"]] == [1.0, 1.0, 1.0]


def test_a_model_from_a_skops_file(table: Path, tmp_path: Path, capsys: Capture, three_groups: Make) -> None:
    io = pytest.importorskip("skops.io")
    from sklearn.dummy import DummyClassifier

    rows = three_groups()
    model = DummyClassifier(strategy="constant", constant="fox")
    model.fit(np.array([row[:2] for row in rows]), [row[2] for row in rows])
    path = tmp_path / "m.skops"
    io.dump(model, path)
    document = _json(["diagnose", str(table), "-t", "label", "--model", str(path), *FAST], capsys)
    assert {one["label"]: one["recall"] for one in document["classes"]} == {"lynx": 0.0, "fox": 1.0, "owl": 0.0}


def test_a_pickle_is_refused_for_security(table: Path, tmp_path: Path, capsys: Capture) -> None:
    import pickle

    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"harmless": True}))
    code, _ = _refused(["diagnose", str(table), "-t", "label", "--model", str(path)], capsys)
    assert code == 6


def test_sec014_the_home_directory_is_not_told(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    report = tmp_path / "r.html"
    document = _json(["diagnose", str(table), "-t", "label", *FAST, "-o", str(report)], capsys)
    assert document["data"]["file"] == "~/data.csv"
    assert str(tmp_path) not in json.dumps(document)
    assert str(tmp_path) not in report.read_text(encoding="utf-8")


def test_sec006_a_hostile_label_cannot_steer_the_terminal(
    tmp_path: Path, capsys: Capture, three_groups: Make, write_table: Make
) -> None:
    rows = three_groups(names=("\x1b]0;owned\x07", "a\u202eb", "%s{0}[red]"))
    path = write_table(tmp_path / "h.csv", rows, ["x", "y", "label"])
    assert main(["diagnose", str(path), "-t", "label", *FAST[:-1]]) == 0
    shown = capsys.readouterr()
    assert all(line.isprintable() for line in (shown.out + shown.err).splitlines())
    assert "\\x1b]0;owned\\x07" in shown.out
    assert "%s{0}[red]" in shown.out


def test_notes_are_told_unless_quiet(table: Path, capsys: Capture) -> None:
    words = ["diagnose", str(table), "-t", "label", *FAST]
    main(words)
    assert capsys.readouterr().err == ""
    main(words[:-1])
    assert capsys.readouterr().err.startswith("note: ")


def test_debug_shows_the_traceback(capsys: Capture) -> None:
    assert main(["diagnose", "missing.csv", "-t", "label", "--debug"]) == 2
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.splitlines()[-1].startswith("error: ")


def test_an_internal_error_says_so(table: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    from marginscope.tables import read

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(read, "check_classes", fail)
    code, shown = _refused(["diagnose", str(table), "-t", "label"], capsys)
    assert code == 70
    assert "--debug" in shown


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["diagnose", "-", "-t", "label"], 2, "standard input cannot be read twice"),
        (["diagnos"], 2, "no such command 'diagnos' (did you mean 'diagnose'?); run"),
        (["diagnose", "TABLE", "-t", "label", "-o", "nodir/x.html"], 5, "'nodir' does not exist; make it"),
        (["diagnose", "HEADER", "-t", "label"], 3, "0 rows below the names of its 2 columns"),
        (["diagnose", "TABLE", "-t", "label", "--model", "none.skops"], 2, "does not exist; check the path"),
    ],
)
def test_faults_have_a_sentence_of_their_own(
    words: list[str], code: int, said: str, table: Path, tmp_path: Path, capsys: Capture
) -> None:
    header = tmp_path / "header.csv"
    header.write_text("x,label\n")
    places = {"TABLE": str(table), "HEADER": str(header)}
    assert main([places.get(word, word) for word in words]) == code
    assert said in capsys.readouterr().err


def test_the_bare_program_mentions_its_help(capsys: Capture) -> None:
    assert main([]) == 0
    assert "marginscope --help" in capsys.readouterr().out
