"""Workers that die on purpose; imported by workers, so without pytest."""

import os
import signal
import time
from pathlib import Path

from marginscope.sweeps.cell_run import run_cell


class Poisoned:
    """An engine whose workers die of one cell, every time or once."""

    def __init__(self, engine, cell, marker=None):
        self.engine, self.cell, self.marker = engine, cell, marker
        self.name, self.n_workers, self.shares_files = engine.name, engine.n_workers, engine.shares_files

    def map(self, function, items):
        assert function is run_cell
        return self.engine.map(Deadly(self.cell, self.marker), items)


class Deadly:
    def __init__(self, cell, marker):
        self.cell, self.marker = cell, marker

    def __call__(self, task):
        if task.cell.id == self.cell and not (self.marker and Path(self.marker).exists()):
            if self.marker:
                Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return run_cell(task)


class Shuffled(Poisoned):
    """An engine whose items end in another order than they were begun."""

    def map(self, function, items):
        return self.engine.map(late, items)


def late(task):
    time.sleep(0.2 * (int(task.cell.id[:2], 16) % 4))
    return run_cell(task)
