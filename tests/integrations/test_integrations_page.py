"""The code of docs/integrations.md runs and prints what the page says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"


@pytest.mark.filterwarnings("ignore")
def test_every_block_prints_what_the_page_says(outputs_of_page: Any) -> None:
    skip = () if importlib.util.find_spec("skore") else ("import skore",)
    found = outputs_of_page(PAGE.read_text(encoding="utf-8"), skip)
    assert len(found) == 4 - len(skip)
    for printed, said in found:
        assert printed == said


def test_the_page_names_what_exists() -> None:
    import marginscope as ms

    for name in re.findall(r"`ms\.((?:\w+\.)*\w+)", PAGE.read_text(encoding="utf-8")):
        found: object = ms
        for part in name.split("."):
            found = getattr(found, part)
