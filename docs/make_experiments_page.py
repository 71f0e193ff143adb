"""Write docs/experiments.md and its pictures from a folder of results: python docs/make_experiments_page.py RESULTS.

The folder is that of ``marginscope experiment run all -o RESULTS``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from marginscope.experiments.running import experiment_names

PAGE = Path(__file__).with_name("experiments.md")
PICTURES = Path(__file__).parent / "images" / "experiments"
WIDTH, COLOURS = 1200, 128
HEAD = """\
# Experiments

<!-- Written by docs/make_experiments_page.py from the results; do not edit. -->

Every figure is one file of `src/marginscope/experiments`, with a flat configuration, claims and tolerances.
`marginscope experiment run all -o results` draws all of them and checks every claim; it exits with 4 if one does not
hold. `marginscope experiment run NAME --set key=value -o results` changes a setting. All claims below held in the run
that drew these figures.
"""


def main(results: Path) -> None:
    """Write the page and its pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    parts = [HEAD]
    for name in experiment_names():
        document: dict[str, Any] = json.loads((results / name / "claims.json").read_text("utf-8"))
        if not document["holds"]:
            raise SystemExit(f"{name} has a claim that does not hold; the page shows only what holds")
        shrink(results / name / "figure.png", PICTURES / f"{name}.png")
        parts.append(section(document))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def section(document: dict[str, Any]) -> str:
    """Return one experiment: its title, figure and claims."""
    name, title = document["name"], document["title"]
    rows = ["| claim | measured | has to be | source |", "|---|---|---|---|"]
    for claim in document["claims"]:
        cells = (claim["statement"], f"{claim['value']:.4g}", bounds(claim), claim["source"])
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    settings = ", ".join(f"{key}={value}" for key, value in document["config"].items())
    return (
        f"## {name}\n\n{title[:1].upper()}{title[1:]}.\n\n![{name}](images/experiments/{name}.png)\n\n"
        + "\n".join(rows)
        + f"\n\nSettings: `{settings}`. {document['seconds']:.0f} s.\n"
    )


def bounds(claim: dict[str, Any]) -> str:
    """Return where the value of a claim has to lie."""
    low, high = claim["at_least"], claim["at_most"]
    if low is not None and high is not None:
        return f"{low:.4g} to {high:.4g}"
    return f"at least {low:.4g}" if low is not None else f"at most {high:.4g}"


def shrink(source: Path, target: Path) -> None:
    """Write a picture at the width of a page with few colours."""
    with Image.open(source) as picture:
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS).save(target, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/make_experiments_page.py RESULTS")
    main(Path(sys.argv[1]))
