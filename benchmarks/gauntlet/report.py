"""Tables of a run: per cause, per control, beside the rivals, and every miss."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gauntlet.planted import Case
from benchmarks.gauntlet.runs import read_lines, store

__all__ = ["summary", "write_report"]

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "gauntlet.md"
TOOLS = ("scikit-learn", "skore", "cleanlab")
Z = 1.959964


def wilson(k: int, n: int) -> tuple[float, float]:
    """Interval of Wilson (1927) at 95 %."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = k / n, Z * Z
    middle, half = p + z2 / (2 * n), Z * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z2 / n)), min(1.0, (middle + half) / (1 + z2 / n))


def summary(name: str, cases: Iterable[Case]) -> dict[str, Any]:
    """Return counts per case and model, per cause, and in all."""
    cases = list(cases)
    lines = read_lines(store(name))
    known = {case.key: case for case in cases}
    rivals = {tool: read_lines(store(f"{tool}-{name}")) for tool in TOOLS}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for (key, kind, seed), line in sorted(lines.items()):
        if key not in known or kind not in known[key].models:
            continue
        row = rows.setdefault((key, kind), _empty(known[key], kind))
        row["of"] += 1
        row["right"] += line["right"]
        row["seconds"].append(line.get("cpu", 0.0))
        remedy = line.get("remedy", {})
        if "right" in remedy:
            row["remedy of"] += 1
            row["remedy right"] += remedy["right"]
        if not line["right"]:
            row["misses"].append(f"seed {seed}: " + "; ".join(line["said"]))
    for tool, found in rivals.items():
        for (key, kind, _), line in found.items():
            if key in known and kind in known[key].models and not line.get("failed"):
                row = rows.setdefault((key, kind), _empty(known[key], kind))
                row[f"{tool} of"] += 1
                row[f"{tool} right"] += line["right"]
    for row in rows.values():
        row["seconds"] = round(float(np.mean(row["seconds"])), 2) if row["seconds"] else None
    return {"list": name, "rows": list(rows.values())}


def _empty(case: Case, kind: str) -> dict[str, Any]:
    counts = ["right", "of", "remedy right", "remedy of"]
    counts += [f"{tool} {what}" for tool in TOOLS for what in ("right", "of")]
    return {
        "cause": case.cause or "healthy",
        "case": case.key,
        "model": kind,
        "source": case.source,
        "control": case.shown_by == "control",
        **dict.fromkeys(counts, 0),
        "seconds": [],
        "misses": [],
    }


def _share(right: int, of: int) -> str:
    return "-" if of == 0 else f"{right}/{of} ({right / of:.0%})"


def _with_interval(right: int, of: int) -> str:
    low, high = wilson(right, of)
    return "-" if of == 0 else f"{right}/{of} ({right / of:.0%}; {low:.0%} to {high:.0%})"


def _total(rows: list[dict[str, Any]], what: str) -> int:
    return sum(row[what] for row in rows)


