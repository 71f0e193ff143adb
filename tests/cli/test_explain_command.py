"""The command ``explain``."""

from __future__ import annotations

import json

import pytest

from marginscope.cli.explain import page, slugs, summary
from marginscope.cli.main import main


@pytest.mark.parametrize("slug", slugs())
def test_a_page_is_printed_whole(slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", slug]) == 0
    assert capsys.readouterr().out == page(slug)


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == slugs()
    assert max(map(len, lines)) <= 80


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
