"""The page docs/threads.md: a table of all threads, and a section for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.threads.case import Case

__all__ = ["PAGE", "Answered", "page", "section"]

PAGE = Path(__file__).parents[2] / "docs" / "threads.md"
_HEAD = """# Threads of users, rebuilt

{n} questions that users asked in public, each rebuilt as small data of the shape that the thread describes. What should
be said of them was written down from the thread's own conclusion before any case was run, in
[expected.toml](../benchmarks/threads/expected.toml), and is not changed to fit an answer.
**{right} of {n} are answered as the thread concludes.** {missed}

Six cases were built anew after a first run, because scikit-learn or torch alone showed that they lacked what their
thread describes; their new data were chosen, among several tried, by such measurements; most sections quote them.

A rebuilt case has the shape of the described data, and is not the data: it shows what is answered, and not how often
that is right. For that there is the [gauntlet](gauntlet.md). The slugs in the tables, such as `no-signal`, are the
causes of [causes.md](causes.md). `python -m benchmarks.threads --write` runs the cases and writes this page.
"""
_GITHUB = re.compile(r"^([\w.-]+/[\w.-]+)#(\d+)$")
_SPELLED = {"smote": "SMOTE", "iou": "IoU", "lbfgs": "L-BFGS"}
_MOST_CLASSES = 6


@dataclass(frozen=True)
class Answered:
    """One thread with its case, and the demands: (what should be said, met, what is said)."""

    entry: dict[str, Any]
    case: Case
    rows: list[tuple[str, bool, str]]

    @property
    def agrees(self) -> bool:
        return all(met for _, met, _ in self.rows)


def page(answers: list[Answered]) -> str:
    """Return the whole page."""
    wrong = [f"[{_title(one.entry['id'])}](#{_anchor(one.entry['id'])})" for one in answers if not one.agrees]
    missed = f"Not so: {', '.join(wrong)}." if wrong else ""
    head = _HEAD.format(n=len(answers), right=len(answers) - len(wrong), missed=missed).replace(" \n", "\n")
    table = ["| thread | should be said | as concluded |", "|---|---|---|"]
    for one in answers:
        title = f"[{_title(one.entry['id'])}](#{_anchor(one.entry['id'])})"
        wanted = "; ".join(_cell(demand) for demand, _, _ in one.rows)
        table.append(f"| {title} | {wanted} | {_yes(one.agrees)} |")
    return "\n".join([head, *table, "", *(section(one) for one in answers)]).rstrip() + "\n"


def section(answer: Answered) -> str:
    """Return the part of the page on one thread."""
    entry, case = answer.entry, answer.case
    lines = [
        f"## {_title(entry['id'])}",
        "",
        f"**Asked** in {_link(entry['source'])}: {entry['asked']}",
        "",
        f"**How it ended there:** {entry['conclusion']}",
        "",
        f"**Rebuilt as** {case.shape}." + ("" if case.model == "none" else f" Model: {case.model}."),
        *(["", f"**Measured without marginscope:** {case.shown}."] if case.shown else []),
        "",
        "| should be said | is said | as concluded |",
        "|---|---|---|",
        *(f"| {_cell(demand)} | {_cell(came)} | {_yes(met)} |" for demand, met, came in answer.rows),
        "",
        *_words(answer),
    ]
    return "\n".join(lines)


def _words(answer: Answered) -> list[str]:
    """Quote the sentences of the report on the classes and findings that the thread is about."""
    entry, case, said = answer.entry, answer.case, []
    if case.diagnosis is not None:
        asked = [one.get("class") for one in entry["expect"]]
        poor = [one for one in case.diagnosis.classes if one.verdict != "healthy"]
        poor.sort(key=lambda one: one.label not in asked)
        said += [_of_class(one) for one in poor[:_MOST_CLASSES]]
        if len(poor) > _MOST_CLASSES:
            said.append(f"And {len(poor) - _MOST_CLASSES} more.")
        for slug in (one["finding"] for one in entry["expect"] if "finding" in one):
            sentence = case.diagnosis.finding(slug).sentence
            # A finding may be the reason of a class already.
            if not any(sentence in one for one in said):
                said.append(f"`{slug}`: {sentence}")
    said += [case.said] if case.said else []
    quoted = "\n>\n".join(f"> {one}" for one in said)
    return ["In its words:", "", quoted, ""] if said else []


def _of_class(one: Any) -> str:
    cause = f"`{one.cause}`" if one.cause else "no cause"
    return f"`{one.label}` is {one.verdict}, {cause}: {one.reason.rstrip('.')}."


def _link(source: str) -> str:
    """Link the source where it names a thread."""
    match = _GITHUB.match(source)
    if match:
        return f"[{source}](https://github.com/{match[1]}/issues/{match[2]})"
    return f"[{source}](https://{source})" if re.match(r"^[\w.-]+\.\w+/\S+$", source) else source


def _title(name: str) -> str:
    words = [_SPELLED.get(word, word) for word in name.split("-")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def _anchor(name: str) -> str:
    return _title(name).lower().replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"
