"""One of two processes that share the rows: python data_parallel_worker.py RANK STORE OUT."""

import sys

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from marginscope.torch import functional

N_PROCESSES = 2
COUNTS = torch.tensor([12, 6, 2])
WEIGHT = torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)


def problem() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """Return the net, and rows in an order that gives the processes different classes."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)).double()
    y = torch.repeat_interleave(torch.arange(3), COUNTS)
    return net, torch.randn(len(y), 4, dtype=torch.float64), y


def losses_of(scores: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what is differentiated: both means, and the recipe of docs/torch.md for torch's mean."""
    found = {
        reduction: functional.focal(scores, y, weight=WEIGHT, reduction=reduction)
        for reduction in ("mean", "mean_over_rows")
    }
    total = WEIGHT[y].sum()
    if dist.is_initialized():
        dist.all_reduce(total)
        total /= dist.get_world_size()
    found["recipe"] = functional.focal(scores, y, weight=WEIGHT, reduction="sum") / total
    return found


def gradient(net: torch.nn.Module, X: torch.Tensor, y: torch.Tensor, kind: str) -> torch.Tensor:
    """Return the gradient of one kind of loss in all parameters."""
    net.zero_grad()
    losses_of(net(X), y)[kind].backward()
    return torch.cat([one.grad.flatten() for one in net.parameters()])


def main(rank: int, store: str, out: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=N_PROCESSES)
    net, X, y = problem()
    shared = DistributedDataParallel(net)
    own = slice(rank * len(y) // N_PROCESSES, (rank + 1) * len(y) // N_PROCESSES)
    kinds = ("mean", "mean_over_rows", "recipe")
    found = {kind: gradient(shared, X[own], y[own], kind) for kind in kinds}
    if rank == 0:
        torch.save(found, out)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
