"""The command ``separability``: verdict, parameters without a finite estimate, proof."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginscope.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def separated(tmp_path: Path, write_table: Callable[..., Path]) -> Path:
    """Three classes on a line, far apart, and a column that says nothing."""
    rows = [[x, x * x % 3, name] for name, at in (("ant", 0), ("bee", 10), ("cow", 20)) for x in (at, at + 1, at + 2)]
    return write_table(tmp_path / "separated.csv", rows, ["where", "noise", "label"])


def test_complete_separation_is_said_and_proved(separated: Path, capsys: Capture) -> None:
    assert main(["separability", str(separated), "-t", "label", "--exact", "-q"]) == 0
    shown = capsys.readouterr()
    text = " ".join(shown.out.split())
    assert shown.err == ""
    assert text.startswith("Complete separation")
    assert "Separable pairs of a row and another class: 18 of 18." in text
    assert "verified without a solver, and in rational arithmetic." in text


def test_overlap_is_a_result(table: Path, capsys: Capture) -> None:
    assert main(["separability", str(table), "-t", "label", "-q", "--no-intercept"]) == 0
    assert capsys.readouterr().out.startswith("Overlap")


def test_json_is_the_certificate_with_the_names_of_its_columns(separated: Path, capsys: Capture) -> None:
    assert main(["separability", str(separated), "-t", "label", "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["schema"] == "marginscope.separability/1"
    assert document["status"] == "complete"
    sha256 = hashlib.sha256(separated.read_bytes()).hexdigest()
    columns = ["where", "noise"]
    assert document["data"] == {"file": str(separated), "target": "label", "sha256": sha256, "columns": columns}
    assert document["provenance"]["command"] == f"marginscope separability {separated} -t label --json"
    assert document["verified"] is True
    assert document["verified_exactly"] is None
    assert np.shape(document["infinite"]) == (3, 2)


def test_infinite_coefficients_that_rounding_hides_are_not_said_to_be_none(
    tmp_path: Path, write_table: Callable[..., Path], capsys: Capture
) -> None:
    # two classes that overlap, a third apart, and features 1e60 times the column of ones
    rows = [[1e60 * a, 1e60 * b, name] for a, b, name in ((0, 0, "a"), (3, 0, "a"), (1, 0, "b"), (2, 0, "b"))]
    rows += [[1e60, 2e60, "c"], [3e60, 1e60, "c"]]
    path = write_table(tmp_path / "large.csv", rows, ["x", "z", "label"])
    assert main(["separability", str(path), "-t", "label", "-q"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("Quasi-complete separation")
    assert "Rounding hides which coefficients have no finite estimate" in text
    assert main(["separability", str(path), "-t", "label", "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["infinite"] is None
    assert main(["separability", str(path), "-t", "label", "-q", "--standardise"]) == 0
    assert "coefficients have no finite estimate: " in " ".join(capsys.readouterr().out.split())


def test_too_many_infinite_parameters_leave_the_verdict(
    separated: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from marginscope.solvers import basis_system

    rows = separated.read_text().splitlines()
    path = tmp_path / "quasi.csv"
    path.write_text("\n".join([*rows, rows[1].replace("ant", "dog")]) + "\n")
    monkeypatch.setattr(basis_system, "_MOST_TIED_UNKNOWNS", 2)
    assert main(["separability", str(path), "-t", "label", "-q"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("Quasi-complete separation")
    assert "Which parameters are infinite was not computed: too large" in text
    assert "--standardise" not in text


def test_a_page_is_written(separated: Path, tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "page.html"
    assert main(["separability", str(separated), "-t", "label", "-q", "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "Complete separation" in text
    assert hashlib.sha256(separated.read_bytes()).hexdigest() in text
    assert f"marginscope separability {separated} -t label --output {page} --quiet" in text
    assert "target label" in text
    assert "scikit-learn" in text


def test_the_table_is_not_overwritten(separated: Path, capsys: Capture) -> None:
    before = separated.read_bytes()
    assert main(["separability", str(separated), "-t", "label", "-o", str(separated)]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert separated.read_bytes() == before


def test_an_exact_proof_that_is_too_large_is_a_note(
    tmp_path: Path, write_table: Callable[..., Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marginscope.certificates.separability import SeparabilityCertificate
    from marginscope.exceptions import CertificateError

    honest = SeparabilityCertificate.verify

    def too_large(self: Any, X: Any, y: Any, *, exact: bool = False) -> bool:
        if exact:
            raise CertificateError("an exact proof needs less; use exact=False")
        return honest(self, X, y)

    monkeypatch.setattr(SeparabilityCertificate, "verify", too_large)
    rows = [[x, "a" if x < 3 else "b"] for x in range(6)]
    path = write_table(tmp_path / "t.csv", rows, ["x", "label"])
    assert main(["separability", str(path), "-t", "label", "--exact", "--json"]) == 0
    shown = capsys.readouterr()
    assert "note: an exact proof needs less" in shown.err
    assert json.loads(shown.out)["verified_exactly"] is None
