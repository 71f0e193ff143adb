"""Run the rebuilt threads and write docs/threads.md.

python -m benchmarks.threads [--only ID] [--write]
"""

from __future__ import annotations

import argparse
import time
import tomllib
import warnings
from pathlib import Path
from typing import Any

from benchmarks.threads import parametrisation, separation, shared_weights, unlearned, weights  # noqa: F401
from benchmarks.threads.case import CASES, Case

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "threads.md"
HEAD = """# Threads of users, rebuilt

{n} questions that users asked in public, each rebuilt as small data of the shape that the thread describes. What the
tool should say was written down from the thread before the case was run
([expected.toml](../benchmarks/threads/expected.toml), with its history); `python -m benchmarks.threads --write` runs
the cases and makes this page. **{right} of {n} are answered as the thread concludes.** A rebuilt case has the shape of
the described data, not the data: it shows what is answered, not how often that is right; for that there is the
[gauntlet](gauntlet.md).
"""


def demands(entry: dict[str, Any], case: Case) -> list[tuple[str, bool, str]]:
    """Hold the case against what was written down: (demand, met, what came)."""
    rows = []
    for one in entry["expect"]:
        if "check" in one:
            met, came = case.checks[one["check"]]
            rows.append((one["check"], met, came))
        elif "finding" in one:
            finding = case.diagnosis.finding(one["finding"])
            rows.append((f"{one['finding']}: {one['status']}", finding.status == one["status"], str(finding.status)))
        else:
            names = case.lost if one["class"].startswith("every ") else (one["class"],)
            rows.append(_of_classes(one, case, names))
    return rows


def _of_classes(one: dict[str, Any], case: Case, names: tuple[str, ...]) -> tuple[str, bool, str]:
    key = "cause" if "cause" in one else "verdict"
    wanted = one[key] if isinstance(one[key], list) else [one[key]]
    came = [(name, getattr(case.diagnosis[name], key)) for name in names]
    met = bool(came) and all(str(value) in wanted for _, value in came)
    said = ", ".join(f"{name}: {value} (recall {_recall(case, name)})" for name, value in came) or "no class is lost"
    return f"{one['class']}: {' or '.join(wanted)}", met, said


def _recall(case: Case, name: str) -> str:
    recall = case.diagnosis[name].recall
    return "none" if recall is None else f"{recall:.2f}"


def section(entry: dict[str, Any], case: Case, rows: list[tuple[str, bool, str]]) -> str:
    """Return the thread's part of the page."""
    right = all(met for _, met, _ in rows)
    lines = [
        f"## {entry['asked']}",
        "",
        f"{entry['source']}. *It ended:* {entry['conclusion']}",
        "",
        f"*Rebuilt:* {case.shape}; model: {case.model}.",
        "",
        "| should be said | is said | |",
        "|---|---|---|",
        *(f"| {demand} | {came} | {'yes' if met else '**no**'} |" for demand, met, came in rows),
        "",
    ]
    reasons = _reasons(entry, case)
    return "\n".join([*lines, *reasons, *([] if right else ["", "**Not answered as the thread concludes.**"]), ""])


def _reasons(entry: dict[str, Any], case: Case) -> list[str]:
    if case.diagnosis is None:
        return []
    said = [
        f"> {one.label}: {one.verdict}, {one.cause or 'no cause'}: {one.reason}"
        for one in case.diagnosis.classes
        if one.verdict != "healthy"
    ][:4]
    findings = [one["finding"] for one in entry["expect"] if "finding" in one]
    said += [f"> {slug}: {case.diagnosis.finding(slug).sentence}" for slug in findings]
    said += [f"> {case.said}"] if case.said else []
    return [line for pair in zip(said, [">"] * len(said), strict=True) for line in pair][:-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    entries = tomllib.loads((HERE / "expected.toml").read_text())["thread"]
    missing = {one["id"] for one in entries} ^ set(CASES)
    if missing:
        raise SystemExit(f"an answer and a case are needed for every thread, but one is missing for {sorted(missing)}")
    pages, right = [], 0
    for entry in entries:
        if options.only and options.only not in entry["id"]:
            continue
        begun = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case = CASES[entry["id"]]()
        rows = demands(entry, case)
        good = all(met for _, met, _ in rows)
        right += good
        print(f"{'ok  ' if good else 'MISS'} {entry['id']:<36} {time.perf_counter() - begun:5.1f} s", flush=True)
        for demand, met, came in rows:
            if not met:
                print(f"       {demand}\n         came: {came}", flush=True)
        pages.append(section(entry, case, rows))
    print(f"{right} of {len(pages)} as the threads conclude")
    if options.write and not options.only:
        PAGE.write_text(HEAD.format(n=len(pages), right=right) + "\n" + "\n".join(pages))


if __name__ == "__main__":
    main()
