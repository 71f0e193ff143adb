"""What is swept over, from a TOML file or a mapping with the same keys."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marginscope import losses
from marginscope.descent import get_optimizer
from marginscope.exceptions import DataError, IOFault, UsageError
from marginscope.runs.directory import check_run_name
from marginscope.sweeps.data import GENERATOR_KEYS, DataSource, file_source, generated_source
from marginscope.sweeps.schema import Section, is_number

__all__ = ["SweepConfig", "read_config"]

_MOST_BYTES = 1_000_000
_MOST_CELLS = 1_000_000
_KEYS = (
    "name",
    "seeds",
    "losses",
    "optimizers",
    "step_sizes",
    "data",
    "n_steps",
    "record",
    "batch_size",
    "fit_intercept",
    "init",
    "kernel",
)
_FILE_KEYS = ("name", "file", "target", "standardise", "drop", "header", "missing", "delimiter", "decimal", "encoding")


@dataclass(frozen=True, eq=False)
class SweepConfig:
    """The axes of a sweep, and what all its cells share.

    Attributes
    ----------
    name : str
    axes : dict
        "seed", "loss", "optimizer" and "step_size" to the values swept over, as plain JSON.
    data : tuple of DataSource
    shared : dict
        Number of steps, records, batch size, intercept, start and kernel, as plain JSON.
    """

    name: str
    axes: dict[str, list[Any]]
    data: tuple[DataSource, ...]
    shared: dict[str, Any]

    def flat(self) -> dict[str, Any]:
        """Return all that decides the results, one level deep."""
        data = {f"data.{one.name}": one.spec for one in self.data}
        return {"name": self.name, **self.axes, **self.shared, **data}


def read_config(config: str | Path | Mapping[str, Any]) -> SweepConfig:
    """Read and check a configuration.

    Parameters
    ----------
    config : path or mapping
        A TOML file, or its keys; paths of data are relative to the file, or to the working directory.

    Raises
    ------
    UsageError
        If a key is unknown, missing, or of another type or range; it is named.
    DataError, IOFault
        If a file cannot be read.
    """
    if isinstance(config, Mapping):
        table, folder = dict(config), Path()
    else:
        table, folder = _read_toml(Path(config)), Path(config).parent
    section = Section(table, "", _KEYS)
    axes: dict[str, list[Any]] = {
        "seed": _seeds(section),
        "loss": [_loss(one, f"losses[{i}]") for i, one in enumerate(section.several("losses"))],
        "optimizer": [_optimizer(one, f"optimizers[{i}]") for i, one in enumerate(section.several("optimizers"))],
        "step_size": [_step_size(one) for one in section.several("step_sizes", ["theory"])],
    }
    batch = section.whole("batch_size", least=1) if "batch_size" in section else None
    shared = {
        "n_steps": section.whole("n_steps"),
        "record": _record(section),
        "batch_size": batch,
        "fit_intercept": section.flag("fit_intercept", False),
        "init": section.choice("init", "zero", ("zero", "normal")),
        "kernel": section.choice("kernel", "auto", ("auto", "numpy", "fast", "portable")),
    }
    data = tuple(_source(one, i, folder) for i, one in enumerate(section.several("data")))
    _check_names(data)
    n_cells = len(data)
    for values in axes.values():
        n_cells *= len(values)
    if n_cells > _MOST_CELLS:
        raise UsageError(f"at most {_MOST_CELLS:,} cells are needed, but these axes make {n_cells:,}; split the sweep")
    return SweepConfig(check_run_name(section.text("name", "sweep")), axes, data, shared)


def _read_toml(path: Path) -> dict[str, Any]:
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        raise UsageError(f"a configuration in TOML is needed, but got {str(path)!r}; write it as a .toml file")
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(
            f"a configuration file is needed, but there is none at {str(path)!r}; check the path"
        ) from None
    except OSError as error:
        raise IOFault(
            f"the configuration {str(path)!r} had to be read, but the system refused ({error.strerror or error}); "
            "check the path and its permissions"
        ) from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"a configuration of at most {_MOST_BYTES:,} bytes is needed, but {str(path)!r} is larger")
    try:
        text = content.decode("utf-8")
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"a configuration of a few levels is needed, but {str(path)!r} nests too deep") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = re.search(r"line (\d+)", str(error))
        lines = content.decode("utf-8", "replace").splitlines()
        line = f": {lines[int(found[1]) - 1].strip()[:60]!r}" if found and int(found[1]) <= len(lines) else ""
        raise UsageError(f"a configuration in TOML is needed, but {str(path)!r} is none ({error}{line})") from error


def _seeds(section: Section) -> list[int]:
    if not isinstance(section.get("seeds", 1), list | tuple):
        return list(range(section.whole("seeds", 1, least=1, most=_MOST_CELLS)))
    seeds = section.several("seeds")
    for one in seeds:
        if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < 2**63:
            raise UsageError(f"seeds needs whole numbers of at least 0, or how many of them, but got {one!r:.60}")
    return seeds


def _named(given: Any, place: str) -> tuple[str, dict[str, float]]:
    """Return the name and the parameters of what is a text, or a table with a name."""
    if isinstance(given, str):
        return given, {}
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise UsageError(f'{place} needs a name, or {{name = "...", parameter = 1.0}}, but got {given!r:.60}')
    parameters = {str(key): value for key, value in given.items() if key != "name"}
    for key, value in parameters.items():
        if not (is_number(value) or isinstance(value, bool)):
            raise UsageError(f"{place}.{key} needs a finite number, or true or false, but got {value!r:.60}")
    return given["name"], {key: one if isinstance(one, bool) else float(one) for key, one in parameters.items()}


def _loss(given: Any, place: str) -> dict[str, Any]:
    name, parameters = _named(given, place)
    losses.get(name, **parameters)
    return {"name": name, **parameters}


def _optimizer(given: Any, place: str) -> dict[str, Any]:
    name, parameters = _named(given, place)
    get_optimizer(name, **parameters)
    return {"name": name, **parameters}


def _step_size(given: Any) -> Any:
    if given == "theory":
        return given
    if isinstance(given, list | tuple) and len(given) == 2 and all(map(is_number, given)):
        scale, decay = float(given[0]), float(given[1])
        if scale > 0.0 and decay >= 0.0:
            return [scale, decay]
    elif is_number(given) and given > 0:
        return float(given)
    raise UsageError(f'step_sizes needs "theory", positive numbers or [scale, decay] pairs, but got {given!r:.60}')


def _record(section: Section) -> Any:
    record = section.get("record", "log")
    return record if record == "log" else section.whole("record", least=1)


def _source(given: Any, index: int, folder: Path) -> DataSource:
    place = f"data[{index}]"
    if isinstance(given, Mapping) and "file" in given:
        section = Section(given, place, _FILE_KEYS)
        name = check_run_name(section.text("name", f"file-{index + 1}"))
        target = section.get("target")
        if isinstance(target, bool) or not isinstance(target, str | int):
            raise UsageError(f"{section.name('target')} needs the name or index of a column, but got {target!r:.60}")
        standardise = section.flag("standardise", False)
        return file_source(name, folder / section.text("file"), target, standardise, _reader_options(section))
    section = Section(given, place, ("name", *GENERATOR_KEYS))
    K = section.whole("K", least=2, most=100_000)
    numbers: dict[str, Any] = {
        "n": section.whole("n", least=K, most=10**9),
        "d": section.whole("d", least=1, most=10**8),
        "K": K,
        "separation": section.number("separation"),
    }
    default = "gaussian-n{n}-d{d}-K{K}-s{separation:g}".format(**numbers).replace("+", "")
    return generated_source(check_run_name(section.text("name", default)), **numbers)


def _reader_options(section: Section) -> dict[str, Any]:
    """Return the options of the reader that were given, their types checked."""
    found: dict[str, Any] = {}
    for key in ("delimiter", "decimal", "encoding"):
        if key in section:
            found[key] = section.text(key)
    if "header" in section:
        found["header"] = section.flag("header", True)
    for key, kinds, need in (("drop", (str, int), "names or indices of columns"), ("missing", (str,), "texts")):
        if key in section:
            found[key] = section.several(key)
            if any(isinstance(one, bool) or not isinstance(one, kinds) for one in found[key]):
                raise UsageError(f"{section.name(key)} needs a list of {need}, but got {found[key]!r:.60}; change it")
    return found


def _check_names(data: tuple[DataSource, ...]) -> None:
    names = [one.name for one in data]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"a name of its own is needed for all data, but {name!r} stands twice; set name")
    specs = [one.spec for one in data]
    for i, spec in enumerate(specs):
        if spec in specs[:i]:
            raise DataError(
                f"data of their own are needed in every entry, but {names[specs.index(spec)]!r} and {names[i]!r} "
                "are the same; leave one out"
            )
