"""Whether the thresholds, the engine and the cases are those that were frozen."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import fields
from pathlib import Path

__all__ = ["freeze", "hashes", "unfrozen"]

HERE = Path(__file__).parent
ENGINE = HERE.parents[1] / "src" / "marginscope"
FILE = HERE / "frozen.toml"


def _of_files(paths) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def thresholds() -> dict[str, dict[str, object]]:
    """All numbers that a check, the referee, the rules of proof or a remedy decide by."""
    from marginscope.diagnosis.checks import CHECKS
    from marginscope.diagnosis.proof import Proof
    from marginscope.diagnosis.referee import Referee
    from marginscope.remedies import REMEDIES

    found = {}
    for one in (Referee(), Proof(), *CHECKS, *REMEDIES):
        values = {field.name: getattr(one, field.name) for field in fields(one)}
        found[f"{type(one).__module__}.{type(one).__name__}"] = {
            # a set has no order of its own
            name: repr(sorted(value) if isinstance(value, frozenset) else value)
            for name, value in values.items()
            if isinstance(value, int | float | tuple | frozenset)
        }
    return found


def hashes() -> dict[str, str]:
    numbers = json.dumps(thresholds(), sort_keys=True).encode()
    return {
        "thresholds": hashlib.sha256(numbers).hexdigest(),
        "diagnosis": _of_files((ENGINE / "diagnosis").rglob("*.py")),
        "remedies": _of_files((ENGINE / "remedies").rglob("*.py")),
        "adapters": _of_files((ENGINE / "adapters").rglob("*.py")),
        "cases": _of_files(
            [
                *(HERE / "cases").glob("*.py"),
                *(HERE / f"{n}.py" for n in ("clouds", "datasets", "models", "networks", "planted", "score")),
            ]
        ),
    }


def freeze() -> None:
    lines = ["# Written by `python -m benchmarks.gauntlet freeze`: the fresh seeds are scored only with these."]
    lines += [f'{name} = "{value}"' for name, value in hashes().items()]
    FILE.write_text("\n".join(lines) + "\n")


def unfrozen() -> list[str]:
    """What has changed since the freeze; everything where there was none."""
    known = tomllib.loads(FILE.read_text()) if FILE.exists() else {}
    return [name for name, value in hashes().items() if known.get(name) != value]
