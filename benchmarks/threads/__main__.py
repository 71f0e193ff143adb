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
from benchmarks.threads.page import PAGE, Answered, page

HERE = Path(__file__).parent


def demands(entry: dict[str, Any], case: Case) -> list[tuple[str, bool, str]]:
    """Hold the case against what was written down: (demand, met, what came)."""
    rows = []
    for one in entry["expect"]:
        if "check" in one:
            met, came = case.checks[one["check"]]
            rows.append((one["check"], met, came))
        elif "finding" in one:
            finding = case.diagnosis.finding(one["finding"])
            rows.append(
                (f"finding `{one['finding']}`: {one['status']}", finding.status == one["status"], str(finding.status))
            )
        else:
            names = case.lost if one["class"].startswith("every ") else (one["class"],)
            rows.append(_of_classes(one, case, names))
    return rows


def _of_classes(one: dict[str, Any], case: Case, names: tuple[str, ...]) -> tuple[str, bool, str]:
    key = "cause" if "cause" in one else "verdict"
    wanted = one[key] if isinstance(one[key], list) else [one[key]]
    came = [(name, getattr(case.diagnosis[name], key)) for name in names]
    met = bool(came) and all(str(value) in wanted for _, value in came)
    said = (
        ", ".join(
            f"`{name}`: {f'`{value}`' if value else 'no cause'} (recall {_recall(case, name)})" for name, value in came
        )
        or "no class is lost"
    )
    whom = one["class"] if one["class"].startswith("every ") else f"class `{one['class']}`"
    return f"{whom}: {' or '.join(f'`{value}`' for value in wanted)}", met, said


def _recall(case: Case, name: str) -> str:
    recall = case.diagnosis[name].recall
    return "none" if recall is None else f"{recall:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    entries = tomllib.loads((HERE / "expected.toml").read_text())["thread"]
    missing = {one["id"] for one in entries} ^ set(CASES)
    if missing:
        raise SystemExit(f"an answer and a case are needed for every thread, but one is missing for {sorted(missing)}")
    answers = []
    for entry in entries:
        if options.only and options.only not in entry["id"]:
            continue
        begun = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case = CASES[entry["id"]]()
        answers.append(Answered(entry, case, demands(entry, case)))
        good = answers[-1].agrees
        print(f"{'ok  ' if good else 'MISS'} {entry['id']:<36} {time.process_time() - begun:5.1f} s", flush=True)
        for demand, met, came in answers[-1].rows:
            if not met:
                print(f"       {demand}\n         came: {came}", flush=True)
    print(f"{sum(one.agrees for one in answers)} of {len(answers)} as the threads conclude")
    if options.write and not options.only:
        PAGE.write_text(page(answers))


if __name__ == "__main__":
    main()
