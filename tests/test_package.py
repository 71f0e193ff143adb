"""What importing costs, and that every public name can be had."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import marginscope

HEAVY = ("torch", "numba", "matplotlib", "sklearn", "scipy", "numpy", "pandas", "polars", "pyarrow", "jinja2", "dask")


def _loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('\\n'.join({{name.split('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert _loaded_by("import marginscope") & {*HEAVY, "rich", "typer"} == set()


@pytest.mark.parametrize("words", [["--help"], ["diagnose", "--help"], [], ["explain"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    assert _loaded_by(f"from marginscope.cli.main import main\nmain({words!r})") & set(HEAVY) == set()


def test_the_probe_would_see_a_heavy_import() -> None:
    assert "numpy" in _loaded_by("import numpy")


@pytest.mark.parametrize("name", marginscope.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(marginscope, name) is not None
    assert name in dir(marginscope)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = marginscope.no_such_name


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        expected = version("marginscope")
    except PackageNotFoundError:
        expected = "0+unknown"
    assert marginscope.__version__ == expected


def test_the_types_are_shipped() -> None:
    assert (resources.files("marginscope") / "py.typed").is_file()
    assert (resources.files("marginscope") / "__init__.pyi").is_file()


def test_the_bundled_table_is_the_one_of_the_examples_and_says_where_it_is_from() -> None:
    bundled = resources.files("marginscope") / "data"
    example = Path(__file__).parents[1] / "examples" / "data"
    assert (bundled / "glass.csv").read_bytes() == (example / "glass.csv").read_bytes()
    for readme in (bundled / "README.md", example / "README.md"):
        assert "CC BY 4.0" in readme.read_text(encoding="utf-8")
    rows = (bundled / "glass.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 215
    assert {row.count(",") for row in rows} == {9}
