"""Diagnose real sets from the command line and print the table of docs/real-data.md.

python -m benchmarks.real_data FOLDER [NAME ...]     FOLDER holds one folder a set, as docs/real-data.md lists them
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

SETS = {
    "yeast": ["yeast/yeast.data", "-t", "9", "--no-header", "--drop", "0"],
    "winequality-white": ["winequality/winequality-white.csv", "-t", "quality"],
    "nsl-kdd, 21 attacks": [
        "nsl-kdd/KDDTrain+_20Percent.txt.gz",
        "-t",
        "41",
        "--no-header",
        "--drop",
        "42",
        "--test",
        "nsl-kdd/KDDTest+.txt.gz",
    ],
    "shuttle": ["shuttle/shuttle.trn.gz", "-t", "9", "--no-header"],
    "abalone": ["abalone/abalone.csv", "-t", "8", "--no-header"],
    "autos": ["autos/imports-85.data", "-t", "0", "--no-header"],
    "soybean": ["soybean/soybean-large.data", "-t", "0", "--no-header"],
    "students-dropout": ["students-dropout/data.csv.gz", "-t", "Target"],
    "penguins_raw": ["penguins/penguins_raw.csv", "-t", "Species"],
    "penguins_raw, dropped": [
        "penguins/penguins_raw.csv",
        "-t",
        "Species",
        "--drop",
        "Date Egg",
        "--drop",
        "Individual ID",
    ],
    "shuttle-raw-labels": [
        "shuttle-raw-labels/shuttle.trn.gz",
        "-t",
        "9",
        "--no-header",
        "--test",
        "shuttle-raw-labels/shuttle.tst.gz",
    ],
    "cnae9": ["cnae9/cnae9.csv.gz", "-t", "0", "--no-header"],
    "glass": ["glass/glass.csv", "-t", "9", "--no-header"],
    "ecoli": ["ecoli/ecoli.data", "-t", "8", "--no-header", "--drop", "0"],
    "winequality-red": ["winequality/winequality-red.csv", "-t", "quality"],
    "dermatology": ["dermatology/dermatology.arff", "-t", "-1"],
    "penguins": ["penguins/penguins.csv", "-t", "species"],
    "newsgroups-mini": ["newsgroups-mini/mini_newsgroups.csv.gz", "-t", "group", "--drop", "id", "--text", "text"],
    "satimage": ["satimage/sat.trn.gz", "-t", "36", "--no-header", "--test", "satimage/sat.tst.gz"],
    "pendigits": ["pendigits/pendigits.tra.gz", "-t", "16", "--no-header", "--test", "pendigits/pendigits.tes.gz"],
    "letter": ["letter/letter-recognition.data.gz", "-t", "0", "--no-header"],
    "covtype": ["covtype/covtype.20k.data.gz", "-t", "54", "--no-header"],
}


def run(folder: Path, arguments: list[str]) -> tuple[dict | None, str, float]:
    words = [str(folder / one) if "/" in one else one for one in arguments]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "marginscope", "diagnose", *words, "--json", "--quiet"], capture_output=True, text=True
    )
    seconds = time.perf_counter() - begun
    return (json.loads(done.stdout) if done.returncode == 0 else None), done.stderr.strip(), seconds


def row(name: str, document: dict | None, error: str, seconds: float) -> str:
    if document is None:
        return f"| {name} | refused: {error} | | {seconds:.1f} |"
    classes = document["classes"]
    verdicts = Counter(one["verdict"] for one in classes)
    verdict = ", ".join(f"{n} {kind}" for kind, n in verdicts.items())
    causes: dict[str, list[str]] = {}
    for one in classes:
        if one["verdict"] != "healthy":
            causes.setdefault(one["cause"] or "none proved", []).append(one["label"])
    cause = "; ".join(f"{slug}: {', '.join(labels[:8])}{' ...' * (len(labels) > 8)}" for slug, labels in causes.items())
    return f"| {name} | {verdict} | {cause or '-'} | {seconds:.1f} |"


def main() -> None:
    folder, chosen = Path(sys.argv[1]), sys.argv[2:]
    print("| set | verdicts | causes | seconds |\n|---|---|---|---|", flush=True)
    for name, arguments in SETS.items():
        if not chosen or any(one in name for one in chosen):
            print(row(name, *run(folder, arguments)), flush=True)


if __name__ == "__main__":
    main()
