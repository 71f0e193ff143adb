"""The command ``explain``."""

from __future__ import annotations

import json

import pytest

from marginscope.cli.explain import page, slugs, summary
from marginscope.cli.main import main
from marginscope.diagnosis.proof import Proof
from marginscope.diagnosis.referee import Referee
from marginscope.findings import Verdict
from marginscope.remedies import REMEDIES


@pytest.mark.parametrize("slug", slugs())
def test_a_page_is_printed_whole(slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", slug]) == 0
    assert capsys.readouterr().out == page(slug)


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-2]] == slugs()
    assert all(str(verdict) in lines[-1] for verdict in Verdict)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("word", [*map(str, Verdict), *(one.slug for one in REMEDIES)])
def test_verdicts_and_remedies_are_explained(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"# {word}\n\n")
    assert shown.splitlines()[4].startswith(("A verdict", "A remedy"))
    assert main(["explain", word, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"] == shown.splitlines()[2]


def test_the_verdicts_state_the_thresholds_in_use() -> None:
    referee, proof = Referee(), Proof()
    assert f"{referee.unlearned:g} to {referee.good:g}" in page("weak")
    assert f"p of {referee.chance:g} or more" in page("unlearned")
    for word in ("undecided", "unlearned"):
        assert f"fewer than {proof.least_rows} " in page(word)
    assert f"fewer than {referee.least_rows} rows" in page("undecided")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--json"]) == 0
    assert [one["slug"] for one in json.loads(capsys.readouterr().out)["causes"]] == slugs()
    assert main(["explain", "imbalance", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["summary"], document["text"]) == (summary("imbalance"), page("imbalance"))


@pytest.mark.parametrize(
    ("slug", "part"), [("imbalanced", "imbalance"), ("xyz", "marginscope explain"), ("../data/README", "got")]
)
def test_an_unknown_cause_is_refused(slug: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", slug]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert part in shown.err
