"""Ask Datalab: arrays in, messages out; this file imports nothing of this project.

Run by the interpreter of the rivals' environment: python ask_cleanlab.py FOLDER
FOLDER holds files *.npz (features, labels 0..K-1, out-of-sample probabilities, codes of
the planted classes); beside each a .json is written.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from cleanlab import Datalab


def messages(features: np.ndarray, labels: np.ndarray, proba: np.ndarray, planted: np.ndarray) -> list[str]:
    lab = Datalab(data={"label": labels}, label_name="label", verbosity=0)
    lab.find_issues(features=features, pred_probs=proba)
    summary = lab.get_issue_summary()
    found = [
        f"{row.issue_type}: {row.num_issues} issues, score {row.score:.3f}"
        for row in summary.itertuples()
        if row.num_issues > 0
    ]
    if not (summary["issue_type"] == "label").any():
        return found
    issues = lab.get_issues("label")
    flagged = issues[issues["is_label_issue"]]
    given, suggested = flagged["given_label"].to_numpy(), flagged["predicted_label"].to_numpy()
    for code in planted:
        share = float(np.mean((given == code) | (suggested == code))) if given.size else 0.0
        # Concentrated: more of the flagged rows than two classes taken at random would have.
        if share > 2 / proba.shape[1] or share > 0.5:
            found.append(f"label issues on a planted class: {code}, {share:.2f} of them")
    rate = [np.sum(given == code) / max(1, np.sum(labels == code)) for code in range(proba.shape[1])]
    if max(rate) >= 0.1:
        found.append(f"a tenth of a class has label issues: {int(np.argmax(rate))}, {max(rate):.2f} of its rows")
    return found


def main() -> None:
    for path in sorted(Path(sys.argv[1]).glob("*.npz")):
        held = np.load(path)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                said = {"messages": messages(held["features"], held["labels"], held["proba"], held["planted"])}
        except Exception as error:
            said = {"failed": f"{type(error).__name__}: {error}"[:300]}
        path.with_suffix(".json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