def tables(found: dict[str, Any]) -> str:
    """The tables in Markdown."""
    planted = [row for row in found["rows"] if not row["control"]]
    controls = [row for row in found["rows"] if row["control"]]
    by_cause: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in planted:
        by_cause[row["cause"]].append(row)
    heads = ["cause", "sets x models", "marginscope", "remedy as good as the best", *TOOLS, "CPU seconds"]
    out = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for cause, rows in by_cause.items():
        out.append(_line(cause, rows))
    out.append(_line("**all causes**", planted))
    heads = ["healthy control", "models", "marginscope", *TOOLS, "CPU seconds"]
    out += ["", "Reports with a false alarm:", "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for key in dict.fromkeys(row["case"] for row in controls):
        out.append(_alarm_line(key.partition("/")[2], [row for row in controls if row["case"] == key]))
    out.append(_alarm_line("**all controls**", controls))
    return "\n".join(out)


def _mean_seconds(rows: list[dict[str, Any]]) -> str:
    seconds = [row["seconds"] for row in rows if row["seconds"] is not None]
    return f"{np.mean(seconds):.1f}" if seconds else "-"


def _line(name: str, rows: list[dict[str, Any]]) -> str:
    cells = [name, str(len(rows)), _with_interval(_total(rows, "right"), _total(rows, "of"))]
    cells.append(_share(_total(rows, "remedy right"), _total(rows, "remedy of")))
    cells += [_share(_total(rows, f"{tool} right"), _total(rows, f"{tool} of")) for tool in TOOLS]
    return "| " + " | ".join([*cells, _mean_seconds(rows)]) + " |"


def _alarm_line(name: str, rows: list[dict[str, Any]]) -> str:
    cells = [
        name,
        ", ".join(row["model"] for row in rows) if len({row["case"] for row in rows}) == 1 else str(len(rows)),
    ]
    wrong = _total(rows, "of") - _total(rows, "right")
    cells.append(_with_interval(wrong, _total(rows, "of")))
    cells += [
        _share(_total(rows, f"{tool} of") - _total(rows, f"{tool} right"), _total(rows, f"{tool} of")) for tool in TOOLS
    ]
    return "| " + " | ".join([*cells, _mean_seconds(rows)]) + " |"


def misses(name: str, cases: Iterable[Case]) -> str:
    """Every case and model with a miss, and how often what was said instead."""
    lines = read_lines(store(name))
    groups: dict[tuple[str, str], Counter] = defaultdict(Counter)
    counts: Counter = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for (key, kind, seed), line in sorted(lines.items()):
        counts[key, kind] += 1
        if line["right"]:
            continue
        for text in line["said"]:
            what = text.split(" (")[0].split(": ", 1)[-1] if " (then " in text else text[:80]
            groups[key, kind][what] += 1
            examples.setdefault((key, kind, what), f"seed {seed}: {text}")
    out = []
    for case in cases:
        for kind in case.models:
            if groups.get((case.key, kind)):
                wrong = sum(1 for (k, m, _), one in lines.items() if (k, m) == (case.key, kind) and not one["right"])
                out.append(f"{case.key} / {kind}: {wrong} of {counts[case.key, kind]} wrong")
                for what, n in groups[case.key, kind].most_common(4):
                    out.append(f"    {n} x {what}    e.g. {examples[case.key, kind, what][:330]}")
    return "\n".join(out)


def short_table(found: dict[str, Any]) -> str:
    """Three lines for the README."""
    planted = [row for row in found["rows"] if not row["control"]]
    controls = [row for row in found["rows"] if row["control"]]
    out = ["| | marginscope | " + " | ".join(TOOLS) + " |", "|" + "---|" * (len(TOOLS) + 2)]
    right = [_share(_total(planted, f"{tool} right"), _total(planted, f"{tool} of")) for tool in TOOLS]
    out.append(_cells("planted cause named first", _share(_total(planted, "right"), _total(planted, "of")), *right))
    alarms = [
        _share(_total(controls, f"{tool} of") - _total(controls, f"{tool} right"), _total(controls, f"{tool} of"))
        for tool in TOOLS
    ]
    wrong = _total(controls, "of") - _total(controls, "right")
    out.append(_cells("false alarms on healthy controls", _share(wrong, _total(controls, "of")), *alarms))
    remedy = _share(_total(planted, "remedy right"), _total(planted, "remedy of"))
    out.append(_cells("remedy named best as good as the best", remedy, *["-"] * len(TOOLS)))
    return "\n".join(out)


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def write_report(name: str, cases: Iterable[Case], *, write: bool) -> str:
    """Return tables and misses; ``write`` also keeps the counts beside the seeds and renews the page."""
    cases = list(cases)
    found = summary(name, cases)
    text = short_table(found) + "\n\n" + tables(found)
    if write:
        (HERE / f"score-{name}.json").write_text(json.dumps(found, indent=1) + "\n")
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(begin)
        after = rest.split(end)[1]
        PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
    return text + "\n\nMisses:\n" + misses(name, cases)
