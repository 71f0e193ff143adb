"""What a watch costs, and what it tells apart: python -m benchmarks.watch_overhead DATA_FOLDER

Two networks are trained on Fashion-MNIST with batches of 128, alone and under the default schedule, step
by step in turn; printed is the ratio of their CPU times, the median of the turns. Then a healthy
network, one with a dead class and one whose classes share three hidden units are watched on several
seeds. The exit code is 0 if the overhead is below 5 % and every training gets the finding it should.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from benchmarks.long_tail.images import CLASSES, read_images
from benchmarks.watch_overhead.planted import DEAD, PLANTED, convolutional, perceptron
from marginscope.torch import watch, watching

MOST_OVERHEAD = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DATA_FOLDER", help="the four files of Fashion-MNIST")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    X, y = read_images(options.folder)["train"]
    reached = True
    if options.turns:
        print(f"{'network':<16} {'alone':>7} {'watched':>8} {'looks':>6} {'overhead':>9} {'own figure':>11}")
        # the convolutions cost ten times as much a step and see half of the images
        for name, make, n_rows in (("perceptron", perceptron, 60_000), ("convolutional", convolutional, 30_000)):
            reached &= race(name, make, X[:n_rows], y[:n_rows], options.turns) < MOST_OVERHEAD
    if options.seeds:
        reached &= told_apart(X, y, options.seeds)
    print("all as it should be" if reached else "something is MISSED, see above")
    return 0 if reached else 1


def train(net: nn.Module, X: Tensor, y: Tensor, n_epochs: int, seed: int) -> None:
    optimizer = torch.optim.Adam(net.parameters())
    for rows in batches(len(y), n_epochs, seed):
        step(net, optimizer, X[rows], y[rows])


def batches(n_rows: int, n_epochs: int, seed: int) -> Iterator[Tensor]:
    """Yield the rows of each step."""
    draw = torch.Generator().manual_seed(seed)
    for _ in range(n_epochs):
        yield from torch.randperm(n_rows, generator=draw).split(128)


def step(net: nn.Module, optimizer: torch.optim.Optimizer, X: Tensor, y: Tensor) -> None:
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(X), y).backward()
    optimizer.step()


def race(name: str, make: Callable[[], nn.Module], X: Tensor, y: Tensor, n_turns: int) -> float:
    """Train alone and watched in turns, print the medians, and return the overhead."""
    # the first turn loads what torch needs
    alone, watched, watches = zip(*[side_by_side(make, X, y, turn) for turn in range(n_turns + 1)][1:], strict=True)
    overhead = median(with_watch / without for without, with_watch in zip(alone, watched, strict=True)) - 1.0
    looks, own = median(len(w.records) for w in watches), median(w.overhead for w in watches)
    print(f"{name:<16} {median(alone):>6.1f}s {median(watched):>7.1f}s {looks:>6.0f} {overhead:>9.1%} {own:>11.1%}")
    return overhead


def side_by_side(make: Callable[[], nn.Module], X: Tensor, y: Tensor, seed: int) -> tuple[float, float, Any]:
    """Return CPU seconds of a training alone and of one watched, with all that a watch does before and after, and it.

    Two equal networks take the same steps by turns, the first of each pair in turn: a machine that is
    slower for a while, by more than a watch costs, is slower for both.
    """
    alone, watched = (seeded(make, seed) for _ in range(2))
    draws = list(batches(len(y), 3, seed))
    clock = ClockOfOne()
    started = time.process_time()
    with mock.patch.object(watching, "time", clock), watch(watched[0], classes=CLASSES, X=X, y=y) as w:
        for number, rows in enumerate(draws):
            if number % 2:
                step(*watched, X[rows], y[rows])
            with clock.stopped():
                step(*alone, X[rows], y[rows])
            if not number % 2:
                step(*watched, X[rows], y[rows])
    return clock.cpu, time.process_time() - started - clock.cpu, w


def seeded(make: Callable[[], nn.Module], seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    net = make()
    return net, torch.optim.Adam(net.parameters())


class ClockOfOne:
    """The clock by which a watch keeps its share of the time, stopped while the other network trains.

    ``cpu`` is the CPU time for which it was stopped.
    """

    def __init__(self) -> None:
        self.cpu = 0.0
        self._away = 0.0

    def perf_counter(self) -> float:
        return time.perf_counter() - self._away

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        started, cpu = time.perf_counter(), time.process_time()
        yield
        self.cpu += time.process_time() - cpu
        self._away += time.perf_counter() - started


def told_apart(X: Tensor, y: Tensor, n_seeds: int) -> bool:
    """Watch the planted networks, print what is found, and return whether it is what was planted."""
    right = True
    for name, planted in PLANTED.items():
        for seed in range(n_seeds):
            torch.manual_seed(seed)
            net = planted.make()
            with watch(net, classes=CLASSES, X=X, y=y) as w:
                train(net, X, y, planted.n_epochs, seed)
            found = {one.slug: one.classes for one in w.findings() if one.status in ("issue", "tip")}
            as_planted = set(found) - {"not-converged"} == ({planted.expected} if planted.expected else set())
            as_planted &= planted.expected != "dead-units" or CLASSES[DEAD] in found.get("dead-units", ())
            right &= as_planted
            n = sum(one is not None for one in w.learned_at().values())
            what = "; ".join(f"{slug}: {', '.join(classes)}" for slug, classes in found.items()) or "nothing found"
            print(f"{name:<19} seed {seed}  {n:>2} learned  {'as planted' if as_planted else 'NOT as planted'}  {what}")
    return right


if __name__ == "__main__":
    sys.exit(main())
