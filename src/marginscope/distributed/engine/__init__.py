"""Engines: one interface to run independent items, in this process or in many."""

from marginscope.distributed.engine.choose import ENGINES, check_engine, open_engine
from marginscope.distributed.engine.interface import Engine, Failure, Outcome

__all__ = ["ENGINES", "Engine", "Failure", "Outcome", "check_engine", "open_engine"]
