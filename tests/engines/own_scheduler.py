"""A scheduler of dask and its worker in processes of their own, as on another machine."""

import json
import subprocess
import sys
import time
from pathlib import Path


class Scheduler:
    """A scheduler and one worker; kill the first and the work is lost."""

    def __init__(self, folder, *, worker=True):
        self.file = folder / "scheduler.json"
        words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(self.file)]
        self.processes = [self._start("distributed.cli.dask_scheduler", words)]
        address = self.address
        if worker:
            words = [address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--no-nanny"]
            self.processes.append(self._start("distributed.cli.dask_worker", words))

    def _start(self, module, words):
        path = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "sweeps")]
        code = f"import sys; sys.path[:0] = {path!r}; from {module} import main; sys.exit(main({words!r}))"
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def address(self):
        deadline = time.monotonic() + 30.0
        while True:
            try:
                return json.loads(self.file.read_text())["address"]
            except (OSError, ValueError):
                assert time.monotonic() < deadline, "the scheduler did not start"
                time.sleep(0.05)

    def kill_scheduler(self):
        self.processes[0].kill()

    def close(self):
        for one in reversed(self.processes):
            one.kill()
            one.wait()
