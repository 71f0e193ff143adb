"""Watch the classes during a training loop that stays as it is."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from marginscope.exceptions import DataQualityWarning, MarginscopeError, UsageError
from marginscope.torch.last_layer_input import LastLayerInput
from marginscope.torch.loss_slopes import LossSlopes, name_of_loss
from marginscope.torch.quiet_look import is_compiled, is_looking, looking
from marginscope.torch.watch_record import has_finite_parameters, look, must_take, read_batch
from marginscope.torch.watch_result import WatchResult
from marginscope.torch.watch_schedule import schedule_of
from marginscope.torch.watched_batches import RecentBatches
from marginscope.torch.watched_rows import make_probe

__all__ = ["Watch", "watch"]


def watch(
    net: nn.Module,
    *,
    classes: Sequence[Any] | None = None,
    loss: Any = "cross_entropy",
    X: Any = None,
    y: Any = None,
    every: Any = "default",
    deep: bool = False,
    most_rows: int = 512,
    rng: int = 0,
) -> Watch:
    """Watch how a net learns its classes, without a change of the training loop.

    Parameters
    ----------
    net : Module
        Gives scores of shape (n, n_classes), or (n, n_classes, ...) for maps; a tuple's first
        part or ``.logits`` is taken.
    classes : sequence of names, optional
        In the order of the scores; default the labels of ``y``, or numbers.
    loss : str, Module or callable, default "cross_entropy"
        What the loop minimises: a name of ``marginscope.losses.names``, the criterion, or
        ``loss(scores, target)``.
    X, y : optional
        Rows to look at, such as the training rows: about ``most_rows`` are drawn class by class.
        ``X`` is what the net takes, or a tuple of it. Without them the batches are read:
        those of a criterion that is given as ``loss``, or those handed to ``batch``.
    every : "default", int or steps, default "default"
        When to look: log-spaced, as often as 3 % of the training time (and 0.04 s) pay for; after
        every so many steps; or after the steps given.
    deep : bool, default False
        Also take the gradients of the other layers, on 16 rows a class, and see which units are
        live at every look; else that is seen at the last one.
    most_rows : int, default 512
    rng : int, default 0
        Seed of the rows that are drawn.

    Returns
    -------
    Watch
        To be entered with ``with``; afterwards it holds what was seen.

    Raises
    ------
    DataError, UsageError
        If the rows, labels or options cannot be meant; on entering, if the net does not take ``X``.
    ModelError
        On entering, if the net gives no scores.

    Notes
    -----
    A step is one ``step`` of a torch optimizer that holds a parameter of the net, seen by
    torch's own hook for all optimizers; another kind of loop calls ``w.step()``. A step that a
    gradient scaler skips, or a forward pass that only evaluates, is none. The net
    is looked at in evaluation mode and left as it was: parameters, gradients, buffers, modes,
    random numbers, hooks. A net that was compiled is looked at uncompiled.

    Hooks of your own on the net see the probe as they see any call in evaluation mode;
    ``marginscope.torch.is_looking()`` tells them. With the default ``every`` the number of
    looks depends on the clock; the training never does.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    >>> _ = torch.manual_seed(0)
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    >>> with watch(net, classes=["setosa", "versicolor", "virginica"], X=X, y=y, every=10) as w:
    ...     for _ in range(100):
    ...         optimizer.zero_grad()
    ...         torch.nn.functional.cross_entropy(net(X), y).backward()
    ...         _ = optimizer.step()
    >>> w.steps[:3], w["setosa"].recall[-1]
    (array([ 0, 10, 20]), np.float64(1.0))
    """
    return Watch(
        net, classes=classes, loss=loss, X=X, y=y, every=every, deep=deep, most_rows=most_rows, rng=rng
    )  # fmt: skip


class Watch(WatchResult):
    """A training loop under watch; see ``watch`` for its arguments."""

    def __init__(
        self,
        net: nn.Module,
        *,
        classes: Sequence[Any] | None,
        loss: Any,
        X: Any,
        y: Any,
        every: Any,
        deep: bool,
        most_rows: int,
        rng: int,
    ) -> None:
        if not isinstance(net, nn.Module):
            raise UsageError(f"a torch.nn.Module is needed to watch, but got {type(net).__name__}; pass the net")
        if (X is None) != (y is None):
            raise UsageError("X and y are needed together, but got only one of them; pass both or neither")
        if deep and X is None:
            raise UsageError("gradients of deeper layers need rows to look at, but got no X and y; pass both")
        names = None if classes is None else tuple(str(one) for one in classes)
        super().__init__(names, name_of_loss(loss))
        self._net, self._loss, self._deep = net, LossSlopes(loss), deep
        self._criterion = loss if isinstance(loss, nn.Module) and X is None else None
        self._schedule = schedule_of(every)
        self._probe = None
        if X is not None:
            self._probe, self._names = make_probe(X, y, names, most_rows, rng)
        self._handles: list[Any] = []
        self._last: LastLayerInput | None = None
        self._batches: RecentBatches | None = None
        self._started = 0.0
        self._first_look = 0.0
        self._step = 0
        self._stepped: set[int] = set()
        self._is_manual = False

    def __enter__(self) -> Watch:
        if self._handles:
            raise UsageError("a watch can be entered once at a time, but it is entered already; make another one")
        self._own = {id(one) for one in self._net.parameters()}
        self._started = time.perf_counter()
        self._schedule.seconds = 0.0
        if self._probe is not None:
            self._first()  # what is wrong with the net or the rows is said before any training
            # The first look loads what torch needs: it is charged what the second one costs.
            self._first_look, self._schedule.seconds, self._schedule.last_cost = self._schedule.seconds, 0.0, 0.0
        self._handles.append(register_optimizer_step_post_hook(self._after_optimizer))
        if self._probe is None:
            # A compiled net would be compiled anew for a hook: its gradients are then those of the scores.
            if not is_compiled(self._net):
                self._last = LastLayerInput(self._net)
                self._last.listen()
            self._batches = RecentBatches(self._last)
            if self._criterion is not None:
                self._handles.append(self._criterion.register_forward_hook(self._after_criterion))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._detach()
        try:
            if self._probe is not None and not self.problem and self._needs_last_look():
                self._look(units=True)
            elif self._batches is not None and self._batches.n_rows:
                self._read_batches()
        except Exception as problem:
            # The loop's own exception comes first, and a run that ended well is not spoilt by a look.
            self._give_up(problem)
        self._seconds = time.perf_counter() - self._started - self._first_look
        self._looking = self._schedule.seconds

    def _needs_last_look(self) -> bool:
        """Whether the end was not seen with its units; a look at the last step without them is made again."""
        if self.records and self.records[-1].step == self._step and self._step > 0:
            if self.records[-1].units is not None:
                return False
            self.records.pop()
            return True
        return not self.records or self._step > 0

    def step(self) -> None:
        """Count one step of a loop whose optimizer is none of torch's."""
        self._is_manual = True
        self._after_step()

    def batch(self, scores: Any, target: Any) -> None:
        """Hand in the scores and targets of one batch, where no X and y were given."""
        if self._batches is None or not self._is_active:
            return
        started = time.perf_counter()
        try:
            self._batches.add(scores, target)
            self._schedule.seconds += time.perf_counter() - started
            if self._batches.is_full and self._is_due():
                self._read_batches()
        except Exception as problem:
            self._give_up(problem)

    @property
    def _is_active(self) -> bool:
        return bool(self._handles)

    def _detach(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if self._last is not None:
            self._last.stop()

    def _is_due(self) -> bool:
        return self._schedule.is_due(self._step, time.perf_counter() - self._started - self._first_look)

    def _after_optimizer(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if self._is_manual or is_looking():
            return
        if not any(id(one) in self._own for group in optimizer.param_groups for one in group["params"]):
            return
        # Several optimizers of one net make one step together: the next begins when one comes again.
        if not self._stepped or id(optimizer) in self._stepped:
            self._stepped = {id(optimizer)}
            self._after_step()
        else:
            self._stepped.add(id(optimizer))

    def _after_step(self) -> None:
        self._step += 1
        if self._probe is None or not self._is_due():
            return
        try:
            self._look()
        except Exception as problem:
            self._give_up(problem)

    def _after_criterion(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if torch.is_grad_enabled() and not is_looking() and len(inputs) >= 2:
            self.batch(inputs[0], inputs[1])

    def _look(self, *, units: bool = False) -> None:
        started = time.perf_counter()
        assert self._probe is not None
        record = look(
            self._net,
            self._probe,
            self._loss,
            deep=self._deep,
            units=units or self._deep,
            step=self._step,
            seconds=started - self._started,
        )
        self._add(record)
        cost = time.perf_counter() - started
        if len(self.records) == 2:
            self._schedule.seconds += cost
        self._schedule.looked(self._step, cost)

    def _first(self) -> None:
        try:
            self._look()
        except MarginscopeError:
            raise
        except Exception:
            assert self._probe is not None
            must_take(self._net, self._probe)
            raise

    def _read_batches(self) -> None:
        started = time.perf_counter()
        assert self._batches is not None
        rows, counts = self._batches.read(self._names)
        now = started - self._started
        with looking():  # the criterion that is asked for every row shows its batches here
            record = read_batch(
                rows.scores, rows.codes, rows.ending, rows.features, self._loss, counts, step=self._step, seconds=now
            )
        self._add(replace(record, is_finite=record.is_finite and has_finite_parameters(self._net)))
        self._schedule.looked(self._step, time.perf_counter() - started)

    def _give_up(self, problem: Exception) -> None:
        """Stop watching, and let the training go on."""
        self._detach()
        self._batches = None
        self.problem = f"watching ended at step {self._step}: {type(problem).__name__}: {problem}"
        warnings.warn(f"{self.problem}; the training is not touched by it", DataQualityWarning, stacklevel=3)
