"""The command ``tail``."""

from __future__ import annotations

import json
import sys

import pytest

pytest.importorskip("flint")

from marginscope import losses
from marginscope.certificates.tail import TailCertificate
from marginscope.cli.main import main


@pytest.mark.parametrize("name", losses.names())
def test_a_tail_is_a_result_either_way(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tail", name, "--classes", "3"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith(f"{name}: ")
    assert max(map(len, shown.out.splitlines())) <= 80


def test_json_is_one_document_that_can_be_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tail", "focal", "--param", "gamma=0.5", "--classes", "3,10", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["status"]) == ("marginscope.tail/1", "refuted")
    certificate = TailCertificate.from_dict(document)
    assert certificate.verify(losses.get("focal", gamma=0.5))
    assert not certificate.verify(losses.get("focal", gamma=0.25))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["foc"], "'focal'"),
        (["focal", "--param", "gama=2"], "gamma"),
        (["focal", "--param", "gamma"], "--param gamma=2"),
        (["focal", "--param", "gamma=x"], "--param gamma=2"),
        (["focal", "--param", "gamma=-1"], "positive"),
        (["focal", "--classes", "two"], "--classes 2,3,4"),
        (["focal", "--classes", "1"], "2 or more"),
        ([], "LOSS"),
    ],
)
def test_misuse_is_one_sentence_and_exit_code_2(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tail", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert part in shown.err
    assert shown.err.count("\n") == 1


def test_without_the_extra_it_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.startswith("marginscope.certificates.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flint", None)
    assert main(["tail", "focal"]) == 2
    assert "marginscope[cert]" in capsys.readouterr().err
