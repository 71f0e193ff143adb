"""Running an experiment by name: the public face."""

from __future__ import annotations

import time
from typing import Any

from marginscope._validation import look_up
from marginscope.experiments.experiment import Experiment
from marginscope.experiments.registry import EXPERIMENTS
from marginscope.experiments.result import ExperimentResult
from marginscope.experiments.settings import settings

__all__ = ["experiment_names", "find_experiment", "run_experiment"]


def experiment_names() -> list[str]:
    """Return the names of all experiments, those of the paper first."""
    return [one.name for one in EXPERIMENTS]


def find_experiment(name: str) -> Experiment:
    """Return an experiment by name.

    Raises
    ------
    UsageError
        If there is no such name.
    """
    return look_up("experiment", name, {one.name: one for one in EXPERIMENTS})


def run_experiment(name: str, *, smoke: bool = False, **overrides: Any) -> ExperimentResult:
    """Run an experiment and judge its claims.

    Parameters
    ----------
    name : str
        One of ``experiment_names()``.
    smoke : bool
        The small form, in seconds; its claims are the same, its tolerances may be wider.
    **overrides
        Fields of its configuration.

    Returns
    -------
    ExperimentResult

    Raises
    ------
    UsageError
        If there is no such experiment or setting.

    Examples
    --------
    >>> from marginscope.experiments.running import run_experiment
    >>> run_experiment("tail-bounds", smoke=True).holds
    True
    """
    experiment = find_experiment(name)
    config = settings(experiment.config, {**(experiment.smoke if smoke else {}), **overrides})
    begun = time.monotonic()
    columns = experiment.run(config)
    claims = tuple(experiment.claims(config, columns))
    return ExperimentResult(experiment, config, columns, claims, time.monotonic() - begun)
